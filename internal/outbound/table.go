package outbound

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// generation is how many orders a generation of a [Table] holds; there are two.
const generation = 5_000

// Key is an order of one client.
type Key struct {
	Kind        assessment.Kind
	Account, ID string
}

// KeyOf returns the key of an order.
func KeyOf(ref assessment.OrderRef) Key { return Key{Kind: ref.Kind, Account: ref.Account, ID: ref.ID} }

// Table remembers what one client wrote of each order, and lets one result of an
// order be written at a time, so that results also arrive in order. T is what a
// vendor's client remembers besides.
//
// It is bounded and forgets: when the younger generation of orders is full, the
// older one goes, but for those that are being written. What is forgotten counts
// as never written; the guarantee is the host's outbox.
type Table[T any] struct {
	seed maphash.Seed

	mu           sync.Mutex
	limit        int
	young, older map[Key]*entry[T]
}

// entry is what is remembered of one order.
type entry[T any] struct {
	turn  chan struct{} // holds a token while somebody writes
	users int           // who write or wait for it
	past  Past
	own   T
}

// Past is what this client wrote of an order, or may have written.
type Past struct {
	latest time.Time // the latest At
	final  finality
	sum    uint64 // of the final that may have been written; 0 if not known
}

type finality int8

const (
	notFinal finality = iota
	maybeFinal
	surelyFinal
)

// NewTable returns an empty table.
func NewTable[T any]() *Table[T] { return &Table[T]{seed: maphash.MakeSeed(), limit: generation} }

// Sum tells one body from another.
func (t *Table[T]) Sum(body []byte) uint64 { return maphash.Bytes(t.seed, body) }

// find returns the entry of an order. The caller holds the mutex.
func (t *Table[T]) find(k Key) *entry[T] {
	if e := t.young[k]; e != nil {
		return e
	}
	e := t.older[k]
	if e == nil {
		e = &entry[T]{turn: make(chan struct{}, 1)}
	}
	if t.young == nil || len(t.young) >= t.limit {
		t.age()
	}
	t.young[k] = e
	return e
}

// age begins a new generation.
func (t *Table[T]) age() {
	next := make(map[Key]*entry[T])
	for k, e := range t.older {
		if e.users > 0 {
			next[k] = e
		}
	}
	t.older, t.young = t.young, next
}

// enter waits until nobody else writes the order, as long as patience where the
// context has no deadline. Every success is followed by one leave.
func (t *Table[T]) enter(ctx context.Context, k Key, patience time.Duration) (*entry[T], error) {
	t.mu.Lock()
	e := t.find(k)
	e.users++
	t.mu.Unlock()
	select {
	case e.turn <- struct{}{}: // free, as nearly always
		return e, nil
	default:
	}
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	select {
	case e.turn <- struct{}{}:
		return e, nil
	case <-ctx.Done():
		t.release(e)
		return nil, ctx.Err()
	}
}

func (t *Table[T]) leave(e *entry[T]) {
	<-e.turn
	t.release(e)
}

func (t *Table[T]) release(e *entry[T]) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.users--
}

// Do runs do with what the client remembers of an order besides, under the
// table's lock.
func (t *Table[T]) Do(ref assessment.OrderRef, do func(own *T)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do(&t.find(KeyOf(ref)).own)
}

// past returns what was written of an order, without remembering the question.
func (t *Table[T]) past(k Key) Past {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.young[k]; e != nil {
		return e.past
	}
	if e := t.older[k]; e != nil {
		return e.past
	}
	return Past{}
}

// note remembers a result that was written or, if sure is false, may have been.
func (t *Table[T]) note(e *entry[T], r assessment.Result, sum uint64, sure bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := r.At
	if at.IsZero() {
		at = time.Now()
	}
	if at.After(e.past.latest) {
		e.past.latest = at
	}
	switch {
	case !r.Status.Final():
	case sure:
		e.past.final = surelyFinal
	case e.past.final == notFinal:
		e.past.final, e.past.sum = maybeFinal, sum
	case e.past.sum != sum:
		e.past.sum = 0 // two different ones: neither is known
	}
}

// stale says why an interim update is not to be sent; it is empty if it is. A
// final result is always sent. An update without a time happens now.
func (p Past) stale(r assessment.Result) string {
	switch {
	case r.Status.Final():
		return ""
	case p.final != notFinal:
		return "not sent: the final result came before"
	case !r.At.IsZero() && r.At.Before(p.latest):
		return "not sent: a newer update came before"
	}
	return ""
}

// Proves reports whether the final status that an order shows proves that a final
// result whose write went unanswered has arrived. It does not if another may be
// what it shows.
func (p Past) Proves(sum uint64) bool {
	return p.final == notFinal || p.final == maybeFinal && sum != 0 && p.sum == sum
}
