package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"gopkg.in/yaml.v3"
)

// parseYAML returns the value at the top of the only document. The parser does
// not expand aliases and bounds the depth of what it reads, so that the tree is
// never larger than in proportion to the text.
func parseYAML(data []byte, p *problems) *yaml.Node {
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

var (
	lineOfError   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

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
func addSyntax(err error, data []byte, p *problems) {
	line, message := 1, err.Error()
	if match := lineOfError.FindStringSubmatch(message); match != nil {
		message = match[2]
		if n, err := strconv.Atoi(match[1]); err == nil {
			line = n
			if grammarErrors[message] {
				line++
			}
		}
	}
	if match := unknownAnchor.FindStringSubmatch(message); match != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+match[1]))
		p.add(1+bytes.Count(before, []byte("\n")), noAliases)
		return
	}
	p.add(line, "not YAML, here or below: %s", message)
}
