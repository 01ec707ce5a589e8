package catalog

import (
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// knownTypes are the types a package can have.
var knownTypes = []string{
	string(assessment.SkillsTest),
	string(assessment.Behavioral),
	string(assessment.VideoInterview),
	string(assessment.BackgroundCheck),
	string(assessment.ReferenceCheck),
}

// uses is where each id was seen first.
type uses map[string]int

// readDocument reads the packages first: what follows refers to them.
func (c *Catalog) readDocument(top yamlfile.Value) {
	document, ok := top.Mapping("packages", "aliases", "jobs")
	if !ok {
		return
	}
	list := document.RequiredList("packages")
	c.packages = make([]assessment.Package, 0, len(list))
	seen := uses{}
	for i, element := range list {
		p := readPackage(element.Element("package", i), seen)
		c.byID[p.ID] = len(c.packages)
		c.packages = append(c.packages, p)
	}
	delete(c.byID, "") // of packages with a mistake
	c.readAliases(document.List("aliases"))
	c.readJobs(document.List("jobs"))
}

func readPackage(v yamlfile.Value, seen uses) assessment.Package {
	m, ok := v.Mapping("id", "name", "description", "type", "tests")
	if !ok {
		return assessment.Package{}
	}
	pkg := assessment.Package{
		ID:          readID(m, seen),
		Name:        m.Required("name"),
		Description: m.Text("description"),
		Type:        assessment.PackageType(m.OneOf("type", knownTypes)),
	}
	seenTests := uses{}
	for i, test := range m.List("tests") {
		pkg.Tests = append(pkg.Tests, readTest(test.Element("test", i), seenTests))
	}
	return pkg
}

func readTest(v yamlfile.Value, seen uses) assessment.Test {
	m, ok := v.Mapping("id", "name", "description")
	if !ok {
		return assessment.Test{}
	}
	return assessment.Test{ID: readID(m, seen), Name: m.Required("name"), Description: m.Text("description")}
}

// readID returns a required id that nothing before has.
func readID(m yamlfile.Mapping, seen uses) string {
	id := m.ID("id")
	if id == "" {
		return ""
	}
	if first, used := seen[id]; used {
		m.ProblemOf("id", "the id is used already on line %d", first)
	} else {
		seen[id] = m.LineOf("id")
	}
	return id
}
