package catalog

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/assessbridge/assessbridge/assessment"
)

// The fields of the three mappings of a catalogue.
var (
	documentFields = []string{"packages"}
	packageFields  = []string{"id", "name", "description", "type", "tests"}
	testFields     = []string{"id", "name", "description"}
)

// knownTypes are the types a package can have, for messages.
var knownTypes = []string{
	string(assessment.SkillsTest),
	string(assessment.Behavioral),
	string(assessment.VideoInterview),
	string(assessment.BackgroundCheck),
	string(assessment.ReferenceCheck),
}

// uses is where each id was seen first.
type uses map[string]int

// readDocument returns the packages below the top of the document.
func readDocument(top *yaml.Node, p *problems) []assessment.Package {
	if isNull(top) && plain(top, p) {
		p.add(top.Line, "empty document")
		return nil
	}
	fields, ok := readMapping(top, "", documentFields, p)
	if !ok {
		return nil
	}
	list, present := fields["packages"]
	nodes := readList(list, "", "packages", p)
	switch {
	case !present:
		p.add(top.Line, "missing packages")
	case len(nodes) == 0 && (isNull(list.value) || list.value.Kind == yaml.SequenceNode):
		p.add(list.line, "packages is empty")
	}
	packages := make([]assessment.Package, 0, len(nodes))
	seen := uses{}
	for i, node := range nodes {
		packages = append(packages, readPackage(node, i, seen, p))
	}
	return packages
}

func readPackage(node *yaml.Node, index int, seen uses, p *problems) assessment.Package {
	subject := subjectOf("package", node, index)
	fields, ok := readMapping(node, subject, packageFields, p)
	if !ok {
		return assessment.Package{}
	}
	pkg := assessment.Package{
		ID:   readID(fields["id"], node.Line, subject, seen, p),
		Name: readRequired(fields["name"], node.Line, subject, "name", p),
		Type: readType(fields["type"], node.Line, subject, p),
	}
	pkg.Description, _ = readText(fields["description"], subject, "description", p)
	seenTests := uses{}
	for i, test := range readList(fields["tests"], subject, "tests", p) {
		pkg.Tests = append(pkg.Tests, readTest(test, i, subject, seenTests, p))
	}
	return pkg
}

func readTest(node *yaml.Node, index int, parent string, seen uses, p *problems) assessment.Test {
	subject := parent + subjectOf("test", node, index)
	fields, ok := readMapping(node, subject, testFields, p)
	if !ok {
		return assessment.Test{}
	}
	test := assessment.Test{
		ID:   readID(fields["id"], node.Line, subject, seen, p),
		Name: readRequired(fields["name"], node.Line, subject, "name", p),
	}
	test.Description, _ = readText(fields["description"], subject, "description", p)
	return test
}

// readID returns a required id that nothing before has.
func readID(f field, line int, subject string, seen uses, p *problems) string {
	id := readRequired(f, line, subject, "id", p)
	if id == "" {
		return ""
	}
	if first, used := seen[id]; used {
		p.add(f.line, "%sthe id is used already on line %d", subject, first)
	} else {
		seen[id] = f.line
	}
	return id
}

// readType returns a required type that is one of the known ones.
func readType(f field, line int, subject string, p *problems) assessment.PackageType {
	text := readRequired(f, line, subject, "type", p)
	kind := assessment.PackageType(text)
	if text != "" && !kind.Known() {
		p.add(f.line, "%sunknown type %s%s; the types are %s",
			subject, quoted(text), didYouMean(text, knownTypes), strings.Join(knownTypes, ", "))
	}
	return kind
}

// subjectOf names an element of a list by its id, or else by its position, for
// the beginning of a message.
func subjectOf(what string, node *yaml.Node, index int) string {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Value == "id" && value.Kind == yaml.ScalarNode && strings.TrimSpace(value.Value) != "" && !isNull(value) {
			return fmt.Sprintf("%s %s: ", what, quoted(value.Value))
		}
	}
	return fmt.Sprintf("%s %d: ", what, index+1)
}
