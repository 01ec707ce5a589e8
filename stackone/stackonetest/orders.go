package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Order is an order as the simulator sees it now.
type Order struct {
	ID        string // the record_id of its event
	RemoteID  string
	Account   string
	Provider  string // key of the ATS
	Kind      Kind
	PackageID string // the provider's
	CreatedAt time.Time
	// Results are all accepted result bodies, in order.
	Results []Result
	// State is what they amount to together: each body is partial. Its Body is the
	// merged one; it is zero before the first result.
	State Result
	// Status is the state in the ATS: the value of the result, or "complete" as soon
	// as Greenhouse has one. Empty before the first result.
	Status string
	// Accepted: an event of the order was answered with success.
	Accepted bool
	// DeliveryFaults are the other answers to its events, one text for each.
	DeliveryFaults []string
	// Data is the order object.
	Data json.RawMessage
}

// Shown returns what of the result reaches the recruiter, by dotted path, as far
// as StackOne's guide of the ATS says so:
// integration-guides/ats in github.com/StackOneHQ/hub-docs
func (o Order) Shown() map[string]any {
	shown := map[string]any{}
	tree := simkit.DecodeObject(o.State.Body)
	for _, path := range atsOf(o.Provider).fields(o.Kind) {
		value := simkit.At(tree, strings.Split(path, ".")...)
		if value != nil {
			shown[path] = value
		}
	}
	return shown
}

// order is the state behind an Order.
type order struct {
	Order
	merged map[string]any
	event  *storedEvent // nil: ordered through the API
}

func (o *order) snapshot() Order {
	c := o.Order
	c.Results = slices.Clone(c.Results)
	c.DeliveryFaults = slices.Clone(c.DeliveryFaults)
	c.Data = slices.Clone(o.Data)
	return c
}

// createOrder serves the other direction, in which an ATS-like product orders a
// test of an assessment connector. The answer has no envelope.
func createOrder(kind Kind) handler {
	return func(s *Server, c *simkit.Call) (simkit.Reply, *Failure) {
		var data map[string]any
		_, failure := s.checked(c, func(o *simkit.Object) {
			data = o.Members
			readOrder(o, kind)
		})
		if failure != nil {
			return simkit.Reply{}, failure
		}
		id, remoteID, failure := s.takeOrder(c.Account, kind, data)
		if failure != nil {
			return simkit.Reply{}, failure
		}
		return simkit.JSONReply(http.StatusOK, map[string]any{"id": id, "remote_id": remoteID, "test_url": exampleTestURL}), nil
	}
}

// takeOrder stores an order that came through the API.
func (w *world) takeOrder(account string, kind Kind, data map[string]any) (id, remoteID string, failure *Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return "", "", noAccount()
	}
	id, remoteID = simkit.TextAt(data, "id"), simkit.TextAt(data, "remote_id")
	if id != "" && w.order(account, id) != nil {
		return "", "", &Failure{Status: http.StatusConflict}
	}
	if id == "" {
		id = w.newID("order")
	}
	if remoteID == "" {
		remoteID = w.ids.UUID("remote order")
	}
	w.addOrder(OrderSpec{
		ID: id, RemoteID: remoteID, Account: account, Kind: kind,
		PackageID: simkit.TextAt(data, "package", "id"), CreatedAt: w.now(),
	}, a, data)
	return id, remoteID, nil
}

const exampleTestURL = "https://exmaple.com/integrations/candidate/test" // the spelling of StackOne's reference

func readOrder(o *simkit.Object, kind Kind) {
	o.Texts("id", "results_update_url")
	if kind == BackgroundCheck {
		o.Text("remote_id", nullable)
	}
	o.Free("passthrough")
	if p := o.Child("package", nullable); p != nil {
		p.Texts("id", "remote_id", "name", "description")
		if kind == BackgroundCheck {
			p.Each("tests", nullable, func(t *simkit.Object) { t.Texts("id", "remote_id", "name", "description") })
		}
		p.Done()
	}
	if p := o.Child("application", nullable); p != nil {
		p.Texts("id", "remote_id")
		readEnum(p, "application_status", applicationStatuses()...)
		p.Free("passthrough")
		p.Done()
	}
	if p := o.Child("job", nullable); p != nil {
		p.Texts("id", "remote_id", "title")
		p.Each("hiring_team", nullable, readTeamMember)
		p.Free("passthrough")
		p.Done()
	}
	if p := o.Child("candidate", nullable); p != nil {
		p.Texts("id", "remote_id", "first_name", "last_name", "profile_url")
		p.Each("emails", nullable, func(e *simkit.Object) { e.Texts("type", "value") })
		p.Free("passthrough")
		p.Done()
	}
	if p := o.Child("requester", nullable); p != nil {
		readTeamMember(p)
		p.Done()
	}
}

func readTeamMember(o *simkit.Object) {
	o.Texts("user_id", "remote_user_id", "first_name", "last_name", "email", "role")
}

func applicationStatuses() []string {
	return []string{"active", "assessment", "background_check", "converted", "declined_by_candidate", "hired", "interview",
		"lead", "offer", "reference_check", "rejected", "review", "screen", "new", "onboarding", "created", "accepted",
		"short_list", "approved", "unmapped_value"}
}

func noOrder() *Failure { return failed(http.StatusNotFound, "Order not found") }

func unknownOrder(account, id string) error {
	return fmt.Errorf("stackonetest: account %q has no order %q", account, id)
}
