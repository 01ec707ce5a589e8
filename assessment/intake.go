package assessment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"time"
	"unicode"
)

// The defaults of [IntakeConfig].
const (
	DefaultDeadline       = 10 * time.Second
	DefaultInlineDeadline = 13 * time.Second
	DefaultLease          = time.Minute
	DefaultAbandonAfter   = 10 * time.Minute
	DefaultMaxRunning     = 10_000
)

// UnknownStatus says what becomes of an order whose status this version does not
// know. Handlers and the reconciler ask [Intake.Holds].
type UnknownStatus string

const (
	// UnknownStatusStarts: such an order is started like any other. A recruiter
	// then gets the test that was ordered, at the risk that the word meant an end.
	UnknownStatusStarts UnknownStatus = ""
	// UnknownStatusHeld: it is not started. A handler acknowledges it and gives it
	// to OnEvent, and the host decides.
	UnknownStatusHeld UnknownStatus = "held"
)

// IntakeConfig configures [NewIntake].
type IntakeConfig struct {
	// Provider is the host; required.
	Provider Provider
	// Store remembers orders; required. All replicas must share one.
	Store Store
	// Deadline is how long a sender is kept waiting, and how long the provider's
	// context lives; [DefaultDeadline] if zero.
	Deadline time.Duration
	// InlineDeadline takes its place for inline orders, whose ATS gives up after
	// 15 to 30 seconds; [DefaultInlineDeadline] if zero.
	InlineDeadline time.Duration
	// Lease is how long a claim outlives a process that died; [DefaultLease] if
	// zero. It must be longer than both deadlines.
	Lease time.Duration
	// AbandonAfter is how long a call of StartOrder keeps its order;
	// [DefaultAbandonAfter] if zero, and no less than the deadlines. After it the
	// lease is not renewed any more, log and observer are told, and a redelivery
	// may start the order again beside the stuck call, with the same Ref. The call
	// counts for MaxRunning and [Intake.Drain] until it returns.
	AbandonAfter time.Duration
	// MaxRunning is how many starts run at a time; [DefaultMaxRunning] if zero, no
	// limit if negative. One more is [ErrBusy].
	MaxRunning int
	// BaseContext returns the context that the host's functions run on; the request
	// is the sender's context. It is called before the sender is answered. Its
	// cancellation is ignored, and nil is [context.Background].
	//
	// Without it they run on the request's context without its cancellation, which
	// is right for net/http. A server that reuses contexts, as fasthttp does under
	// the adaptors of fiber, would let a start see another request's values: there
	// copy what is needed into a new context.
	BaseContext func(request context.Context) context.Context
	// KeySecret keys the hash under which an order with [Order.Dedupe] is recorded.
	// Without it somebody who can read the store can find out, by trying, whether
	// a person that they know was ordered a package. All replicas need the same;
	// with another one such an order is a new order.
	KeySecret string
	// UnknownStatus says whether an order is started whose status is unknown.
	UnknownStatus UnknownStatus
	// Logger gets faults, once each, what happens after a sender was answered, and
	// what [Intake.Work] does. What Start returns in time, other than a fault, is
	// its caller's to log, as the handlers do. Nil is silent.
	Logger *slog.Logger
	// Observer is told of every call of the provider.
	Observer Observer
}

// redactedIntakeConfig is all that a configuration prints as.
const redactedIntakeConfig = "intake configuration [redacted]"

// String hides the configuration, which holds a secret.
func (c IntakeConfig) String() string { return redactedIntakeConfig }

// Format implements [fmt.Formatter]: no verb shows the secret.
func (c IntakeConfig) Format(f fmt.State, verb rune) { formatText(f, verb, redactedIntakeConfig) }

// LogValue implements [slog.LogValuer] and hides the secret.
func (c IntakeConfig) LogValue() slog.Value { return slog.StringValue(redactedIntakeConfig) }

// Intake takes each order once, whichever way it came. All handlers, queue
// workers and the Kombo reconciler go through it; nothing else calls the
// [Provider]. It is safe for concurrent use.
//
//	first delivery            StartOrder, on a context that outlives the sender; the answer is stored, then given
//	answered before           the stored answer again, rejection included
//	ended long ago            the same without links and words, see [Claim.Settled]
//	still running             waits up to its own deadline, then [ErrInProgress]
//	deadline passes           [ErrInProgress] now; the late answer is stored for the next delivery
//	fault or panic            the error; the next delivery starts again with the same Ref
//	process dies              after the lease a redelivery starts again with the same Ref
//	starts switched off       [ErrPaused]; nothing is started, see [Admitter]
//	store down                [ErrStore]; nothing is started
//	answer unreadable         [ErrUnreadable]; nothing is started
//	erased                    [ErrErased]; nothing is started
//
// An order with a vendor's id keeps its record for good. Where the vendor gives
// none the intake mints it, [Order.Dedupe] says what a repetition is, and cancel, a
// final result (through [Router]) and a rejection free the order for a new start.
type Intake struct {
	provider       Provider
	store          Store
	deadline       time.Duration
	inlineDeadline time.Duration
	lease          time.Duration
	abandonAfter   time.Duration
	maxRunning     int // not positive: no limit
	baseContext    func(context.Context) context.Context
	orderKey       func(Order) (string, error) // holds the secret: a copy of the Intake does not print it
	unknownStatus  UnknownStatus
	logger         *slog.Logger
	logs           bool // logger is the host's
	observer       Observer

	mu       sync.Mutex
	runs     map[string]*run // by key; the one to join
	writings map[OrderRef]*writing
	active   int // runs that are not finished, detached ones too
	draining bool
	drained  chan struct{} // closed when draining and active is 0
}

// NewIntake returns an intake. It refuses a missing provider or store, negative
// durations, a lease that does not outlast the deadlines, an AbandonAfter that is
// shorter than they are, a KeySecret with control characters or with blanks at its
// ends, and an UnknownStatus that is none of the constants.
func NewIntake(c IntakeConfig) (*Intake, error) {
	switch {
	case isNil(c.Provider):
		return nil, errors.New("assessment: intake needs a Provider")
	case isNil(c.Store):
		return nil, errors.New("assessment: intake needs a Store")
	case !cleanSecret(c.KeySecret):
		return nil, errors.New("assessment: KeySecret with a control character, or a blank at an end")
	case c.UnknownStatus != UnknownStatusStarts && c.UnknownStatus != UnknownStatusHeld:
		return nil, fmt.Errorf("assessment: no such UnknownStatus: %q", c.UnknownStatus)
	}
	in := &Intake{
		provider:       c.Provider,
		store:          c.Store,
		deadline:       cmp.Or(c.Deadline, DefaultDeadline),
		inlineDeadline: cmp.Or(c.InlineDeadline, DefaultInlineDeadline),
		lease:          cmp.Or(c.Lease, DefaultLease),
		maxRunning:     cmp.Or(c.MaxRunning, DefaultMaxRunning),
		baseContext:    c.BaseContext,
		orderKey:       func(o Order) (string, error) { return OrderKey(o, c.KeySecret) },
		unknownStatus:  c.UnknownStatus,
		logger:         c.Logger,
		logs:           c.Logger != nil,
		observer:       c.Observer.Contained(c.Logger),
		runs:           make(map[string]*run),
		writings:       make(map[OrderRef]*writing),
		drained:        make(chan struct{}),
	}
	longest := max(in.deadline, in.inlineDeadline)
	in.abandonAfter = cmp.Or(c.AbandonAfter, max(DefaultAbandonAfter, longest))
	switch {
	case min(in.deadline, in.inlineDeadline, in.lease, in.abandonAfter) < 0:
		return nil, errors.New("assessment: intake with a negative duration")
	case in.lease <= longest:
		return nil, fmt.Errorf("assessment: lease %v must be longer than the deadline %v", in.lease, longest)
	case in.abandonAfter < longest:
		return nil, fmt.Errorf("assessment: AbandonAfter %v must not be shorter than the deadline %v", in.abandonAfter, longest)
	}
	if in.logger == nil {
		in.logger = slog.New(slog.DiscardHandler)
	}
	if store, ok := c.Store.(interface{ warnTo(*slog.Logger) }); ok {
		store.warnTo(c.Logger)
	}
	return in, nil
}

// isNil reports whether v is nil, or an interface that holds a nil.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Slice:
		return r.IsNil()
	default:
		return false
	}
}

// cleanSecret refuses what a file or an environment adds to a secret unseen.
func cleanSecret(secret string) bool {
	return strings.TrimSpace(secret) == secret && !strings.ContainsFunc(secret, unicode.IsControl)
}

// ready is what every method asks first, so that a zero Intake is an error and no
// panic.
func (in *Intake) ready() error {
	if in == nil || in.store == nil {
		return errNotMade
	}
	return nil
}

// Holds reports whether a handler or the reconciler must not start the order,
// because its status is unknown and [IntakeConfig.UnknownStatus] says so. The host
// may start it all the same.
func (in *Intake) Holds(o Order) bool {
	return in != nil && in.unknownStatus == UnknownStatusHeld &&
		o.Status != "" && !o.Status.Known() && !o.Status.Final()
}

// String names the intake without its configuration.
func (in *Intake) String() string { return "intake" }

// Format implements [fmt.Formatter]: no verb shows the secret or an order.
func (in *Intake) Format(f fmt.State, verb rune) { formatText(f, verb, in.String()) }

// LogValue implements [slog.LogValuer]: the name only.
func (in *Intake) LogValue() slog.Value { return slog.StringValue(in.String()) }

// Start has the provider take the order, once. The error is a [*Rejection] if
// the provider said no, a [*ValidationError] if nothing tells the order from
// another, [ErrErased], [ErrInProgress], [ErrBusy], [ErrDraining], [ErrPaused],
// [ErrStore] or [ErrUnreadable] if there is no answer, and the provider's error, matching
// [ErrFault], otherwise. The end of ctx ends the waiting, not the start.
//
// [RefOf] finds in the error which order it is about if the intake minted its id.
func (in *Intake) Start(ctx context.Context, o Order) (Accepted, error) {
	if err := in.ready(); err != nil {
		return Accepted{}, err
	}
	key, err := in.orderKey(o)
	if err != nil {
		return Accepted{}, err
	}
	base := in.hostContext(ctx)
	patience := time.NewTimer(in.deadlineOf(&o))
	defer patience.Stop()
	for {
		r, lead, err := in.join(key)
		if err != nil {
			return Accepted{}, err
		}
		if lead {
			r.order = o
			r.order.Ref.ID = cmp.Or(o.Ref.ID, newUUID())
			go in.perform(base, r)
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return Accepted{}, in.about(r, &o, fmt.Errorf("%w: %w", ErrInProgress, ctx.Err()))
		case <-patience.C:
			return Accepted{}, in.about(r, &o, fmt.Errorf("%w: %w", ErrInProgress, context.DeadlineExceeded))
		}
		if (r.gaveUp || r.lost) && !lead {
			continue // ours is another question than its leader's
		}
		a, err := r.answer(&o, !lead)
		return a, in.about(r, &o, err)
	}
}

// Cancel frees the order for a new start and tells the provider, always, for
// unknown references too, so that repeated cancels converge. If the store
// cannot be asked ([ErrStore]) the provider is not called, and the sender has to
// come again. An error of the provider matches [ErrFault].
func (in *Intake) Cancel(ctx context.Context, ref OrderRef) error {
	if err := in.ready(); err != nil {
		return err
	}
	bounded, cancel := in.HostContext(ctx)
	defer cancel()
	if err := in.store.Forget(bounded, ref); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	in.detachCancelled(ref)
	_, err := guard(bounded, bounded, in, "cancel", ref, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, in.provider.CancelOrder(ctx, ref)
	})
	return err
}

// Packages asks the provider for its packages. The end of ctx ends the call, too.
// An error of the provider matches [ErrFault].
func (in *Intake) Packages(ctx context.Context, q PackageQuery) ([]Package, error) {
	if err := in.ready(); err != nil {
		return nil, err
	}
	bounded, cancel := in.HostContext(ctx)
	defer cancel()
	whose := OrderRef{Vendor: q.Vendor, Connection: q.Connection, Kind: q.Kind, Account: q.Account}
	return guard(ctx, bounded, in, "packages", whose, func(ctx context.Context) ([]Package, error) {
		return in.provider.Packages(ctx, q)
	})
}

// Drain refuses new starts with [ErrDraining] from now on and waits for the
// running ones, late providers included, until ctx ends.
func (in *Intake) Drain(ctx context.Context) error {
	if err := in.ready(); err != nil {
		return err
	}
	in.mu.Lock()
	if !in.draining {
		in.draining = true
		if in.active == 0 {
			close(in.drained)
		}
	}
	in.mu.Unlock()
	select {
	case <-in.drained:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-in.drained: // in time after all
		return nil
	default:
		return ctx.Err()
	}
}

func (in *Intake) deadlineOf(o *Order) time.Duration {
	if o.Inline {
		return in.inlineDeadline
	}
	return in.deadline
}
