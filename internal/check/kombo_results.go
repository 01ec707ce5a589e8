package check

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func komboResults() []Check {
	notTaken := Failure{Key: "order", Recruiter: "The order was not taken, so there is no result."}
	return []Check{
		{
			ID: "kombo.result.completed", Title: "A result arrives as it is", Level: Core, Since: "2026.1", Contract: []Source{komboResult},
			Why:    "It is what the customer pays for. A rounded score or a missing zero ranks candidates wrongly.",
			Steps:  []string{"Place an order, and finish it with 87.4 of 100 and the address of a report.", "Place another, and finish it with 0 of 100."},
			Passes: "Both orders are COMPLETED with exactly these scores, the report's address and the time of completion.",
			Failures: []Failure{
				notTaken,
				{Key: "no result", Recruiter: "The recruiter never sees a result."},
				{Key: "wrong", Recruiter: "The recruiter sees another result than the candidate has."},
			},
			WithSDK: "Give the Router a Result with a Score.", Without: "PUT status, result_url, completed_at, score and max_score; a score of 0 is a score, and numbers keep their decimals.",
			Needs: []Need{NeedFinish}, run: komboCompleted,
		},
		{
			ID: "kombo.result.interim", Title: "An interim update comes before the end, never after it", Level: Strict, Since: "2026.1", Contract: []Source{komboResult},
			Why:    "A status can be changed only while the order is open.",
			Steps:  []string{"Place an order, report that it is in progress, finish it.", "Report once more that it is in progress, with the time of before."},
			Passes: "Kombo gets an update with OPEN, then COMPLETED, and no update with OPEN after it.",
			Failures: []Failure{
				notTaken,
				{Key: "no update", Recruiter: "The recruiter does not see that the test has begun."},
				{Key: "no result", Recruiter: "The recruiter never sees a result."},
				{Key: "after", Nobody: "An update after the end is refused by Kombo, and what repeats it never stops; an ATS that takes it shows a finished test as open."},
			},
			WithSDK: "Set Result.At: the client skips what is older than what it wrote.", Without: "Keep the last status per order, and send no OPEN after a final one.",
			Capability: "kombo.interim", Needs: []Need{NeedFinish}, run: komboInterim,
		},
		{
			ID: "kombo.result.once", Title: "A result whose answer was lost is not written twice", Level: Strict, Since: "2026.1", Contract: []Source{komboResult, komboOrdersPg},
			Why:    "There is no idempotency key: what a second write does is not documented.",
			Steps:  []string{"Place an order and finish it. Kombo writes the result and resets the connection before it answers."},
			Passes: "The order has one final result: the service looks at the order before it writes again.",
			Failures: []Failure{
				notTaken,
				{Key: "no result", Recruiter: "The recruiter never sees a result."},
				{Key: "twice", Recruiter: "The recruiter sees two results, and every attachment twice."},
			},
			WithSDK: "The client reads the order after an unclear answer.", Without: "After a reset or a timeout, GET /assessment/orders?ids=… and write again only if the order is OPEN.",
			Quirks: []string{"Kombo takes a repeated final result and shows both (not documented)"},
			Needs:  []Need{NeedFinish}, run: komboOnce,
		},
		{
			ID: "kombo.result.retried-after-429-5xx-reset", Title: "A result survives refusals that pass", Level: Strict, Since: "2026.1", Contract: []Source{komboErrors},
			Why:      "Limits, load balancers and networks fail for a moment, and nobody writes a lost result anew.",
			Steps:    []string{"Place three orders and finish them. Kombo answers the first write of each with 429, with a load balancer's 503, and not at all."},
			Passes:   "All three results arrive.",
			Failures: []Failure{notTaken, {Key: "lost", Recruiter: "The result of a test that the candidate took is lost."}},
			WithSDK:  "The client repeats, and an outbox (assessment/sqlstore) survives a restart.", Without: "Store the result before you send it, and repeat with growing waits until Kombo has taken it.",
			Needs: []Need{NeedFinish}, run: komboRetried,
		},
	}
}

func komboCompleted(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	for _, score := range []float64{87.4, 0} {
		id, ok := k.ordered(ctx, "order")
		if !ok {
			return
		}
		result := t.completed()
		result.Score = assessment.ScoreOutOf(score, 100)
		err := t.finish(ctx, k.ref(id), result)
		got, there := k.final(ctx, id)
		if !there {
			k.noResult("no result", id, err)
			continue
		}
		k.compare(id, result, got, score)
	}
}

// noResult notes that a result did not arrive.
func (k *kombo) noResult(key, id string, err error) {
	m := Mismatch{What: "the order after its test was finished", Expected: "COMPLETED", Got: "no final result"}
	if err != nil {
		m.Got += "; the service said: " + excerpt([]byte(err.Error()))
	}
	if writes := k.writes(id); len(writes) > 0 {
		last := writes[len(writes)-1]
		m.at = place{k.world, last.ID}
		m.Got += fmt.Sprintf("; Kombo answered %d", last.Status)
	}
	k.t.fail(key, m)
}

// compare says all that is wrong with a result.
func (k *kombo) compare(id string, want assessment.Result, got kombotest.Result, score float64) {
	wrong := func(path string, expected, got any) {
		m := Mismatch{What: "the result of the order", Path: path, Expected: fmt.Sprint(expected), Got: fmt.Sprint(got)}
		if writes := k.writes(id); len(writes) > 0 {
			m.at = place{k.world, writes[len(writes)-1].ID}
		}
		k.t.fail("wrong", m)
	}
	if got.Status != kombotest.StatusCompleted {
		wrong("status", kombotest.StatusCompleted, got.Status)
	}
	if !equals(got.Score, score) {
		wrong("score", score, absent(got.Score))
	}
	if !equals(got.MaxScore, 100) {
		wrong("max_score", 100, absent(got.MaxScore))
	}
	if got.ResultURL != want.ReportURL {
		wrong("result_url", want.ReportURL, got.ResultURL)
	}
	if !sameSecond(got.CompletedAt, want.CompletedAt) {
		wrong("completed_at", want.CompletedAt.Format(time.RFC3339), got.CompletedAt)
	}
}

func absent(n json.Number) string {
	if n == "" {
		return "absent"
	}
	return n.String()
}

// sameSecond tells whether a text of Kombo's pattern is the time, or its day.
func sameSecond(text string, at time.Time) bool {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z", "2006-01-02T15:04:05.999999999"} {
		if got, err := time.Parse(layout, text); err == nil {
			return got.Truncate(time.Second).Equal(at.UTC().Truncate(time.Second))
		}
	}
	day := at.UTC().Format(time.DateOnly)
	return text == day || text == day+"Z"
}

func komboInterim(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	id, ok := k.ordered(ctx, "order")
	if !ok {
		return
	}
	final := t.completed()
	interim := assessment.Result{Status: assessment.StatusInProgress, At: final.At.Add(-time.Minute), ReportURL: final.ReportURL}
	err := t.finish(ctx, k.ref(id), interim)
	if !within(ctx, t.opts.Patience, func() bool { o, _ := k.sim.Order(id); return len(o.Results) > 0 }) {
		m := Mismatch{What: "the order after its test began", Expected: "an update with OPEN", Got: "none"}
		if err != nil {
			m.Got += "; the service said: " + excerpt([]byte(err.Error()))
		}
		t.fail("no update", m)
	}
	err = t.finish(ctx, k.ref(id), final)
	if _, there := k.final(ctx, id); !there {
		k.noResult("no result", id, err)
		return
	}
	before := len(k.writes(id))
	// Whether the service calls this an error does not matter: it must not be sent.
	_ = contained(func() error { return t.target.Finish(ctx, k.ref(id), interim) })
	pause(ctx, t.opts.Settle)
	for _, e := range k.writes(id)[before:] {
		if object(e.RequestBody)["status"] == kombotest.StatusOpen {
			t.fail("after", Mismatch{What: "an update after the end", Path: "status", Expected: "no call", Got: "OPEN", at: place{k.world, e.ID}})
		}
	}
}

func komboOnce(ctx context.Context, t *T) {
	k := t.kombo(ctx, func(c *kombotest.Config) { c.Quirks.RepeatedFinal = kombotest.RepeatDuplicated })
	if k == nil {
		return
	}
	id, ok := k.ordered(ctx, "order")
	if !ok {
		return
	}
	k.sim.Fail(kombotest.OpUpdateResult, kombotest.AppliedThenReset())
	err := t.finish(ctx, k.ref(id), t.completed())
	if _, there := k.final(ctx, id); !there {
		k.noResult("no result", id, err)
		return
	}
	pause(ctx, t.opts.Settle)
	if o, _ := k.sim.Order(id); len(o.Results) != 1 {
		writes := k.writes(id)
		t.fail("twice", Mismatch{What: "the results of the order", Expected: "1", Got: fmt.Sprint(len(o.Results)), at: place{k.world, writes[len(writes)-1].ID}})
	}
}

func komboRetried(ctx context.Context, t *T) {
	var group sync.WaitGroup
	// The limit of a customer, not of the key: that would be felt by other checks.
	for _, fault := range []kombotest.Fault{kombotest.Concurrency429(), kombotest.LoadBalancer503(), kombotest.Reset()} {
		// One after the other, so that each gets the same ids in every run.
		k := t.kombo(ctx)
		if k == nil {
			return
		}
		id, ok := k.ordered(ctx, "order")
		if !ok {
			continue
		}
		k.sim.Fail(kombotest.OpUpdateResult, fault)
		group.Go(func() {
			err := t.finish(ctx, k.ref(id), t.completed())
			if _, there := k.final(ctx, id); !there {
				k.noResult("lost", id, err)
			}
		})
	}
	group.Wait()
}
