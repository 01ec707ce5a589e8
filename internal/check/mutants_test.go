package check_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/check"
)

// mutant is a provider that is wrong in one way, and exactly what the kit says of it.
type mutant struct {
	name   string
	vendor string // the part of the catalogue that runs, such as "kombo"; empty: all
	wrong  wrong
	// fails are the checks that fail. An id that ends in a star is all that begin so.
	fails []string
	opts  func(*check.Options)
}

func allMutants() []mutant {
	return slices.Concat(komboMutants(), stackoneMutants(), ashbyMutants(), everyVendorMutants())
}

// The kit is judged by providers that are wrong: each fails exactly its set.
func TestMutants(t *testing.T) {
	for _, m := range allMutants() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				report := m.run(t)
				t.Log(durations(report))
				require.Equal(t, m.expected(report), idsIn(report, check.Failed), "%s", detail(report))
				require.Empty(t, idsIn(report, check.KitError), "%s", detail(report))
			})
		})
	}
}

func (m mutant) run(t *testing.T) *check.Report {
	t.Helper()
	r := newReference(t, m.wrong)
	opts := fast
	opts.Patience = 3 * time.Second // some wait for what never comes
	if m.vendor != "" {
		opts.IDs = []string{m.vendor}
	}
	if m.opts != nil {
		m.opts(&opts)
	}
	report, err := r.kit.Run(t.Context(), r.target, opts)
	require.NoError(t, err)
	return report
}

// expected spells the set out.
func (m mutant) expected(report *check.Report) []string {
	ids := []string{}
	for _, one := range report.Results {
		if slices.ContainsFunc(m.fails, func(pattern string) bool {
			prefix, all := strings.CutSuffix(pattern, "*")
			return one.ID == pattern || all && strings.HasPrefix(one.ID, prefix)
		}) {
			ids = append(ids, one.ID)
		}
	}
	return ids
}

// Each check is failed by a mutant, and no two checks by exactly the same ones: one of
// the two would be superfluous.
func TestEveryCheckHasAMutant(t *testing.T) {
	columns := map[string][]string{}
	for _, m := range allMutants() {
		for _, id := range m.everyFailure() {
			columns[id] = append(columns[id], m.name)
		}
	}
	byColumn := map[string]string{}
	for _, c := range check.Catalogue() {
		column := columns[c.ID]
		require.NotEmpty(t, column, "no mutant fails %s", c.ID)
		key := fmt.Sprint(column)
		require.Empty(t, byColumn[key], "%s is failed by the same mutants as %s", c.ID, byColumn[key])
		byColumn[key] = c.ID
	}
}

// everyFailure spells the set out over the whole catalogue.
func (m mutant) everyFailure() []string {
	report := &check.Report{}
	for _, c := range check.Catalogue() {
		if m.vendor == "" || c.Vendor() == m.vendor {
			report.Results = append(report.Results, check.Result{ID: c.ID})
		}
	}
	return m.expected(report)
}

func idsIn(report *check.Report, s check.State) []string {
	ids := []string{}
	for _, one := range report.Results {
		if one.State == s {
			ids = append(ids, one.ID)
		}
	}
	return ids
}

func detail(report *check.Report) string {
	var b strings.Builder
	for _, one := range report.Results {
		if one.State == check.Passed {
			continue
		}
		fmt.Fprintf(&b, "%s: %s %s\n", one.ID, one.State, one.Reason)
		for _, m := range one.Mismatches {
			fmt.Fprintf(&b, "\t%+v\n", m)
		}
	}
	return b.String()
}

// The reference provider passes every check at every level.
func TestReferencePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReference(t, wrong{})
		report, err := r.kit.Run(t.Context(), r.target, fast)
		require.NoError(t, err)
		t.Log(durations(report))
		require.Equal(t, check.VerdictPassed, report.Verdict, detail(report))
		for _, one := range report.Results {
			require.Equal(t, check.Passed, one.State, "%s: %s\n%s", one.ID, one.Reason, detail(report))
		}
	})
}

func durations(report *check.Report) string {
	var b strings.Builder
	for _, one := range report.Results {
		fmt.Fprintf(&b, "%s %s %v\n", one.ID, one.State, one.Duration)
	}
	return b.String()
}
