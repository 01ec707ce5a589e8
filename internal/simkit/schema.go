package simkit

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Checker collects everything that is wrong with a JSON body, so that a test sees
// all problems at once.
type Checker struct {
	Problems []string
	Unknown  []string // paths of members that the schema does not name
	// OpenEnums: values that are not listed are no problem.
	OpenEnums bool
}

// Fail adds a problem: the path and what is wrong there.
func (c *Checker) Fail(path, format string, args ...any) {
	c.Problems = append(c.Problems, path+" "+fmt.Sprintf(format, args...))
}

// JSON decodes a body that must be JSON and say so; false: it is not.
func (c *Checker) JSON(header http.Header, body []byte) (any, bool) {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		c.Fail("Content-Type", "must be application/json")
		return nil, false
	}
	v, err := Decode(body)
	if err != nil {
		c.Fail("body", "is not valid JSON")
		return nil, false
	}
	return v, true
}

// Body decodes a body that must be a JSON object and say so; nil: it is not.
func (c *Checker) Body(header http.Header, body []byte) *Object {
	v, ok := c.JSON(header, body)
	if !ok {
		return nil
	}
	return c.Object("body", v)
}

// Object takes a value that must be an object; nil: it is not. Paths inside an object
// called "body" begin with the member.
func (c *Checker) Object(path string, v any) *Object {
	members, ok := v.(map[string]any)
	if !ok {
		c.Fail(path, "must be an object")
		return nil
	}
	return &Object{Checker: c, Path: path, Members: members}
}

// Need says whether a member may be left out and whether it may be null.
type Need int

// The needs of a schema.
const (
	Optional Need = iota
	Required
	OptionalOrNull
)

// Object is a JSON object under inspection. Members are asked for by name, so that
// what nobody asked for is known to be unknown.
type Object struct {
	*Checker
	Path    string
	Members map[string]any
	asked   map[string]bool
	done    bool
}

// At is the path of a member.
func (o *Object) At(name string) string { return strings.TrimPrefix(o.Path+"."+name, "body.") }

// Has tells whether a member is present, also as null.
func (o *Object) Has(name string) bool {
	_, present := o.Members[name]
	return present
}

// Given tells whether a member is present with a value.
func (o *Object) Given(name string) bool { return o.Members[name] != nil }

// Ask marks members as known.
func (o *Object) Ask(names ...string) {
	if o.asked == nil {
		o.asked = map[string]bool{}
	}
	for _, name := range names {
		o.asked[name] = true
	}
}

// Get returns a member, and whether it is present with a value.
func (o *Object) Get(name string, n Need) (any, bool) {
	o.Ask(name)
	v, present := o.Members[name]
	switch {
	case !present && n == Required:
		o.Fail(o.At(name), "is required")
	case present && v == nil && n != OptionalOrNull:
		o.Fail(o.At(name), "must not be null")
	}
	return v, present && v != nil
}

// get is Get for a member that must have a certain type.
func get[T any](o *Object, name string, n Need, kind string) (T, bool) {
	var none T
	v, given := o.Get(name, n)
	if !given {
		return none, false
	}
	value, ok := v.(T)
	if !ok {
		o.Fail(o.At(name), "must be %s", kind)
	}
	return value, ok
}

// Text is a string.
func (o *Object) Text(name string, n Need) string {
	text, _ := get[string](o, name, n, "a string")
	return text
}

// Texts checks several strings that may be left out or null.
func (o *Object) Texts(names ...string) {
	for _, name := range names {
		o.Text(name, OptionalOrNull)
	}
}

// Filled is a string that must not be empty or blank if it is there.
func (o *Object) Filled(name string, n Need) string {
	text, ok := get[string](o, name, n, "a string")
	if ok && strings.TrimSpace(text) == "" {
		o.Fail(o.At(name), "must not be empty")
	}
	return text
}

// Unique is a string that names its object: filled, and different from those seen
// before, which it joins. A repetition is no problem if it is allowed.
func (o *Object) Unique(name string, n Need, seen map[string]bool, allowed bool) string {
	text := o.Filled(name, n)
	if text != "" && seen[text] && !allowed {
		o.Fail(o.At(name), "repeats the %s of another one", name)
	}
	seen[text] = true
	return text
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// UUID is a string that names something, and that must be a UUID if told so.
func (o *Object) UUID(name string, n Need, strict bool) string {
	text := o.Filled(name, n)
	if strict && text != "" && !uuid.MatchString(text) {
		o.Fail(o.At(name), "must be a UUID")
	}
	return text
}

// Enum is a string from a list.
func (o *Object) Enum(name string, n Need, values ...string) string {
	text, ok := get[string](o, name, n, "a string")
	if ok && !o.OpenEnums && !slices.Contains(values, text) {
		o.Fail(o.At(name), "must be one of %s", strings.Join(values, ", "))
	}
	return text
}

// URI is a string with format uri.
func (o *Object) URI(name string, n Need) string {
	text, ok := get[string](o, name, n, "a string")
	if ok && !IsURI(text) {
		o.Fail(o.At(name), "must be a URI")
	}
	return text
}

// Email is a string with format email.
func (o *Object) Email(name string, n Need) string {
	text, ok := get[string](o, name, n, "a string")
	if address, err := mail.ParseAddress(text); ok && (err != nil || address.Address != text) {
		o.Fail(o.At(name), "must be an e-mail address")
	}
	return text
}

// DateTime is a string as RFC 3339 has it: a date and a time with Z or an offset.
func (o *Object) DateTime(name string, n Need) string {
	text, ok := get[string](o, name, n, "a string")
	if _, err := time.Parse(time.RFC3339, text); ok && err != nil {
		o.Fail(o.At(name), "must be a valid ISO 8601 date-time")
	}
	return text
}

// Number is any finite double. It keeps the text that was sent.
func (o *Object) Number(name string, n Need) json.Number {
	number, ok := get[json.Number](o, name, n, "a number")
	if _, err := number.Float64(); ok && err != nil {
		o.Fail(o.At(name), "must be a finite number")
	}
	return number
}

// Milliseconds is a timestamp: an integer, written as one.
func (o *Object) Milliseconds(name string) int64 {
	v, given := o.Get(name, Required)
	if !given {
		return 0
	}
	number, _ := v.(json.Number)
	ms, err := strconv.ParseInt(number.String(), 10, 64)
	if err != nil {
		o.Fail(o.At(name), "must be an integer, in milliseconds since 1970")
	}
	return ms
}

// Flag is a boolean.
func (o *Object) Flag(name string, n Need) bool {
	flag, _ := get[bool](o, name, n, "a boolean")
	return flag
}

// List is an array; false: there is none.
func (o *Object) List(name string, n Need) ([]any, bool) {
	return get[[]any](o, name, n, "an array")
}

// Each reads the objects of an array; false: there is no array.
func (o *Object) Each(name string, n Need, read func(*Object)) bool {
	list, ok := o.List(name, n)
	for i, item := range list {
		if child := o.Object(fmt.Sprintf("%s[%d]", o.At(name), i), item); child != nil {
			read(child)
			child.Done()
		}
	}
	return ok
}

// Child is a member that is an object; nil if it is none.
func (o *Object) Child(name string, n Need) *Object {
	v, given := o.Get(name, n)
	if !given {
		return nil
	}
	return o.Object(o.At(name), v)
}

// Done records the members that nobody asked for.
func (o *Object) Done() {
	if o.done {
		return
	}
	o.done = true
	for name := range o.Members {
		if !o.asked[name] {
			o.Unknown = append(o.Unknown, o.At(name))
		}
	}
	slices.Sort(o.Unknown)
}

// Free marks objects whose members are nobody's business. They may be left out or null.
func (o *Object) Free(names ...string) {
	for _, name := range names {
		o.Child(name, OptionalOrNull)
	}
}
