package catalog

import (
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// aliasKey is a customer's id for a package. An empty vendor or account is any.
type aliasKey struct {
	vendor  assessment.Vendor
	account string
	id      string
}

// jobKey is a job of a customer, by any of its ids.
type jobKey struct {
	vendor  assessment.Vendor
	account string
	job     string
}

// vendorNames are the vendors that an alias or a job can be limited to.
var vendorNames = []string{string(assessment.Kombo), string(assessment.StackOne), string(assessment.Ashby)}

func (c *Catalog) readAliases(list []yamlfile.Value) {
	first := make(map[aliasKey]int)
	for i, element := range list {
		m, ok := element.Element("alias", i).Mapping("id", "package", "vendor", "account")
		if !ok {
			continue
		}
		key := aliasKey{vendor: readVendor(m), account: readAccount(m), id: m.ID("id")}
		target := c.readTarget(m)
		switch line, repeated := first[key]; {
		case key.id == "" || target == "":
		case repeated:
			m.ProblemOf("id", "the alias stands already on line %d", line)
		default:
			first[key] = m.LineOf("id")
			c.aliases[key] = target
		}
	}
}

func (c *Catalog) readJobs(list []yamlfile.Value) {
	first := make(map[jobKey]int)
	for i, element := range list {
		m, ok := element.Element("job", i).Mapping("job", "package", "vendor", "account")
		if !ok {
			continue
		}
		key := jobKey{vendor: readVendor(m), account: m.ID("account"), job: m.ID("job")}
		target := c.readTarget(m)
		switch line, repeated := first[key]; {
		case key.job == "" || key.account == "" || target == "":
		case repeated:
			m.ProblemOf("job", "the job stands already on line %d", line)
		default:
			first[key] = m.LineOf("job")
			c.jobs[key] = target
		}
	}
}

// readTarget returns the id of the package that an alias or a job stands for.
func (c *Catalog) readTarget(m yamlfile.Mapping) string {
	id := m.ID("package")
	if _, known := c.byID[id]; id != "" && !known {
		m.ProblemOf("package", "no package of the catalogue has this id")
		return ""
	}
	return id
}

func readVendor(m yamlfile.Mapping) assessment.Vendor {
	if !m.Has("vendor") {
		return ""
	}
	return assessment.Vendor(m.OneOf("vendor", vendorNames))
}

func readAccount(m yamlfile.Mapping) string {
	if !m.Has("account") {
		return ""
	}
	return m.ID("account")
}
