package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// App is a sandbox without its servers: the three vendors, their orders and the
// journal.
type App struct {
	settings Settings
	journal  *journal
	guard    *targetGuard
	runs     checkRuns

	mu     sync.Mutex
	sims   map[string]simulator
	epoch  map[string]int // how often a simulator was made anew
	orders []ordered
	known  map[Ref]bool

	rotated map[string]bool // whose secret is another than in the settings
}

// Ref names an order in links.
type Ref struct{ Vendor, ID string }

type ordered struct {
	ref     Ref
	request Request
}

// maxOrders bounds the number of orders that are listed.
const maxOrders = 2_000

// epochs keep the numbers of exchanges apart when a simulator is made anew.
const exchangesPerEpoch = 100_000_000

// New returns a sandbox. The caller closes it.
func New(s Settings) (*App, error) {
	a := &App{
		settings: s.complete(), journal: newJournal(), guard: newTargetGuard(s.AllowRemote),
		sims: map[string]simulator{}, epoch: map[string]int{}, known: map[Ref]bool{}, rotated: map[string]bool{},
	}
	for _, vendor := range Vendors {
		if err := a.guard.permits(a.settings.Vendors[vendor].Target); err != nil {
			return nil, err
		}
		if err := a.renew(vendor); err != nil {
			return nil, err
		}
	}
	return a, nil
}

var makers = map[string]func(VendorSettings, environment) (simulator, error){
	Kombo: newKombo, StackOne: newStackOne, Ashby: newAshby,
}

// renew makes a simulator anew, as it was in the beginning.
func (a *App) renew(vendor string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.epoch[vendor]++
	epoch := a.epoch[vendor]
	settings := a.settings.Vendors[vendor]
	sim, err := makers[vendor](settings, environment{
		seed: a.settings.Seed, timeout: a.settings.Timeout, dial: a.guard.dial,
		follow: func(r Row) { a.follow(epoch, r) },
	})
	if err != nil {
		return fmt.Errorf("%s: %w", vendor, err)
	}
	sim.target(settings.Target)
	if old := a.sims[vendor]; old != nil {
		old.Close()
	}
	a.sims[vendor] = sim
	a.rotated[vendor] = false
	a.orders = slices.DeleteFunc(a.orders, func(o ordered) bool { return o.ref.Vendor == vendor })
	maps.DeleteFunc(a.known, func(ref Ref, _ bool) bool { return ref.Vendor == vendor })
	return nil
}

// Close ends the simulators.
func (a *App) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, sim := range a.sims {
		sim.Close()
	}
}

// Reset begins anew: no orders, the same ids again.
func (a *App) Reset() error {
	for _, vendor := range Vendors {
		if err := a.renew(vendor); err != nil {
			return err
		}
	}
	a.journal.announce(News{Say: "The sandbox was reset."})
	return nil
}

// Target sets where a vendor reaches the provider.
func (a *App) Target(vendor string, t Target) error {
	if err := a.guard.permits(t); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	v := a.settings.Vendors[vendor]
	v.Target = t
	a.settings.Vendors[vendor] = v
	a.sims[vendor].target(t)
	return nil
}

// Switch turns a quirk on or off. The vendor begins anew.
func (a *App) Switch(vendor, quirk string, on bool) error {
	if err := knownQuirk(vendor, quirk); err != nil {
		return err
	}
	a.mu.Lock()
	v := a.settings.Vendors[vendor]
	v.Quirks = maps.Clone(v.Quirks)
	if v.Quirks == nil {
		v.Quirks = map[string]bool{}
	}
	v.Quirks[quirk] = on
	a.settings.Vendors[vendor] = v
	a.mu.Unlock()
	if err := a.renew(vendor); err != nil {
		return err
	}
	a.journal.announce(News{Vendor: vendor, Say: label(vendor) + " begins anew with the changed rule."})
	return nil
}

// vendorSettings are the settings of a vendor as they are now.
func (a *App) vendorSettings(vendor string) VendorSettings {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settings.Vendors[vendor]
}

// secretNow is the secret that signs.
func (a *App) secretNow(vendor string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rotated[vendor] {
		return rotatedSecret(vendor)
	}
	return a.settings.Vendors[vendor].Secret
}

var errUnknownVendor = errors.New("there is no such vendor: kombo, stackone or ashby")

func (a *App) sim(vendor string) (simulator, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	sim := a.sims[vendor]
	if sim == nil {
		return nil, errUnknownVendor
	}
	return sim, nil
}

// API serves the API of a vendor.
func (a *App) API(vendor string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			http.Error(w, "the sandbox takes no calls of this size", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			return // the caller hung up
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if api := a.runs.api(vendor); api != nil {
			api.ServeHTTP(w, r)
			return
		}
		a.serveSimulator(vendor, w, r)
	})
}

func (a *App) serveSimulator(vendor string, w http.ResponseWriter, r *http.Request) {
	sim, err := a.sim(vendor)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	sim.ServeHTTP(w, r)
}

// maxCall is how large a call of the API may be: results carry their attachments.
const maxCall = 64 << 20

// follow keeps an exchange that ended.
func (a *App) follow(epoch int, r Row) {
	a.mu.Lock()
	sim, current := a.sims[r.Vendor], a.epoch[r.Vendor] == epoch
	a.mu.Unlock()
	if !current || sim == nil {
		return // of a simulator that is gone
	}
	r.Exchange += epoch * exchangesPerEpoch
	if !r.ToProvider {
		r.Verdict = sim.seen(r).verdict()
	}
	if r.Order != "" {
		a.list(Ref{r.Vendor, r.Order}, Request{}, sim)
	}
	a.journal.add(r)
}

// list adds an order to the list, or what was asked for to one that is there.
func (a *App) list(ref Ref, request Request, sim simulator) {
	if !a.lists(ref) {
		if _, found := sim.card(ref.ID); !found {
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.known[ref] {
		a.known[ref] = true
		a.orders = append(a.orders, ordered{ref, request})
		if len(a.orders) > maxOrders {
			oldest := a.orders[0].ref
			delete(a.known, oldest)
			a.orders = slices.Delete(a.orders, 0, 1)
			a.sims[oldest.Vendor].forget(oldest.ID)
		}
		return
	}
	if request.Vendor == "" {
		return
	}
	for i := range slices.Backward(a.orders) { // it is mostly the newest
		if a.orders[i].ref == ref {
			a.orders[i].request = request
			return
		}
	}
}

func (a *App) lists(ref Ref) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.known[ref]
}

// judge adds verdicts to the rows, and a row for what was not sent.
func (a *App) judge(vendor, order string, judged []Judged) []int {
	a.mu.Lock()
	epoch := a.epoch[vendor]
	a.mu.Unlock()
	var rows []int
	for _, j := range judged {
		j.order = orDefault(j.order, order)
		if j.exchange > 0 {
			if n := a.judgeRow(key{vendor, j.exchange + epoch*exchangesPerEpoch}, j); n > 0 {
				rows = append(rows, n)
			}
			continue
		}
		rows = append(rows, a.journal.add(Row{
			Vendor: vendor, ToProvider: true, Op: j.op, Customer: j.customer, Order: j.order, At: time.Now(),
			Fault: j.faults, Verdict: j.verdict,
		}))
	}
	return rows
}

// judgeRow adds the verdict to a row and returns its number; 0: it is gone.
func (a *App) judgeRow(k key, j Judged) int {
	if row, found := a.journal.find(k); found {
		row.Verdict = j.verdict
		if a.forged(row) {
			j.verdict.Broken = append(slices.Clip(j.verdict.Broken), "you took it although its signature is wrong: anybody could order in the customer's name")
		}
	}
	return a.journal.judge(k, j.order, j.verdict)
}

// Done is what became of an action.
type Done struct {
	Vendor string `json:"vendor"`
	Order  string `json:"order,omitempty"`
	Rows   []int  `json:"rows"`
}

// Place places an order and waits for the answer of the provider.
func (a *App) Place(ctx context.Context, r Request) (Done, error) {
	sim, err := a.ready(ctx, r.Vendor)
	if err != nil {
		return Done{}, err
	}
	if err := a.checkRequest(r); err != nil {
		return Done{}, err
	}
	if r.Customer == "" {
		r.Customer = sim.customers()[0].ID
	}
	if r.Package == "" {
		if offered := sim.packages(r.Customer); len(offered) > 0 {
			r.Package = offered[0].ID
		}
	}
	id, judged, err := sim.order(ctx, r)
	if err != nil {
		return Done{}, err
	}
	a.list(Ref{r.Vendor, id}, r, sim)
	return Done{r.Vendor, id, a.judge(r.Vendor, id, judged)}, nil
}

// ready returns the simulator of a vendor if its provider may be called.
func (a *App) ready(ctx context.Context, vendor string) (simulator, error) {
	sim, err := a.sim(vendor)
	if err != nil {
		return nil, err
	}
	return sim, a.guard.resolve(ctx, a.vendorSettings(vendor).Target)
}

// Act does to an order what a verb says.
func (a *App) Act(ctx context.Context, verb string, ref Ref) (Done, error) {
	sim, err := a.ready(ctx, ref.Vendor)
	if err != nil {
		return Done{}, err
	}
	if verb == verbAgain.Name {
		r, found := a.requestOf(ref)
		if !found {
			return Done{}, errUnknownOrder
		}
		r.Faults, r.Twice = nil, false
		return a.Place(ctx, r)
	}
	judged, err := sim.act(ctx, verb, ref.ID)
	if err != nil {
		return Done{}, err
	}
	return Done{ref.Vendor, ref.ID, a.judge(ref.Vendor, ref.ID, judged)}, nil
}

// requestOf is what the recruiter asked for, as far as known.
func (a *App) requestOf(ref Ref) (Request, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.orders {
		if o.ref == ref {
			r := o.request
			r.Vendor = ref.Vendor
			return r, true
		}
	}
	return Request{}, false
}

// Serve does to a customer what a verb says.
func (a *App) Serve(ctx context.Context, vendor, verb, customer string) (Done, error) {
	sim, err := a.ready(ctx, vendor)
	if err != nil {
		return Done{}, err
	}
	if customer == "" {
		customer = sim.customers()[0].ID
	}
	judged, err := sim.serve(ctx, verb, customer)
	if err != nil {
		return Done{}, err
	}
	if verb == verbRotate.Name {
		a.mu.Lock()
		a.rotated[vendor] = true
		a.mu.Unlock()
	}
	done := Done{Vendor: vendor, Rows: a.judge(vendor, "", judged)}
	if len(judged) == 0 {
		a.journal.announce(News{Vendor: vendor, Say: label(vendor) + ": " + verb + " done."})
	}
	return done, nil
}

// Ask makes the ATS ask the provider for its packages.
func (a *App) Ask(ctx context.Context, vendor, customer string, faults []string) (Done, error) {
	sim, err := a.ready(ctx, vendor)
	if err != nil {
		return Done{}, err
	}
	if customer == "" {
		customer = sim.customers()[0].ID
	}
	judged, err := sim.ask(ctx, customer, faults)
	if err != nil {
		return Done{}, err
	}
	return Done{Vendor: vendor, Rows: a.judge(vendor, "", judged)}, nil
}

// Cards are the orders as their ATSs show them, the newest first.
func (a *App) Cards(vendor string) []Card {
	a.mu.Lock()
	orders := slices.Clone(a.orders)
	sims := maps.Clone(a.sims)
	a.mu.Unlock()
	var cards []Card
	for _, o := range slices.Backward(orders) {
		if vendor != "" && o.ref.Vendor != vendor {
			continue
		}
		if c, found := sims[o.ref.Vendor].card(o.ref.ID); found {
			cards = append(cards, c)
		}
	}
	return cards
}

// Card is one order.
func (a *App) Card(ref Ref) (Card, bool) {
	sim, err := a.sim(ref.Vendor)
	if err != nil {
		return Card{}, false
	}
	return sim.card(ref.ID)
}

// Timeline are the exchanges about an order, in the order in which they began.
func (a *App) Timeline(ref Ref) []Row {
	return a.journal.timeline(func(r *Row) bool { return r.Vendor == ref.Vendor && r.Order == ref.ID })
}
