package simkit

import (
	"errors"
	"sync"
	"time"
)

// Limits are how many calls an API takes. A number that is zero is no limit.
type Limits struct {
	CallsPerKey        int           // within one window, of one API key
	CallsPerAccount    int           // within one window, for one account, whatever the key
	Window             time.Duration // the length of a window; zero: [DefaultWindow]
	InFlightPerAccount int           // calls that count, at work at once for one account
}

// DefaultWindow is the length of a window unless a configuration says otherwise.
const DefaultWindow = time.Minute

var errNegativeLimit = errors.New("a limit or its window is negative")

// Validate refuses negative numbers.
func (l Limits) Validate() error {
	if l.CallsPerKey < 0 || l.CallsPerAccount < 0 || l.InFlightPerAccount < 0 || l.Window < 0 {
		return errNegativeLimit
	}
	return nil
}

// Excess is the limit that a call broke.
type Excess int

// The limits that a call can break.
const (
	WithinLimits Excess = iota
	TooManyCalls
	TooManyAtOnce
)

// Standing is how a call stands to the limits, itself included.
type Standing struct {
	Excess Excess
	// Limit, Remaining and Reset are of the window that is nearest to its end of calls;
	// all zero if none is limited. Reset is the time until that window ends.
	Limit, Remaining int
	Reset            time.Duration
	// Width and Free are of the calls at work at once; zero if they are not limited.
	Width, Free int
}

// meter counts calls. A window begins with the first call after the last one ended,
// as fixed windows do.
type meter struct {
	limits Limits

	mu       sync.Mutex
	keys     map[string]*window
	accounts map[string]*window
	inFlight map[string]int
}

type window struct {
	ends time.Time
	used int
}

func newMeter(l Limits) *meter {
	if l.Window == 0 {
		l.Window = DefaultWindow
	}
	return &meter{limits: l, keys: map[string]*window{}, accounts: map[string]*window{}, inFlight: map[string]int{}}
}

// enter counts a call, unless a limit forbids it. An empty account has no limits of
// its own. The second result is to be called when the call is over.
func (m *meter) enter(key, account string, countsInFlight bool) (Standing, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	ofKey := m.window(m.keys, key, m.limits.CallsPerKey, now)
	ofAccount := m.window(m.accounts, account, m.limits.CallsPerAccount, now)
	standing := Standing{Width: m.limits.InFlightPerAccount}
	taking := countsInFlight && account != "" && standing.Width > 0
	standing.Free = standing.Width - m.inFlight[account]
	switch {
	case ofKey.full(m.limits.CallsPerKey), ofAccount.full(m.limits.CallsPerAccount):
		standing.Excess = TooManyCalls
	case taking && standing.Free <= 0:
		standing.Excess = TooManyAtOnce
	}
	leave := func() {}
	if standing.Excess == WithinLimits {
		ofKey.take()
		ofAccount.take()
		if taking {
			m.inFlight[account]++
			standing.Free--
			leave = func() { m.leave(account) }
		}
	}
	standing.show(ofKey, m.limits.CallsPerKey, now)
	standing.show(ofAccount, m.limits.CallsPerAccount, now)
	return standing, leave
}

func (m *meter) leave(account string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.inFlight[account]--; m.inFlight[account] == 0 {
		delete(m.inFlight, account)
	}
}

// window returns the window of a name at a time; nil: there is no limit.
func (m *meter) window(windows map[string]*window, name string, limit int, now time.Time) *window {
	if limit == 0 || name == "" {
		return nil
	}
	w := windows[name]
	if w == nil || !now.Before(w.ends) {
		w = &window{ends: now.Add(m.limits.Window)}
		windows[name] = w
	}
	return w
}

func (w *window) full(limit int) bool { return w != nil && w.used >= limit }

func (w *window) take() {
	if w != nil {
		w.used++
	}
}

// show lets the standing show a window if it is nearer to its end of calls, or as
// near and ends later.
func (s *Standing) show(w *window, limit int, now time.Time) {
	if w == nil {
		return
	}
	remaining, reset := limit-w.used, w.ends.Sub(now)
	if s.Limit > 0 && (remaining > s.Remaining || remaining == s.Remaining && reset <= s.Reset) {
		return
	}
	s.Limit, s.Remaining, s.Reset = limit, remaining, reset
}
