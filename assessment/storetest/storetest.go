package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// DefaultLease is what [Config.Lease] is if it is not set.
const DefaultLease = time.Second

// Config says how to get at the store and its clock.
type Config struct {
	// New returns an empty store; required. It is called once for each rule, and
	// once more, and may register a cleanup.
	New func(testing.TB) assessment.Store
	// Lease is the lease of those claims whose end is waited for;
	// [DefaultLease] if zero. Leases that must not end take an hour, so a slow
	// store does not fail.
	Lease time.Duration
	// Wait lets the duration pass on the store's clock; nil waits in this
	// process.
	Wait func(time.Duration)
	// Around runs the check of one rule; nil calls it. With
	// [testing/synctest.Test] a store that lives in this process runs on virtual
	// time.
	Around func(*testing.T, func(*testing.T))
}

// Run checks every rule, each in a subtest, and those of [assessment.Lookup] if the
// store is one.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.New == nil {
		t.Fatal("storetest: Config.New is required")
	}
	for _, r := range rules {
		c.run(t, r)
	}
	if _, ok := c.New(t).(assessment.Lookup); ok {
		for _, r := range lookupRules {
			c.run(t, r)
		}
	}
}

func (c Config) run(t *testing.T, r rule) {
	t.Run(r.name, func(t *testing.T) {
		c.around(t, func(t *testing.T) { r.check(c.trial(t.Context(), t, c.New(t))) })
	})
}

func (c Config) around(t *testing.T, f func(*testing.T)) {
	if c.Around == nil {
		f(t)
		return
	}
	c.Around(t, f)
}

func (c Config) trial(ctx context.Context, r reporter, s assessment.Store) *trial {
	tr := &trial{reporter: r, ctx: ctx, store: s, lease: c.Lease, wait: c.Wait}
	if tr.lease <= 0 {
		tr.lease = DefaultLease
	}
	if tr.wait == nil {
		tr.wait = func(d time.Duration) { <-time.After(d) }
	}
	return tr
}

// rule is one promise of a store.
type rule struct {
	name  string
	check func(*trial)
}

var rules = concat(claimRules, leaseRules, answerRules, freeRules, eraseRules, valueRules, raceRules)

func concat(groups ...[]rule) (all []rule) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// reporter is what a check needs of a test. It is not the whole of testing.TB,
// so that the checks can be shown to fail on a store that is wrong.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}
