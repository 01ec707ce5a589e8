package stackone

import (
	"context"
	"errors"
	"fmt"
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
	asking  map[string]chan struct{} // closed when the lookup of the account has ended
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
		return c.askHost(ctx, account)
	}
	entry := c.entry(ctx, account)
	if entry.ats != "" {
		return entry.ats, nil
	}
	return "", entry.err
}

// askHost takes an error of the host's own, such as of its database, for one
// that may pass.
func (c *atsCache) askHost(ctx context.Context, account string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, atsTimeout)
	defer cancel()
	ats, err := c.host(ctx, account)
	var told *assessment.APIError
	if err == nil || errors.As(err, &told) {
		return ats, err
	}
	return "", &assessment.APIError{
		Vendor: assessment.StackOne, Operation: "Config.Provider", Account: account,
		Class: assessment.ErrUnavailable, Cause: err,
	}
}

// entry is a fresh one, from a lookup if need be. Callers that need the same
// account share one lookup; if the one that makes it gives up, the next does.
func (c *atsCache) entry(ctx context.Context, account string) atsEntry {
	for {
		entry, fresh, ended := c.begin(account)
		switch {
		case fresh:
			return entry
		case ended == nil:
			return c.refresh(ctx, account, entry)
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return atsEntry{ats: entry.ats, err: gaveUp(ctx, account)}
		}
	}
}

// begin returns what is known and, if that is not fresh, what to wait for while a
// lookup is under way. Where there is nothing to wait for it is the caller's
// turn, who calls refresh.
func (c *atsCache) begin(account string) (entry atsEntry, fresh bool, ended <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry = c.entries[account]
	if time.Now().Before(entry.until) {
		return entry, true, nil
	}
	if ended, found := c.asking[account]; found {
		return entry, false, ended
	}
	if c.asking == nil {
		c.asking = make(map[string]chan struct{})
	}
	c.asking[account] = make(chan struct{})
	return entry, false, nil
}

func (c *atsCache) refresh(ctx context.Context, account string, old atsEntry) atsEntry {
	defer c.end(account) // also if the host's Keys panics
	bounded, cancel := context.WithTimeout(ctx, atsTimeout)
	defer cancel()
	ats, err := c.lookUp(bounded, account)
	entry := atsEntry{ats: ats, until: time.Now().Add(atsTTL)}
	if err != nil {
		entry = atsEntry{ats: old.ats, err: err, until: time.Now().Add(atsRetry)}
	}
	if ctx.Err() == nil { // else the caller gave up, which says nothing about the account
		c.keep(account, entry)
	}
	return entry
}

func (c *atsCache) end(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.asking[account])
	delete(c.asking, account)
}

func (c *atsCache) keep(account string, entry atsEntry) {
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
}

// forget makes the next caller look the account up again.
func (c *atsCache) forget(account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, account)
}

// gaveUp is the error of a caller whose context ended before another's lookup.
func gaveUp(ctx context.Context, account string) error {
	return &assessment.APIError{
		Vendor: assessment.StackOne, Operation: "GET /accounts/{id}", Account: account,
		Class: assessment.ErrUnavailable, Cause: ctx.Err(),
	}
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

// errNoProvider: the account is there and names no ATS, so that no rule of one
// is known.
var errNoProvider = fmt.Errorf("the account names no provider: %w", assessment.ErrNotFound)

// accountProvider asks StackOne for the ATS behind an account.
func (c *Client) accountProvider(ctx context.Context, account string) (string, error) {
	got, err := c.Account(ctx, account)
	if err != nil {
		return "", err
	}
	if got.Provider == "" {
		return "", errNoProvider
	}
	return got.Provider, nil
}
