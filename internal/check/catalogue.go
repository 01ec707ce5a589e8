package check

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Level says how much depends on a check.
type Level string

// The levels.
const (
	// Core: documented by the vendor, and orders or trust break without it.
	Core Level = "core"
	// Strict: it follows from what is documented, or it hurts when something else
	// goes wrong.
	Strict Level = "strict"
	// Advice cannot make a run fail.
	Advice Level = "advice"
)

// includes tells whether a run at this level runs the checks of another.
func (l Level) includes(other Level) bool {
	order := []Level{Core, Strict, Advice}
	return slices.Index(order, other) <= slices.Index(order, l)
}

// Need is something that a check cannot do without. A check whose need is not met is
// skipped, with the reason.
type Need string

// The needs.
const (
	NeedFinish    Need = "finish"    // [Target.Finish]
	NeedReconcile Need = "reconcile" // [Target.Reconcile]
)

// Check is one entry of the catalogue.
type Check struct {
	ID    string // vendor.area.name
	Title string
	Level Level
	Since string // the first set that it belongs to
	// Contract is where the vendor says so.
	Contract []Source
	Why      string
	Steps    []string
	Passes   string // what passes
	// Failures are the ways to fail, and who gets to feel each of them.
	Failures []Failure
	// WithSDK and Without say how to mend it with this SDK and without.
	WithSDK string
	Without string
	// Quirks are behaviours of the simulator that the vendor does not document and
	// that the verdict depends on.
	Quirks []string
	// Capability names what a service may do without, as in [Target.Without]; empty:
	// nothing.
	Capability string
	Needs      []Need

	// alone: what it does can be felt by all customers of the service, so that no other
	// check runs meanwhile.
	alone bool
	run   func(context.Context, *T)
}

// Source is a page on which a rule stands.
type Source struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Failure is one way to fail a check, in the words of those who feel it. At least
// one of the three has words.
type Failure struct {
	Key       string `json:"key"`
	Recruiter string `json:"recruiter,omitempty"`
	Candidate string `json:"candidate,omitempty"`
	Nobody    string `json:"nobody,omitempty"` // what goes wrong unseen
}

// Sentence is the consequence in one line.
func (f Failure) Sentence() string {
	for _, text := range []string{f.Recruiter, f.Candidate, f.Nobody} {
		if text != "" {
			return text
		}
	}
	return ""
}

// Vendor is the first part of the id: kombo, stackone, ashby, or all.
func (c Check) Vendor() string { return c.part(0) }

// Area is the second part of the id, such as auth.
func (c Check) Area() string { return c.part(1) }

func (c Check) part(i int) string {
	if parts := strings.Split(c.ID, "."); i < len(parts) {
		return parts[i]
	}
	return ""
}

func (c Check) failure(key string) (Failure, bool) {
	i := slices.IndexFunc(c.Failures, func(f Failure) bool { return f.Key == key })
	if i < 0 {
		return Failure{}, false
	}
	return c.Failures[i], true
}

// Catalogue returns all checks, by id.
func Catalogue() []Check {
	var all []Check
	for _, part := range [][]Check{
		komboAuth(), komboOrders(), komboRepeats(), komboInline(), komboResults(),
		stackoneAuth(), stackoneOrders(), stackonePackages(), stackoneResults(),
		ashbyLists(), ashbyAuth(), ashbyStarts(), ashbyCancels(), ashbyUpdates(),
		everyVendor(),
	} {
		all = append(all, part...)
	}
	slices.SortFunc(all, func(a, b Check) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// Explain returns a check by its id.
func Explain(id string) (Check, bool) {
	for _, c := range Catalogue() {
		if c.ID == id {
			return c, true
		}
	}
	return Check{}, false
}

// Select returns the checks whose ids are named, or begin with what is named and a
// dot: "kombo.auth" is all of its area. Nothing named is all of them. The second
// result is what fits no check.
func Select(names ...string) (chosen []Check, unknown []string) {
	all := Catalogue()
	if len(names) == 0 {
		return all, nil
	}
	found := map[string]bool{}
	for _, name := range names {
		n := len(chosen)
		for _, c := range all {
			if (c.ID == name || strings.HasPrefix(c.ID, name+".")) && !found[c.ID] {
				found[c.ID] = true
				chosen = append(chosen, c)
			}
		}
		if len(chosen) == n && !slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(id string) bool { return id == name || strings.HasPrefix(id, name+".") }) {
			unknown = append(unknown, name)
		}
	}
	slices.SortFunc(chosen, func(a, b Check) int { return strings.Compare(a.ID, b.ID) })
	return chosen, unknown
}
