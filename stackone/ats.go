package stackone

import (
	"context"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

const (
	// atsLimit bounds the memory of the accounts looked up.
	atsLimit = 10_000
	// atsTTL is how long an answer is good. The ATS behind an account does not
	// change; what changes is whether the account is there.
	atsTTL = time.Hour
	// atsRetry is how long a failed lookup is not tried again.
	atsRetry = time.Minute
	// atsTimeout bounds a lookup, so that it cannot eat the time of the result
	// that it is made for.
	atsTimeout = 10 * time.Second
)

// atsCache knows the ATS behind each account, from the host or from StackOne.
type atsCache struct {
	host   func(ctx context.Context, account string) (string, error) // nil: ask StackOne
	lookUp func(ctx context.Context, account string) (string, error)

	mu      sync.Mutex
	entries map[string]atsEntry
}

type atsEntry struct {
	ats   string // what was last known, also after a failure
	err   error  // of the last lookup
	until time.Time
}

// of returns the ATS behind an account. After a failure it returns what was
// known before, if anything was.
func (c *atsCache) of(ctx context.Context, account string) (string, error) {
	if c.host != nil {
		bounded, cancel := context.WithTimeout(ctx, atsTimeout)
		defer cancel()
		return c.host(bounded, account)
	}
	c.mu.Lock()
	entry, found := c.entries[account]
	c.mu.Unlock()
	if !found || !time.Now().Before(entry.until) {
		entry = c.refresh(ctx, account, entry)
	}
	if entry.ats != "" {
		return entry.ats, nil
	}
	return "", entry.err
}

func (c *atsCache) refresh(ctx context.Context, account string, old atsEntry) atsEntry {
	bounded, cancel := context.WithTimeout(ctx, atsTimeout)
	defer cancel()
	ats, err := c.lookUp(bounded, account)
	entry := atsEntry{ats: ats, until: time.Now().Add(atsTTL)}
	if err != nil {
		entry = atsEntry{ats: old.ats, err: err, until: time.Now().Add(atsRetry)}
	}
	if ctx.Err() != nil { // the caller gave up, which says nothing about the account
		return entry
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = make(map[string]atsEntry)
	}
	if _, found := c.entries[account]; !found && len(c.entries) >= atsLimit {
		for victim := range c.entries { // any one: a second lookup costs little
			delete(c.entries, victim)
			break
		}
	}
	c.entries[account] = entry
	return entry
}

// known is of without asking StackOne.
func (c *atsCache) known(account string) (string, error) {
	if c.host != nil {
		return c.of(context.Background(), account)
	}
	return c.cached(account), nil
}

// cached is what was looked up before, empty if nothing was.
func (c *atsCache) cached(account string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[account].ats
}

// accountProvider asks StackOne for the ATS behind an account.
func (c *Client) accountProvider(ctx context.Context, account string) (string, error) {
	got, err := c.Account(ctx, account)
	if err != nil {
		return "", err
	}
	if got.Provider == "" {
		return "", assessment.ErrNotFound
	}
	return got.Provider, nil
}
