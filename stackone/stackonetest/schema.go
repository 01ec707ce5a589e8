package stackonetest

import (
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"
)

// checker collects everything that is wrong with a request, so that a test sees
// all problems at once.
type checker struct {
	problems []string
	unknown  []string // paths of members that the schema does not name
	// openEnums: values that are not listed are no problem.
	openEnums bool
}

func (c *checker) fail(path, format string, args ...any) {
	c.problems = append(c.problems, path+" "+fmt.Sprintf(format, args...))
}

func (c *checker) failure() *Failure {
	if len(c.problems) == 0 {
		return nil
	}
	return invalid(c.problems...)
}

// object is a JSON object under inspection. Members are asked for by name, so
// that what nobody asked for is known to be unknown. A nil object has no members.
type object struct {
	*checker
	path    string
	members map[string]any
	asked   []string
}

// checked decodes a JSON body and lets read look at its object. Members that the
// schema does not name are noted or refused.
func (s *Server) checked(c *call, read func(*object)) (*checker, *Failure) {
	check := &checker{openEnums: s.cfg.Quirks.AllowUnknownEnums}
	tree, failure := c.json()
	if failure != nil {
		return check, failure
	}
	if body := check.object("body", tree); body != nil {
		read(body)
		body.done()
	}
	for _, path := range check.unknown {
		c.note("unknown field " + path)
		if s.cfg.Quirks.RefuseUnknownFields {
			check.fail(path, "should not exist")
		}
	}
	return check, check.failure()
}

func (c *call) json() (any, *Failure) {
	media, _, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, invalid("Content-Type must be application/json")
	}
	tree, err := decode(c.body)
	if err != nil {
		return nil, invalid("body must be valid JSON")
	}
	return tree, nil
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

// get returns a member that is present and not null: in StackOne's schemas every
// property is optional and nullable unless they say otherwise.
func (o *object) get(name string) (any, bool) {
	o.asked = append(o.asked, name)
	v := o.members[name]
	return v, v != nil
}

// require makes a member that is absent or null a problem.
func (o *object) require(names ...string) {
	for _, name := range names {
		if o.members[name] == nil {
			o.fail(o.at(name), "should not be null or undefined")
		}
	}
}

func (o *object) has(name string) bool { return o != nil && o.members[name] != nil }

func (o *object) text(name string) string {
	v, ok := o.get(name)
	if !ok {
		return ""
	}
	text, ok := v.(string)
	if !ok {
		o.fail(o.at(name), "must be a string")
	}
	return text
}

func (o *object) texts(names ...string) {
	for _, name := range names {
		o.text(name)
	}
}

// dateTime is RFC 3339: a date and a time with Z or an offset.
func (o *object) dateTime(name string) string {
	text := o.text(name)
	if _, isText := o.members[name].(string); !isText {
		return text
	}
	if _, err := time.Parse(time.RFC3339, text); err != nil {
		o.fail(o.at(name), "must be a valid ISO 8601 date-time")
	}
	return text
}

func (o *object) oneOf(name string, values ...string) string {
	text := o.text(name)
	if _, isText := o.members[name].(string); isText && !o.openEnums && !slices.Contains(values, text) {
		o.fail(o.at(name), "must be one of %s", strings.Join(values, ", "))
	}
	return text
}

// enum is an object with a value from the list and the ATS's own value, which can
// be of any type.
func (o *object) enum(name string, values ...string) Enum {
	child := o.child(name)
	if child == nil {
		return Enum{}
	}
	defer child.done()
	e := Enum{Value: child.oneOf("value", values...)}
	if source, ok := child.get("source_value"); ok {
		e.SourceValue = encode(source)
	}
	return e
}

func (o *object) list(name string) []any {
	v, ok := o.get(name)
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		o.fail(o.at(name), "must be an array")
	}
	return list
}

// objects calls read for each object of a list.
func (o *object) objects(name string, read func(*object)) {
	for i, item := range o.list(name) {
		if child := o.object(fmt.Sprintf("%s[%d]", o.at(name), i), item); child != nil {
			read(child)
			child.done()
		}
	}
}

// child is a member that is an object; nil if it is none.
func (o *object) child(name string) *object {
	v, ok := o.get(name)
	if !ok {
		return nil
	}
	return o.object(o.at(name), v)
}

// free is an object whose members are nobody's business.
func (o *object) free(names ...string) {
	for _, name := range names {
		o.child(name)
	}
}

// done records the members nobody asked for.
func (o *object) done() {
	for name := range o.members {
		if !slices.Contains(o.asked, name) {
			o.unknown = append(o.unknown, o.at(name))
		}
	}
	slices.Sort(o.unknown)
}
