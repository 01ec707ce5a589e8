package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/internal/nearmiss"
	"github.com/assessbridge/assessbridge/internal/simkit"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// event is something that a command can cause.
type event struct {
	Vendor, Name, Text string
	run                func(a *App, ctx context.Context, t Trigger) (Done, error)
	// op is the message that a body of the user's own is sent as; empty: none is.
	op string
}

func (e event) name() string { return e.Vendor + "." + e.Name }

func order(kind string) func(*App, context.Context, Trigger) (Done, error) {
	return func(a *App, ctx context.Context, t Trigger) (Done, error) {
		t.Kind = kind
		return a.Place(ctx, t.Request)
	}
}

func customerEvent(verb Verb) func(*App, context.Context, Trigger) (Done, error) {
	return func(a *App, ctx context.Context, t Trigger) (Done, error) {
		if len(t.Set) > 0 || len(t.Faults) > 0 {
			return Done{}, fmt.Errorf("%s takes neither fields nor faults", t.Event)
		}
		return a.Serve(ctx, t.Vendor, verb.Name, t.Customer)
	}
}

func list(a *App, ctx context.Context, t Trigger) (Done, error) {
	if len(t.Set) > 0 {
		return Done{}, fmt.Errorf("%s takes no fields", t.Event)
	}
	return a.Ask(ctx, t.Vendor, t.Customer, t.Faults)
}

// events are all that can be triggered. What is not listed is not accepted.
var events = []event{
	{Kombo, "order", "a recruiter orders an assessment", order(KindOrder), kombotest.EventOrderReceived},
	{Kombo, "inline-order", "a candidate reaches the assessment and waits for its link", order(KindInline), kombotest.EventInlineOrderReceived},
	{Kombo, "connect", "a customer finishes the connection flow", customerEvent(verbConnect), ""},
	{Kombo, "expire", "the credentials of a customer expire", customerEvent(verbExpire), ""},
	{Kombo, "mend", "the credentials of a customer work again", customerEvent(verbMend), ""},
	{StackOne, "order", "a recruiter orders an assessment", order(KindOrder), stackonetest.EventAssessmentCreated},
	{StackOne, "background-check", "a recruiter orders a background check", order(KindBackground), stackonetest.EventBackgroundOrderCreated},
	{StackOne, "packages", "a recruiter opens the dialog, and the ATS asks for packages", list, ""},
	{StackOne, "connect", "a customer finishes the connection flow", customerEvent(verbConnect), ""},
	{StackOne, "expire", "the credentials of a customer expire", customerEvent(verbExpire), ""},
	{StackOne, "mend", "the credentials of a customer work again", customerEvent(verbMend), ""},
	{Ashby, "order", "a recruiter starts an assessment", order(KindOrder), ashbytest.OpStart},
	{Ashby, "list", "a customer picks an assessment for a job", list, ""},
	{Ashby, "ping", "Ashby tries the webhook", customerEvent(verbPing), ""},
}

// Trigger causes an event.
func (a *App) Trigger(ctx context.Context, t Trigger) (Done, error) {
	i := slices.IndexFunc(events, func(e event) bool { return e.name() == t.Event })
	if i < 0 {
		return Done{}, unknown("event", t.Event, eventNames())
	}
	t.Vendor = events[i].Vendor
	var err error
	if t.Customer, err = a.customerID(t.Vendor, t.Customer); err != nil {
		return Done{}, err
	}
	if err := checkFaults(t.Vendor, t.Faults); err != nil {
		return Done{}, err
	}
	if t.Body != nil {
		return a.sendBody(ctx, events[i], t)
	}
	return events[i].run(a, ctx, t)
}

func eventNames() []string {
	var names []string
	for _, e := range events {
		names = append(names, e.name())
	}
	return names
}

// customerID finds a customer by id, by name or by how only one name begins. An empty one is left to the vendor.
func (a *App) customerID(vendor, given string) (string, error) {
	sim, err := a.sim(vendor)
	if err != nil || given == "" {
		return "", err
	}
	var known, begin []string
	for _, c := range sim.customers() {
		name := strings.ToLower(c.Name)
		if c.ID == given || name == strings.ToLower(given) {
			return c.ID, nil
		}
		if strings.HasPrefix(name, strings.ToLower(given)) {
			begin = append(begin, c.ID)
		}
		known = append(known, name, c.ID)
	}
	if len(begin) == 1 {
		return begin[0], nil
	}
	return "", unknown("customer of "+label(vendor), given, known)
}

// checkFaults refuses faults of deliveries that the vendor does not have.
func checkFaults(vendor string, faults []string) error {
	for _, text := range faults {
		if err := knownForm("fault", text, deliveryForms[vendor](), "list faults --vendor "+vendor); err != nil {
			return err
		}
	}
	return nil
}

// knownForm refuses a name that is not among the forms of faults. What is wrong with its
// arguments is left to the simulator.
func knownForm(what, text string, forms []string, listing string) error {
	name := foldedName(text)
	var known []string
	for _, form := range forms {
		known = append(known, foldedName(form))
	}
	if slices.Contains(known, name) {
		return nil
	}
	return fmt.Errorf("there is no %s %q%s", what, text, orDefault(nearmiss.Hint(name, known), ": "+listing+" has them all"))
}

// foldedName is the name of a fault as a simulator compares it.
func foldedName(text string) string {
	name, _, _ := strings.Cut(text, "=")
	return strings.ToLower(strings.NewReplacer("-", " ", "_", " ").Replace(strings.TrimSpace(name)))
}

// sendBody sends a body of the user's own in place of the vendor's, signed as the vendor
// signs. No order comes of it in the sandbox.
func (a *App) sendBody(ctx context.Context, e event, t Trigger) (Done, error) {
	if e.op == "" {
		return Done{}, fmt.Errorf("%s takes no body: there is none, or the vendor writes it", t.Event)
	}
	if len(t.Set) > 0 || len(t.Faults) > 0 || t.Twice {
		return Done{}, errors.New("a body is sent as it is: neither fields nor faults go with it")
	}
	row := Row{
		Vendor: e.Vendor, ToProvider: true, Op: e.op, Customer: t.Customer, At: time.Now(), Method: http.MethodPost,
		RequestBody: t.Body, By: "hand", Fault: "a body of yours",
	}
	address := a.addressOf(row)
	if address == "" {
		row.Verdict = facts{vendor: e.Vendor, class: OrderClass, outcome: NoTarget}.verdict()
		return Done{Vendor: e.Vendor, Rows: []int{a.journal.add(row)}}, nil
	}
	if err := a.guard.resolveOne(ctx, address); err != nil {
		return Done{}, err
	}
	row.URL = simkit.RedactedURL(address)
	header := http.Header{"Content-Type": {"application/json"}}
	if e.Vendor == Ashby {
		header.Set("Authorization", a.authorization(row))
	}
	if name, value := a.sign(row, t.Body); name != "" {
		header.Set(name, value)
	}
	a.post(ctx, address, header, &row)
	row.RequestHeader = header.Clone()
	if e.Vendor == Ashby {
		row.RequestHeader.Set("Authorization", "[redacted]")
	}
	row.Verdict = judgedByHand(e, row)
	return Done{Vendor: e.Vendor, Rows: []int{a.journal.add(row)}}, nil
}

// judgedByHand says what the vendor would make of an answer to a message that its
// simulator did not send.
func judgedByHand(e event, r Row) Verdict {
	f := facts{vendor: r.Vendor, class: OrderClass, outcome: Failed, status: r.Status, message: textIn(r.ResponseBody, "message")}
	if e.op == kombotest.EventInlineOrderReceived {
		f.class = InlineClass
		f.detail = textIn(r.ResponseBody, "assessment_url")
	}
	switch {
	case r.Status == 0:
		f.outcome = unanswered(r.Err)
	case takenBy(r.Vendor, r.Status) && (f.class != InlineClass || f.detail != ""):
		f.outcome = Taken
	case r.Vendor == StackOne:
	case r.Vendor == Ashby && r.Status == http.StatusConflict:
		f.outcome = Conflict
	case r.Status == http.StatusUnprocessableEntity && rejects(r):
		f.outcome = Rejected
	case r.Status == http.StatusUnprocessableEntity:
		f.outcome = Misshapen
	}
	v := f.verdict()
	v.Text += " The body was yours, so that the sandbox keeps no order of it."
	return v
}

// takenBy tells whether a status is an acceptance: Ashby and StackOne name 200.
func takenBy(vendor string, status int) bool {
	return status == http.StatusOK || vendor == Kombo && status > 200 && status < 300
}

// rejects tells whether a 422 has what the vendor reads as a rejection. Kombo's has
// exactly two members (4.4).
func rejects(r Row) bool {
	var members map[string]any
	if json.Unmarshal(r.ResponseBody, &members) != nil {
		return false
	}
	_, hasText := members["message"].(string)
	return hasText && (r.Vendor == Ashby || len(members) == 2 && members["status"] == "ORDER_REJECTED")
}
