package catalog

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

const noAliases = "anchors and aliases are not supported"

// field is one entry of a mapping.
type field struct {
	line  int // of the key
	value *yaml.Node
}

// plain reports what makes a node more than it looks like. It returns false for
// an alias, which has no value of its own.
func plain(node *yaml.Node, p *problems) bool {
	if node.Anchor != "" || node.Kind == yaml.AliasNode {
		p.add(node.Line, noAliases)
	}
	if node.Style&yaml.TaggedStyle != 0 {
		p.add(node.Line, "tags are not supported: %s", quoted(node.Tag))
	}
	return node.Kind != yaml.AliasNode
}

// readMapping returns the known fields of a mapping by name, and reports the
// others, repeated ones, and a node that is no mapping. subject begins each
// message: empty, or with a colon at its end.
func readMapping(node *yaml.Node, subject string, known []string, p *problems) (map[string]field, bool) {
	if !plain(node, p) {
		return nil, false
	}
	if node.Kind != yaml.MappingNode {
		p.add(node.Line, "%smust be a mapping with %s; it is %s", subject, strings.Join(known, ", "), kindOf(node))
		return nil, false
	}
	fields := make(map[string]field, len(known))
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name, ok := readKey(key, subject, known, p)
		if !ok {
			continue
		}
		if first, repeated := fields[name]; repeated {
			p.add(key.Line, "%sfield %q again, first on line %d", subject, name, first.line)
			continue
		}
		fields[name] = field{line: key.Line, value: value}
	}
	return fields, true
}

// readKey returns the name of a known field.
func readKey(key *yaml.Node, subject string, known []string, p *problems) (name string, ok bool) {
	switch {
	case !plain(key, p):
		return "", false
	case key.Kind != yaml.ScalarNode:
		p.add(key.Line, "%sa field's name must be text; it is %s", subject, kindOf(key))
		return "", false
	case key.Tag == "!!merge":
		p.add(key.Line, "%smerge keys are not supported", subject)
		return "", false
	case slices.Contains(known, key.Value):
		return key.Value, true
	}
	p.add(key.Line, "%sunknown field %s%s", subject, quoted(key.Value), didYouMean(key.Value, known))
	return "", false
}

// readList returns the elements of a list; a field that is absent or null has
// none.
func readList(f field, subject, name string, p *problems) []*yaml.Node {
	switch {
	case f.value == nil || !plain(f.value, p) || isNull(f.value):
		return nil
	case f.value.Kind != yaml.SequenceNode:
		p.add(f.value.Line, "%s%s must be a list; it is %s", subject, name, kindOf(f.value))
		return nil
	}
	return f.value.Content
}

// readText returns a scalar as it is written: 007 and 0x10 are texts here, not
// numbers. Null is the empty text.
func readText(f field, subject, name string, p *problems) (text string, ok bool) {
	switch {
	case f.value == nil:
		return "", true
	case !plain(f.value, p):
		return "", false
	case f.value.Kind != yaml.ScalarNode:
		p.add(f.value.Line, "%s%s must be text; it is %s", subject, name, kindOf(f.value))
		return "", false
	case isNull(f.value):
		return "", true
	}
	text = f.value.Value
	// An escape such as "\0" brings in what checkText keeps out of the file.
	for _, r := range text {
		if !printable(r) {
			p.add(f.value.Line, "%s%s holds the control character %U", subject, name, r)
			return "", false
		}
	}
	return text, true
}

// readRequired is readText for a field that must be there and not be blank. It
// reports an absent field at the line of the mapping.
func readRequired(f field, line int, subject, name string, p *problems) string {
	text, ok := readText(f, subject, name, p)
	if !ok || strings.TrimSpace(text) != "" {
		return text
	}
	if f.value != nil {
		line = f.line
	}
	p.add(line, "%smissing %s", subject, name)
	return ""
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
