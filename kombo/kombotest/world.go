package kombotest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// world is what Kombo knows: keys, integrations, packages, orders and events. It knows
// nothing of HTTP. Every lookup by key costs the same however much there is.
type world struct {
	ids    *simkit.IDs
	now    func() time.Time
	quirks Quirks

	mu            sync.Mutex
	keys          map[string]bool
	integrations  map[string]*integration
	links         map[string]*link  // by the token in the link
	tokens        map[string]string // connection token to integration id
	packages      map[string][]Package
	orders        map[string]*order
	ofIntegration map[string][]*order // in order of creation
	placed        int                 // orders ever
	events        simkit.Table[string, Event]
	pending       []Event // caused by calls of the API, not yet delivered
}

func newWorld(cfg Config, ids *simkit.IDs) *world {
	return &world{
		ids: ids, now: cfg.Clock, quirks: cfg.Quirks,
		keys:          map[string]bool{cfg.APIKey: true},
		integrations:  map[string]*integration{},
		links:         map[string]*link{},
		tokens:        map[string]string{},
		packages:      map[string][]Package{},
		orders:        map[string]*order{},
		ofIntegration: map[string][]*order{},
	}
}

// Ids in Kombo's examples are 24 alphanumerics without look-alikes.
const (
	idAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	idLength   = 24
)

func (w *world) newID(kind string) string { return w.ids.Pick(kind, idAlphabet, idLength) }

// AddKey makes one more API key valid.
func (w *world) AddKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys[key] = true
}

// RevokeKey makes an API key invalid: calls with it are answered 401
// PLATFORM.AUTHENTICATION_INVALID.
func (w *world) RevokeKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.keys, key)
}

func (w *world) hasKey(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.keys[key]
}

// Packages returns the packages last submitted for an integration, in the order
// of the request.
func (w *world) Packages(integration string) []Package {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.packages[integration])
}

// SetPackages puts packages in place without a call of the API, for instance one
// without a type.
func (w *world) SetPackages(integration string, packages []Package) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.packages[integration] = slices.Clone(packages)
}

// place stores an order and makes its event.
func (w *world) place(spec OrderSpec) (Event, error) {
	spec.Integration = simkit.OrDefault(spec.Integration, DefaultIntegration)
	spec.PackageID = simkit.OrDefault(spec.PackageID, DefaultPackageID)
	if spec.CreatedAt.IsZero() {
		spec.CreatedAt = w.now()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.orderable(spec); err != nil {
		return Event{}, err
	}
	if spec.ID == "" {
		spec.ID = w.newID("order")
	}
	data, err := spec.data()
	if err != nil {
		return Event{}, named(err)
	}
	return w.addOrder(spec, data), nil
}

func (w *world) orderable(spec OrderSpec) error {
	if _, found := w.integrations[spec.Integration]; !found {
		return unknownIntegration(spec.Integration)
	}
	if spec.ID != "" && w.orders[spec.ID] != nil {
		return fmt.Errorf("kombotest: order %q exists already", spec.ID)
	}
	known := func(p Package) bool { return p.ID == spec.PackageID }
	if w.quirks.RequirePackage && !slices.ContainsFunc(w.packages[spec.Integration], known) {
		return fmt.Errorf("kombotest: package %q was not submitted for %q", spec.PackageID, spec.Integration)
	}
	return nil
}

func (w *world) addOrder(spec OrderSpec, data map[string]any) Event {
	eventType := EventOrderReceived
	if spec.Inline {
		eventType = EventInlineOrderReceived
	}
	event := w.addEvent(eventType, spec.ID, data)
	o := &order{
		Order: Order{
			ID:          spec.ID,
			Integration: spec.Integration,
			PackageID:   spec.PackageID,
			Inline:      spec.Inline,
			Status:      StatusOpen,
			CreatedAt:   spec.CreatedAt,
		},
		number: w.placed,
		event:  event,
	}
	w.placed++
	w.orders[o.ID] = o
	w.ofIntegration[o.Integration] = append(w.ofIntegration[o.Integration], o)
	return event
}

// Order returns an order by its id.
func (w *world) Order(id string) (Order, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.orders[id]; o != nil {
		return o.snapshot(), true
	}
	return Order{}, false
}

// Orders returns all orders of an integration in the order of their creation.
func (w *world) Orders(integration string) []Order {
	w.mu.Lock()
	defer w.mu.Unlock()
	return simkit.Map(w.ofIntegration[integration], (*order).snapshot)
}

// ForgetOrder drops an order and its events, as if it had never been placed, so that a
// program which runs for long keeps its memory. An unknown id changes nothing.
func (w *world) ForgetOrder(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.orders[id]
	if o == nil {
		return
	}
	delete(w.orders, id)
	w.ofIntegration[o.Integration] = slices.DeleteFunc(w.ofIntegration[o.Integration], func(one *order) bool { return one == o })
	w.events.RemoveFunc(func(e Event) bool { return e.OrderID == id })
}

// ResetUI does what a reset of the assessment UI in Kombo's dashboard does to a
// sandbox integration: its packages and orders are deleted, and stored ids become
// invalid. https://docs.kombo.dev/assessment/features/assessment-ui
func (w *world) ResetUI(integration string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.ofIntegration[integration] {
		delete(w.orders, o.ID)
	}
	delete(w.ofIntegration, integration)
	delete(w.packages, integration)
}

// transition finds the order and checks that the status may be written: to an
// open order any, to another one at most the status it has.
func (w *world) transition(integration, id, status string) (*order, *refusal) {
	o := w.orders[id]
	if o == nil || o.Integration != integration {
		return nil, refuse(w.quirks.UnknownOrderCode, "There is no such assessment order.")
	}
	repeated := o.Status == status && w.quirks.RepeatedFinal != RepeatRefused
	if o.Status != StatusOpen && !repeated {
		return nil, refuse(w.quirks.ClosedOrderCode, "The assessment order is "+o.Status+".")
	}
	return o, nil
}

// writable tells why an order does not take a status; nil: it does.
func (w *world) writable(integration, id, status string) *refusal {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, problem := w.transition(integration, id, status)
	return problem
}

// write gives an order a result.
func (w *world) write(integration, id string, result Result) *refusal {
	w.mu.Lock()
	defer w.mu.Unlock()
	o, problem := w.transition(integration, id, result.Status)
	if problem != nil {
		return problem
	}
	repeated := o.Status != StatusOpen
	if !repeated || w.quirks.RepeatedFinal != RepeatDuplicated {
		o.Attachments = nil
	}
	o.Attachments = simkit.Latest(append(o.Attachments, result.Attachments...))
	o.Status = result.Status
	o.Results = simkit.Latest(append(o.Results, result))
	return nil
}

// decide lets an order feel the answer to its webhook.
func (w *world) decide(orderID string, v verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.orders[orderID]
	if o == nil {
		return
	}
	switch v.outcome {
	case Rejected:
		// Only an open order can still be rejected.
		if o.Status == StatusOpen {
			o.Status, o.RejectionMessage = StatusRejected, v.message
		}
	case Accepted:
		o.AssessmentURL = simkit.OrDefault(v.url, o.AssessmentURL)
	case Failed:
		o.DeliveryFaults = simkit.Latest(append(o.DeliveryFaults, v.reason))
	}
}

// page is one page of a listing and the cursor of the next; nil: there is none.
func (w *world) page(q orderQuery, withStatus bool) (orders []any, next *cursor) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := q.cursor
	if at.emptyPages < w.quirks.EmptyPages {
		at.emptyPages++
		return []any{}, &at
	}
	orders = []any{}
	for _, o := range w.listed(q) {
		if at.isPast(o, w.quirks.NewestFirst) || !q.matches(o) {
			continue
		}
		if len(orders) == q.pageSize {
			at.from, at.started = o.number, true
			return orders, &at
		}
		orders = append(orders, o.listing(withStatus))
	}
	return orders, nil
}

// listed is the orders that a query can match, in the order of the listing. Those that
// are named are looked up.
func (w *world) listed(q orderQuery) []*order {
	list := w.ofIntegration[q.integration]
	if len(q.ids) > 0 {
		list = nil
		for _, id := range q.ids {
			if o := w.orders[id]; o != nil && !slices.Contains(list, o) {
				list = append(list, o)
			}
		}
		slices.SortFunc(list, func(a, b *order) int { return a.number - b.number })
	}
	if w.quirks.NewestFirst {
		list = slices.Clone(list)
		slices.Reverse(list)
	}
	return list
}
