package ashby

import (
	"container/list"
	"context"
	"hash/maphash"
	"sync"
	"time"
)

// timeline gives the updates of an assessment timestamps that rise strictly, and
// lets one of them be written at a time, so that they also arrive in order. It
// holds the assessments that are being written and of the others the latest
// ones; what it has forgotten is timed by [assessment.Result.At] alone.
type timeline struct {
	seed  maphash.Seed
	limit int // of those that are not being written

	mu        sync.Mutex
	histories map[subject]*history
	idle      *list.List // of *history, the latest first
}

// subject is an assessment of a customer.
type subject struct{ account, id string }

// history is what was written of an assessment.
type history struct {
	subject subject
	turn    chan struct{} // holds a token while somebody writes

	// Guarded by timeline.mu.
	users int           // who write or wait for it
	idle  *list.Element // nil while there are any
	last  int64         // the latest timestamp, in milliseconds
	sent  []sent        // the latest updates
}

// sent is an update by which its repetition is known.
type sent struct {
	at        time.Time // as the host gave it
	sum       uint64    // of the body
	timestamp int64
}

const (
	maxHistories = 10_000 // some 3 MB
	maxSent      = 8      // of one assessment
)

func newTimeline() *timeline {
	return &timeline{
		seed:      maphash.MakeSeed(),
		limit:     maxHistories,
		histories: make(map[subject]*history),
		idle:      list.New(),
	}
}

// enter waits until nobody else writes the assessment. Every success is followed
// by one leave.
func (t *timeline) enter(ctx context.Context, s subject) (*history, error) {
	h := t.use(s)
	select {
	case h.turn <- struct{}{}:
		return h, nil
	case <-ctx.Done():
		t.release(h)
		return nil, ctx.Err()
	}
}

func (t *timeline) leave(h *history) {
	<-h.turn
	t.release(h)
}

func (t *timeline) use(s subject) *history {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.histories[s]
	if h == nil {
		h = &history{subject: s, turn: make(chan struct{}, 1)}
		t.histories[s] = h
	}
	if h.idle != nil {
		t.idle.Remove(h.idle)
		h.idle = nil
	}
	h.users++
	return h
}

func (t *timeline) release(h *history) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h.users--
	if h.users > 0 {
		return
	}
	h.idle = t.idle.PushFront(h)
	for t.idle.Len() > t.limit {
		oldest := t.idle.Remove(t.idle.Back()).(*history)
		delete(t.histories, oldest.subject)
	}
}

// stamp returns the timestamp for an update: the one it had before, if it is one
// of the latest; else its time, or a millisecond after the last update.
func (t *timeline) stamp(h *history, at time.Time, body []byte) int64 {
	sum := maphash.Bytes(t.seed, body)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !at.IsZero() {
		for _, s := range h.sent {
			if s.sum == sum && s.at.Equal(at) {
				return s.timestamp
			}
		}
	}
	timestamp := max(milliseconds(at), h.last+1)
	h.last = timestamp
	if len(h.sent) == maxSent {
		h.sent = append(h.sent[:0], h.sent[1:]...)
	}
	h.sent = append(h.sent, sent{at: at, sum: sum, timestamp: timestamp})
	return timestamp
}

// note remembers a timestamp that was given elsewhere.
func (t *timeline) note(s subject, timestamp int64) {
	h := t.use(s)
	t.mu.Lock()
	h.last = max(h.last, timestamp)
	t.mu.Unlock()
	t.release(h)
}

// milliseconds is the time of an update. Now is rounded up to the next one: what
// happens now comes after everything so far, also after the update_request of a
// start that was answered in the same millisecond.
func milliseconds(at time.Time) int64 {
	if at.IsZero() {
		return time.Now().UnixMilli() + 1
	}
	return at.UnixMilli()
}
