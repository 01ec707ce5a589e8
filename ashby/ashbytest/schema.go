package ashbytest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// checker collects everything that is wrong with a JSON body, so that a test sees
// all problems at once.
type checker struct {
	problems []string
	unknown  []string // paths of keys that nobody asked for
}

func (c *checker) fail(path, format string, args ...any) {
	c.problems = append(c.problems, path+" "+fmt.Sprintf(format, args...))
}

func (c *checker) refusal() *refusal {
	if len(c.problems) == 0 {
		return nil
	}
	return refuse(codeInvalidInput, strings.Join(c.problems, "; "))
}

// need says whether a member may be left out and whether it may be null.
type need int

const (
	optional need = iota
	required
	optionalOrNull
)

// object is a JSON object under inspection. Members are asked for by name, so
// that what nobody asked for is known to be unknown.
type object struct {
	*checker
	path    string
	members map[string]any
	asked   []string
}

func (c *checker) object(path string, v any) *object {
	members, ok := v.(map[string]any)
	if !ok {
		c.fail(path, "must be an object")
		return nil
	}
	return &object{checker: c, path: path, members: members}
}

func (o *object) at(name string) string { return strings.TrimPrefix(o.path+"."+name, "body.") }

func (o *object) has(name string) bool {
	_, present := o.members[name]
	return present
}

// given tells whether a member is there with a value.
func (o *object) given(name string) bool { return o.members[name] != nil }

// get returns a member that is present and not null.
func (o *object) get(name string, n need) (any, bool) {
	o.asked = append(o.asked, name)
	v, present := o.members[name]
	switch {
	case !present && n == required:
		o.fail(o.at(name), "is required")
	case present && v == nil && n != optionalOrNull:
		o.fail(o.at(name), "must not be null")
	}
	return v, present && v != nil
}

func (o *object) text(name string, n need) string {
	v, ok := o.get(name, n)
	if !ok {
		return ""
	}
	text, ok := v.(string)
	if !ok {
		o.fail(o.at(name), "must be a string")
	}
	return text
}

// filled is a text that must not be empty if it is there.
func (o *object) filled(name string, n need) string {
	problems := len(o.problems)
	text := o.text(name, n)
	if text == "" && o.given(name) && len(o.problems) == problems {
		o.fail(o.at(name), "must not be empty")
	}
	return text
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// id is a text that names something; it may have to be a UUID.
func (o *object) id(name string, n need, mustBeUUID bool) string {
	text := o.filled(name, n)
	if mustBeUUID && text != "" && !uuid.MatchString(text) {
		o.fail(o.at(name), "must be a UUID")
	}
	return text
}

func (o *object) flag(name string, n need) bool {
	v, ok := o.get(name, n)
	if !ok {
		return false
	}
	flag, ok := v.(bool)
	if !ok {
		o.fail(o.at(name), "must be a boolean")
	}
	return flag
}

// milliseconds is a timestamp: an integer, written as one.
func (o *object) milliseconds(name string) int64 {
	v, ok := o.get(name, required)
	if !ok {
		return 0
	}
	number, _ := v.(json.Number)
	ms, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		o.fail(o.at(name), "must be an integer, in milliseconds since 1970")
	}
	return ms
}

// list returns the items of an array, and false if there is none.
func (o *object) list(name string, n need) ([]any, bool) {
	v, ok := o.get(name, n)
	if !ok {
		return nil, false
	}
	list, ok := v.([]any)
	if !ok {
		o.fail(o.at(name), "must be an array")
	}
	return list, ok
}

// child returns an object, and nil if there is none.
func (o *object) child(name string, n need) *object {
	v, ok := o.get(name, n)
	if !ok {
		return nil
	}
	return o.object(o.at(name), v)
}

// item returns an element of an array, and nil if it is not an object.
func (o *object) item(name string, i int, v any) *object {
	return o.object(fmt.Sprintf("%s[%d]", o.at(name), i), v)
}

// done records the members nobody asked for. Ashby does not say whether it refuses
// them, so the simulator does not.
func (o *object) done() {
	for name := range o.members {
		if !slices.Contains(o.asked, name) {
			o.unknown = append(o.unknown, o.at(name))
		}
	}
	slices.Sort(o.unknown)
}

// isAbsoluteURL is the least that makes a link work.
func isAbsoluteURL(text string) bool {
	blank := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && u.Host != "" && !strings.ContainsFunc(text, blank)
}
