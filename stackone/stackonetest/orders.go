package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
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
	tree := decodeObject(o.State.Body)
	for _, path := range atsOf(o.Provider).fields(o.Kind) {
		var value any = tree
		for name := range strings.SplitSeq(path, ".") {
			members, _ := value.(map[string]any)
			value = members[name]
		}
		if value != nil {
			shown[path] = value
		}
	}
	return shown
}

// order is the state behind an Order.
type order struct {
	Order
	data   map[string]any
	merged map[string]any
	event  *storedEvent // nil: ordered through the API
}

func (s *Server) addOrder(spec OrderSpec, a *account, data map[string]any) *order {
	o := &order{
		Order: Order{
			ID: spec.ID, RemoteID: spec.RemoteID, Account: spec.Account, Provider: a.spec.Provider,
			Kind: spec.Kind, PackageID: spec.PackageID, CreatedAt: spec.CreatedAt,
		},
		data:   data,
		merged: map[string]any{},
	}
	s.orders = append(s.orders, o)
	return o
}

// Order returns an order by its account and id, which may be the ATS's own.
func (s *Server) Order(account, id string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.findOrder(account, id); o != nil {
		return o.snapshot(), true
	}
	return Order{}, false
}

// Orders returns all orders of an account in the order of their creation.
func (s *Server) Orders(account string) []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Order
	for _, o := range s.orders {
		if o.Account == account {
			list = append(list, o.snapshot())
		}
	}
	return list
}

// findOrder takes StackOne's ids and those of the ATS:
// snippets/common-guides/stackone-identifiers.mdx in github.com/StackOneHQ/hub-docs
func (s *Server) findOrder(account, id string) *order {
	for _, o := range s.orders {
		if o.Account == account && (o.ID == id || o.RemoteID == id) {
			return o
		}
	}
	return nil
}

func (o *order) snapshot() Order {
	c := o.Order
	c.Results = slices.Clone(c.Results)
	c.DeliveryFaults = slices.Clone(c.DeliveryFaults)
	c.Data = encode(o.data)
	return c
}

// createOrder serves the other direction, in which an ATS-like product orders a
// test of an assessment connector. The answer has no envelope.
func createOrder(kind Kind) handler {
	return func(s *Server, c *call) (reply, *Failure) {
		var data map[string]any
		_, failure := s.checked(c, func(o *object) {
			data = o.members
			readOrder(o, kind)
		})
		if failure != nil {
			return reply{}, failure
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.findAccount(c.account)
		if a == nil {
			return reply{}, failed(http.StatusNotFound, "Account not found")
		}
		id, _ := data["id"].(string)
		remoteID, _ := data["remote_id"].(string)
		if id != "" && s.findOrder(c.account, id) != nil {
			return reply{}, &Failure{Status: http.StatusConflict}
		}
		id = orDefault(id, s.nextID("order"))
		remoteID = orDefault(remoteID, s.nextUUID("remote order"))
		ordered, _ := data["package"].(map[string]any)
		packageID, _ := ordered["id"].(string)
		s.addOrder(OrderSpec{ID: id, RemoteID: remoteID, Account: c.account, Kind: kind, PackageID: packageID, CreatedAt: s.now()}, a, data)
		return jsonReply(http.StatusOK, map[string]any{"id": id, "remote_id": remoteID, "test_url": exampleTestURL}), nil
	}
}

const exampleTestURL = "https://exmaple.com/integrations/candidate/test" // the spelling of StackOne's reference

func readOrder(o *object, kind Kind) {
	o.texts("id", "results_update_url")
	if kind == BackgroundCheck {
		o.text("remote_id")
	}
	o.free("passthrough")
	if p := o.child("package"); p != nil {
		p.texts("id", "remote_id", "name", "description")
		if kind == BackgroundCheck {
			p.objects("tests", func(t *object) { t.texts("id", "remote_id", "name", "description") })
		}
		p.done()
	}
	if p := o.child("application"); p != nil {
		p.texts("id", "remote_id")
		p.enum("application_status", applicationStatuses()...)
		p.free("passthrough")
		p.done()
	}
	if p := o.child("job"); p != nil {
		p.texts("id", "remote_id", "title")
		p.objects("hiring_team", readTeamMember)
		p.free("passthrough")
		p.done()
	}
	if p := o.child("candidate"); p != nil {
		p.texts("id", "remote_id", "first_name", "last_name", "profile_url")
		p.objects("emails", func(e *object) { e.texts("type", "value") })
		p.free("passthrough")
		p.done()
	}
	if p := o.child("requester"); p != nil {
		readTeamMember(p)
		p.done()
	}
}

func readTeamMember(o *object) {
	o.texts("user_id", "remote_user_id", "first_name", "last_name", "email", "role")
}

func applicationStatuses() []string {
	return []string{"active", "assessment", "background_check", "converted", "declined_by_candidate", "hired", "interview",
		"lead", "offer", "reference_check", "rejected", "review", "screen", "new", "onboarding", "created", "accepted",
		"short_list", "approved", "unmapped_value"}
}

func unknownOrder(account, id string) error {
	return fmt.Errorf("stackonetest: account %q has no order %q", account, id)
}
