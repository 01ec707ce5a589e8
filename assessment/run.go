package assessment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// run is one attempt in this process to have an order answered. Deliveries of the
// same order that come meanwhile wait for it.
type run struct {
	key   string
	order Order
	done  chan struct{} // closed when the fields below stand

	ref      OrderRef // guarded by Intake.mu until done
	claim    Claim    // the record with its answer
	links    *Started // what claim holds if it is links only: it needs no decoding
	at       time.Time
	replayed bool // the provider was not called
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

// join returns the run for key to wait for; lead says that the caller has to
// start it.
func (in *Intake) join(key string) (r *run, lead bool, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if r, ok := in.runs[key]; ok {
		return r, false, nil
	}
	switch {
	case in.draining:
		return nil, false, ErrDraining
	case in.maxRunning > 0 && in.active >= in.maxRunning:
		return nil, false, ErrBusy
	}
	r = &run{key: key, done: make(chan struct{})}
	in.runs[key] = r
	in.active++
	return r, true, nil
}

// finish publishes the outcome of r.
func (in *Intake) finish(r *run) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.runs[r.key] == r {
		delete(in.runs, r.key)
	}
	in.active--
	if in.draining && in.active == 0 {
		close(in.drained)
	}
	close(r.done)
}

// detach keeps later deliveries from joining r.
func (in *Intake) detach(r *run) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.runs[r.key] == r {
		delete(in.runs, r.key)
	}
}

// detachCancelled keeps later deliveries from joining the run of ref, which was
// cancelled: they ask for a new order. One with a vendor's id stays the same order.
func (in *Intake) detachCancelled(ref OrderRef) {
	text := ref.String()
	in.mu.Lock()
	defer in.mu.Unlock()
	for key, r := range in.runs {
		if r.ref == ref && key != text {
			delete(in.runs, key)
		}
	}
}

// about notes in an error which order it is about, if its sender does not know the
// id and a claim was won or lost for it.
func (in *Intake) about(r *run, o *Order, err error) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err == nil || o.Ref.ID != "" || r.ref.ID == "" {
		return err
	}
	return &orderError{ref: r.ref, err: err}
}

// answer is what a delivery of o gets from a run that is done.
func (r *run) answer(o *Order, joined bool) (Accepted, error) {
	if r.err != nil {
		return Accepted{}, r.err
	}
	a, err := r.accepted()
	if err != nil {
		return Accepted{}, err
	}
	if err := checkStarted(o, a.Started); err != nil && !a.Settled {
		return Accepted{}, faulty(err)
	}
	a.Replayed = r.replayed || joined
	return a, nil
}

// accepted decodes the answer for each delivery: what one does to its Update is
// nothing to the others. Links need no decoding, they are the same afterwards.
func (r *run) accepted() (Accepted, error) {
	if r.links != nil {
		return Accepted{Ref: r.claim.Ref, Started: *r.links, At: r.at}, nil
	}
	return r.claim.Accepted()
}

// errAborted is how a run ends whose store panicked or ended the goroutine: nobody
// must take the order for accepted.
var errAborted = fmt.Errorf("%w: the start was aborted", ErrStore)

// perform gets the order of r answered: by the store, by another replica or by the
// provider. It runs in a goroutine of its own, on a context that nobody cancels.
func (in *Intake) perform(ctx context.Context, r *run) {
	defer in.finish(r)
	r.err = errAborted
	defer in.logPanic(ctx, "store panicked")
	bounded, cancel := context.WithTimeout(ctx, in.deadlineOf(&r.order))
	defer cancel()
	began := time.Now()
	claim, won, err := in.claim(bounded, Claim{Key: r.key, Ref: r.order.Ref, Token: newUUID(), Candidate: r.order.CandidateID()})
	if err != nil {
		r.err = err
		r.gaveUp = errors.Is(err, ErrInProgress)
		return
	}
	in.mu.Lock()
	r.ref = claim.Ref
	in.mu.Unlock()
	if !won {
		r.claim, r.replayed, r.err = claim, true, nil
		return
	}
	if err := in.admit(bounded, claim); err != nil {
		in.expire(ctx, claim)
		r.err = err
		return
	}
	r.order.Ref = claim.Ref
	if time.Since(began) >= firstPoll { // the provider gets its whole time
		bounded, cancel = context.WithTimeout(ctx, in.deadlineOf(&r.order))
		defer cancel()
	}
	in.start(ctx, bounded, r, claim)
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

// admit asks the store whether starts are switched off, if it knows.
func (in *Intake) admit(ctx context.Context, claim Claim) error {
	store, ok := in.store.(Admitter)
	if !ok {
		return nil
	}
	err := store.Admit(ctx, claim.Ref)
	if err == nil || errors.Is(err, ErrPaused) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrStore, err)
}

// start calls the provider under a claim, on bounded, and settles the claim with what
// it said, also if it panics or ends the goroutine.
func (in *Intake) start(ctx, bounded context.Context, r *run, claim Claim) {
	c := newCall[Started]()
	lease := in.keepLease(ctx, r, claim, c.began)
	defer func() {
		c.recovered(recover())
		lease.stop()
		in.settle(ctx, bounded, r, claim, c)
	}()
	c.value, c.err = in.provider.StartOrder(bounded, r.order)
}

// settle records what the provider said and tells the run.
func (in *Intake) settle(ctx, bounded context.Context, r *run, claim Claim, c *call[Started]) {
	took := time.Since(c.began)
	report := ProviderCall{Operation: "start", Order: claim.Ref, Duration: took, Late: took >= in.deadlineOf(&r.order)}
	if report.Err = withoutNil(c.err); report.Err == nil {
		report.Err = checkStarted(&r.order, c.value)
	}
	r.at = time.Now().UTC().Truncate(time.Millisecond)
	if report.Err == nil && c.value.isLinks() {
		r.links = &c.value
	}
	r.claim, r.lost, r.err = in.conclude(ctx, bounded, r.at, claim, c, &report)
	in.observe(ctx, report)
}

// conclude stores the answer and returns the record. With lost the claim was gone
// by then: see [Intake.record].
func (in *Intake) conclude(ctx, bounded context.Context, at time.Time, claim Claim, c *call[Started], report *ProviderCall) (answered Claim, lost bool, err error) {
	no, rejected := asRejection(report.Err)
	switch {
	case rejected:
		if no.At.IsZero() {
			no.At = at
		}
		claim.Answer, err = encodeRejection(no)
	case report.Err == nil:
		claim.Answer, err = encodeStarted(at, c.value)
		report.Err = err
	default:
		err = report.Err
	}
	if err != nil {
		return Claim{}, false, in.fail(ctx, claim, c, report)
	}
	if report.Late {
		in.logger.LogAttrs(ctx, slog.LevelWarn, "the provider answered after the deadline", report.LogValue().Group()...)
	}
	if rejected && claim.natural() {
		return Claim{}, false, in.release(ctx, claim, no)
	}
	lost, err = in.record(ctx, bounded, claim)
	return claim, lost, err
}

// fail ends the lease after a fault, so that a redelivery need not wait for it.
func (in *Intake) fail(ctx context.Context, claim Claim, c *call[Started], report *ProviderCall) error {
	in.logger.LogAttrs(ctx, slog.LevelError, "order not started", append(report.LogValue().Group(), c.trace...)...)
	in.expire(ctx, claim)
	err := faulty(report.Err)
	err.logged = in.logs
	return err
}

// record stores the answer, again and again while the lease holds: the provider
// has committed, and an answer that is not stored will be asked for again. It is
// lost if the order was cancelled or erased meanwhile, or if another replica took
// over after a stall. That one got the same Ref, so what our provider said holds
// for the delivery that asked; everybody else asks the store.
//
// The first try is on the context that the provider had, which seldom has ended.
func (in *Intake) record(ctx, bounded context.Context, claim Claim) (lost bool, err error) {
	if err := in.store.Answer(bounded, claim); err == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, in.lease/2)
	defer cancel()
	for wait := firstPoll; ; wait = min(2*wait, lastPoll) {
		err := in.store.Answer(ctx, claim)
		if err == nil {
			return false, nil
		}
		if errors.Is(err, ErrClaimLost) {
			in.log(ctx, slog.LevelWarn, "claim lost before the answer was stored", claim.Ref, nil)
			return true, nil
		}
		in.log(ctx, slog.LevelError, "answer not stored", claim.Ref, err)
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
		in.log(ctx, slog.LevelError, "rejected order not freed", claim.Ref, err)
	}
	return no
}

// expire ends the lease, so that a redelivery need not wait for its end.
func (in *Intake) expire(ctx context.Context, claim Claim) {
	ctx, cancel := context.WithTimeout(ctx, in.deadline)
	defer cancel()
	if err := in.store.Expire(ctx, claim); err != nil {
		in.log(ctx, slog.LevelError, "lease not ended", claim.Ref, err)
	}
}

// errNilRejection: a variable of type *Rejection was returned that holds none.
var errNilRejection = errors.New("assessment: the provider returned a nil *Rejection as its error")

// withoutNil replaces an error that panics when it is printed.
func withoutNil(err error) error {
	if err == nil {
		return nil
	}
	var no *Rejection
	if errors.As(err, &no) && no == nil {
		return errNilRejection
	}
	return err
}

// What a provider's yes must not be.
var (
	// errNoCandidateURL: the candidate of an inline order stands in front of a
	// blank page without it.
	errNoCandidateURL = errors.New("assessment: the provider returned no CandidateURL for an inline order")
	// A link that leads nowhere, or that runs a script in the ATS, would be
	// repeated to every further delivery.
	errCandidateURL = errors.New("assessment: the provider's CandidateURL is not an absolute http or https URL")
	errReportURL    = errors.New("assessment: the provider's ReportURL is not an absolute http or https URL")
)

func checkStarted(o *Order, s Started) error {
	switch {
	case s.CandidateURL == "" && o.Inline:
		return errNoCandidateURL
	case s.CandidateURL != "" && !isWebLink(s.CandidateURL):
		return errCandidateURL
	case s.ReportURL != "" && !isWebLink(s.ReportURL):
		return errReportURL
	}
	return nil
}

// isLinks reports whether s is the same after it was stored and read again.
func (s Started) isLinks() bool {
	return s.Update == nil && utf8.ValidString(s.CandidateURL) && utf8.ValidString(s.ReportURL)
}

// isWebLink reports whether a browser opens text as a page of a host. In JSON, bytes
// that are no UTF-8 would come out as others: a link to somewhere else.
func isWebLink(text string) bool {
	if isPlainLink(text) {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && isPort(u.Port()) && utf8.ValidString(text)
}

// isPlainLink finds without parsing that most links are good: lower case, a plain
// name, nothing escaped.
func isPlainLink(text string) bool {
	rest, ok := strings.CutPrefix(text, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(text, "http://")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if !ok || end == 0 {
		return false
	}
	for i := range len(rest) {
		c := rest[i]
		if i < end && !isNameByte(c) || c <= ' ' || c >= 0x7f || c == '%' {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-'
}
