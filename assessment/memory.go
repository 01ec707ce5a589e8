package assessment

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"
)

// DefaultMemoryLimit is how many orders a [MemoryStore] holds if it is not told
// otherwise: at about half a kilobyte each, some 50 MB.
const DefaultMemoryLimit = 100_000

// errNoToken is what a claim without a key or token gets.
var errNoToken = errors.New("assessment: claim needs a key and a token")

// MemoryStore is a [Store] for one process. It forgets everything when the
// process ends, so a vendor's redelivery after a restart reaches the provider
// again; use it for tests, trials and hosts that are idempotent on [Order.Ref]
// anyway.
type MemoryStore struct {
	limit int

	mu    sync.Mutex
	byKey map[string]*memoryRecord
	byRef map[OrderRef]*memoryRecord
}

type memoryRecord struct {
	claim Claim
	until time.Time // end of the lease
}

var _ Store = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store for at most limit orders;
// [DefaultMemoryLimit] if limit is not positive. A full store refuses new
// orders with [ErrStoreFull]; it never drops a record to make room.
func NewMemoryStore(limit int) *MemoryStore {
	if limit <= 0 {
		limit = DefaultMemoryLimit
	}
	return &MemoryStore{
		limit: limit,
		byKey: make(map[string]*memoryRecord),
		byRef: make(map[OrderRef]*memoryRecord),
	}
}

// Claim implements [Store].
func (m *MemoryStore) Claim(ctx context.Context, c Claim, lease time.Duration) (Claim, error) {
	if err := ctx.Err(); err != nil {
		return Claim{}, err
	}
	if c.Key == "" || c.Token == "" {
		return Claim{}, errNoToken
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	r, ok := m.byKey[c.Key]
	switch {
	case !ok && c.Ref.IsZero():
		return Claim{}, ErrClaimLost
	case !ok:
		if len(m.byKey) >= m.limit {
			return Claim{}, ErrStoreFull
		}
		r = &memoryRecord{claim: Claim{Key: c.Key, Ref: c.Ref, Token: c.Token}, until: now.Add(lease)}
		m.byKey[c.Key] = r
		m.byRef[c.Ref] = r
	case len(r.claim.Answer) > 0:
	case r.claim.Token == c.Token, !c.Ref.IsZero() && !now.Before(r.until):
		r.claim.Token = c.Token
		r.until = now.Add(lease)
	}
	got := r.claim
	got.Answer = bytes.Clone(got.Answer)
	return got, nil
}

// Answer implements [Store].
func (m *MemoryStore) Answer(ctx context.Context, c Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.byKey[c.Key]
	if !ok || c.Token == "" || r.claim.Token != c.Token {
		return ErrClaimLost
	}
	r.claim.Answer = bytes.Clone(c.Answer)
	return nil
}

// Expire implements [Store].
func (m *MemoryStore) Expire(ctx context.Context, c Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.byKey[c.Key]; ok && c.Token != "" && r.claim.Token == c.Token {
		r.until = time.Now()
	}
	return nil
}

// Forget implements [Store].
func (m *MemoryStore) Forget(ctx context.Context, ref OrderRef) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.byRef[ref]; ok && r.claim.Key != ref.String() {
		delete(m.byKey, r.claim.Key)
		delete(m.byRef, ref)
	}
	return nil
}

// Erase implements [Store].
func (m *MemoryStore) Erase(ctx context.Context, ref OrderRef) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.byRef[ref]; ok {
		r.claim.Token = ""
		r.claim.Answer = []byte(ErasedAnswer)
	}
	return nil
}

// Len returns the number of orders held.
func (m *MemoryStore) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.byKey)
}
