package kombotest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// checker collects everything that is wrong with a request body, so that a test
// sees all problems at once.
type checker struct {
	problems []string
	unknown  []string // paths of keys that the schema does not name
}

func (c *checker) fail(path, format string, args ...any) {
	c.problems = append(c.problems, path+" "+fmt.Sprintf(format, args...)+".")
}

func (c *checker) refusal() *refusal {
	if len(c.problems) == 0 {
		return nil
	}
	return refuse(codeInputInvalid, strings.Join(c.problems, " "))
}

// need says whether a member may be left out and whether it may be null. Kombo's
// schemas allow null only where they say so.
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

// bodyObject decodes a request body that must be a JSON object.
func (k *call) bodyObject(c *checker) *object {
	media, _, err := mime.ParseMediaType(k.header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		c.fail("Content-Type", "must be application/json")
		return nil
	}
	v, err := decode(k.body)
	if err != nil {
		c.fail("body", "is not valid JSON")
		return nil
	}
	return c.object("body", v)
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

func (o *object) has(name string) bool {
	_, present := o.members[name]
	return present
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

func (o *object) enum(name string, n need, values ...string) string {
	problems := len(o.problems)
	text := o.text(name, n)
	if v, present := o.members[name]; present && v != nil && len(o.problems) == problems && !slices.Contains(values, text) {
		o.fail(o.at(name), "must be one of %s", strings.Join(values, ", "))
	}
	return text
}

// uri is a string with format uri: absolute and without blanks.
func (o *object) uri(name string, n need) string {
	problems := len(o.problems)
	text := o.text(name, n)
	if v, present := o.members[name]; present && v != nil && len(o.problems) == problems && !isURI(text) {
		o.fail(o.at(name), "must be a URI")
	}
	return text
}

func isURI(text string) bool {
	blank := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && (u.Host != "" || u.Opaque != "" || u.Path != "") && !strings.ContainsFunc(text, blank)
}

func (o *object) email(name string, n need) string {
	problems := len(o.problems)
	text := o.text(name, n)
	if len(o.problems) > problems {
		return text
	}
	if address, err := mail.ParseAddress(text); o.has(name) && (err != nil || address.Address != text) {
		o.fail(o.at(name), "must be an e-mail address")
	}
	return text
}

// number is any finite double. It keeps the text that was sent.
func (o *object) number(name string, n need) json.Number {
	v, ok := o.get(name, n)
	if !ok {
		return ""
	}
	number, ok := v.(json.Number)
	if !ok {
		o.fail(o.at(name), "must be a number")
		return ""
	}
	if _, err := number.Float64(); err != nil {
		o.fail(o.at(name), "must be a finite number")
	}
	return number
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

func (o *object) list(name string, n need) []any {
	v, ok := o.get(name, n)
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		o.fail(o.at(name), "must be an array")
	}
	return list
}

func (o *object) child(name string, n need) *object {
	v, ok := o.get(name, n)
	if !ok {
		return nil
	}
	return o.object(o.at(name), v)
}

// done records the members nobody asked for. Kombo does not say whether it
// refuses them, so the simulator does not.
func (o *object) done() {
	for name := range o.members {
		if !slices.Contains(o.asked, name) {
			o.unknown = append(o.unknown, o.at(name))
		}
	}
	slices.Sort(o.unknown)
}
