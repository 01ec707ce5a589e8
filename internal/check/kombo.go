package check

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// Pages of Kombo's documentation.
var (
	komboWebhooks = Source{"Kombo: webhooks", "https://docs.kombo.dev/assessment/guides/webhooks"}
	komboIntro    = Source{"Kombo: introduction to assessments", "https://docs.kombo.dev/assessment/introduction"}
	komboInlinePg = Source{"Kombo: inline assessments", "https://docs.kombo.dev/assessment/features/inline-assessment"}
	komboResult   = Source{"Kombo: PUT result", "https://docs.kombo.dev/assessment/v1/put-orders-assessment-order-id-result"}
	komboErrors   = Source{"Kombo: errors", "https://docs.kombo.dev/guides/errors"}
	komboOrdersPg = Source{"Kombo: GET orders", "https://docs.kombo.dev/assessment/v1/get-orders"}
)

// kombo is a Kombo of a check's own, with one customer.
type kombo struct {
	t           *T
	sim         *kombotest.Server
	world       int
	integration string
}

// kombo returns a new simulator that the service's calls for its customer reach, after
// the service was told of the customer; nil after a fault of the kit.
func (t *T) kombo(ctx context.Context, configure ...func(*kombotest.Config)) *kombo {
	number, seed := t.nextWorld()
	k := &kombo{t: t, world: number}
	webhook := t.target.Kombo.Webhook
	cfg := kombotest.Config{
		APIKey: t.kit.cfg.Credentials.KomboKey, WebhookSecret: t.kit.cfg.Credentials.KomboSecret,
		Seed: seed, Clock: t.kit.cfg.Clock, WebhookPath: webhook.path(),
		WebhookTimeout: t.opts.AnswerTimeout, InlineTimeout: t.opts.AnswerTimeout + t.opts.InlineTimeout,
		Integrations: []kombotest.IntegrationSpec{}, DialContext: t.kit.cfg.DialContext,
		OnExchange: func(e kombotest.Exchange) { t.record(k.exchange(e)) },
	}
	for _, change := range configure {
		change(&cfg)
	}
	var err error
	if k.sim, err = kombotest.New(cfg); t.kitFault(err) {
		return nil
	}
	t.onEnd(k.sim.Close)
	if k.integration, err = k.sim.Integration(kombotest.IntegrationSpec{Tool: "workday"}); t.kitFault(err) {
		return nil
	}
	t.onEnd(t.kit.kombo.add(&world{serve: k.sim, owns: func(name string) bool { return name == k.integration }}))
	k.aim(webhook)
	event, err := k.sim.IntegrationCreatedEvent(k.integration)
	if t.kitFault(err) {
		return nil
	}
	k.sim.Deliver(ctx, event)
	return k
}

func (k *kombo) aim(e Endpoint) {
	if e.Handler != nil {
		k.sim.Target(e.Handler)
		return
	}
	k.sim.TargetURL(e.URL)
}

func (k *kombo) exchange(e kombotest.Exchange) Exchange {
	x := Exchange{
		Direction: "to the service", Operation: e.Op, Order: e.Order, Time: e.Time, Duration: e.Duration, Method: e.Method, URL: e.URL,
		RequestHeader: shown(e.RequestHeader), RequestBody: shownBody(e.RequestBody), Status: e.Status,
		ResponseHeader: shown(e.ResponseHeader), ResponseBody: shownBody(e.ResponseBody), Err: e.Err, Fault: e.Fault,
		at: place{k.world, e.ID},
	}
	if e.Direction == kombotest.ToKombo {
		x.Direction, x.URL = "to Kombo", shownCall(e.URL)
	}
	return x
}

func (k *kombo) at(d kombotest.Delivery) place { return place{k.world, d.Exchange} }

// reply is what a delivery came to.
func (k *kombo) reply(d kombotest.Delivery) reply {
	_, rejected := rejectionIn(d.Status, d.Body)
	return reply{
		status: d.Status, header: k.header(d), body: d.Body, err: d.Err, at: k.at(d),
		accepted: d.Outcome == kombotest.Accepted, rejected: rejected,
	}
}

// header is that of the answer to a delivery.
func (k *kombo) header(d kombotest.Delivery) http.Header {
	for _, e := range k.sim.Exchanges() {
		if e.ID == d.Exchange {
			return e.ResponseHeader
		}
	}
	return nil
}

// spec is an order of somebody new. The last argument changes it.
func (k *kombo) spec(change ...func(*kombotest.OrderSpec)) kombotest.OrderSpec {
	who := k.t.candidate()
	s := kombotest.OrderSpec{
		Integration: k.integration, PackageID: k.t.target.packageID(),
		Fields: map[string]any{
			"candidate.email": who.Email, "candidate.first_name": who.First, "candidate.last_name": who.Last,
			"job.hiring_team.0.email": "recruiter@example.com",
		},
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

func inline(s *kombotest.OrderSpec) { s.Inline = true }

func komboPackage(id string) func(*kombotest.OrderSpec) {
	return func(s *kombotest.OrderSpec) { s.PackageID = id }
}

// place places an order; ok is false after a fault of the kit.
func (k *kombo) place(ctx context.Context, s kombotest.OrderSpec, faults ...kombotest.DeliveryFault) (id string, d kombotest.Delivery, ok bool) {
	id, d, err := k.sim.PlaceOrder(ctx, s, faults...)
	return id, d, !k.t.kitFault(err)
}

// taken judges that an order was accepted.
func (k *kombo) taken(key, what string, d kombotest.Delivery) bool {
	if d.Outcome == kombotest.Accepted {
		return true
	}
	k.t.fail(key, Mismatch{What: what, Expected: "2xx: the order is taken", Got: k.reply(d).String(), at: k.at(d)})
	return false
}

// ordered places an order for a check of results and tells whether there is one.
func (k *kombo) ordered(ctx context.Context, key string) (string, bool) {
	id, d, ok := k.place(ctx, k.spec())
	return id, ok && k.taken(key, "the answer to the order", d)
}

func (k *kombo) ref(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Kombo, Connection: k.t.target.Kombo.Connection, Account: k.integration, ID: id}
}

// final returns the result that ended an order, once it is there.
func (k *kombo) final(ctx context.Context, id string) (kombotest.Result, bool) {
	var r kombotest.Result
	there := within(ctx, k.t.opts.Patience, func() bool {
		o, _ := k.sim.Order(id)
		var final bool
		r, final = o.Final()
		return final
	})
	return r, there
}

// writes are the calls that write a result of an order.
func (k *kombo) writes(id string) []kombotest.Exchange {
	var list []kombotest.Exchange
	for _, e := range k.sim.Calls(kombotest.OpUpdateResult) {
		if e.Order == id {
			list = append(list, e)
		}
	}
	return list
}

// completed is a result as a provider has it at the end of a test.
func (t *T) completed() assessment.Result {
	at := t.kit.cfg.Clock().UTC().Truncate(time.Millisecond)
	return assessment.Result{
		Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(87.4, 100),
		ReportURL: "https://reports.example.com/" + t.check.ID, CompletedAt: at, At: at,
	}
}

// rejectionIn recognises the one body that rejects an order.
func rejectionIn(status int, body []byte) (message string, ok bool) {
	if status != http.StatusUnprocessableEntity {
		return "", false
	}
	members := object(body)
	message, isText := members["message"].(string)
	return message, isText && members["status"] == "ORDER_REJECTED"
}

// count compares how often a test was set up with once; judged is false if nobody can
// tell.
func (k *kombo) count(ctx context.Context, key, id string) (judged bool) {
	n, known := k.t.started(ctx, k.ref(id))
	if known && n != 1 {
		k.t.fail(key, Mismatch{What: "how often the test of one order was set up", Expected: "1", Got: fmt.Sprint(n)})
	}
	return known
}
