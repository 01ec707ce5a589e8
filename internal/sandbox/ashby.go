package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

// ashbySim names an order by its application: Ashby has no id of an assessment
// before the provider has made one.
type ashbySim struct {
	*ashbytest.Server
	settings VendorSettings
	offered  *offers

	mu     sync.Mutex
	starts map[string]*ashbyStart // by application
}

// ashbyStart is what the recruiter did.
type ashbyStart struct {
	customer string
	spec     ashbytest.StartSpec
	request  Request
	last     Verdict // of the latest start
	message  string
	ids      []string // of assessments, in the order in which they were answered to the recruiter
	latest   string   // id of the newest assessment that Ashby holds
}

func newAshby(s VendorSettings, env environment) (simulator, error) {
	a := &ashbySim{settings: s, offered: &offers{}, starts: map[string]*ashbyStart{}}
	cfg := ashbytest.Config{
		Seed: env.seed, MaxExchanges: keptBySimulator, DialContext: env.dial, Timeout: env.timeout,
		OnExchange: func(e ashbytest.Exchange) {
			env.follow(Row{
				Vendor: Ashby, Exchange: e.ID, ToProvider: e.Direction == ashbytest.FromAshby, Op: e.Op, Customer: e.Organization,
				Order: a.orderOf(e), At: e.Time, Duration: e.Duration, Method: e.Method, URL: e.URL,
				RequestHeader: e.RequestHeader, RequestBody: e.RequestBody, Status: e.Status,
				ResponseHeader: e.ResponseHeader, ResponseBody: e.ResponseBody, Err: e.Err, Fault: e.Fault, Notes: e.Notes,
			})
		},
	}
	for i, c := range s.Customers {
		o := ashbytest.Organization{Name: c.ID, APIKey: c.Key, PartnerKey: c.PartnerKey}
		if i == 0 {
			o.WebhookSecret = s.Secret
		}
		cfg.Organizations = append(cfg.Organizations, o)
	}
	setQuirks(Ashby, &cfg.Quirks, s.Quirks)
	server, err := ashbytest.New(cfg)
	a.Server = server
	return a, err
}

func (a *ashbySim) customers() []Customer { return a.settings.Customers }
func (a *ashbySim) faults() []string      { return ashbytest.DeliveryFaults() }

func (a *ashbySim) target(t Target) {
	a.TargetURL(t.Base)
	a.WebhookTargetURL(t.Webhook)
}

func (a *ashbySim) customerVerbs() []Verb { return []Verb{verbPing, verbRotate, verbRevoke} }

func (a *ashbySim) packages(customer string) []Package { return a.offered.of(customer) }

// orderOf is the application that an exchange is about.
func (a *ashbySim) orderOf(e ashbytest.Exchange) string {
	if e.Op == ashbytest.OpStart {
		application := textIn(e.RequestBody, "application", "ashby_id")
		a.learn(application, textIn(e.ResponseBody, "results", "assessment_id"))
		return application
	}
	if known, found := a.Assessment(e.Assessment); found {
		return known.ApplicationID
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for application, s := range a.starts {
		for _, id := range s.ids {
			if id == e.Assessment && id != "" {
				return application
			}
		}
	}
	return ""
}

// learn keeps the id of the assessment that Ashby holds after a start, if it does.
func (a *ashbySim) learn(application, id string) {
	if known, found := a.Assessment(id); !found || known.ApplicationID != application {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.starts[application]; s != nil {
		s.latest = id
	}
}

func (a *ashbySim) ask(ctx context.Context, customer string, names []string) ([]Judged, error) {
	faults, err := parsed(names, ashbytest.ParseDeliveryFault)
	if err != nil {
		return nil, err
	}
	faults = append([]ashbytest.DeliveryFault{ashbytest.From(customer)}, faults...)
	var judged []Judged
	for _, answer := range repeated(names, func() ashbytest.Answer { return a.List(ctx, faults...) }) {
		var list []Package
		for _, t := range answer.Types {
			list = append(list, Package{t.ID, orDefault(t.Name, t.ID)})
		}
		a.offered.set(customer, list)
		judged = append(judged, a.judge(answer, PackagesClass, "", counted(len(list), "assessment"), names))
	}
	return judged, nil
}

func (a *ashbySim) order(ctx context.Context, r Request) (string, []Judged, error) {
	r = r.withCandidate()
	spec := ashbytest.StartSpec{
		AssessmentTypeID: r.Package, ApplicationID: a.NewID(), CandidateID: a.NewID(),
		Fields: map[string]any{"candidate.first_name": r.First, "candidate.last_name": r.Last, "candidate.email": r.Email},
	}
	for path, value := range r.Set {
		spec.Fields[path] = value
	}
	if id, isText := spec.Fields["application.ashby_id"].(string); isText {
		spec.ApplicationID = id
	}
	if _, err := parsed(r.Faults, ashbytest.ParseDeliveryFault); err != nil {
		return "", nil, err
	}
	s := &ashbyStart{customer: r.Customer, spec: spec, request: r}
	a.mu.Lock()
	a.starts[spec.ApplicationID] = s
	a.mu.Unlock()
	judged, err := a.start(ctx, spec.ApplicationID, r.Faults, r.Twice)
	return spec.ApplicationID, judged, err
}

// start starts the assessment of an application, once or two times at once.
func (a *ashbySim) start(ctx context.Context, id string, names []string, twice bool) ([]Judged, error) {
	a.mu.Lock()
	s, found := a.starts[id]
	a.mu.Unlock()
	if !found {
		return nil, errUnknownOrder
	}
	if twice {
		names = append(names[:len(names):len(names)], "duplicate at once=1")
	}
	faults, err := parsed(names, ashbytest.ParseDeliveryFault)
	if err != nil {
		return nil, err
	}
	faults = append([]ashbytest.DeliveryFault{ashbytest.From(s.customer)}, faults...)
	var judged []Judged
	for _, answer := range repeated(names, func() ashbytest.Answer { return a.StartAssessment(ctx, s.spec, faults...) }) {
		j := a.judge(answer, OrderClass, id, "", names)
		a.mu.Lock()
		known := slices.Contains(s.ids, answer.AssessmentID)
		if answer.Outcome == ashbytest.Succeeded && known {
			j.verdict = facts{vendor: Ashby, class: OrderClass, outcome: Again, status: answer.Status, broken: answer.Violations, faults: names}.verdict()
		}
		if answer.Outcome == ashbytest.Succeeded && !known {
			s.ids = append(s.ids, answer.AssessmentID)
		}
		s.last, s.message = j.verdict, ""
		if j.verdict.Outcome == Rejected {
			s.message = answer.Message
		}
		a.mu.Unlock()
		judged = append(judged, j)
	}
	return judged, nil
}

func (a *ashbySim) judge(answer ashbytest.Answer, class Class, order, detail string, names []string) Judged {
	f := facts{
		vendor: Ashby, class: class, outcome: Failed, status: answer.Status, message: answer.Message, detail: detail,
		broken: answer.Violations, faults: names,
	}
	switch answer.Outcome {
	case ashbytest.Succeeded:
		f.outcome = Taken
	case ashbytest.Declined:
		f.outcome = Rejected
		switch {
		case answer.Status == http.StatusConflict:
			f.outcome = Conflict
		case answer.Message == "":
			f.outcome = Misshapen
		}
	case ashbytest.Unread:
		f.outcome = Unread
	case ashbytest.NotSent:
		f.outcome = unsent(answer.Err)
	case ashbytest.Failed:
		switch {
		case answer.Status == 0 && answer.Err != nil:
			f.outcome = unanswered(answer.Err.Error())
		case answer.Status < 500:
			f.outcome = Misshapen
		}
	}
	return Judged{
		exchange: answer.Exchange, op: answer.Op, order: order, customer: answer.Organization,
		faults: strings.Join(names, ", "), verdict: f.verdict(),
	}
}

func (a *ashbySim) again(ctx context.Context, id string, names []string) ([]Judged, error) {
	return a.start(ctx, id, names, false)
}

func (a *ashbySim) forget(id string) {
	a.mu.Lock()
	s := a.starts[id]
	delete(a.starts, id)
	a.mu.Unlock()
	if s != nil {
		a.ForgetApplication(s.customer, id)
	}
}

func (a *ashbySim) act(ctx context.Context, verb, id string) ([]Judged, error) {
	switch verb {
	case verbRedeliver.Name:
		return a.start(ctx, id, nil, false)
	case verbTwice.Name:
		return a.start(ctx, id, nil, true)
	case verbCancel.Name:
		return a.cancel(ctx, id)
	case verbRestart.Name:
		judged, err := a.cancel(ctx, id)
		if err != nil {
			return judged, err
		}
		more, err := a.start(ctx, id, nil, false)
		return append(judged, more...), err
	}
	return nil, errVerb
}

func (a *ashbySim) cancel(ctx context.Context, id string) ([]Judged, error) {
	known, found := a.latest(id)
	if !found {
		return nil, fmt.Errorf("%w: Ashby has no assessment to cancel", errVerb)
	}
	answer := a.Cancel(ctx, known.ID, ashbytest.From(known.Organization))
	return []Judged{a.judge(answer, CancelClass, id, "", nil)}, nil
}

// latest is the newest assessment of an application.
func (a *ashbySim) latest(application string) (newest ashbytest.Assessment, found bool) {
	a.mu.Lock()
	s := a.starts[application]
	var id string
	if s != nil {
		id = s.latest
	}
	a.mu.Unlock()
	if id == "" {
		return newest, false
	}
	return a.Assessment(id)
}

func (a *ashbySim) serve(ctx context.Context, verb, customer string) ([]Judged, error) {
	switch verb {
	case verbPing.Name:
		d := a.Deliver(ctx, a.PingEvent(), ashbytest.From(customer))
		f := facts{vendor: Ashby, class: EventClass, outcome: Failed, status: d.Status}
		switch d.Outcome {
		case ashbytest.Succeeded:
			f.outcome = Taken
		case ashbytest.NotSent:
			f.outcome = unsent(d.Err)
		case ashbytest.Failed:
			if d.Status == 0 {
				f.outcome = unanswered(d.Err.Error())
			}
		}
		return []Judged{{exchange: d.Exchange, op: d.Action, customer: customer, verdict: f.verdict()}}, nil
	case verbRotate.Name:
		return nil, a.RotateSecret(customer, rotatedSecret(Ashby))
	case verbRevoke.Name:
		a.RevokeKey(a.settings.Key)
		return nil, nil
	}
	return nil, errVerb
}

func (a *ashbySim) card(id string) (Card, bool) {
	a.mu.Lock()
	s, found := a.starts[id]
	var start ashbyStart
	if found {
		start = *s
	}
	a.mu.Unlock()
	if !found {
		return Card{}, false
	}
	c := Card{
		Vendor: Ashby, ID: id, Customer: start.customer, Package: start.spec.AssessmentTypeID,
		Candidate: fullName(start.request.First, start.request.Last), Status: "starting", Group: Open, ATS: label(Ashby),
		Verbs: []Verb{verbAgain, verbRedeliver, verbTwice},
	}
	known, live := a.latest(id)
	if !live {
		switch start.last.Outcome {
		case Rejected:
			c.Status, c.Group, c.Message = "not started", Declined, start.message
		case Conflict:
			c.Status, c.Group, c.Message = "not started", Declined, "The candidate is already being assessed."
		default:
			if start.last.Text != "" {
				c.Note = start.last.Text
			}
		}
		return c, true
	}
	c.TheirID, c.At = known.ID, known.CreatedAt
	c.Status = orDefault(known.Status, "started")
	switch known.State {
	case ashbytest.StateCompleted:
		c.Status, c.Group = "completed", Finished
	case ashbytest.StateCancelled:
		c.Status, c.Group, c.Message = "cancelled", Cancelled, known.CancelReason
	case ashbytest.StateLive:
		c.Verbs = append(c.Verbs, verbCancel, verbRestart)
	}
	c.Link = known.ProfileURL
	if known.Result != nil {
		c.Score, c.ScoreName = readable(*known.Result), known.Result.Label
	}
	for _, m := range known.Metadata {
		c.Lines = append(c.Lines, Line{m.Label, readable(m)})
	}
	return c, true
}

// readable is a datum as its type has it shown.
func readable(v ashbytest.DataValue) string {
	text := fmt.Sprint(v.Value)
	switch {
	case v.Type == ashbytest.TypeDuration:
		return text + " min"
	case v.Type == ashbytest.TypeSuccess && text == "true":
		return "yes"
	case v.Type == ashbytest.TypeSuccess && text == "false":
		return "no"
	}
	return text
}

func (a *ashbySim) seen(r Row) facts {
	f := facts{vendor: Ashby, class: CallClass, outcome: called(r.Status, r.Method), status: r.Status}
	if f.outcome == Written && strings.Contains(strings.ReplaceAll(string(r.ResponseBody), " ", ""), `"success":false`) {
		f.outcome = Refused // under 200
	}
	f.message = aside(textIn(r.ResponseBody, "errorInfo", "message"))
	if r.Op == ashbytest.OpUpdate {
		f.class = ResultClass
		switch {
		case strings.Contains(f.message, "The assessment is"):
			f.assumes = "2.3" // whether updates are taken after the end
		case strings.Contains(f.message, "not after that of the last update"):
			f.assumes = "2.1" // whether an update may be older
		}
		f.detail = "the assessment as it is"
		if c, found := a.card(r.Order); found {
			f.detail = c.summary()
		}
	}
	return f
}
