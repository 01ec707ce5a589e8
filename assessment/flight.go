package assessment

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// flight is one attempt in this process to have an order answered. Deliveries
// of the same order that come while it is in the air wait for it.
type flight struct {
	landed chan struct{} // closed when the fields below stand

	ref      OrderRef // guarded by Intake.mu until landed
	claim    Claim    // the record with its answer
	replayed bool     // the provider was not called
	err      error
	gaveUp   bool // nobody answered in the leader's time; who has time left may try
	lost     bool // the answer is not the record's; only the leader gets it
}

// How often another replica's answer is asked for: soon at first, for the
// recruiter's sake, then less often, for the store's.
const (
	firstPoll = 100 * time.Millisecond
	lastPoll  = time.Second
)

// board returns the flight for key to wait for; lead says that the caller has
// to fly it.
func (in *Intake) board(key string) (f *flight, lead bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if f, ok := in.flights[key]; ok {
		return f, false, nil
	}
	if in.draining {
		return nil, false, ErrDraining
	}
	f = &flight{landed: make(chan struct{})}
	in.flights[key] = f
	in.active++
	return f, true, nil
}

// land publishes the outcome of f.
func (in *Intake) land(key string, f *flight) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.flights[key] == f {
		delete(in.flights, key)
	}
	in.active--
	if in.draining && in.active == 0 {
		close(in.drained)
	}
	close(f.landed)
}

// detach keeps later deliveries from joining the flight of ref, which was
// cancelled: they ask for a new order.
func (in *Intake) detach(ref OrderRef) {
	if !ref.natural() {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for key, f := range in.flights {
		if f.ref == ref {
			delete(in.flights, key)
		}
	}
}

// answer is what a delivery gets from a landed flight.
func (f *flight) answer(o Order, joined bool) (Accepted, error) {
	if f.err != nil {
		return Accepted{}, f.err
	}
	// Decoded for each delivery: what one does to its Update is nothing to the
	// others.
	a, err := decodeAnswer(f.claim)
	if err != nil {
		return Accepted{}, err
	}
	if err := checkInline(o, a.Started); err != nil {
		return Accepted{}, faulty(err)
	}
	a.Replayed = f.replayed || joined
	return a, nil
}

// errNilRejection: a variable of type *Rejection was returned that holds none.
var errNilRejection = errors.New("assessment: the provider returned a nil *Rejection as its error")

// withoutNil replaces an error that panics when it is printed.
func withoutNil(err error) error {
	var no *Rejection
	if errors.As(err, &no) && no == nil {
		return errNilRejection
	}
	return err
}

// errNoCandidateURL: the candidate of an inline order stands in front of a
// blank page without it.
var errNoCandidateURL = errors.New("assessment: the provider returned no CandidateURL for an inline order")

func checkInline(o Order, s Started) error {
	if o.Inline && s.CandidateURL == "" {
		return errNoCandidateURL
	}
	return nil
}

// fly gets the order answered: by the store, by another replica or by the
// provider. It runs on a context that nobody cancels.
func (in *Intake) fly(ctx context.Context, f *flight, key string, o Order) {
	defer in.land(key, f)
	// Should the store panic or end this goroutine, nobody must take the order
	// for accepted.
	f.err = fmt.Errorf("%w: the start was aborted", ErrStore)
	defer in.logPanic(ctx, "store panicked")
	bounded, cancel := context.WithTimeout(ctx, in.deadlineOf(o))
	defer cancel()
	claim, won, err := in.claim(bounded, Claim{Key: key, Ref: o.Ref, Token: newUUID()})
	if err != nil {
		f.err = err
		f.gaveUp = errors.Is(err, ErrInProgress)
		return
	}
	if !won {
		f.claim, f.replayed, f.err = claim, true, nil
		return
	}
	in.mu.Lock()
	f.ref = claim.Ref
	in.mu.Unlock()
	o.Ref = claim.Ref
	f.claim, f.lost, f.err = in.start(ctx, claim, o)
}

// claim asks the store until the order is answered, won, or ctx ends.
func (in *Intake) claim(ctx context.Context, c Claim) (got Claim, won bool, err error) {
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		got, err = in.store.Claim(ctx, c, in.lease)
		switch {
		case err != nil:
			return got, false, fmt.Errorf("%w: %w", ErrStore, err)
		case len(got.Answer) > 0:
			return got, false, nil
		case got.Token == c.Token:
			return got, true, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return got, false, fmt.Errorf("%w: %w", ErrInProgress, ctx.Err())
		}
	}
}

// start calls the provider under a claim, settles the claim with what it said
// and returns it. With lost the claim was gone by then: see [Intake.settle].
func (in *Intake) start(ctx context.Context, claim Claim, o Order) (answered Claim, lost bool, err error) {
	began := time.Now()
	deadline := in.deadlineOf(o)
	bounded, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()

	stop := in.renew(ctx, claim)
	started, err := recovered(bounded, in, func(ctx context.Context) (Started, error) {
		return in.provider.StartOrder(ctx, o)
	})
	stop()
	err = withoutNil(err)

	took := time.Since(began)
	late := took >= deadline
	in.observe(ctx, ProviderCall{Operation: "start", Order: claim.Ref, Duration: took, Late: late, Err: err})
	if late {
		in.logger.WarnContext(ctx, "provider answered after the deadline", "order", claim.Ref, "took", took)
	}
	if err == nil {
		err = checkInline(o, started)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	no, rejected := asRejection(err)
	if rejected {
		no.At = at
	}
	switch {
	case rejected && claim.Ref.natural():
		return Claim{}, false, in.release(ctx, claim, no)
	case rejected:
		claim.Answer, err = encodeRejection(at, no)
	case err == nil:
		claim.Answer, err = encodeStarted(at, started)
	}
	if err != nil {
		in.expire(ctx, claim, err)
		return Claim{}, false, faulty(err)
	}
	lost, err = in.settle(ctx, claim)
	return claim, lost, err
}

// renew keeps the lease of claim until stop is called, which returns only when
// no renewal is under way.
func (in *Intake) renew(ctx context.Context, claim Claim) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(max(in.lease/3, 1))
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				in.renewOnce(ctx, claim)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-stopped
	}
}

func (in *Intake) renewOnce(ctx context.Context, claim Claim) {
	bounded, cancel := context.WithTimeout(ctx, in.lease/3)
	defer cancel()
	// Without a Ref, so that an order cancelled meanwhile is not recorded anew.
	got, err := in.store.Claim(bounded, Claim{Key: claim.Key, Token: claim.Token}, in.lease)
	if ctx.Err() != nil || err == nil && got.Token == claim.Token {
		return
	}
	in.logger.WarnContext(ctx, "lease not renewed while the provider runs", "order", claim.Ref, "error", err)
	if err == nil || errors.Is(err, ErrClaimLost) {
		// Cancelled on another replica: who comes now asks for a new order.
		in.detach(claim.Ref)
	}
}

// settle stores the answer, again and again while the lease holds: the provider
// has committed, and an answer that is not stored will be asked for again. It is
// lost if the order was cancelled or erased meanwhile, or if another replica took
// over after a stall. That one got the same Ref, so what our provider said holds
// for the delivery that asked; everybody else asks the store.
func (in *Intake) settle(ctx context.Context, claim Claim) (lost bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, in.lease/2)
	defer cancel()
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		err := in.store.Answer(ctx, claim)
		if err == nil {
			return false, nil
		}
		if errors.Is(err, ErrClaimLost) {
			in.logger.WarnContext(ctx, "claim lost before the answer was stored", "order", claim.Ref)
			return true, nil
		}
		in.logger.ErrorContext(ctx, "answer not stored", "order", claim.Ref, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false, fmt.Errorf("%w: %w", ErrStore, err)
		}
	}
}

// release frees a rejected order whose id the intake minted: the recruiter
// mends the data and orders again.
func (in *Intake) release(ctx context.Context, claim Claim, no *Rejection) error {
	ctx, cancel := context.WithTimeout(ctx, in.deadline)
	defer cancel()
	// If the claim is no longer ours, whoever has it knows better.
	got, err := in.store.Claim(ctx, Claim{Key: claim.Key, Token: claim.Token}, in.lease)
	if errors.Is(err, ErrClaimLost) || err == nil && got.Token != claim.Token {
		return no
	}
	if err := in.store.Forget(ctx, claim.Ref); err != nil {
		in.logger.ErrorContext(ctx, "rejected order not freed", "order", claim.Ref, "error", err)
	}
	return no
}

// expire ends the lease after a fault, so that a redelivery need not wait for
// it.
func (in *Intake) expire(ctx context.Context, claim Claim, fault error) {
	in.logger.ErrorContext(ctx, "order not started", "order", claim.Ref, "error", fault)
	ctx, cancel := context.WithTimeout(ctx, in.deadline)
	defer cancel()
	if err := in.store.Expire(ctx, claim); err != nil {
		in.logger.ErrorContext(ctx, "lease not ended", "order", claim.Ref, "error", err)
	}
}
