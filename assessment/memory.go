package assessment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	mu     sync.Mutex
	byKey  map[string]*memoryRecord
	byRef  map[OrderRef]*memoryRecord
	logger *slog.Logger // for the one warning
	warned bool
}

type memoryRecord struct {
	claim Claim
	until time.Time // end of the lease
}

var (
	_ Store  = (*MemoryStore)(nil)
	_ Lookup = (*MemoryStore)(nil)
)

// errNoStore is what a zero MemoryStore answers.
var errNoStore = errors.New("assessment: a MemoryStore is made by NewMemoryStore")

// NewMemoryStore returns an empty store for at most limit orders;
// [DefaultMemoryLimit] if limit is not positive. A full store refuses new
// orders with [ErrStoreFull]; it never drops a record to make room. At 80 % of the
// limit it warns once, in the log of the first [Intake] that uses it.
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
	got, warn, err := m.claim(c, lease)
	if warn != nil {
		warn.WarnContext(ctx, "the memory store is four fifths full, and when it is full it refuses new orders:"+
			" use a store over a database, which survives a restart, too, or raise the limit of NewMemoryStore",
			"limit", m.limit)
	}
	return got, err
}

// claim also returns the logger to warn, once.
func (m *MemoryStore) claim(c Claim, lease time.Duration) (got Claim, warn *slog.Logger, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	r, ok := m.byKey[c.Key]
	switch {
	case m.byKey == nil:
		return Claim{}, nil, errNoStore
	case !ok && c.Ref.IsZero():
		return Claim{}, nil, ErrClaimLost
	case !ok:
		if len(m.byKey) >= m.limit {
			return Claim{}, nil, ErrStoreFull
		}
		r = &memoryRecord{claim: Claim{Key: c.Key, Ref: c.Ref, Token: c.Token}, until: now.Add(lease)}
		m.byKey[c.Key] = r
		m.byRef[c.Ref] = r
		warn = m.fillsUp()
	case len(r.claim.Answer) > 0:
	case r.claim.Token == c.Token, !c.Ref.IsZero() && !now.Before(r.until):
		r.claim.Token = c.Token
		r.until = now.Add(lease)
	}
	return r.copied(), warn, nil
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
	r, ok := m.byRef[ref]
	if !ok {
		return nil
	}
	r.claim.Token = ""
	r.claim.Answer = []byte(ErasedAnswer)
	if r.claim.natural() {
		delete(m.byKey, r.claim.Key)
		r.claim.Key = ErasedKey()
		m.byKey[r.claim.Key] = r
	}
	return nil
}

// Lookup implements [Lookup].
func (m *MemoryStore) Lookup(ctx context.Context, keys []string) (map[string]Claim, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[string]Claim)
	for _, key := range keys {
		if r, ok := m.byKey[key]; ok {
			found[key] = r.copied()
		}
	}
	return found, nil
}

func (r *memoryRecord) copied() Claim {
	c := r.claim
	c.Answer = bytes.Clone(c.Answer)
	return c
}

// warnTo says where the store warns. The first intake's logger counts.
func (m *MemoryStore) warnTo(logger *slog.Logger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logger == nil {
		m.logger = logger
	}
}

// fillsUp returns the logger when it is time to warn. Records are kept for good, so
// it will not get better by itself.
func (m *MemoryStore) fillsUp() *slog.Logger {
	if m.warned || m.logger == nil || len(m.byKey)*5 < m.limit*4 {
		return nil
	}
	m.warned = true
	return m.logger
}

// String says how full the store is, and nothing of what it holds.
func (m *MemoryStore) String() string {
	return fmt.Sprintf("memory store (%d of %d orders)", m.Len(), m.limit)
}

// Format implements [fmt.Formatter]: every verb prints [MemoryStore.String].
func (m *MemoryStore) Format(f fmt.State, verb rune) { formatText(f, verb, m.String()) }

// LogValue implements [slog.LogValuer]: how full the store is.
func (m *MemoryStore) LogValue() slog.Value { return slog.StringValue(m.String()) }

// Len returns the number of orders held.
func (m *MemoryStore) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.byKey)
}
