package check

import (
	"context"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func komboInline() []Check {
	return []Check{{
		ID: "kombo.inline.url-in-time", Title: "An inline order is answered with a URL at once", Level: Core, Since: "2026.1", Contract: []Source{komboInlinePg},
		Why:    "The applicant sits before the page of the ATS, which most give up after 15 to 30 seconds.",
		Steps:  []string{"Place an inline order."},
		Passes: "The answer is 2xx with an assessment_url, within 5 s.",
		Failures: []Failure{
			{Key: "no url", Candidate: "The applicant cannot go on: there is no address to send them to."},
			{Key: "late", Candidate: "The applicant looks at a dead page."},
		},
		WithSDK: "Return Started.CandidateURL, and do nothing slow in StartOrder.", Without: `Answer 200 with {"assessment_url":"https://…"} before you do anything else.`,
		Capability: "kombo.inline", run: komboURLInTime,
	}}
}

func komboURLInTime(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	_, d, ok := k.place(ctx, k.spec(inline))
	if !ok {
		return
	}
	if d.Outcome != kombotest.Accepted {
		t.fail("no url", Mismatch{What: "the answer to an inline order", Path: "assessment_url", Expected: "2xx with an absolute URL", Got: k.reply(d).String(), at: k.at(d)})
	}
	for _, e := range k.sim.Calls(kombotest.EventInlineOrderReceived) {
		if e.Duration > t.opts.InlineTimeout {
			t.fail("late", Mismatch{What: "how long the answer took", Expected: "at most " + t.opts.InlineTimeout.String(), Got: "more", at: k.at(d)})
		}
	}
}
