package sandbox

import (
	"context"
	"strings"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

type stackoneSim struct {
	*stackonetest.Server
	settings VendorSettings
	offered  *offers
}

func newStackOne(s VendorSettings, env environment) (simulator, error) {
	cfg := stackonetest.Config{
		Seed: env.seed, MaxExchanges: keptBySimulator, DialContext: env.dial, APIKey: s.Key, WebhookSecret: s.Secret,
		WebhookTimeout: env.timeout, PackagesTimeout: min(env.timeout, stackonetest.DefaultPackagesTimeout),
		OnExchange: func(e stackonetest.Exchange) {
			env.follow(Row{
				Vendor: StackOne, Exchange: e.ID, ToProvider: e.Direction == stackonetest.FromStackOne, Op: e.Op, Customer: e.Account,
				Order: e.Order, At: e.Time, Duration: e.Duration, Method: e.Method, URL: e.URL,
				RequestHeader: e.RequestHeader, RequestBody: e.RequestBody, Status: e.Status,
				ResponseHeader: e.ResponseHeader, ResponseBody: e.ResponseBody, Err: e.Err, Fault: e.Fault, Notes: e.Notes,
			})
		},
	}
	for _, c := range s.Customers {
		cfg.Accounts = append(cfg.Accounts, stackonetest.AccountSpec{ID: c.ID, Provider: c.ATS, OriginOwnerName: c.Name})
	}
	setQuirks(StackOne, &cfg.Quirks, s.Quirks)
	server, err := stackonetest.New(cfg)
	if err != nil {
		return nil, err
	}
	return &stackoneSim{server, s, &offers{}}, nil
}

func (s *stackoneSim) customers() []Customer { return s.settings.Customers }
func (s *stackoneSim) faults() []string      { return stackonetest.DeliveryFaults() }

func (s *stackoneSim) target(t Target) {
	s.TargetURL(t.Webhook)
	s.PackagesTargetURL(t.Packages)
}

func (s *stackoneSim) customerVerbs() []Verb {
	return []Verb{verbConnect, verbExpire, verbMend, verbRotate, verbRevoke}
}

func (s *stackoneSim) packages(customer string) []Package { return s.offered.of(customer) }

func (s *stackoneSim) ask(ctx context.Context, customer string, names []string) ([]Judged, error) {
	faults, err := parsed(names, stackonetest.ParseDeliveryFault)
	if err != nil {
		return nil, err
	}
	var judged []Judged
	for _, a := range repeated(names, func() stackonetest.PackagesAnswer {
		return s.RequestPackages(ctx, stackonetest.PackagesRequest{Account: customer}, faults...)
	}) {
		judged = append(judged, s.judgePackages(a, customer))
	}
	return judged, nil
}

// judgePackages says what follows of an answer and keeps what it offers.
func (s *stackoneSim) judgePackages(a stackonetest.PackagesAnswer, customer string) Judged {
	f := facts{vendor: StackOne, class: PackagesClass, outcome: Taken, status: a.Status, faults: a.Faults}
	for _, v := range a.Violations {
		f.broken = append(f.broken, v.String())
	}
	switch {
	case a.Exchange == 0:
		f.outcome = unsent(a.Err)
	case a.Status == 0:
		f.outcome = unanswered(a.Err.Error())
	case a.View != stackonetest.ViewList && a.Status != 200:
		f.outcome = Failed
	case a.View != stackonetest.ViewList:
		f.outcome = Misshapen
	}
	var list []Package
	for _, p := range a.Packages {
		list = append(list, Package{p.ID, orDefault(p.Name, p.ID)})
	}
	f.detail = counted(len(list), "package")
	if f.outcome != Taken {
		list = nil
		f.broken = nil // the outcome says it
	}
	s.offered.set(customer, list)
	return Judged{
		exchange: a.Exchange, op: stackonetest.OpProviderPackages, customer: customer,
		faults: strings.Join(a.Faults, ", "), verdict: f.verdict(),
	}
}

func (s *stackoneSim) order(ctx context.Context, r Request) (string, []Judged, error) {
	if r.Twice {
		r.Faults = append(r.Faults[:len(r.Faults):len(r.Faults)], "duplicate at once=1")
	}
	faults, err := parsed(r.Faults, stackonetest.ParseDeliveryFault)
	if err != nil {
		return "", nil, err
	}
	r = r.withCandidate()
	spec := stackonetest.OrderSpec{Account: r.Customer, PackageID: r.Package, Fields: map[string]any{
		"candidate.first_name": r.First, "candidate.last_name": r.Last, "candidate.emails.0.value": r.Email,
		"requester.email": "recruiter@example.com", "job.hiring_team.0.email": "recruiter@example.com",
	}}
	if r.Kind == KindBackground {
		spec.Kind = stackonetest.BackgroundCheck
		spec.Fields = map[string]any{}
	}
	for path, value := range r.Set {
		spec.Fields[path] = value
	}
	id, d, err := s.PlaceOrder(ctx, spec, faults...)
	return id, s.judge(d, false), err
}

func (s *stackoneSim) judge(d stackonetest.Delivery, again bool) []Judged {
	judged := []Judged{s.judgeOne(d, again)}
	for _, more := range [][]stackonetest.Delivery{d.Retries, d.Duplicates} {
		for _, copied := range more {
			judged = append(judged, s.judgeOne(copied, true))
		}
	}
	return judged
}

func (s *stackoneSim) judgeOne(d stackonetest.Delivery, again bool) Judged {
	f := facts{vendor: StackOne, class: EventClass, outcome: Failed, status: d.Status, faults: d.Faults}
	if d.OrderID != "" {
		f.class = OrderClass
	}
	switch d.Outcome {
	case stackonetest.Accepted:
		f.outcome = Taken
		if again {
			f.outcome = Again
		}
	case stackonetest.Unread:
		f.outcome = Unread
	case stackonetest.NotSent:
		f.outcome = unsent(d.Err)
	case stackonetest.Failed:
		if d.Status == 0 {
			f.outcome = unanswered(d.Reason)
		}
	}
	v := f.verdict()
	if d.Outcome == stackonetest.Failed && d.Status > 200 && d.Status < 300 {
		v.Assumes = "7.6" // whether another 2xx counts
	}
	return Judged{
		exchange: d.Exchange, op: d.Event, order: d.OrderID, customer: d.Account,
		faults: strings.Join(d.Faults, ", "), verdict: v,
	}
}

// find looks for an order at all customers: a link does not name one.
func (s *stackoneSim) find(id string) (stackonetest.Order, bool) {
	for _, c := range s.settings.Customers {
		if o, found := s.Order(c.ID, id); found {
			return o, true
		}
	}
	return stackonetest.Order{}, false
}

func (s *stackoneSim) again(ctx context.Context, id string, names []string) ([]Judged, error) {
	faults, err := parsed(names, stackonetest.ParseDeliveryFault)
	if err != nil {
		return nil, err
	}
	o, found := s.find(id)
	if !found {
		return nil, errUnknownOrder
	}
	d, err := s.Redeliver(ctx, o.Account, o.ID, faults...)
	if err != nil {
		return nil, err
	}
	return s.judge(d, true), nil
}

func (s *stackoneSim) forget(id string) {
	if o, found := s.find(id); found {
		s.ForgetOrder(o.Account, o.ID)
	}
}

func (s *stackoneSim) act(ctx context.Context, verb, id string) ([]Judged, error) {
	names := map[string]string{
		verbUpdate.Name: stackonetest.EventAssessmentUpdated,
		verbDelete.Name: stackonetest.EventAssessmentDeleted,
	}
	switch verb {
	case verbRedeliver.Name:
		return s.again(ctx, id, nil)
	case verbTwice.Name:
		return s.again(ctx, id, []string{"duplicate at once=1"})
	case verbUpdate.Name, verbDelete.Name:
		o, found := s.find(id)
		if !found {
			return nil, errUnknownOrder
		}
		event, err := s.OrderChangedEvent(o.Account, o.ID, names[verb])
		if err != nil {
			return nil, err
		}
		judged := s.judge(s.Deliver(ctx, event), false)
		for i := range judged {
			judged[i].order = o.ID
		}
		return judged, nil
	}
	return nil, errVerb
}

func (s *stackoneSim) serve(ctx context.Context, verb, customer string) ([]Judged, error) {
	if _, found := s.AccountState(customer); !found {
		return nil, errUnknownCustomer
	}
	switch verb {
	case verbConnect.Name:
		event, err := s.AccountEvent(customer, stackonetest.EventAccountCreated)
		if err != nil {
			return nil, err
		}
		return s.judge(s.Deliver(ctx, event), false), nil
	case verbExpire.Name:
		d, err := s.ChangeAccount(ctx, customer, "expired", nil)
		return s.judge(d, false), err
	case verbMend.Name:
		d, err := s.ChangeAccount(ctx, customer, "active", nil)
		return s.judge(d, false), err
	case verbRotate.Name:
		s.RotateSecret(rotatedSecret(StackOne))
	case verbRevoke.Name:
		s.RevokeKey(s.settings.Key)
	default:
		return nil, errVerb
	}
	return nil, nil
}

func (s *stackoneSim) card(id string) (Card, bool) {
	o, found := s.find(id)
	if !found {
		return Card{}, false
	}
	c := Card{
		Vendor: StackOne, ID: o.ID, TheirID: o.ID, Customer: o.Account, Package: o.PackageID, At: o.CreatedAt,
		Candidate: fullName(textIn(o.Data, "candidate", "first_name"), textIn(o.Data, "candidate", "last_name")),
		Status:    orDefault(o.Status, "sent"), Group: Open,
		Verbs: []Verb{verbAgain, verbRedeliver, verbTwice, verbUpdate, verbDelete}, ATS: atsLabel(o.Provider),
	}
	switch strings.ToLower(o.Status) {
	case "", "open", "in_progress", "in_review", "pending", "started":
	case "cancelled", "canceled":
		c.Group = Cancelled
	case "rejected", "error":
		c.Group = Declined
	default:
		c.Group = Finished
	}
	if n := len(o.DeliveryFaults); n > 0 && !o.Accepted {
		c.Note = "Not delivered: " + o.DeliveryFaults[n-1]
	}
	c.fill(o)
	return c, true
}

// fill shows what of the result reaches the recruiter: every ATS shows other fields.
func (c *Card) fill(o stackonetest.Order) {
	shown := o.Shown()
	for path, to := range map[string]*string{"result_url": &c.Link, "score.value": &c.Score} {
		if text, isText := shown[path].(string); isText {
			*to = text
		}
	}
	if _, whole := shown["score"]; whole && c.Score == "" {
		c.Score = o.State.Score.Value
	}
	if c.Score != "" && o.State.Score.Max != "" {
		c.Score += " of " + o.State.Score.Max
	}
	if summary, isText := shown["summary"].(string); isText {
		c.Lines = append(c.Lines, Line{"Summary", summary})
	} else if o.State.Summary != "" {
		c.Hidden = append(c.Hidden, Line{"Summary", o.State.Summary})
	}
	if _, whole := shown["attachments"]; whole {
		for _, a := range o.State.Attachments {
			c.Files = append(c.Files, File{Name: orDefault(a.ContentType.Value, "attachment"), Link: a.URL})
		}
	}
	if o.Status != "" && o.State.Score.Value != "" && c.Score == "" {
		c.Hidden = append(c.Hidden, Line{"Score", o.State.Score.Value})
	}
	if c.Link == "" && o.State.ResultURL != "" {
		c.Hidden = append(c.Hidden, Line{"Link", o.State.ResultURL})
	}
	if len(c.Files) == 0 && len(o.State.Attachments) > 0 {
		c.Hidden = append(c.Hidden, Line{"Attachments", counted(len(o.State.Attachments), "file")})
	}
}

// unread tells of a reason that never reaches the recruiter. StackOne has no word for a
// rejection: it is a cancelled result, and its text is the summary, which not every
// ATS shows.
func (s *stackoneSim) unread(c Card) string {
	if c.Group != Cancelled && c.Group != Declined {
		return ""
	}
	for _, line := range c.Lines {
		if line.Label == "Summary" {
			return ", with “" + line.Value + "”"
		}
	}
	for _, line := range c.Hidden {
		if line.Label == "Summary" {
			return " and no reason: " + c.ATS + " does not show your “" + line.Value + "”"
		}
	}
	return " and no reason: you gave none"
}

// repetition is the section that is silent on a further result; empty: it is no further
// one.
func repetition(o stackonetest.Order, outcome Outcome) string {
	switch earlier := len(o.Results); {
	case outcome == Written && earlier < 2, outcome != Written && (outcome != Refused || earlier < 1):
		return ""
	case o.Provider == stackonetest.Greenhouse:
		return "11"
	}
	return "3.2"
}

func (s *stackoneSim) seen(r Row) facts {
	f := facts{vendor: StackOne, class: CallClass, outcome: called(r.Status, r.Method), status: r.Status}
	f.message = aside(textIn(r.ResponseBody, "message"))
	switch r.Op {
	case stackonetest.OpUpdateAssessmentResult, stackonetest.OpUpdateBackgroundResult:
		f.class = ResultClass
		if o, found := s.find(r.Order); found {
			f.assumes = repetition(o, f.outcome)
		}
		f.detail = "the order as it is"
		if c, found := s.card(r.Order); found {
			f.detail = c.summary() + s.unread(c)
		}
	}
	return f
}
