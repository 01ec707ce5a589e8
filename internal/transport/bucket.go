package transport

import "time"

// bucket lets calls through at a steady rate, and a few together. The zero value
// lets everything through.
type bucket struct {
	rate   float64 // per second; 0: any
	burst  float64
	tokens float64
	at     time.Time // when tokens was right
}

// opens returns when there is a token; a time not after now means now.
func (b *bucket) opens(now time.Time) time.Time {
	if b.rate == 0 {
		return now
	}
	b.tokens = min(b.burst, b.tokens+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
	if b.tokens >= 1 {
		return now
	}
	// Rounded up, so that the token is there when the time has come.
	return now.Add(time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + time.Microsecond)
}

func (b *bucket) take() {
	if b.rate > 0 {
		b.tokens--
	}
}

const (
	// rateMargin is how much of a documented limit is used.
	rateMargin = 0.95
	// burstPart is the part of a minute's calls that may go out together.
	burstPart = 0.25
	// spreadPart is the last part of a minute's calls that is spread over the time until
	// the minute has room again. Else the burst with which it began would be followed
	// by a quarter of a minute in which nothing goes out.
	spreadPart = 0.5
	// minuteSlots are the seconds that count: those of a minute and the one that has
	// begun.
	minuteSlots = 61
)

// minute keeps to so many calls in any minute, wherever it begins. It spreads them,
// so that a burst does not use the minute up for those who come after it. The zero
// value lets everything through.
type minute struct {
	bucket
	calls  int // in a minute; 0: any
	second int64
	counts [minuteSlots]int
	sum    int
	last   time.Time // when a call went out
	// bulk are the bulk calls of the minute that began at bulkSince.
	bulk      int
	bulkSince time.Time
}

func newMinute(calls int, now time.Time) minute {
	if calls <= 0 {
		return minute{}
	}
	burst := max(1, float64(calls)*burstPart)
	return minute{
		bucket: bucket{rate: float64(calls) / 60, burst: burst, tokens: burst, at: now},
		calls:  calls, second: now.Unix(),
	}
}

// changed is a minute of another number of calls that remembers what was sent: a
// change must not be a way to send a burst.
func (m *minute) changed(calls int, now time.Time) minute {
	next := newMinute(calls, now)
	if m.calls == 0 || next.calls == 0 {
		return next
	}
	m.forget(now)
	m.bucket.opens(now) // counts what has come in
	next.counts, next.sum, next.second, next.last = m.counts, m.sum, m.second, m.last
	next.bulk, next.bulkSince = m.bulk, m.bulkSince
	next.tokens = min(next.burst, m.tokens)
	return next
}

// opens returns when a call may go out that leaves a part of the minute to others.
func (m *minute) opens(now time.Time, reserve float64) time.Time {
	if m.calls == 0 {
		return now
	}
	m.forget(now)
	left := float64(m.calls-m.sum) - reserve*float64(m.calls)
	if left <= 0 {
		return m.frees()
	}
	at := m.bucket.opens(now)
	if left > spreadPart*float64(m.calls) {
		return at
	}
	if even := m.last.Add(time.Duration(float64(m.frees().Sub(now)) / left)); even.After(at) {
		return even
	}
	return at
}

// frees returns when the oldest calls of the minute are forgotten.
func (m *minute) frees() time.Time {
	for second := m.second - minuteSlots + 1; second < m.second; second++ {
		if m.counts[second%minuteSlots] > 0 {
			return time.Unix(second+minuteSlots, 0)
		}
	}
	return time.Unix(m.second+minuteSlots, 0)
}

// forget drops the seconds that are more than a minute ago.
func (m *minute) forget(now time.Time) {
	for ; m.second < now.Unix() && m.sum > 0; m.second++ {
		next := (m.second + 1) % minuteSlots
		m.sum -= m.counts[next]
		m.counts[next] = 0
	}
	m.second = max(m.second, now.Unix())
}

// owes reports whether bulk calls have not had their floor of the minute yet. Its
// calls are this process's own.
func (m *minute) owes(now time.Time) bool {
	if m.calls == 0 {
		return false
	}
	if now.Sub(m.bulkSince) >= time.Minute {
		m.bulk, m.bulkSince = 0, now
	}
	return m.bulk < floorOf(m.calls, 1)
}

func (m *minute) take(class Class, now time.Time) {
	if m.calls > 0 {
		m.last = now
		if class == Bulk {
			m.bulk++
		}
		m.bucket.take()
		m.counts[m.second%minuteSlots]++
		m.sum++
	}
}
