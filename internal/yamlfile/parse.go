package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// parseYAML returns the value at the top of the only document. The parser does
// not expand aliases and bounds the depth of what it reads, so that the tree is
// never larger than in proportion to the text.
func parseYAML(data []byte, p *Problems) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	root, err := next(decoder)
	switch {
	case errors.Is(err, io.EOF):
		p.add(1, "empty document")
		return nil
	case err != nil:
		addSyntax(err, data, p)
		return nil
	}
	second, err := next(decoder)
	switch {
	case errors.Is(err, io.EOF):
		return root
	case err != nil:
		addSyntax(err, data, p)
	default:
		p.add(second.Line, "a second document; there must be one")
	}
	return nil
}

// next decodes the next document. yaml.v3 reports errors by panicking inside
// and lets those that it did not raise itself through: the comment scanner has
// had several on input that a fuzzer found.
func next(decoder *yaml.Decoder) (top *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			top, err = nil, fmt.Errorf("the parser gave up: %v", r)
		}
	}()
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0] == nil {
		return nil, errors.New("no value")
	}
	return document.Content[0], nil
}

// grammarErrors are the messages of yaml.v3's parser, as opposed to its
// scanner. They come with the line before the one that the parser means, which
// is often not that of the mistake but where the list or mapping begins.
var grammarErrors = map[string]bool{
	"did not find expected <document start>": true,
	"found undefined tag handle":             true,
	"did not find expected node content":     true,
	"did not find expected '-' indicator":    true,
	"did not find expected key":              true,
	"did not find expected ',' or ']'":       true,
	"did not find expected ',' or '}'":       true,
	"found duplicate %YAML directive":        true,
	"found incompatible YAML document":       true,
	"found duplicate %TAG directive":         true,
}

// addSyntax reports an error of yaml.v3 at its line. The parser leaves the
// first line out.
func addSyntax(err error, data []byte, p *Problems) {
	line, message := lineOf(err)
	if grammarErrors[message] && line > 0 {
		line++
	}
	if name, found := unknownAnchor(message); found {
		before, _, _ := bytes.Cut(data, []byte("*"+name))
		p.add(1+bytes.Count(before, []byte("\n")), noAliases)
		return
	}
	p.add(max(line, 1), "not YAML, here or below: %s", message)
}

// lineOf takes an error such as "yaml: line 3: did not find expected key" apart.
// The line is 0 if it names none.
func lineOf(err error) (line int, message string) {
	message, _ = strings.CutPrefix(err.Error(), "yaml: ")
	rest, found := strings.CutPrefix(message, "line ")
	if !found {
		return 0, message
	}
	number, text, found := strings.Cut(rest, ": ")
	line, bad := strconv.Atoi(number)
	if !found || bad != nil {
		return 0, message
	}
	return line, text
}

// unknownAnchor returns the name in "unknown anchor 'b' referenced".
func unknownAnchor(message string) (name string, found bool) {
	name, found = strings.CutPrefix(message, "unknown anchor '")
	if !found {
		return "", false
	}
	return strings.CutSuffix(name, "' referenced")
}
