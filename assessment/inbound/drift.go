package inbound

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Drift reports what a delivery held that this version does not know.
func (h *Handler) Drift(ctx context.Context, found []assessment.Drift) {
	if h == nil {
		return
	}
	for _, d := range found {
		d.Vendor, d.Connection = h.vendor, h.connection
		if h.observer.Drift != nil {
			h.observer.Drift(ctx, d)
		}
		if h.Logger().Enabled(ctx, slog.LevelWarn) && h.drift.news(d, time.Now()) {
			h.Logger().LogAttrs(ctx, slog.LevelWarn, "drift", d.LogValue().Group()...)
		}
	}
}

const (
	driftEvery = time.Hour
	// driftLimit is how many kinds of drift are remembered. A vendor that changes
	// everything at once is told of more often.
	driftLimit = 1000
)

// driftLog knows what was logged within the hour.
type driftLog struct {
	mu     sync.Mutex
	logged map[assessment.Drift]time.Time
}

// news says whether d was not logged within the hour, for any account, and
// remembers it.
func (l *driftLog) news(d assessment.Drift, now time.Time) bool {
	d.Account = ""
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, known := l.logged[d]; known && now.Sub(at) < driftEvery {
		return false
	}
	if l.logged == nil {
		l.logged = make(map[assessment.Drift]time.Time)
	}
	if len(l.logged) >= driftLimit {
		l.makeRoom(now)
	}
	l.logged[d] = now
	return true
}

// makeRoom forgets what is older than the hour, and if nothing is, anything.
func (l *driftLog) makeRoom(now time.Time) {
	for d, at := range l.logged {
		if now.Sub(at) >= driftEvery {
			delete(l.logged, d)
		}
	}
	for d := range l.logged {
		if len(l.logged) < driftLimit {
			return
		}
		delete(l.logged, d)
	}
}
