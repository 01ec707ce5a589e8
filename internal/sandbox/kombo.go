package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

type komboSim struct {
	*kombotest.Server
	settings VendorSettings
}

func newKombo(s VendorSettings, env environment) (simulator, error) {
	cfg := kombotest.Config{
		Seed: env.seed, MaxExchanges: keptBySimulator, DialContext: env.dial, APIKey: s.Key, WebhookSecret: s.Secret,
		WebhookTimeout: env.timeout, InlineTimeout: min(env.timeout, kombotest.DefaultInlineTimeout),
		OnExchange: func(e kombotest.Exchange) {
			env.follow(Row{
				Vendor: Kombo, Exchange: e.ID, ToProvider: e.Direction == kombotest.FromKombo, Op: e.Op, Customer: e.Integration,
				Order: e.Order, At: e.Time, Duration: e.Duration, Method: e.Method, URL: e.URL,
				RequestHeader: e.RequestHeader, RequestBody: e.RequestBody, Status: e.Status,
				ResponseHeader: e.ResponseHeader, ResponseBody: e.ResponseBody, Err: e.Err, Fault: e.Fault, Notes: e.Notes,
			})
		},
	}
	for _, c := range s.Customers {
		cfg.Integrations = append(cfg.Integrations, kombotest.IntegrationSpec{
			ID: c.ID, Tool: c.ATS, EndUser: kombotest.EndUser{OrganizationName: c.Name},
		})
	}
	setQuirks(Kombo, &cfg.Quirks, s.Quirks)
	server, err := kombotest.New(cfg)
	if err != nil {
		return nil, err
	}
	return &komboSim{server, s}, nil
}

func (k *komboSim) customers() []Customer { return k.settings.Customers }
func (k *komboSim) faults() []string      { return kombotest.DeliveryFaults() }
func (k *komboSim) target(t Target)       { k.TargetURL(t.Webhook) }

func (k *komboSim) customerVerbs() []Verb {
	return []Verb{verbConnect, verbExpire, verbMend, verbRotate, verbRevoke, verbReset}
}

func (k *komboSim) packages(customer string) []Package {
	var list []Package
	for _, p := range k.Packages(customer) {
		list = append(list, Package{p.ID, orDefault(p.Name, p.ID)})
	}
	return list
}

// ask does nothing: Kombo is told the packages, it does not ask.
func (k *komboSim) ask(context.Context, string, []string) ([]Judged, error) { return nil, nil }

func (k *komboSim) order(ctx context.Context, r Request) (string, []Judged, error) {
	faults, err := parsed(r.Faults, kombotest.ParseDeliveryFault)
	if err != nil {
		return "", nil, err
	}
	if r.Twice {
		faults = append(faults, kombotest.DuplicateAtOnce(1))
	}
	r = r.withCandidate()
	spec := kombotest.OrderSpec{Integration: r.Customer, PackageID: r.Package, Inline: r.Kind == KindInline, Fields: map[string]any{
		"candidate.first_name": r.First, "candidate.last_name": r.Last, "candidate.email": r.Email,
		"job.hiring_team.0.email": "recruiter@example.com",
	}}
	for path, value := range r.Set {
		spec.Fields[path] = value
	}
	id, d, err := k.PlaceOrder(ctx, spec, faults...)
	return id, k.judge(d, false), err
}

// judge says what follows of a delivery, which may be one of many, and of its copies.
func (k *komboSim) judge(d kombotest.Delivery, again bool) []Judged {
	judged := []Judged{k.judgeOne(d, again)}
	for _, copied := range d.Duplicates {
		judged = append(judged, k.judgeOne(copied, true))
	}
	return judged
}

func (k *komboSim) judgeOne(d kombotest.Delivery, again bool) Judged {
	f := facts{vendor: Kombo, class: EventClass, outcome: Failed, status: d.Status, faults: d.Faults}
	switch d.EventType {
	case kombotest.EventOrderReceived:
		f.class = OrderClass
	case kombotest.EventInlineOrderReceived:
		f.class = InlineClass
		f.detail = orDefault(textIn(d.Body, "assessment_url"), "your page")
	}
	switch d.Outcome {
	case kombotest.Accepted:
		f.outcome = Taken
		if again {
			f.outcome = Again
		}
	case kombotest.Rejected:
		f.outcome, f.message = Rejected, textIn(d.Body, "message")
	case kombotest.Unread:
		f.outcome = Unread
	case kombotest.NotSent:
		f.outcome = unsent(d.Err)
	case kombotest.Failed:
		switch {
		case d.Status == 0:
			f.outcome = unanswered(d.Reason)
		case d.Status == http.StatusUnprocessableEntity:
			f.outcome = Misshapen
		}
	}
	return Judged{exchange: d.Exchange, op: d.EventType, order: d.OrderID, faults: strings.Join(d.Faults, ", "), verdict: f.verdict()}
}

func (k *komboSim) again(ctx context.Context, id string, names []string) ([]Judged, error) {
	faults, err := parsed(names, kombotest.ParseDeliveryFault)
	if err != nil {
		return nil, err
	}
	d, err := k.Redeliver(ctx, id, faults...)
	if err != nil {
		return nil, errUnknownOrder
	}
	return k.judge(d, true), nil
}

func (k *komboSim) forget(id string) { k.ForgetOrder(id) }

func (k *komboSim) act(ctx context.Context, verb, id string) ([]Judged, error) {
	switch verb {
	case verbRedeliver.Name:
		return k.again(ctx, id, nil)
	case verbTwice.Name:
		return k.again(ctx, id, []string{"duplicate at once=1"})
	}
	return nil, errVerb
}

func (k *komboSim) serve(ctx context.Context, verb, customer string) ([]Judged, error) {
	if _, found := k.IntegrationState(customer); !found {
		return nil, errUnknownCustomer
	}
	switch verb {
	case verbConnect.Name:
		event, err := k.IntegrationCreatedEvent(customer)
		if err != nil {
			return nil, err
		}
		return k.judge(k.Deliver(ctx, event), false), nil
	case verbExpire.Name:
		d, err := k.ChangeState(ctx, customer, kombotest.StateChange{State: kombotest.StateInvalid})
		return k.judge(d, false), err
	case verbMend.Name:
		d, err := k.ChangeState(ctx, customer, kombotest.StateChange{State: kombotest.StateActive})
		return k.judge(d, false), err
	case verbRotate.Name:
		k.RotateSecret(rotatedSecret(Kombo))
	case verbRevoke.Name:
		k.RevokeKey(k.settings.Key)
	case verbReset.Name:
		k.ResetUI(customer)
	default:
		return nil, errVerb
	}
	return nil, nil
}

func (k *komboSim) card(id string) (Card, bool) {
	o, found := k.Order(id)
	if !found {
		return Card{}, false
	}
	c := Card{
		Vendor: Kombo, ID: o.ID, TheirID: o.ID, Customer: o.Integration, Package: o.PackageID, Status: o.Status, At: o.CreatedAt,
		Candidate: fullName(textIn(o.Data, "candidate", "first_name"), textIn(o.Data, "candidate", "last_name")),
		Message:   o.RejectionMessage, Link: o.AssessmentURL, ATS: atsOf(k.settings.Customers, o.Integration),
		Verbs: []Verb{verbAgain, verbRedeliver, verbTwice},
	}
	switch o.Status {
	case kombotest.StatusCompleted:
		c.Group = Finished
	case kombotest.StatusRejected:
		c.Group = Declined
	case kombotest.StatusCancelled:
		c.Group = Cancelled
	default:
		c.Group = Open
	}
	if n := len(o.DeliveryFaults); n > 0 && len(o.Results) == 0 && c.Group == Open {
		c.Note = "Not taken yet: " + o.DeliveryFaults[n-1]
	}
	if n := len(o.Results); n > 0 {
		c.show(o.Results[n-1], o.Attachments)
	}
	return c, true
}

// show adds a result.
func (c *Card) show(r kombotest.Result, files []kombotest.Attachment) {
	c.Link = orDefault(r.ResultURL, c.Link)
	c.Score = outOf(r.Score, r.MaxScore)
	for _, a := range r.Attributes {
		value := a.Value
		if a.Type == "SUB_RESULT" {
			value = strings.TrimSpace(outOf(a.Score, a.Max) + " " + strings.ToLower(a.Status))
		}
		c.Lines = append(c.Lines, Line{a.Label, value})
	}
	for _, a := range files {
		c.Files = append(c.Files, File{Name: a.Name, Link: a.DataURL, Data: a.Data})
	}
}

func outOf(score, limit json.Number) string {
	switch {
	case score == "":
		return ""
	case limit == "":
		return score.String()
	}
	return fmt.Sprintf("%s of %s", score, limit)
}

// endedBefore tells whether an order had its status before its latest result.
func endedBefore(o kombotest.Order) bool {
	n := len(o.Results)
	return o.Status != kombotest.StatusOpen && n > 1 && o.Results[n-2].Status == o.Status
}

func (k *komboSim) seen(r Row) facts {
	f := facts{vendor: Kombo, class: CallClass, outcome: called(r.Status, r.Method), status: r.Status}
	f.message = aside(textIn(r.ResponseBody, "error", "message"))
	if r.Op == kombotest.OpUpdateResult {
		f.class = ResultClass
		if o, _ := k.Order(r.Order); strings.Contains(f.message, "assessment order is") || f.outcome == Written && endedBefore(o) {
			f.assumes = "2.5" // whether an end may be written again
		}
		f.detail = "the order as it is"
		if c, found := k.card(r.Order); found {
			f.detail = c.summary()
		}
	}
	return f
}
