package assessment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// The defaults of [IntakeConfig].
const (
	DefaultDeadline       = 10 * time.Second
	DefaultInlineDeadline = 13 * time.Second
	DefaultLease          = time.Minute
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
	// Logger gets faults and late answers; nil is silent.
	Logger *slog.Logger
	// Observer is told of every call of the provider.
	Observer Observer
}

// Intake takes each order once, whichever way it came. All handlers, queue
// workers and the Kombo reconciler go through it; nothing else calls the
// [Provider]. It is safe for concurrent use.
//
//	first delivery            StartOrder, on a context that outlives the sender; the answer is stored, then given
//	answered before           the stored answer again, rejection included
//	still running             waits up to its own deadline, then [ErrInProgress]
//	deadline passes           [ErrInProgress] now; the late answer is stored for the next delivery
//	fault or panic            the error; the next delivery starts again with the same Ref
//	process dies              after the lease a redelivery starts again with the same Ref
//	store down                [ErrStore]; nothing is started
//	answer unreadable         [ErrUnreadable]; nothing is started
//
// An order of a vendor that assigns ids keeps its record for good. Where the
// intake mints the id (Ashby), customer, application and package make the key,
// and cancel, a final result (through [Router]) and a rejection free it.
type Intake struct {
	provider       Provider
	store          Store
	deadline       time.Duration
	inlineDeadline time.Duration
	lease          time.Duration
	logger         *slog.Logger
	observer       Observer

	mu       sync.Mutex
	flights  map[string]*flight // by key; the one to join
	active   int                // flights not landed yet, detached ones too
	draining bool
	drained  chan struct{} // closed when draining and active is 0
}

// NewIntake returns an intake. It refuses a missing provider or store, negative
// durations and a lease that does not outlast the deadlines.
func NewIntake(c IntakeConfig) (*Intake, error) {
	if c.Provider == nil {
		return nil, errors.New("assessment: intake needs a Provider")
	}
	if c.Store == nil {
		return nil, errors.New("assessment: intake needs a Store")
	}
	in := &Intake{
		provider:       c.Provider,
		store:          c.Store,
		deadline:       orDefault(c.Deadline, DefaultDeadline),
		inlineDeadline: orDefault(c.InlineDeadline, DefaultInlineDeadline),
		lease:          orDefault(c.Lease, DefaultLease),
		logger:         c.Logger,
		observer:       c.Observer,
		flights:        make(map[string]*flight),
		drained:        make(chan struct{}),
	}
	if in.deadline < 0 || in.inlineDeadline < 0 || in.lease < 0 {
		return nil, errors.New("assessment: intake with a negative duration")
	}
	if longest := max(in.deadline, in.inlineDeadline); in.lease <= longest {
		return nil, fmt.Errorf("assessment: lease %v must be longer than the deadline %v", in.lease, longest)
	}
	if in.logger == nil {
		in.logger = slog.New(slog.DiscardHandler)
	}
	return in, nil
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}

// Start has the provider take the order, once. The error is a [*Rejection] if
// the provider said no, a [*ValidationError] if the order has no id and needs
// one, [ErrInProgress], [ErrDraining], [ErrStore] or [ErrUnreadable] if it cannot
// be said now,
// and the provider's error, matching [ErrFault], otherwise. The end of ctx ends the waiting, not the
// start.
func (in *Intake) Start(ctx context.Context, o Order) (Accepted, error) {
	key, ref, keyed, err := identify(o)
	if err != nil {
		return Accepted{}, err
	}
	if !keyed {
		in.logger.WarnContext(ctx, "order names neither application nor candidate: a repetition cannot be told",
			"order", ref)
	}
	o.Ref = ref
	ctx, cancel := context.WithTimeout(ctx, in.deadlineOf(o))
	defer cancel()
	for {
		f, lead, err := in.board(key)
		if err != nil {
			return Accepted{}, err
		}
		if lead {
			go in.fly(context.WithoutCancel(ctx), f, key, o)
		}
		select {
		case <-f.landed:
		case <-ctx.Done():
			return Accepted{}, fmt.Errorf("%w: %w", ErrInProgress, ctx.Err())
		}
		if (f.gaveUp || f.lost) && !lead {
			continue // ours is another question than its leader's
		}
		return f.answer(o, !lead)
	}
}

// Work is what a queue's worker does with an order that a handler's Queue took:
// it starts it, and if the provider says no it publishes the cancelled result,
// because the vendor was answered long ago. With a nil error the job is done;
// [Retryable] tells whether to do it again after any other. It is for vendors that
// give every order an id; of the others a rejection is returned as it is.
//
// A rejected order that is worked on twice is also published twice: a queue gives
// a job again whose end it did not see.
func (in *Intake) Work(ctx context.Context, o Order, p ResultPublisher) error {
	_, err := in.Start(ctx, o)
	no, rejected := asRejection(err)
	if !rejected {
		return err
	}
	if o.Ref.ID == "" {
		return err // the intake minted the id, and the rejection freed it: nobody knows it
	}
	_, err = p.PublishResult(ctx, o.Ref, no.Result())
	return err
}

// Adopt records an order that already runs, so that a redelivery or the
// reconciler does not start it. The provider is not called. An order that was
// answered before keeps its answer; one that is being started is
// [ErrInProgress]. Orders without a vendor's id ([Ashby]) cannot be adopted,
// because a reference does not say what their repetition looks like:
// [ErrNotSupported].
func (in *Intake) Adopt(ctx context.Context, ref OrderRef, s Started) error {
	if ref.natural() {
		return fmt.Errorf("assessment: adopt %s: %w", ref, ErrNotSupported)
	}
	key, ref, _, err := identify(Order{Ref: ref})
	if err != nil {
		return err
	}
	mine := Claim{Key: key, Ref: ref, Token: newUUID()}
	answer, err := encodeStarted(time.Now().UTC().Truncate(time.Millisecond), s)
	if err != nil {
		return fmt.Errorf("assessment: adopt %s: %w", ref, err)
	}
	got, err := in.store.Claim(ctx, mine, in.lease)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrStore, err)
	case len(got.Answer) > 0:
		return nil
	case got.Token != mine.Token:
		return ErrInProgress
	}
	mine.Answer = answer
	if err := in.store.Answer(ctx, mine); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}

// Cancel frees the order for a new start and tells the provider, always, for
// unknown references too, so that repeated cancels converge. If the store
// cannot be asked ([ErrStore]) the provider is not called, and the sender has to
// come again. An error of the provider matches [ErrFault].
func (in *Intake) Cancel(ctx context.Context, ref OrderRef) error {
	ctx = context.WithoutCancel(ctx)
	bounded, cancel := context.WithTimeout(ctx, in.deadline)
	defer cancel()
	if err := in.store.Forget(bounded, ref); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	in.detach(ref)
	_, err := guard(bounded, in, "cancel", ref, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, in.provider.CancelOrder(ctx, ref)
	})
	return err
}

// Packages asks the provider for its packages. An error of the provider matches
// [ErrFault].
func (in *Intake) Packages(ctx context.Context, q PackageQuery) ([]Package, error) {
	ctx, cancel := context.WithTimeout(ctx, in.deadline)
	defer cancel()
	whose := OrderRef{Vendor: q.Vendor, Connection: q.Connection, Kind: q.Kind, Account: q.Account}
	return guard(ctx, in, "packages", whose, func(ctx context.Context) ([]Package, error) {
		return in.provider.Packages(ctx, q)
	})
}

// Drain refuses new starts with [ErrDraining] from now on and waits for the
// running ones, late providers included, until ctx ends.
func (in *Intake) Drain(ctx context.Context) error {
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

func (in *Intake) deadlineOf(o Order) time.Duration {
	if o.Inline {
		return in.inlineDeadline
	}
	return in.deadline
}
