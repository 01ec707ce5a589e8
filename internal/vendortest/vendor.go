package vendortest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Vendor is what the laws have to know of a vendor.
type Vendor struct {
	Name assessment.Vendor
	// Doors are all handlers, one for each operation.
	Doors []Door
	// Orders is the one that orders come through.
	Orders Orders
	// Hooks are all functions of the host's that a handler calls, the provider's
	// StartOrder aside.
	Hooks []Hook
	// Secrets are all places that a secret or key is set in, by what they are for.
	Secrets map[string]func(secret string) error
	// Outlet is the client.
	Outlet Outlet
}

// Setup is what a law wants of a handler; each takes from it what it has a
// setting for.
type Setup struct {
	Intake    *assessment.Intake
	MaxBody   int64
	Logger    *slog.Logger
	Observer  assessment.Observer
	Publisher assessment.Publisher // where a rejection has to be written
}

// Door is a handler and a good request to it.
type Door struct {
	Name string
	New  func(testing.TB, Setup) http.Handler
	// Body is what a good request holds, and Request is one that proves where it
	// comes from.
	Body    []byte
	Request func(body []byte) *http.Request
	// Allow is the header of a 405.
	Allow string
	// Unproved is the status of a request that does not prove where it comes from.
	Unproved int
	// Absent and Malformed take the proof away or make it one that cannot be one;
	// Forge makes it a wrong one.
	Absent, Malformed, Forge func(*http.Request)
	// ProofFirst: even a wrong proof is found out before the body is read.
	ProofFirst bool
	// AnyBody: what the body holds does not matter.
	AnyBody bool
	// Fault says whether an answer is one to a fault. Nil means any 5xx.
	Fault func(*httptest.ResponseRecorder) bool
}

func (d Door) faulted(w *httptest.ResponseRecorder) bool {
	if d.Fault != nil {
		return d.Fault(w)
	}
	return w.Code >= http.StatusInternalServerError
}

// Orders is the door of orders.
type Orders struct {
	Door
	// Order is the body of an order; each id makes another one.
	Order func(id string) []byte
	// Full is the body of an order with everything that the vendor documents, and
	// Needs says which paths tell one order from another.
	Full  []byte
	Needs func(path string) bool
	// Odd is the body of an order with something in it that is reported as drift.
	Odd []byte
	// Ref is the reference of that order. Its ID is empty where the intake mints it.
	Ref func(id string) assessment.OrderRef
	// Personal are texts in that body which are about a person.
	Personal []string
	// Rejected checks the answer to an order that the provider rejected with the
	// message, and what was given to [Setup.Publisher].
	Rejected func(t testing.TB, w *httptest.ResponseRecorder, published []assessment.Result, message string)
	// Started is an answer of the provider's that the vendor needs.
	Started assessment.Started
}

// Hook is a function of the host's.
type Hook struct {
	Name string
	// New is a handler that calls the hook when it serves Request, and Fault says
	// whether it answered the hook's error as one.
	New     func(t testing.TB, s Setup, hook func(context.Context) error) http.Handler
	Request func() *http.Request
	Fault   func(*httptest.ResponseRecorder) bool
	// Stores: the hook may store something, so that it must outlive the sender.
	Stores bool
}

func (h Hook) faulted(w *httptest.ResponseRecorder) bool { return Door{Fault: h.Fault}.faulted(w) }

// Provider is a host of which each law sets what it does.
type Provider struct {
	Start func(context.Context, assessment.Order) (assessment.Started, error)

	started assessment.Started
	records
}

// StartOrder implements [assessment.Provider].
func (p *Provider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	p.note(func() { p.orders = append(p.orders, o) })
	if p.Start == nil {
		return p.started, nil
	}
	return p.Start(ctx, o)
}

// CancelOrder implements [assessment.Provider].
func (*Provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

// Packages implements [assessment.Provider].
func (*Provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "p", Name: "Package"}}, nil
}

// publisher records the results that a handler writes.
type publisher struct {
	vendor assessment.Vendor
	records
}

func (p *publisher) Vendor() assessment.Vendor { return p.vendor }
func (*publisher) Connection() string          { return "" }

func (p *publisher) PublishResult(_ context.Context, _ assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	p.note(func() { p.published = append(p.published, r) })
	return assessment.Receipt{Outcome: assessment.ResultWritten}, nil
}

// host is a provider behind the door of orders, with everything that it reports.
type host struct {
	watch
	orders    Orders
	provider  *Provider
	publisher *publisher
	intake    *assessment.Intake
	handler   http.Handler
}

func (v Vendor) host(t testing.TB, start func(context.Context, assessment.Order) (assessment.Started, error)) *host {
	t.Helper()
	h := &host{orders: v.Orders, provider: &Provider{Start: start, started: v.Orders.Started}, publisher: &publisher{vendor: v.Name}}
	h.intake = h.newIntake(t, h.provider)
	h.handler = v.Orders.New(t, h.setup(h.intake, h.publisher))
	return h
}

func (h *host) post(id string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	r := h.orders.Request(h.orders.Order(id))
	for _, change := range changes {
		change(r)
	}
	return Serve(h.handler, r)
}

func (w *watch) newIntake(t testing.TB, p assessment.Provider) *assessment.Intake {
	t.Helper()
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: p, Store: assessment.NewMemoryStore(0), Logger: w.log.Logger(), Observer: w.observer(),
	})
	require.NoError(t, err)
	return intake
}

func (w *watch) setup(intake *assessment.Intake, p assessment.Publisher) Setup {
	return Setup{Intake: intake, Publisher: p, Logger: w.log.Logger(), Observer: w.observer()}
}

// bodyLimit is a limit that a good body keeps and [refusal.large] does not.
const bodyLimit = 64 << 10

// openedDoor is a door with what it reports.
type openedDoor struct {
	watch
	Door
	handler http.Handler
}

func (v Vendor) open(t testing.TB, d Door) *openedDoor {
	t.Helper()
	o := &openedDoor{Door: d}
	s := o.setup(o.newIntake(t, &Provider{started: v.Orders.Started}), &publisher{vendor: v.Name})
	s.MaxBody = bodyLimit
	o.handler = d.New(t, s)
	return o
}

// law is something that must hold for every vendor.
type law struct {
	name  string
	check func(*testing.T, Vendor)
}

// Run plays all laws over v.
func Run(t *testing.T, v Vendor) {
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) { l.check(t, v) })
	}
}

var laws = []law{
	{"a fault is no rejection", faultIsNoRejection},
	{"a panic is not printed", panicIsNotPrinted},
	{"a rejection is told", rejectionIsTold},
	{"slow provider", slowProvider},
	{"sender gone", senderGone},
	{"same order", sameOrder},
	{"drained", drained},
	{"load", load},
	{"hook fails", hookFails},
	{"observer panics", observerPanics},
	{"observer panics outside", observerPanicsOutside},
	{"refusals", refusals},
	{"default limit", defaultLimit},
	{"eaten body", eatenBody},
	{"hook outlives the sender", hookOutlivesSender},
	{"one report", oneReport},
	{"useless secrets", uselessSecrets},
	{"odd values", oddValues},
	{"odd parts", oddParts},
	{"storable order", storableOrder},
	{"hostile text", hostileText},
	{"late interims", lateInterims},
	{"results in turn", inTurn},
	{"results are reported", resultsAreReported},
	{"URLs are URIs", urlsAreURIs},
	{"file names", fileNames},
	{"impossible values", impossibleValues},
	{"key renewed once", keyRenewedOnce},
	{"the caller's client untouched", callerUntouched},
	{"ids escaped", idsEscaped},
	{"budget of waits", waitBudget},
	{"caller gives up", callerGivesUp},
	{"uncertain write", uncertainWrite},
	{"a queue is told", queueIsTold},
	{"the vendor's words are withheld", vendorsWordsWithheld},
}
