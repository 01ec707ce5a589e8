package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// State is what became of a check.
type State string

// The states.
const (
	Passed    State = "passed"
	Failed    State = "failed"
	Known     State = "known"      // it fails, and that is known
	NotJudged State = "not judged" // nothing can be seen from outside
	Skipped   State = "skipped"
	KitError  State = "kit error" // a fault of the kit, not of the service
)

// Result is what became of one check.
type Result struct {
	ID         string        `json:"id"`
	Title      string        `json:"title"`
	Level      Level         `json:"level"`
	State      State         `json:"state"`
	Reason     string        `json:"reason,omitempty"` // of every state but passed
	Duration   time.Duration `json:"duration_ns"`
	Mismatches []Mismatch    `json:"mismatches,omitempty"` // all, not the first
	Exchanges  []Exchange    `json:"exchanges,omitempty"`
}

func resultOf(c Check) Result { return Result{ID: c.ID, Title: c.Title, Level: c.Level} }

// Vendor is the first part of the id.
func (r Result) Vendor() string { return Check{ID: r.ID}.Vendor() }

// Area is the second part of the id.
func (r Result) Area() string { return Check{ID: r.ID}.Area() }

// Breaks tells whether it makes the run fail: everything that failed does but advice.
func (r Result) Breaks() bool { return r.State == Failed && r.Level != Advice }

// Verdict is what became of a run.
type Verdict string

// The verdicts, the worst first.
const (
	VerdictKitError Verdict = "kit error"
	VerdictFailed   Verdict = "failed"
	// VerdictNothing: no check could be judged, which is no success.
	VerdictNothing Verdict = "nothing judged"
	VerdictPassed  Verdict = "passed"
)

// SchemaVersion is the version of the report's JSON form, which report.schema.json
// describes. It changes when a reader of the old form would go wrong.
const SchemaVersion = 1

// Report is a run, for people and for machines.
type Report struct {
	Schema   int               `json:"schema"`
	Verdict  Verdict           `json:"verdict"`
	Service  Named             `json:"service"`
	Kit      string            `json:"kit"` // version of this module; empty: a working copy
	Set      string            `json:"set"`
	Seed     uint64            `json:"seed"`
	Level    Level             `json:"level"`
	Began    time.Time         `json:"began"`
	Duration time.Duration     `json:"duration_ns"`
	Targets  map[string]string `json:"targets"`
	// Quirks are undocumented behaviours of the vendors that verdicts depend on.
	Quirks  []string      `json:"quirks"`
	Counts  map[State]int `json:"counts"`
	Results []Result      `json:"results"` // by id
}

// Named is a service and its version.
type Named struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

func newReport(k *Kit, target Target, opts Options) *Report {
	return &Report{
		Schema: SchemaVersion, Service: Named{target.Name, target.Version}, Kit: kitVersion(), Set: opts.Set,
		Seed: k.cfg.Seed, Level: opts.Level, Began: k.cfg.Clock(), Targets: target.shown(), Quirks: []string{},
	}
}

// shown are the endpoints without secrets.
func (t Target) shown() map[string]string {
	all := map[string]string{}
	for name, e := range map[string]Endpoint{
		"kombo.webhook": t.Kombo.Webhook, "stackone.webhook": t.StackOne.Webhook,
		"stackone.assessment_packages": t.StackOne.AssessmentPackages,
		"stackone.background_packages": t.StackOne.BackgroundPackages, "ashby.base": t.Ashby.Base,
	} {
		switch {
		case e.Handler != nil:
			all[name] = "a handler in memory"
		case e.URL != "":
			all[name] = simkit.RedactedURL(e.URL)
		}
	}
	return all
}

// finish counts, and draws the verdict.
func (r *Report) finish(now time.Time) {
	r.Duration = now.Sub(r.Began)
	r.Counts = map[State]int{}
	broken := false
	seen := map[string]bool{}
	for _, one := range r.Results {
		r.Counts[one.State]++
		broken = broken || one.Breaks()
		c, _ := Explain(one.ID)
		for _, quirk := range c.Quirks {
			if one.State != Skipped && !seen[quirk] {
				seen[quirk] = true
				r.Quirks = append(r.Quirks, quirk)
			}
		}
	}
	switch {
	case r.Counts[KitError] > 0:
		r.Verdict = VerdictKitError
	case broken:
		r.Verdict = VerdictFailed
	case r.Counts[Passed]+r.Counts[Failed]+r.Counts[Known] == 0:
		r.Verdict = VerdictNothing
	default:
		r.Verdict = VerdictPassed
	}
}

// Line is the report in one line, for the end of a log.
func (r *Report) Line() string {
	var parts []string
	for _, s := range []State{Passed, Failed, KitError, NotJudged, Known, Skipped} {
		n := r.Counts[s]
		if n == 0 && s != Passed && s != Failed {
			continue
		}
		part := fmt.Sprintf("%d %s", n, s)
		if ids := r.in(s); n > 0 && (s == Failed || s == KitError) {
			part += " (" + strings.Join(ids, ", ") + ")"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// in lists the checks in a state; advice is marked.
func (r *Report) in(s State) []string {
	var ids []string
	for _, one := range r.Results {
		if one.State != s {
			continue
		}
		if id := one.ID; one.Level == Advice {
			ids = append(ids, id+" [advice]")
		} else {
			ids = append(ids, id)
		}
	}
	return ids
}

// JSON is the report as report.schema.json describes it.
func (r *Report) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}
