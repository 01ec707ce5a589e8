package assessmenttest

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assessbridge/assessbridge/internal/check"
)

// Run checks a service and reports every check as a subtest with the path of its id:
// kombo.auth.forged is kombo/auth/forged. It fails if nothing could be judged.
func Run(t *testing.T, target Target) {
	t.Helper()
	if target.Vendors == nil || target.Vendors.kit == nil {
		t.Fatal("assessmenttest: Target.Vendors is missing: make it with Start, before the service")
	}
	checks, err := target.Vendors.kit.Checks(target.check(t.Name()), target.options())
	if err != nil {
		t.Fatal(err)
	}
	r := &run{target: target, name: t.Name(), results: map[string]chan check.Result{}}
	if len(checks) > 0 && everySubtestRuns() {
		r.begin(t.Context(), t, checks)
	}
	for _, vendor := range grouped(checks, check.Check.Vendor) {
		t.Run(vendor.name, func(t *testing.T) {
			for _, area := range grouped(vendor.checks, check.Check.Area) {
				t.Run(area.name, func(t *testing.T) {
					for _, c := range area.checks {
						_, name, _ := strings.Cut(strings.TrimPrefix(c.ID, vendor.name+"."), ".")
						t.Run(name, func(t *testing.T) { r.subtest(t, c) })
					}
				})
			}
		})
	}
	if r.ran.Load() > 0 && r.judged.Load() == 0 || len(checks) == 0 {
		t.Error("nothing was judged: the target names no endpoint that can be reached, or everything is skipped")
	}
}

// run is one call of [Run].
type run struct {
	target  Target
	name    string
	results map[string]chan check.Result // of checks that run beforehand; else empty

	ran, judged atomic.Int64
}

// everySubtestRuns tells whether go test was asked for no single subtests. Then all
// checks run at once, and each subtest waits for its own; else each runs its own.
func everySubtestRuns() bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if f := flag.Lookup(name); f != nil && strings.Contains(f.Value.String(), "/") {
			return false
		}
	}
	return true
}

// begin runs all checks in the background; the test waits for them before it ends.
func (r *run) begin(ctx context.Context, t *testing.T, checks []check.Check) {
	for _, c := range checks {
		r.results[c.ID] = make(chan check.Result, 1)
	}
	opts := r.target.options()
	opts.OnResult = func(result check.Result) { r.results[result.ID] <- result }
	done := make(chan struct{})
	go func() {
		defer close(done)
		report, err := r.target.Vendors.kit.Run(ctx, r.target.check(r.name), opts)
		if err == nil && r.target.ReportDir != "" {
			err = report.Write(r.target.ReportDir)
		}
		if err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { <-done })
}

// result waits for the result of a check, or runs it.
func (r *run) result(t *testing.T, id string) check.Result {
	t.Helper()
	if result, begun := r.results[id]; begun {
		return <-result
	}
	opts := r.target.options()
	opts.IDs = []string{id}
	report, err := r.target.Vendors.kit.Run(t.Context(), r.target.check(r.name), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report.Results[0]
}

func (r *run) subtest(t *testing.T, c check.Check) {
	t.Helper()
	r.ran.Add(1)
	result := r.result(t, c.ID)
	switch result.State {
	case check.Skipped, check.NotJudged, check.Known:
		if result.State == check.Known {
			r.judged.Add(1)
		}
		t.Skipf("%s: %s", result.State, result.Reason)
	case check.KitError:
		t.Errorf("fault of the kit, not of the service: %s", result.Reason)
	default:
		r.judged.Add(1)
	}
	if result.State != check.Failed {
		return
	}
	if !result.Breaks() {
		t.Skip("advice: " + describe(c, result))
	}
	t.Error(describe(c, result))
}

// describe says what is wrong, how it differs, and how to mend it.
func describe(c check.Check, result check.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", c.Title)
	if result.Reason != "" {
		fmt.Fprintf(&b, "%s\n", result.Reason)
	}
	consequence := ""
	for _, m := range result.Mismatches {
		if m.Consequence != consequence {
			consequence = m.Consequence
			fmt.Fprintf(&b, "%s\n", consequence)
		}
		what := m.What
		if m.Path != "" {
			what += ", " + m.Path
		}
		fmt.Fprintf(&b, "    %s:\n        expected %s\n        got      %s\n", what, m.Expected, m.Got)
		if curl := exchange(result, m.Exchange).Curl(); curl != "" {
			fmt.Fprintf(&b, "        %s\n", curl)
		}
	}
	fmt.Fprintf(&b, "With this SDK: %s\nWithout: %s\n", c.WithSDK, c.Without)
	for _, source := range c.Contract {
		fmt.Fprintf(&b, "%s: %s\n", source.Name, source.URL)
	}
	return b.String()
}

func exchange(result check.Result, number int) check.Exchange {
	if number < 1 || number > len(result.Exchanges) {
		return check.Exchange{}
	}
	return result.Exchanges[number-1]
}

type group struct {
	name   string
	checks []check.Check
}

// grouped are checks by a part of their id, in order.
func grouped(checks []check.Check, part func(check.Check) string) []group {
	var groups []group
	for _, c := range checks {
		if n := len(groups); n == 0 || groups[n-1].name != part(c) {
			groups = append(groups, group{name: part(c)})
		}
		last := &groups[len(groups)-1]
		last.checks = append(last.checks, c)
	}
	return groups
}
