package check

import (
	"context"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// Pages of StackOne's documentation.
var (
	stackoneWebhooks = Source{"StackOne: webhooks", "https://docs.stackone.com/guides/webhooks"}
	stackoneFlow     = Source{"StackOne: the flow of assessments", "https://docs.stackone.com/guides/assessment-and-background-check-flow"}
	stackoneResultPg = Source{"StackOne: update a result", "https://docs.stackone.com/ats/api-reference/assessments/update-assessments-result"}
)

// stackone is a StackOne of a check's own, with customers of its own.
type stackone struct {
	t       *T
	sim     *stackonetest.Server
	world   int
	account string
}

// stackone returns a new simulator that the service's calls for its customers reach;
// nil after a fault of the kit.
func (t *T) stackone(configure ...func(*stackonetest.Config)) *stackone {
	number, seed := t.nextWorld()
	s := &stackone{t: t, world: number}
	target := t.target.StackOne
	c := t.kit.cfg.Credentials
	cfg := stackonetest.Config{
		APIKey: c.StackOneKey, WebhookSecret: c.StackOneSecret, Seed: seed, Clock: t.kit.cfg.Clock,
		WebhookPath: target.Webhook.path(), WebhookTimeout: t.opts.AnswerTimeout,
		PackagesTimeout: t.opts.AnswerTimeout + t.opts.InlineTimeout, Accounts: []stackonetest.AccountSpec{},
		DialContext: t.kit.cfg.DialContext,
		OnExchange:  func(e stackonetest.Exchange) { t.record(s.exchange(e)) },
	}
	for _, change := range configure {
		change(&cfg)
	}
	var err error
	if s.sim, err = stackonetest.New(cfg); t.kitFault(err) {
		return nil
	}
	t.onEnd(s.sim.Close)
	t.onEnd(t.kit.stack.add(&world{serve: s.sim, owns: func(name string) bool {
		_, own := s.sim.AccountState(name)
		return own
	}}))
	if s.account = s.another(); s.account == "" {
		return nil
	}
	if target.Webhook.Handler != nil {
		s.sim.Target(target.Webhook.Handler)
	} else {
		s.sim.TargetURL(target.Webhook.URL)
	}
	return s
}

// another links one more account of an ATS that takes a result of any kind.
func (s *stackone) another() string {
	account, err := s.sim.Account(stackonetest.AccountSpec{Provider: stackonetest.Bullhorn})
	s.t.kitFault(err)
	return account
}

// packagesAt makes the simulator ask for packages at an endpoint.
func (s *stackone) packagesAt(e Endpoint) {
	if e.Handler != nil {
		s.sim.PackagesTarget(e.Handler)
		return
	}
	s.sim.PackagesTargetURL(e.URL)
}

func (s *stackone) exchange(e stackonetest.Exchange) Exchange {
	x := Exchange{
		Direction: "to the service", Operation: e.Op, Order: e.Order, Time: e.Time, Duration: e.Duration, Method: e.Method, URL: e.URL,
		RequestHeader: shown(e.RequestHeader), RequestBody: shownBody(e.RequestBody), Status: e.Status,
		ResponseHeader: shown(e.ResponseHeader), ResponseBody: shownBody(e.ResponseBody), Err: e.Err, Fault: e.Fault,
		at: place{s.world, e.ID},
	}
	if e.Direction == stackonetest.ToStackOne {
		x.Direction, x.URL = "to StackOne", shownCall(e.URL)
	}
	return x
}

func (s *stackone) reply(d stackonetest.Delivery) reply {
	return reply{status: d.Status, body: d.Body, err: d.Err, at: place{s.world, d.Exchange}, accepted: d.Outcome == stackonetest.Accepted}
}

// spec is an order of somebody new.
func (s *stackone) spec(change ...func(*stackonetest.OrderSpec)) stackonetest.OrderSpec {
	who := s.t.candidate()
	spec := stackonetest.OrderSpec{
		Account: s.account, PackageID: s.t.target.packageID(), PackageIn: stackonetest.PackageBothIDs,
		Fields: map[string]any{"candidate.emails.0.value": who.Email, "candidate.first_name": who.First, "candidate.last_name": who.Last},
	}
	for _, c := range change {
		c(&spec)
	}
	return spec
}

func (s *stackone) place(ctx context.Context, spec stackonetest.OrderSpec, faults ...stackonetest.DeliveryFault) (id string, d stackonetest.Delivery, ok bool) {
	id, d, err := s.sim.PlaceOrder(ctx, spec, faults...)
	return id, d, !s.t.kitFault(err)
}

// taken judges that an event was acknowledged.
func (s *stackone) taken(key, what string, d stackonetest.Delivery) bool {
	if d.Outcome == stackonetest.Accepted {
		return true
	}
	s.t.fail(key, Mismatch{What: what, Expected: "200", Got: s.reply(d).String(), at: place{s.world, d.Exchange}})
	return false
}

func (s *stackone) ref(kind stackonetest.Kind, id string) assessment.OrderRef {
	ref := assessment.OrderRef{Vendor: assessment.StackOne, Connection: s.t.target.StackOne.Connection, Kind: assessment.KindAssessment, Account: s.account, ID: id}
	if kind == stackonetest.BackgroundCheck {
		ref.Kind = assessment.KindBackgroundCheck
	}
	return ref
}

// startedOnce judges that the test of an order is set up, once: a queue may take its
// time. judged is false if nobody can tell.
func (s *stackone) startedOnce(ctx context.Context, key, what string, ref assessment.OrderRef) (judged bool) {
	n, known := s.t.started(ctx, ref)
	if !known {
		return false
	}
	within(ctx, s.t.opts.Settle, func() bool { n, _ = s.t.started(ctx, ref); return n > 0 })
	if n != 1 {
		s.t.fail(key, Mismatch{What: "how often the test was set up of " + what + ", " + ref.ID, Expected: "1", Got: fmt.Sprint(n)})
	}
	return true
}

// writes are the calls that write a result of an order.
func (s *stackone) writes(id string) []stackonetest.Exchange {
	var list []stackonetest.Exchange
	for _, op := range []string{stackonetest.OpUpdateAssessmentResult, stackonetest.OpUpdateBackgroundResult} {
		for _, e := range s.sim.Calls(op) {
			if e.Order == id {
				list = append(list, e)
			}
		}
	}
	return list
}
