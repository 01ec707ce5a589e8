package fourthvendor

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
)

// Greenhouse is the vendor in every reference of its orders.
const Greenhouse assessment.Vendor = "greenhouse"

// CallbackField is the field of an order that holds its callback URL, as JSON. The
// provider keeps it with the test.
const CallbackField = "callback_url"

// Tests is what the provider knows of the tests that were ordered.
type Tests interface {
	// Callback returns what the order had in [CallbackField].
	Callback(ctx context.Context, ref assessment.OrderRef) (string, error)
	// Result returns the latest state of a test, as it was published.
	Result(ctx context.Context, ref assessment.OrderRef) (assessment.Result, error)
}

// Config configures [New]. All fields are required but Observer.
type Config struct {
	Intake *assessment.Intake
	Tests  Tests
	// Keys are the keys issued to customers; the ID of each is its account.
	Keys *inbound.Keys
	// CallbackHosts are the hosts that a callback URL may have: it comes from
	// outside, and the provider is about to call it.
	CallbackHosts []string
	Client        *http.Client
	Observer      assessment.Observer
}

// Adapter serves Greenhouse's calls and publishes results to it.
type Adapter struct {
	c       Config
	inbound *inbound.Handler
}

// New returns an adapter.
func New(c Config) (*Adapter, error) {
	if c.Intake == nil || c.Tests == nil || c.Keys == nil || c.Client == nil || len(c.CallbackHosts) == 0 {
		return nil, errors.New("fourthvendor: incomplete configuration")
	}
	h, err := inbound.New(inbound.Config{Vendor: Greenhouse, Observer: c.Observer})
	return &Adapter{c: c, inbound: h}, err
}

// ServeHTTP implements [http.Handler]. Only the last element of the path counts.
func (a *Adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
		d.Event = path.Base(r.URL.Path)
		switch d.Event {
		case "list_tests":
			return a.asked(w, r, d, a.list)
		case "test_status":
			return a.asked(w, r, d, a.status)
		case "send_test":
			return a.told(w, r, d, a.start)
		case "response_error":
			return a.told(w, r, d, a.complain)
		}
		return inbound.Reply{Status: http.StatusNotFound, Text: "no such call", Outcome: assessment.DeliveryRefused, Err: errNoCall}
	})
}

var errNoCall = errors.New("fourthvendor: no such call")

// asked answers a GET of a customer who has a key.
func (a *Adapter) asked(w http.ResponseWriter, r *http.Request, d *assessment.Delivery, answer func(*http.Request, *assessment.Delivery) inbound.Reply) inbound.Reply {
	if err := a.inbound.Open(w, r, http.MethodGet); err != nil {
		return inbound.Unreceived(err)
	}
	account, err := a.c.Keys.Check(r)
	if err != nil {
		return inbound.Unauthorized(err)
	}
	d.Account = account
	return answer(r, d)
}

// told answers a POST of a customer who has a key.
func (a *Adapter) told(w http.ResponseWriter, r *http.Request, d *assessment.Delivery, answer func(*http.Request, *assessment.Delivery, []byte) inbound.Reply) inbound.Reply {
	body, reply, ok := a.inbound.Keyed(a.c.Keys, w, r, d)
	if !ok {
		return reply
	}
	d.Account = d.SecretID
	return answer(r, d, body)
}

func (a *Adapter) list(r *http.Request, d *assessment.Delivery) inbound.Reply {
	packages, err := a.c.Intake.Packages(r.Context(), assessment.PackageQuery{Vendor: Greenhouse, Account: d.Account})
	if err != nil {
		return inbound.Fault(err)
	}
	type test struct {
		ID   string `json:"partner_test_id"`
		Name string `json:"partner_test_name"`
	}
	tests := []test{} // never null
	for _, p := range a.inbound.Listed(r.Context(), d.Account, packages) {
		tests = append(tests, test{p.ID, p.Name})
	}
	return inbound.JSON(http.StatusOK, tests, assessment.DeliveryHandled)
}

func (a *Adapter) start(r *http.Request, d *assessment.Delivery, body []byte) inbound.Reply {
	var wire struct {
		TestID    string `json:"partner_test_id"`
		Candidate struct {
			FirstName  string `json:"first_name"`
			LastName   string `json:"last_name"`
			Email      string `json:"email"`
			ProfileURL string `json:"greenhouse_profile_url"`
		} `json:"candidate"`
		Callback string `json:"url"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return inbound.Refuse("not an order", err)
	}
	if err := a.allowed(wire.Callback); err != nil {
		return inbound.Refuse("callback not allowed", err)
	}
	callback, _ := json.Marshal(wire.Callback) // a string can always be written
	email := strings.ToLower(strings.TrimSpace(wire.Candidate.Email))
	order := assessment.Order{
		Ref: assessment.OrderRef{Vendor: Greenhouse, Account: d.Account},
		// Greenhouse names neither order nor application.
		Dedupe:     []string{"email", email, "test", wire.TestID},
		Package:    assessment.Package{ID: wire.TestID},
		Candidate:  assessment.Candidate{FirstName: wire.Candidate.FirstName, LastName: wire.Candidate.LastName, Email: email, ProfileURL: wire.Candidate.ProfileURL},
		Fields:     map[string]json.RawMessage{CallbackField: callback},
		ReceivedAt: time.Now().UTC(), Raw: body,
	}
	accepted, err := a.c.Intake.Start(r.Context(), order)
	if err != nil {
		return inbound.Failed(err, func(no *assessment.Rejection) inbound.Reply {
			return inbound.Rejected(http.StatusUnprocessableEntity, map[string]string{"message": no.Message}, no)
		})
	}
	d.Order = accepted.Ref
	return inbound.JSON(http.StatusOK, map[string]string{"partner_interview_id": accepted.Ref.ID}, inbound.Taken(accepted))
}

func (a *Adapter) status(r *http.Request, d *assessment.Delivery) inbound.Reply {
	d.Order = assessment.OrderRef{Vendor: Greenhouse, Account: d.Account, ID: r.URL.Query().Get("partner_interview_id")}
	result, err := a.c.Tests.Result(r.Context(), d.Order)
	switch {
	case errors.Is(err, assessment.ErrNotFound):
		return inbound.Reply{Status: http.StatusNotFound, Text: "no such test", Outcome: assessment.DeliveryRefused, Err: err}
	case err != nil:
		return inbound.Fault(err)
	}
	answer := map[string]any{"partner_status": string(result.Status), "partner_profile_url": result.ReportURL}
	if result.Status == assessment.StatusCompleted {
		answer["partner_status"] = "complete" // the one word that Greenhouse looks for
	}
	if result.Score != nil {
		answer["partner_score"] = result.Score.Value
	}
	metadata := map[string]string{}
	for _, attribute := range result.Attributes {
		if text, ok := attribute.Value.(assessment.Text); ok {
			metadata[attribute.Label] = string(text)
		}
	}
	answer["metadata"] = metadata
	return inbound.JSON(http.StatusOK, answer, assessment.DeliveryHandled)
}

// complain takes note: the report of the delivery tells whoever looks at it.
func (a *Adapter) complain(*http.Request, *assessment.Delivery, []byte) inbound.Reply {
	return inbound.OK(assessment.DeliveryHandled)
}

// errCallback does not repeat the URL: whoever sent it wants it somewhere.
var errCallback = errors.New("fourthvendor: callback URL is not https on an allowed host")

func (a *Adapter) allowed(callback string) error {
	u, err := url.Parse(callback)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(a.c.CallbackHosts, u.Host) {
		return errCallback
	}
	return nil
}
