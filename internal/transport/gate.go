package transport

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// gate lets the attempts of a client through at the rate and the concurrency that
// the vendor grants. Whoever waits is let through by class, then one account after
// the other, then in the order of arrival.
type gate struct {
	maxWait time.Duration
	minute  int  // documented calls per minute of the key; 0: none
	width   int  // documented calls in flight of an account; 0: none
	shown   bool // every answer shows the window

	mu      sync.Mutex
	pacing  assessment.Pacing
	scope   assessment.LimitScope
	key     window
	minutes minute
	flying  int
	lanes   map[string]*lane // those not at rest
	spare   *lane            // one that can be used again
	swept   int              // lanes that the last sweep left
	ring    []*lane          // those with waiters, whose turn is next first
	waiting [classes]int
	timer   *time.Timer
	asked   time.Time // when a bulk call came last
}

// waiter is an attempt that is held back.
type waiter struct {
	lane  *lane
	class Class
	ready chan struct{} // closed when it was let through
	let   bool
}

// ticket is an attempt that was let through.
type ticket struct {
	lane *lane
	at   time.Time
}

// heldError is why an attempt was not let through.
type heldError struct {
	cause string
	wait  time.Duration // until it may be, 0 if nobody knows
}

func (e *heldError) Error() string { return "held back: " + e.cause }

// errStorm is why a call is not tried at a vendor that takes nearly none.
var errStorm = errors.New("not tried: nearly all calls of the last two minutes failed")

func newGate(c *Config) *gate {
	g := &gate{
		maxWait: c.MaxWait, minute: c.PerMinute, width: c.InFlightPerAccount, shown: c.ShowsWindow,
		key:   unopened(c.ShowsWindow),
		scope: c.LimitScope, lanes: make(map[string]*lane),
	}
	g.set(c.Pacing, time.Now())
	return g
}

// set changes the pacing of a running gate.
func (g *gate) set(p assessment.Pacing, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls := p.PerMinute
	g.pacing = p
	if documented := g.part(int(float64(g.minute) * rateMargin)); p.Mode == assessment.PacingAuto && documented > 0 && (calls == 0 || documented < calls) {
		calls = documented
	}
	if calls != g.minutes.calls {
		g.minutes = g.minutes.changed(calls, now)
	}
	if p.Mode != assessment.PacingAuto { // nothing that was estimated counts any more
		g.key.known = false
	}
	for _, l := range g.lanes {
		l.widen(g.estimated())
		l.window.known = l.window.known && p.Mode == assessment.PacingAuto
	}
	g.dispatch(now)
}

// paced returns what was set.
func (g *gate) paced() assessment.Pacing {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pacing
}

// estimated is the width of an account that nothing is known of.
func (g *gate) estimated() int {
	if g.pacing.Mode != assessment.PacingAuto {
		return 0
	}
	return g.part(g.width)
}

// part is this process's part of what all processes may have together, at least
// one.
func (g *gate) part(of int) int {
	if of == 0 {
		return 0
	}
	return max(1, of/max(1, g.pacing.Processes))
}

// enter waits until an attempt may go out. It returns a [*heldError] at once where
// the wait would be longer than the gate's patience or the context, and errStorm
// if the vendor takes nearly nothing.
func (g *gate) enter(ctx context.Context, account string, class Class, first bool) (ticket, error) {
	g.mu.Lock()
	now := time.Now()
	if g.pacing.Mode == assessment.PacingOff {
		g.mu.Unlock()
		return ticket{at: now}, nil
	}
	if class == Bulk {
		g.asked = now
	}
	l := g.lane(account)
	if first && g.pacing.Mode == assessment.PacingAuto && l.storm.drops(now) {
		g.forget(l, now)
		g.mu.Unlock()
		return ticket{}, errStorm
	}
	openAt, cause := g.holds(l, class, now)
	if cause == "" && !g.behind(l, class, now) {
		g.admit(l, class, now)
		g.mu.Unlock()
		return ticket{l, now}, nil
	}
	if wait := openAt.Sub(now); !openAt.IsZero() && (wait > g.maxWait || outlasts(ctx, wait)) {
		g.forget(l, now)
		g.mu.Unlock()
		return ticket{}, &heldError{cause, wait}
	}
	w := &waiter{lane: l, class: class, ready: make(chan struct{})}
	g.queue(w, now)
	g.mu.Unlock()
	return g.await(ctx, w)
}

// await is the wait of one who was queued.
func (g *gate) await(ctx context.Context, w *waiter) (ticket, error) {
	patience := time.NewTimer(g.maxWait)
	defer patience.Stop()
	select {
	case <-w.ready:
		return ticket{w.lane, time.Now()}, nil
	case <-ctx.Done():
	case <-patience.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if w.let { // at the same moment
		return ticket{w.lane, now}, nil
	}
	openAt, cause := g.holds(w.lane, w.class, now)
	g.leaveQueue(w)
	g.forget(w.lane, now)
	if ctx.Err() != nil {
		return ticket{}, ctx.Err()
	}
	if cause == "" {
		cause = "others are before it"
	}
	return ticket{}, &heldError{cause, max(0, openAt.Sub(now))}
}

// holds says what holds a call of an account back, and when that changes by
// itself.
func (g *gate) holds(l *lane, class Class, now time.Time) (openAt time.Time, cause string) {
	if g.pacing.Mode == assessment.PacingOff {
		return time.Time{}, ""
	}
	if now.Before(l.closed) {
		return l.closed, l.cause
	}
	if l.full(g.pacing.InFlightPerAccount) {
		return time.Time{}, "as many calls of the account are in flight as may be"
	}
	if at := l.bucket.opens(now); at.After(now) {
		return at, "slowed down after a limit of the account"
	}
	return g.keyHolds(l, class, now)
}

// keyHolds is what holds the calls of all accounts, or of this one where the
// vendor's window is the account's.
func (g *gate) keyHolds(l *lane, class Class, now time.Time) (openAt time.Time, cause string) {
	if g.pacing.InFlight > 0 && g.flying >= g.pacing.InFlight {
		return time.Time{}, "as many calls are in flight as may be"
	}
	reserve, owed := g.reserve(l, class, now)
	if at := g.minutes.opens(now, reserve); at.After(now) {
		return at, "the calls of the minute are used up"
	}
	return g.windowOf(l).admits(now, reserve, owed)
}

// reserve is the part of a window that a call of a class leaves to others, and whether
// it is a bulk call that is owed, which leaves nothing. Results leave what is owed.
func (g *gate) reserve(l *lane, class Class, now time.Time) (part float64, owed bool) {
	part = reserves[class]
	switch {
	case class == Interactive, !g.owes(l, now):
		return part, false
	case class == Bulk:
		return 0, true
	case now.Sub(g.asked) < bulkUse:
		part += bulkFloor
	}
	return part, false
}

// owes reports whether bulk calls have not had their floor yet of any limit that is
// known.
func (g *gate) owes(l *lane, now time.Time) bool {
	w := g.windowOf(l)
	inMinute, inWindow := g.minutes.owes(now), w.owes(g.pacing.Processes)
	switch {
	case g.minutes.calls > 0 && w.known && w.limit > 0:
		return inMinute && inWindow
	case g.minutes.calls > 0:
		return inMinute
	}
	return inWindow
}

func (g *gate) windowOf(l *lane) *window {
	if g.scope == assessment.ScopeAccount {
		return &l.window
	}
	return &g.key
}

// behind reports whether somebody waits whose turn is before a new call's: one of
// its account, or anybody who waits for what the new call would take.
func (g *gate) behind(l *lane, class Class, now time.Time) bool {
	if class == Bulk && g.owes(l, now) {
		return len(l.waiting[Interactive])+len(l.waiting[Bulk]) > 0
	}
	for c := range class + 1 {
		if len(l.waiting[c]) > 0 {
			return true
		}
	}
	return false
}

func (g *gate) admit(l *lane, class Class, now time.Time) {
	g.minutes.take(class, now)
	l.bucket.take()
	g.windowOf(l).admit(now, class)
	l.flying++
	g.flying++
}

// lane returns the lane of an account.
func (g *gate) lane(account string) *lane {
	if l := g.lanes[account]; l != nil {
		return l
	}
	l := g.spare
	if g.spare = nil; l == nil {
		l = new(lane)
	}
	*l = lane{account: account, window: unopened(g.shown && g.pacing.Mode == assessment.PacingAuto)}
	l.widen(g.estimated())
	g.lanes[account] = l
	return l
}

// forget drops what is at rest, so that idle accounts cost no memory: the given
// lane at once, the others when there are twice as many as were busy.
func (g *gate) forget(l *lane, now time.Time) {
	if l.idle(now) {
		delete(g.lanes, l.account)
		g.spare = l
	}
	if len(g.lanes) <= 2*g.swept+64 {
		return
	}
	for account, l := range g.lanes {
		if l.idle(now) {
			delete(g.lanes, account)
		}
	}
	g.swept = len(g.lanes)
}

func (g *gate) queue(w *waiter, now time.Time) {
	w.lane.waiting[w.class] = append(w.lane.waiting[w.class], w)
	g.waiting[w.class]++
	if !w.lane.queued {
		w.lane.queued = true
		g.ring = append(g.ring, w.lane)
	}
	// Not only the timer is set: the time of those before may have come while the timer
	// is late. It would be stopped as needless, and nobody would let them through.
	g.dispatch(now)
}

// leaveQueue removes one who gave up or was let through.
func (g *gate) leaveQueue(w *waiter) {
	l := w.lane
	i := slices.Index(l.waiting[w.class], w)
	l.waiting[w.class] = slices.Delete(l.waiting[w.class], i, i+1)
	g.waiting[w.class]--
	for _, others := range l.waiting {
		if len(others) > 0 {
			return
		}
	}
	l.queued = false
	i = slices.Index(g.ring, l)
	g.ring = slices.Delete(g.ring, i, i+1)
}

// turns are the classes in the order in which they are let through. Bulk calls that
// are owed go before results.
var turns = []struct {
	class Class
	owed  bool
}{{Interactive, false}, {Bulk, true}, {Final, false}, {Interim, false}, {Bulk, false}}

// dispatch lets through whoever may go now.
func (g *gate) dispatch(now time.Time) {
	for _, turn := range turns {
		for g.waiting[turn.class] > 0 && g.dispatchOne(turn.class, turn.owed, now) {
		}
	}
	g.schedule(now)
}

// dispatchOne lets one call of a class through, and moves its account to the end
// of the ring; with owed, only one that is.
func (g *gate) dispatchOne(class Class, owed bool, now time.Time) bool {
	for i, l := range g.ring {
		if len(l.waiting[class]) == 0 || owed && !g.owes(l, now) {
			continue
		}
		if _, cause := g.holds(l, class, now); cause != "" {
			continue
		}
		w := l.waiting[class][0]
		g.ring = append(slices.Delete(g.ring, i, i+1), l)
		g.leaveQueue(w)
		g.admit(l, class, now)
		w.let = true
		close(w.ready)
		return true
	}
	return false
}

// schedule sets the timer for the next moment at which somebody who waits may go
// without anything else happening.
func (g *gate) schedule(now time.Time) {
	var next time.Time
	for _, l := range g.ring {
		for class := range classes {
			if len(l.waiting[class]) == 0 {
				continue
			}
			if at, _ := g.holds(l, class, now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	}
	switch wait := max(0, next.Sub(now)); {
	case next.IsZero():
		if g.timer != nil {
			g.timer.Stop()
		}
	case g.timer == nil:
		g.timer = time.AfterFunc(wait, g.wake)
	default:
		g.timer.Reset(wait)
	}
}

func (g *gate) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dispatch(time.Now())
}

// leave is the end of an attempt. The outcome is nil if nothing is known of it.
func (g *gate) leave(t ticket, o *outcome) {
	if t.lane == nil {
		return // the gate was off
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	l := t.lane
	l.flying--
	g.flying--
	limited := o != nil && o.limited()
	good := o != nil && o.answer.StatusCode != 0 && !limited && o.answer.StatusCode < 500
	g.windowOf(l).leave(t.at, good, o != nil && o.answer.StatusCode != 0 && !limited)
	if o != nil && g.pacing.Mode == assessment.PacingAuto {
		g.learn(l, t.at, now, o)
		l.storm.count(now, good || limited)
	}
	switch {
	case limited:
		g.refused(l, t.at, now, o)
	case good:
		l.accept(now)
	}
	g.dispatch(now)
	g.forget(l, now)
}

// learn takes in what the headers of an answer tell of windows and widths.
func (g *gate) learn(l *lane, sent, now time.Time, o *outcome) {
	if n := g.part(max(0, count(o.answer.Header.Get("Concurrency-Limit")))); n > 0 && float64(n) != l.most {
		l.most = float64(n)
		l.width = min(max(l.width, 1), l.most)
	}
	h, ok := windowOf(o.answer.Header)
	if !ok {
		if w := g.windowOf(l); w.known && w.ended(now) && o.ok {
			w.known = false // the vendor does not tell any more
		}
		return
	}
	if g.scope == assessment.ScopeAuto && g.key.foreign(h, sent, now) {
		g.scope = assessment.ScopeAccount
		g.key = window{}
		for _, l := range g.lanes {
			l.window = unopened(g.shown)
			l.window.flying, l.window.own = l.flying, l.flying
		}
	}
	g.windowOf(l).learn(h, sent, now)
}

// refused closes what an answer says is limited: the window, if nothing is left of
// it, else the account.
func (g *gate) refused(l *lane, sent, now time.Time, o *outcome) {
	h, told := windowOf(o.answer.Header)
	w := g.windowOf(l)
	switch {
	case o.failure.Limit == KeyLimit && told && h.remaining == 0:
		if w.known {
			w.remaining = min(w.remaining, 0)
		} else {
			w.closed = now.Add(max(o.asked, h.reset+resetRounding))
		}
		if asked := now.Add(o.asked); o.asked > h.reset+resetRounding {
			w.closed = asked
		}
		return
	case o.failure.Limit == KeyLimit && o.failure.Code != "" && !told && o.asked > 0:
		w.closed = now.Add(o.asked)
		return
	}
	l.close(sent, now, o.asked)
	if g.pacing.Mode != assessment.PacingAuto {
		return
	}
	l.narrow(sent, now, o.failure.Limit != ConcurrencyLimit && !told)
	if g.scope == assessment.ScopeAccount || o.failure.Limit == ConcurrencyLimit || o.asked == 0 {
		return
	}
	for _, other := range g.lanes {
		if other != l && now.Before(other.closed) && other.closed.Sub(l.closed).Abs() <= 2*time.Second {
			g.key.closed = l.closed // two accounts were told the same: it is the key's
		}
	}
}

// limits lists what is not at rest, the key first.
func (g *gate) limits() []assessment.Limit {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var all []assessment.Limit
	if g.pacing.Mode == assessment.PacingOff {
		return nil
	}
	whole := g.lanes[""] // the calls of no account
	if whole == nil {
		whole = new(lane)
	}
	key := assessment.Limit{Remaining: -1, InFlight: g.flying, Width: g.pacing.InFlight}
	key.OpenAt, key.Cause = g.holds(whole, Interactive, now)
	if g.scope != assessment.ScopeAccount && g.key.known && !g.key.ended(now) {
		key.Remaining = max(0, g.key.remaining)
	}
	if key.InFlight > 0 || key.Cause != "" || key.Remaining >= 0 {
		all = append(all, key)
	}
	for account, l := range g.lanes {
		if account == "" || l.idle(now) {
			continue
		}
		limit := assessment.Limit{Account: account, Remaining: -1, InFlight: l.flying, Width: l.limit(g.pacing.InFlightPerAccount)}
		limit.OpenAt, limit.Cause = g.holds(l, Interactive, now)
		if g.scope == assessment.ScopeAccount && l.window.known && !l.window.ended(now) {
			limit.Remaining = max(0, l.window.remaining)
		}
		all = append(all, limit)
	}
	slices.SortFunc(all, func(a, b assessment.Limit) int { return strings.Compare(a.Account, b.Account) })
	return all
}
