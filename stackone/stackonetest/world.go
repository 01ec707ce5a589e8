package stackonetest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// world is what StackOne knows: keys, accounts with their packages and records, connect
// sessions, orders and events. It knows nothing of HTTP. Every lookup by key costs the
// same however much there is.
type world struct {
	ids    *simkit.IDs
	now    func() time.Time
	cfg    Config
	quirks Quirks

	mu        sync.Mutex
	keys      map[string]bool
	accounts  simkit.Table[string, *account]
	sessions  map[string]*session
	orders    simkit.Table[orderKey, *order]
	ofAccount map[string][]*order // in order of creation
	events    simkit.Table[string, *storedEvent]
	pending   []Event // caused by calls of the API, not yet delivered
}

// orderKey finds an order: by StackOne's id, and by that of the ATS.
// snippets/common-guides/stackone-identifiers.mdx in github.com/StackOneHQ/hub-docs
type orderKey struct{ account, id string }

func newWorld(cfg Config, ids *simkit.IDs) *world {
	return &world{
		ids: ids, now: cfg.Clock, cfg: cfg, quirks: cfg.Quirks,
		keys:      map[string]bool{cfg.APIKey: true},
		sessions:  map[string]*session{},
		ofAccount: map[string][]*order{},
	}
}

// StackOne's own ids start with one of these in the documented examples. Nothing
// may be read into them.
var idPrefixes = [...]string{"c28xIQ", "cxIQ"}

// newID returns the next id of a kind ("order", "package", …). The ids are standard
// Base64: some hold characters that a path has to escape.
func (w *world) newID(kind string) string {
	digest, n := w.ids.Next(kind)
	// Lengths differ, and so does the padding.
	id := idPrefixes[n%len(idPrefixes)] + base64.StdEncoding.EncodeToString(digest[:14+n%3])
	if n%2 == 1 {
		return id
	}
	// Every other id is sure to need escaping.
	return id[:8] + "/" + id[8:10] + "+" + id[10:]
}

// newNumber returns the next id in the form of the documented account ids: digits, and
// more of them than a float can hold.
func (w *world) newNumber(kind string) string {
	digest, _ := w.ids.Next(kind)
	const nineteenDigits = 1_000_000_000_000_000_000
	return fmt.Sprint(3*nineteenDigits + binary.BigEndian.Uint64(digest[:8])%nineteenDigits)
}

// AddKey makes one more API key valid.
func (w *world) AddKey(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys[key] = true
}

// RevokeKey makes an API key invalid: calls with it are answered 401.
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

// account finds an account; nil: there is none. The caller holds w.mu.
func (w *world) account(id string) *account {
	a, _ := w.accounts.Find(id)
	return a
}

// order finds an order by any of its ids; nil: there is none. The caller holds w.mu.
func (w *world) order(account, id string) *order {
	o, _ := w.orders.Find(orderKey{account, id})
	return o
}

// place stores an order and makes its event.
func (w *world) place(spec OrderSpec) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	spec.Account = simkit.OrDefault(spec.Account, DefaultAccount)
	a := w.account(spec.Account)
	if a == nil {
		return Event{}, unknownAccount(spec.Account)
	}
	spec, err := w.completed(spec, a)
	if err != nil {
		return Event{}, err
	}
	data, err := spec.data(a)
	if err != nil {
		return Event{}, named(err)
	}
	envelope, err := spec.envelope(w, a, data)
	if err != nil {
		return Event{}, named(err)
	}
	o := w.addOrder(spec, a, data)
	o.event = w.addEvent(Event{Name: spec.Event, Account: spec.Account, OrderID: spec.ID, Body: simkit.Encode(envelope)})
	return o.event.Event, nil
}

func (w *world) addOrder(spec OrderSpec, a *account, data map[string]any) *order {
	o := &order{
		Order: Order{
			ID: spec.ID, RemoteID: spec.RemoteID, Account: spec.Account, Provider: a.spec.Provider,
			Kind: spec.Kind, PackageID: spec.PackageID, CreatedAt: spec.CreatedAt,
			Data: simkit.Encode(data),
		},
		merged: map[string]any{},
	}
	w.orders.Add(o, orderKey{o.Account, o.ID}, orderKey{o.Account, o.RemoteID})
	w.ofAccount[o.Account] = append(w.ofAccount[o.Account], o)
	return o
}

// Order returns an order by its account and id, which may be the ATS's own.
func (w *world) Order(account, id string) (Order, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.order(account, id); o != nil {
		return o.snapshot(), true
	}
	return Order{}, false
}

// Orders returns all orders of an account in the order of their creation.
func (w *world) Orders(account string) []Order {
	w.mu.Lock()
	defer w.mu.Unlock()
	return simkit.Map(w.ofAccount[account], (*order).snapshot)
}

// ForgetOrder drops an order and its events, as if it had never been placed, so that a
// program which runs for long keeps its memory. An unknown order changes nothing.
func (w *world) ForgetOrder(account, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.order(account, id)
	if o == nil {
		return
	}
	w.orders.Remove(orderKey{o.Account, o.ID})
	w.ofAccount[o.Account] = slices.DeleteFunc(w.ofAccount[o.Account], func(one *order) bool { return one == o })
	w.events.RemoveFunc(func(e *storedEvent) bool { return e.Account == o.Account && e.OrderID == o.ID })
}

// write gives an order a result, with the members that were sent.
func (w *world) write(account, id string, kind Kind, result Result, members map[string]any) *Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.order(account, id)
	if o == nil || o.Kind != kind {
		return noOrder()
	}
	if failure := w.refusesResults(o); failure != nil {
		return failure
	}
	w.apply(o, result, members)
	return nil
}

// decide lets an order feel what became of its event.
func (w *world) decide(d Delivery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.order(d.Account, d.OrderID)
	if o == nil || d.OrderID == "" {
		return
	}
	switch d.Outcome {
	case Accepted:
		o.Accepted = true
	case Failed:
		o.DeliveryFaults = simkit.Latest(append(o.DeliveryFaults, d.Reason))
	}
}

// Packages returns the packages of an account, in the order of their creation.
func (w *world) Packages(account string, kind Kind) []Package {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return nil
	}
	return clonedPackages(a.held(kind).Values())
}

// SetPackages puts packages in place without a call of the API. Every account
// starts out with the assessment package of StackOne's reference and without
// background-check packages.
func (w *world) SetPackages(account string, kind Kind, packages []Package) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return unknownAccount(account)
	}
	a.packages[kind] = packagesOf(packages...)
	return nil
}
