package check

import (
	"fmt"
	"strings"
)

// TAP is the report in the Test Anything Protocol, version 14. What is known is a
// TODO, what is skipped or not judged a SKIP, both with the reason; so is advice.
func (r *Report) TAP() string {
	var b strings.Builder
	fmt.Fprintf(&b, "TAP version 14\n1..%d\n", len(r.Results))
	for i, one := range r.Results {
		word, directive := one.tap()
		fmt.Fprintf(&b, "%s %d - %s%s\n", word, i+1, tapText(one.ID+": "+one.Title), directive)
		if word == "not ok" {
			b.WriteString(one.diagnostics())
		}
	}
	return b.String()
}

func (r Result) tap() (word, directive string) {
	switch {
	case r.State == Passed:
		return "ok", ""
	case r.State == Known:
		return "not ok", " # TODO " + tapText(r.Reason)
	case r.Breaks() || r.State == KitError:
		return "not ok", ""
	case r.State == Failed:
		return "ok", " # SKIP advice: " + tapText(r.consequence())
	}
	return "ok", " # SKIP " + string(r.State) + ": " + tapText(r.Reason)
}

// diagnostics is the block of YAML that may follow a test.
func (r Result) diagnostics() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  ---\n  level: %s\n  state: %s\n", r.Level, r.State)
	if r.Reason != "" {
		fmt.Fprintf(&b, "  reason: %q\n", r.Reason)
	}
	if len(r.Mismatches) > 0 {
		b.WriteString("  mismatches:\n")
	}
	for _, m := range r.Mismatches {
		fmt.Fprintf(&b, "    - consequence: %q\n      difference: %q\n", m.Consequence, m.String())
	}
	return b.String() + "  ...\n"
}

// tapText is a text on one line in which no directive begins.
func tapText(text string) string {
	return strings.NewReplacer("\\", "\\\\", "#", "\\#", "\n", " ", "\r", " ").Replace(text)
}
