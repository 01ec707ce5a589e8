package check

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func komboRepeats() []Check {
	one := func(id, title, why string, steps []string, run func(context.Context, *T)) Check {
		return Check{
			ID: "kombo.order." + id, Title: title, Level: Strict, Since: "2026.1", Contract: []Source{komboWebhooks}, Why: why, Steps: steps,
			Passes: "All answers are the same, a candidate who is sent to a page gets the same one, and a test was set up once (Target.Started). " +
				"Not judged if neither inline orders nor Target.Started are there.",
			Failures: []Failure{
				{Key: "twice", Candidate: "The candidate is invited twice."},
				{Key: "answers", Recruiter: "A repeated webhook is answered otherwise than the first one: an order that runs may look refused.", Nobody: "Kombo counts your endpoint as failing."},
			},
			WithSDK: "All orders go through assessment.Intake, with a Store that all replicas share.",
			Without: "Claim the order's id in your database before you start it, keep the answer, and give it again.",
			run:     run,
		}
	}
	return []Check{
		one("duplicate", "A repeated order is started once", "Whether Kombo repeats a webhook is not documented: expect it.",
			[]string{"Send one order three times, one after the other; and so an inline order."},
			func(ctx context.Context, t *T) { t.komboRepeated(ctx, kombotest.Duplicate(2)) }),
		one("duplicate-at-once", "An order that comes twice at once is started once", "Two replicas of yours may get the same order at the same moment.",
			[]string{"Send one order four times at the same moment; and so an inline order."},
			func(ctx context.Context, t *T) { t.komboRepeated(ctx, kombotest.DuplicateAtOnce(3)) }),
		one("answer-lost", "An order whose sender hung up can come again", "A sender that got no answer sends again, and the work of the first time must neither be half done nor done twice.",
			[]string{"Send an order and hang up before the answer.", "Send it again; and so an inline order."},
			func(ctx context.Context, t *T) { t.komboHungUp(ctx) }),
	}
}

// repeated are the orders whose repetition is looked at.
func (k *kombo) repeatedSpecs() []kombotest.OrderSpec {
	list := []kombotest.OrderSpec{k.spec()}
	if !k.without("kombo.inline") {
		list = append(list, k.spec(inline))
	}
	return list
}

func (k *kombo) without(capability string) bool {
	return slices.Contains(k.t.target.Without, capability)
}

func (t *T) komboRepeated(ctx context.Context, fault kombotest.DeliveryFault) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	for _, spec := range k.repeatedSpecs() {
		id, d, ok := k.place(ctx, spec, fault)
		if !ok {
			return
		}
		k.sameAnswers(ctx, id, append([]kombotest.Delivery{d}, d.Duplicates...))
	}
}

func (t *T) komboHungUp(ctx context.Context) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	for _, spec := range k.repeatedSpecs() {
		id, _, ok := k.place(ctx, spec, kombotest.HangUp(0))
		if !ok {
			return
		}
		pause(ctx, t.opts.Settle) // a sender repeats later, and the first time may be at work
		k.sameAnswers(ctx, id, []kombotest.Delivery{k.redeliver(ctx, id), k.redeliver(ctx, id)})
	}
}

// sameAnswers judges all answers that one order got.
func (k *kombo) sameAnswers(ctx context.Context, id string, all []kombotest.Delivery) {
	order, _ := k.sim.Order(id)
	for i, d := range all {
		what := fmt.Sprintf("answer %d to the same order", i+1)
		switch {
		case d.Outcome != kombotest.Accepted:
			k.t.fail("answers", Mismatch{What: what, Expected: "that it is accepted", Got: k.reply(d).String(), at: k.at(d)})
		case order.Inline && !bytes.Equal(d.Body, all[0].Body) && all[0].Outcome == kombotest.Accepted:
			k.t.fail("twice", Mismatch{What: what, Path: "assessment_url", Expected: excerpt(all[0].Body), Got: excerpt(d.Body), at: k.at(d)})
		}
	}
	if !k.count(ctx, "twice", id) && !order.Inline && k.without("kombo.inline") {
		k.t.notJudged("every repetition was accepted; whether a test was set up twice cannot be seen (Started)")
	}
}
