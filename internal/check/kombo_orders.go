package check

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func komboOrders() []Check {
	return []Check{
		{
			ID: "kombo.order.accepted", Title: "An order is accepted", Level: Core, Since: "2026.1", Contract: []Source{komboIntro},
			Why:      "Everything else rests on it.",
			Steps:    []string{"Place Kombo's documented example order for a package that the service offers."},
			Passes:   "The answer is 2xx in time.",
			Failures: []Failure{{Key: "not taken", Recruiter: "The order stays open.", Candidate: "The candidate waits for an invitation that never comes."}},
			WithSDK:  "Mount kombo.NewWebhookHandler and return a Started from your Provider.", Without: "Answer 200 as soon as the order is stored.",
			run: komboAccepted,
		},
		{
			ID: "kombo.order.rejected-body", Title: "A rejection has the body that Kombo knows", Level: Core, Since: "2026.1", Contract: []Source{komboIntro},
			Why:    "Kombo shows the recruiter a reason only if the answer is exactly 422 with status ORDER_REJECTED and a message.",
			Steps:  []string{"Place an order for a package that the service turns down (Target.RejectedPackage)."},
			Passes: "The answer is 422 with exactly the members status, which is ORDER_REJECTED, and message, which is a text that is not empty.",
			Failures: []Failure{
				{Key: "body", Recruiter: "The recruiter never reads your reason, and the order stays open for ever."},
				{Key: "not rejected", Candidate: "An order that you turn down looks as if it were taken: the candidate waits for ever."},
			},
			WithSDK: "Return assessment.Reject(message) from Provider.StartOrder.", Without: `Answer 422 with {"status":"ORDER_REJECTED","message":"…"} and nothing else.`,
			Capability: "kombo.rejection", run: komboRejected,
		},
		{
			ID: "kombo.order.fault-is-not-rejection", Title: "A fault is not shown as a refusal", Level: Core, Since: "2026.1", Contract: []Source{komboIntro},
			Why:      "A rejection ends the order. An outage must leave it open, so that it can be found and started later.",
			Steps:    []string{"Place an order whose body is cut in half, rightly signed.", "Place one whose start fails in the service (Target.FaultPackage)."},
			Passes:   "Neither answer is a 422 with ORDER_REJECTED nor a success. Not judged without a FaultPackage if the first step passes.",
			Failures: []Failure{{Key: "rejected", Recruiter: "An outage of yours is shown as a refusal, and the order is over."}, {Key: "taken", Nobody: "An order that could not be started counts as taken: nobody looks for it again."}},
			WithSDK:  "Return any other error than a Rejection: the handler answers 503.", Without: "Answer 5xx on every error that is not a decision of yours.",
			run: komboFault,
		},
		{
			ID: "kombo.order.absent-null-unknown", Title: "Absent, null and unknown members do no harm", Level: Strict, Since: "2026.1", Contract: []Source{komboIntro},
			Why:      "Members were added and became nullable without a new version, and ATSs leave out what they do not have.",
			Steps:    []string{"Place orders without the members that may be absent, with null in those that may be null, and with members, a status and a role that nobody knows."},
			Passes:   "Every one of them is accepted.",
			Failures: []Failure{{Key: "not taken", Recruiter: "One new field at Kombo or at an ATS, and no order of that customer arrives."}},
			WithSDK:  "The decoder is lenient. Do not demand in StartOrder what may be empty.", Without: "Treat an absent member like null, ignore members that you do not know, and keep enumerations open.",
			run: komboLenient,
		},
		{
			ID: "kombo.event.unknown-type", Title: "Events of other types are acknowledged", Level: Strict, Since: "2026.1", Contract: []Source{komboWebhooks},
			Why:      "One endpoint receives the events of all categories, and there are new ones now and then.",
			Steps:    []string{"Send events of a type that does not exist, and integration-state-changed, connection-flow-failed, data-changed and integration-deleted."},
			Passes:   "Every answer is 2xx.",
			Failures: []Failure{{Key: "not acknowledged", Nobody: "Kombo counts your endpoint as failing, and may stop sending orders."}},
			WithSDK:  "The handler acknowledges them; OnEvent gets to see them.", Without: "Answer 200 to every type that you do not handle.",
			run: komboEvents,
		},
		{
			ID: "kombo.order.lost-then-reconciled", Title: "An order whose webhook was lost is found", Level: Strict, Since: "2026.1", Contract: []Source{komboOrdersPg},
			Why:   "Kombo does not document that it repeats a webhook. Asking for open orders is the only way to hear of a lost one.",
			Steps: []string{"Place an order an hour ago, without its webhook.", "Make the service look for lost orders (Target.Reconcile).", "Ask how often its test was set up (Target.Started)."},
			Passes: "The service lists the customer's orders, the order's test is set up once, and a second look changes nothing. " +
				"Not judged without Target.Started if the orders are listed.",
			Failures: []Failure{{Key: "not found", Nobody: "Nobody ever hears of the order.", Candidate: "The candidate waits for an invitation that never comes."}, {Key: "failed", Nobody: "The search for lost orders ends with an error."}},
			WithSDK:  "Call Client.Reconcile for every integration now and then.", Without: "List GET /assessment/orders?statuses=OPEN for every integration now and then, and start what you do not know.",
			Needs: []Need{NeedReconcile}, alone: true, run: komboReconciled,
		},
	}
}

func komboAccepted(ctx context.Context, t *T) {
	if k := t.kombo(ctx); k != nil {
		if _, d, ok := k.place(ctx, k.spec()); ok {
			k.taken("not taken", "the answer to an order", d)
		}
	}
}

func komboRejected(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	named := t.target.RejectedPackage
	pkg := named
	if pkg == "" {
		pkg = "a-package-that-nobody-offers"
	}
	id, d, ok := k.place(ctx, k.spec(komboPackage(pkg)))
	if !ok {
		return
	}
	order, _ := k.sim.Order(id)
	switch {
	case d.Outcome == kombotest.Rejected && strings.TrimSpace(order.RejectionMessage) != "":
	case d.Outcome == kombotest.Accepted && named == "":
		t.notJudged("the service takes an order for a package that nobody offers: name one that it turns down (RejectedPackage)")
	case d.Outcome == kombotest.Accepted:
		t.fail("not rejected", Mismatch{What: "the answer to an order for " + named, Expected: "422 with ORDER_REJECTED", Got: k.reply(d).String(), at: k.at(d)})
	default:
		k.rejectionMismatches(d)
	}
}

// rejectionMismatches says all that is wrong with a rejection.
func (k *kombo) rejectionMismatches(d kombotest.Delivery) {
	fail := func(path, expected, got string) {
		k.t.fail("body", Mismatch{What: "the answer to an order that is turned down", Path: path, Expected: expected, Got: got, at: k.at(d)})
	}
	if d.Status != http.StatusUnprocessableEntity {
		fail("", "status 422", k.reply(d).String())
		return
	}
	members := object(d.Body)
	if members["status"] != "ORDER_REJECTED" {
		fail("status", `"ORDER_REJECTED"`, text(members["status"]))
	}
	if message, isText := members["message"].(string); !isText || strings.TrimSpace(message) == "" {
		fail("message", "a text for the recruiter", text(members["message"]))
	}
	for _, name := range sorted(members) {
		if name != "status" && name != "message" {
			fail(name, "no such member", text(members[name]))
		}
	}
}

func komboFault(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	judge := func(what string, d kombotest.Delivery) {
		switch r := k.reply(d); {
		case r.rejected:
			t.fail("rejected", Mismatch{What: what, Expected: "5xx (or 400 for what cannot be read), not a rejection", Got: r.String(), at: r.at})
		case r.accepted:
			t.fail("taken", Mismatch{What: what, Expected: "5xx (or 400 for what cannot be read), not a success", Got: r.String(), at: r.at})
		}
	}
	id, d, ok := k.place(ctx, k.spec(), kombotest.TruncatedBody())
	if !ok {
		return
	}
	judge("the answer to an order that is cut in half", d)
	if !k.taken("taken", "the answer to the same order when it is whole (a refusal counts only beside it)", k.redeliver(ctx, id)) {
		return
	}
	if t.target.FaultPackage == "" {
		t.notJudged("the target names no package whose start fails (FaultPackage); what could be seen without is right")
		return
	}
	if _, d, ok = k.place(ctx, k.spec(komboPackage(t.target.FaultPackage))); ok {
		judge("the answer to an order that could not be started", d)
	}
}

func (k *kombo) redeliver(ctx context.Context, id string, faults ...kombotest.DeliveryFault) kombotest.Delivery {
	d, err := k.sim.Redeliver(ctx, id, faults...)
	k.t.kitFault(err)
	return d
}

// Members that the order object may leave out, or have as null.
var (
	komboMayBeAbsent = []string{
		"candidate.remote_id", "candidate.first_name", "candidate.last_name", "candidate.phone", "application.remote_id",
		"job.remote_id", "job.name", "job.job_code", "job.description", "job.location",
	}
	komboMayBeNull = append([]string{"job.hiring_team.0.remote_id", "job.hiring_team.0.email", "job.hiring_team.0.first_name", "job.hiring_team.0.last_name"}, komboMayBeAbsent...)
)

func komboLenient(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	for _, odd := range []struct {
		what   string
		fields map[string]any
		faults []kombotest.DeliveryFault
	}{
		{what: "without the members that may be absent", faults: []kombotest.DeliveryFault{kombotest.AbsentFields(komboMayBeAbsent...)}},
		{what: "with null in the members that may be null", faults: []kombotest.DeliveryFault{kombotest.NullFields(komboMayBeNull...)}},
		{what: "with an empty hiring team", fields: map[string]any{"job.hiring_team": []any{}}},
		{what: "with members that nobody knows", fields: map[string]any{"flavour": "vanilla", "candidate.shoe_size": 43, "job.extra": map[string]any{"deep": []any{true, nil}}}},
		{what: "with a role that nobody knows", faults: []kombotest.DeliveryFault{kombotest.UnknownRole("SOMMELIER")}},
		{what: "with a country that is no code", fields: map[string]any{"job.location.country": "Côte d’Ivoire"}},
	} {
		spec := k.spec()
		for path, value := range odd.fields {
			if path == "job.hiring_team" {
				delete(spec.Fields, "job.hiring_team.0.email")
			}
			spec.Fields[path] = value
		}
		_, d, ok := k.place(ctx, spec, odd.faults...)
		if !ok {
			return
		}
		k.taken("not taken", "the answer to an order "+odd.what, d)
	}
}

func komboEvents(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	custom, err1 := k.sim.CustomEvent("something-new-happened", map[string]any{"id": "1", "what": []any{"a", nil}})
	issue, err2 := k.sim.CustomEvent("issue-status-changed", map[string]any{"change": "raised", "issue": map[string]any{"type": "integration.action_failing"}})
	state, err3 := k.sim.StateChangedEvent(k.integration)
	data, err4 := k.sim.DataChangedEvent(k.integration, "ats_candidates")
	deleted, err5 := k.sim.IntegrationDeletedEvent(k.integration)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if t.kitFault(err) {
			return
		}
	}
	failed := k.sim.ConnectionFlowFailedEvent("workday", kombotest.EndUser{})
	for _, event := range []kombotest.Event{custom, issue, state, data, failed, deleted} {
		if d := k.sim.Deliver(ctx, event); d.Outcome != kombotest.Accepted {
			t.fail("not acknowledged", Mismatch{What: "the answer to " + event.Type, Expected: "2xx", Got: k.reply(d).String(), at: k.at(d)})
		}
	}
}

func komboReconciled(ctx context.Context, t *T) {
	k := t.kombo(ctx)
	if k == nil {
		return
	}
	spec := k.spec()
	spec.CreatedAt = t.kit.cfg.Clock().Add(-time.Hour)
	id, _, ok := k.place(ctx, spec, kombotest.Lost())
	if !ok {
		return
	}
	for _, look := range []string{"first", "second"} {
		if err := contained(func() error { return t.target.Reconcile(ctx) }); err != nil {
			t.fail("failed", Mismatch{What: "the " + look + " search for lost orders", Expected: "no error", Got: err.Error()})
		}
	}
	listed := append(k.sim.Calls(kombotest.OpGetOrders), k.sim.Calls(kombotest.OpGetOpenOrders)...)
	if !slices.ContainsFunc(listed, func(e kombotest.Exchange) bool { return e.Status == http.StatusOK }) {
		t.fail("not found", Mismatch{What: "whether the customer's open orders were listed", Expected: "GET /assessment/orders?statuses=OPEN for " + k.integration, Got: "no such call that succeeded"})
		return
	}
	if !k.count(ctx, "not found", id) {
		t.notJudged("the orders were listed; whether the lost one was started cannot be seen (Started)")
	}
}
