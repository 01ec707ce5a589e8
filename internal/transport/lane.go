package transport

import (
	"math"
	"math/rand/v2"
	"time"
)

// lane is what is known of one account.
type lane struct {
	account string
	window  window // of this account, where the vendor counts by it
	flying  int
	waiting [classes][]*waiter
	queued  bool // it stands in the gate's ring

	closed  time.Time
	cause   string
	failed  int       // refusals in a row, for a wait that the vendor did not name
	refused time.Time // the last of them

	// How many calls may be in flight: width, if it is not 0. It falls with refusals and
	// grows with good answers, up to most.
	width, most float64
	good        int       // answers since it last grew
	narrowed    time.Time // when it last fell

	bucket bucket // after a limit that is not documented
	meter  meter  // of the calls, to find that limit
	storm  storm
}

const (
	narrowing  = 0.7  // what is left of a width or a rate after a refusal
	quickening = 1.05 // what a minute without refusals makes of a rate
	widenAfter = 20   // good answers
	// forgetful is how long a narrow lane is remembered without calls.
	forgetful = 2 * time.Minute
	// longestClosure bounds the wait after refusals that do not name one.
	longestClosure = time.Minute
)

// full reports whether as many calls are in flight as may be, under a bound by
// hand.
func (l *lane) full(most int) bool {
	width := l.limit(most)
	return width > 0 && l.flying >= width
}

// limit is how many calls may be in flight; 0: any number.
func (l *lane) limit(most int) int {
	width := int(l.width)
	if most > 0 && (width == 0 || most < width) {
		width = most
	}
	return width
}

// widen sets the width that is documented, or any for 0.
func (l *lane) widen(width int) { l.width, l.most = float64(width), float64(width) }

// close closes the lane after a limit of the account was exceeded, for as long as
// the vendor asks or else for about 1 s, 2 s, 4 s. The refusals of calls that were
// in flight together count once.
func (l *lane) close(sent, now time.Time, asked time.Duration) {
	if asked == 0 && !sent.After(l.refused) {
		return
	}
	wait := asked
	if wait == 0 {
		wait = min(longestClosure, time.Second<<min(l.failed, 10))
		wait = wait*3/4 + rand.N(wait/2)
	}
	l.refused = now
	l.failed++
	if until := now.Add(min(wait, longestWait/2)); until.After(l.closed) {
		l.closed, l.cause = until, "the vendor refused calls of the account"
	}
}

// narrow makes the lane narrower after a refusal; one of a limit that nothing is
// known of makes it slower too. Calls that went out before the last narrowing do
// not count again.
func (l *lane) narrow(sent, now time.Time, slower bool) {
	if !sent.After(l.narrowed) {
		return
	}
	if l.width == 0 {
		l.width, l.most = float64(l.flying+1), math.Inf(1)
	}
	l.width, l.good = max(1, math.Floor(l.width*narrowing)), 0
	l.narrowed = now
	if slower && l.meter.good > learnable {
		l.bucket = bucket{rate: l.meter.rate(now) * narrowing, burst: 1, at: now}
	}
}

// accept widens and quickens the lane again.
func (l *lane) accept(now time.Time) {
	l.failed = 0
	l.meter.count(now)
	if l.good++; l.good >= widenAfter && l.width > 0 {
		l.width, l.good = min(l.most, l.width+1), 0
	}
	if l.bucket.rate > 0 && now.Sub(l.narrowed) > time.Minute {
		l.bucket.rate *= quickening
		l.narrowed = now
	}
}

// idle reports whether the lane can be forgotten.
func (l *lane) idle(now time.Time) bool {
	if l.flying > 0 || l.queued || now.Before(l.closed) || !l.window.atRest(now) {
		return false
	}
	marked := (l.width > 0 && l.width < l.most) || l.bucket.rate > 0 || l.storm.sent > l.storm.accepted
	return !marked || now.Sub(l.lastUse()) > forgetful
}

func (l *lane) lastUse() time.Time {
	last := l.narrowed
	for _, at := range []time.Time{l.meter.last, l.storm.since} {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// meter counts good answers by the minute.
type meter struct {
	since time.Time
	last  time.Time
	good  int
}

func (m *meter) count(now time.Time) {
	if now.Sub(m.since) > time.Minute {
		m.since, m.good = now, 0
	}
	m.good++
	m.last = now
}

// rate is how many went through per second.
func (m *meter) rate(now time.Time) float64 {
	return float64(m.good) / max(1, now.Sub(m.since).Seconds())
}

// storm counts what a failing vendor does not take, over about two minutes.
type storm struct {
	since    time.Time
	sent     float64
	accepted float64
}

const (
	stormSpan  = 2 * time.Minute
	stormCalls = 30  // fewer prove nothing
	stormDrop  = 0.9 // at most, so that the end is noticed
	// stormLeast keeps calls from being dropped by chance where half of them fail.
	stormLeast = 0.25
)

func (s *storm) count(now time.Time, accepted bool) {
	if now.Sub(s.since) > stormSpan/2 { // the older half weighs half
		keep := 0.5
		if now.Sub(s.since) > 2*stormSpan {
			keep = 0
		}
		s.since, s.sent, s.accepted = now, s.sent*keep, s.accepted*keep
	}
	s.sent++
	if accepted {
		s.accepted++
	}
}

// drops decides, at random, whether a call is not even tried
// (https://sre.google/sre-book/handling-overload/).
func (s *storm) drops(now time.Time) bool {
	if s.sent < stormCalls || now.Sub(s.since) > stormSpan {
		return false
	}
	p := min(stormDrop, (s.sent-2*s.accepted)/(s.sent+1))
	return p > stormLeast && rand.Float64() < p
}
