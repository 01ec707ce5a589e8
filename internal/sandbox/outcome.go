package sandbox

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// The outcomes that a command can expect.
const (
	expectAccepted = "accepted"
	expectRejected = "rejected"
	expectFailed   = "failed"
)

// expected are the outcomes of messages to the provider by what was expected. Those of a
// message that never reached the provider are expected only of a fault that was asked
// for.
var expected = map[string][]Outcome{
	expectAccepted: {Taken, Again},
	expectRejected: {Rejected, Conflict},
	expectFailed:   {Failed, Misshapen, Unread, Silent, Lost},
}

// expectations are what --expect takes.
var expectations = []string{expectAccepted, expectRejected, expectFailed}

func expectFlag(f *flag.FlagSet) *string {
	value := expectAccepted
	f.Var(choice{expectations, &value}, "expect", "`OUTCOME` that is as it should be: "+strings.Join(expectations, ", "))
	return &value
}

// judgeRows says whether all messages ended as expected. The receiver's verdict counts,
// not that a message was sent.
func judgeRows(rows []RowJSON, expect string) error {
	judged, off := 0, []string{}
	for _, r := range rows {
		asExpected := slices.Contains(expected[expect], r.Verdict.Outcome) && (expect != expectAccepted || len(r.Verdict.Broken) == 0)
		if asExpected || !unjudgeable(r.Verdict.Outcome) {
			judged++
		}
		if !asExpected {
			off = append(off, fmt.Sprintf("%s is %s", r.Op, r.Verdict.Mark()))
		}
	}
	switch {
	case judged == 0:
		return nothingf("nothing could be judged%s", whyNothing(rows))
	case len(off) > 0:
		return outcomef("expected %s: %s", expect, strings.Join(off, ", "))
	}
	return nil
}

// unjudgeable tells whether the provider never got the message.
func unjudgeable(o Outcome) bool { return o == Unreachable || o == NoTarget || o == Lost }

func whyNothing(rows []RowJSON) string {
	for _, r := range rows {
		switch r.Verdict.Outcome {
		case Unreachable:
			return fmt.Sprintf(": nothing listens at %s. Start your service, or name it: --%s URL or $%s. From inside a container, this machine is %s",
				r.URL, r.Vendor, placeVariable(r.Vendor), dockerHost)
		case NoTarget:
			return fmt.Sprintf(": there is no endpoint for %s: name it: --%s URL or $%s", label(r.Vendor), r.Vendor, placeVariable(r.Vendor))
		case Lost:
			return ": the message was lost on purpose; --expect failed says that this is as it should be"
		}
	}
	return ": nothing was sent"
}

func placeVariable(vendor string) string { return "SANDBOX_" + strings.ToUpper(vendor) + "_URL" }

// told is one message as a command shows it.
func (c *command) tell(r RowJSON, verbose bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(strings.Join([]string{r.Method, r.URL, r.Op}, " ")))
	if r.Fault != "" {
		fmt.Fprintf(&b, "fault: %s\n", r.Fault)
	}
	if verbose && r.Request != "" {
		fmt.Fprintf(&b, "%s\n", r.Request)
	}
	switch {
	case r.Status > 0:
		fmt.Fprintf(&b, "%d %s\n", r.Status, excerpt(r.Answer, verbose))
	case r.Err != "":
		fmt.Fprintf(&b, "no answer: %s\n", r.Err)
	}
	fmt.Fprintf(&b, "%s\n", r.Verdict.Text)
	for _, rule := range r.Verdict.Broken {
		fmt.Fprintf(&b, "broken rule: %s\n", rule)
	}
	if r.Verdict.Assumes != "" {
		fmt.Fprintf(&b, "(%s does not document this: an assumption about section %s of its contract)\n", label(r.Vendor), r.Verdict.Assumes)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

// maxShown is how much of an answer a command shows.
const maxShown = 2000

// excerpt is an answer on one line, without what a terminal would obey.
func excerpt(text string, whole bool) string {
	if !whole {
		text = strings.Join(strings.Fields(text), " ")
		if cut := []rune(text); len(cut) > maxShown {
			text = string(cut[:maxShown]) + "…"
		}
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, text)
}
