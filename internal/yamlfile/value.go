package yamlfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/assessbridge/assessbridge/internal/nearmiss"
)

const noAliases = "anchors and aliases are not supported"

// Value is a value of the file. Its methods report what is wrong with it and go
// on, so that all mistakes of a file are found at once.
type Value struct {
	node     *yaml.Node
	problems *Problems
	subject  string // begins each message: empty, or with a colon at its end
}

// Line is where the value begins, counted from 1.
func (v Value) Line() int { return v.node.Line }

// Problemf reports a mistake at the line of the value.
func (v Value) Problemf(format string, args ...any) { v.problemAt(v.node.Line, format, args...) }

func (v Value) problemAt(line int, format string, args ...any) {
	v.problems.add(line, "%s%s", v.subject, fmt.Sprintf(format, args...))
}

// Mapping is a mapping whose fields are known by name.
type Mapping struct {
	Value
	known  []string
	fields map[string]field
}

// field is one entry of a mapping.
type field struct {
	line  int // of the key
	value *yaml.Node
}

// Mapping reads a mapping. Other fields than the known ones, repeated ones, and a
// value that is no mapping are reported; for the last ok is false.
func (v Value) Mapping(known ...string) (m Mapping, ok bool) {
	if !plain(v.node, v.problems) {
		return Mapping{}, false
	}
	if v.node.Kind != yaml.MappingNode {
		v.Problemf("must be a mapping with %s; it is %s", strings.Join(known, ", "), kindOf(v.node))
		return Mapping{}, false
	}
	m = Mapping{Value: v, known: known, fields: make(map[string]field, len(known))}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		m.add(v.node.Content[i], v.node.Content[i+1])
	}
	return m, true
}

func (m Mapping) add(key, value *yaml.Node) {
	name, ok := m.name(key)
	if !ok {
		return
	}
	if first, repeated := m.fields[name]; repeated {
		m.problemAt(key.Line, "field %q again, first on line %d", name, first.line)
		return
	}
	m.fields[name] = field{line: key.Line, value: value}
}

// name returns the name of a known field.
func (m Mapping) name(key *yaml.Node) (name string, ok bool) {
	switch {
	case !plain(key, m.problems):
		return "", false
	case key.Kind != yaml.ScalarNode:
		m.problemAt(key.Line, "a field's name must be text; it is %s", kindOf(key))
		return "", false
	case key.Tag == "!!merge":
		m.problemAt(key.Line, "merge keys are not supported")
		return "", false
	case slices.Contains(m.known, key.Value):
		return key.Value, true
	}
	m.problemAt(key.Line, "unknown field %s%s", quoted(key.Value), nearmiss.Hint(key.Value, m.known))
	return "", false
}

// Has reports whether the field is there, be it null.
func (m Mapping) Has(name string) bool { return m.fields[name].value != nil }

// Field returns the value of a field that is there and not null.
func (m Mapping) Field(name string) (v Value, ok bool) {
	f := m.fields[name]
	if f.value == nil || isNull(f.value) {
		return Value{}, false
	}
	return Value{node: f.value, problems: m.problems, subject: m.subject}, true
}

// ProblemOf reports a mistake at the line of a field, or at that of the mapping
// where the field is absent.
func (m Mapping) ProblemOf(name, format string, args ...any) {
	m.problemAt(m.LineOf(name), format, args...)
}

// LineOf is the line of a field's name, or of the mapping where the field is
// absent.
func (m Mapping) LineOf(name string) int {
	if f := m.fields[name]; f.value != nil {
		return f.line
	}
	return m.Line()
}

// Text returns a scalar as it is written. A field that is absent or null is the
// empty text.
func (m Mapping) Text(name string) string {
	text, _ := m.text(name)
	return text
}

// Required is [Mapping.Text] for a field that must be there and not be blank.
func (m Mapping) Required(name string) string {
	text, ok := m.text(name)
	if !ok || strings.TrimSpace(text) != "" {
		return text
	}
	m.ProblemOf(name, "missing %s", name)
	return ""
}

// ID is [Mapping.Required] for a text that programs compare: a character that
// nobody sees would make it another.
func (m Mapping) ID(name string) string {
	text := m.Required(name)
	if i := strings.IndexFunc(text, invisible); i >= 0 {
		r := []rune(text[i:])[0]
		m.ProblemOf(name, "%s holds the invisible character %U", name, r)
		return ""
	}
	if text != strings.TrimSpace(text) {
		m.ProblemOf(name, "%s begins or ends with a blank", name)
		return ""
	}
	return text
}

// invisible reports characters that show nothing, or blanks other than a space.
func invisible(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || r != ' ' && unicode.IsSpace(r) ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func (m Mapping) text(name string) (text string, ok bool) {
	f := m.fields[name]
	if f.value == nil {
		return "", true
	}
	return Value{node: f.value, problems: m.problems, subject: m.subject}.text(name + " ")
}

// Text returns the text of an element of a list; what names it in a message.
func (v Value) Text(what string) string {
	text, _ := v.text(what + " ")
	return text
}

func (v Value) text(what string) (text string, ok bool) {
	switch {
	case !plain(v.node, v.problems):
		return "", false
	case v.node.Kind != yaml.ScalarNode:
		v.Problemf("%smust be text; it is %s", what, kindOf(v.node))
		return "", false
	case isNull(v.node):
		return "", true
	}
	// An escape such as "\0" brings in what checkText keeps out of the file.
	for _, r := range v.node.Value {
		if !printable(r) {
			v.Problemf("%sholds the control character %U", what, r)
			return "", false
		}
	}
	return v.node.Value, true
}

// List returns the elements of a list. A field that is absent or null has none.
func (m Mapping) List(name string) []Value {
	f := m.fields[name]
	switch {
	case f.value == nil || !plain(f.value, m.problems) || isNull(f.value):
		return nil
	case f.value.Kind != yaml.SequenceNode:
		m.problemAt(f.value.Line, "%s must be a list; it is %s", name, kindOf(f.value))
		return nil
	}
	all := make([]Value, len(f.value.Content))
	for i, node := range f.value.Content {
		all[i] = Value{node: node, problems: m.problems, subject: m.subject}
	}
	return all
}

// RequiredList is [Mapping.List] for a list that must be there and have elements.
func (m Mapping) RequiredList(name string) []Value {
	all := m.List(name)
	f := m.fields[name]
	switch {
	case f.value == nil:
		m.problemAt(m.Line(), "missing %s", name)
	case len(all) == 0 && (isNull(f.value) || f.value.Kind == yaml.SequenceNode):
		m.problemAt(f.line, "%s is empty", name)
	}
	return all
}

// Entry is a field of a mapping whose names are free.
type Entry struct {
	Name  string
	Line  int // of the name
	Value Value
}

// Entries returns the fields of a mapping with free names, in the order of the
// file. Repeated names and a value that is no mapping are reported.
func (v Value) Entries(what string) []Entry {
	if !plain(v.node, v.problems) {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.Problemf("%s must be a mapping; it is %s", what, kindOf(v.node))
		return nil
	}
	var all []Entry
	first := make(map[string]int)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := Value{node: v.node.Content[i], problems: v.problems, subject: v.subject}
		name, ok := key.text("a name in " + what + " ")
		switch line, repeated := first[name]; {
		case !ok:
		case key.node.Tag == "!!merge":
			key.Problemf("merge keys are not supported")
		case strings.TrimSpace(name) == "":
			key.Problemf("a name in %s is empty", what)
		case repeated:
			key.Problemf("%s again in %s, first on line %d", quoted(name), what, line)
		default:
			first[name] = key.Line()
			all = append(all, Entry{name, key.Line(), Value{node: v.node.Content[i+1], problems: v.problems, subject: v.subject}})
		}
	}
	return all
}

// Element names an element of a list in the messages about it: by its id, or else
// by its position, counted from 0.
func (v Value) Element(what string, index int) Value {
	v.subject += what + " " + v.called(index) + ": "
	return v
}

func (v Value) called(index int) string {
	for i := 0; v.node.Kind == yaml.MappingNode && i+1 < len(v.node.Content); i += 2 {
		key, value := v.node.Content[i], v.node.Content[i+1]
		if key.Value == "id" && value.Kind == yaml.ScalarNode && strings.TrimSpace(value.Value) != "" && !isNull(value) {
			return quoted(value.Value)
		}
	}
	return fmt.Sprint(index + 1)
}

// OneOf reports a text that is none of the known ones; what names it. The empty
// text is left to who asks for it.
func (m Mapping) OneOf(name string, known []string) string {
	text := m.Required(name)
	if text != "" && !slices.Contains(known, text) {
		m.ProblemOf(name, "unknown %s %s%s; the %ss are %s",
			name, quoted(text), nearmiss.Hint(text, known), name, strings.Join(known, ", "))
	}
	return text
}

// plain reports what makes a node more than it looks like. It returns false for
// an alias, which has no value of its own.
func plain(node *yaml.Node, p *Problems) bool {
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		p.add(node.Line, noAliases)
	}
	if node.Style&yaml.TaggedStyle != 0 {
		p.add(node.Line, "tags are not supported: %s", quoted(node.Tag))
	}
	return node.Kind != yaml.AliasNode
}

func isNull(node *yaml.Node) bool { return node.Kind == yaml.ScalarNode && node.Tag == "!!null" }

// kindOf names what a node is, for a message.
func kindOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(node):
		return "empty"
	}
	return "the text " + quoted(node.Value)
}
