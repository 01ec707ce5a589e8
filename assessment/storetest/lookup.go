package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
)

// lookupRules are checked if the store is an [assessment.Lookup].
var lookupRules = []rule{
	{"a lookup finds what is recorded", func(t *trial) {
		one, two := vendorClaim("1", "a"), mintedClaim("2", "2", "b")
		t.wins(one, hour)
		t.wins(two, hour)
		t.answer(answered(two, "yes"))
		t.found([]string{one.Key, two.Key, "unknown"}, one, answered(two, "yes"))
		t.found([]string{one.Key, one.Key}, one)
		t.found([]string{"unknown"})
		t.found(nil)
	}},
	{"a lookup finds what was erased, and not what was forgotten", func(t *trial) {
		vendor, minted := vendorClaim("1", "a"), mintedClaim("2", "2", "b")
		t.wins(vendor, hour)
		t.wins(minted, hour)
		t.erase(vendor.Ref)
		t.forget(minted.Ref)
		t.found([]string{vendor.Key, minted.Key}, erased(vendor))
	}},
	{"a lookup does not find a minted order that was erased", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		t.erase(c.Ref)
		t.found([]string{c.Key})
	}},
	{"a lookup takes keys as they are", func(t *trial) {
		var all []assessment.Claim
		for i, key := range keys {
			ref := assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: fmt.Sprint(i)}
			c := assessment.Claim{Key: key, Ref: ref, Token: fmt.Sprint("token", i)}
			t.wins(c, hour)
			all = append(all, c)
		}
		t.found(keys, all...)
	}},
	{"a lookup neither takes nor renews a lease", func(t *trial) {
		c := vendorClaim("order", "first")
		t.wins(c, t.lease)
		t.wait(t.lease / 2)
		t.found([]string{c.Key}, c)
		t.lapse()
		t.found([]string{c.Key}, c)
		t.wins(as(c, "second"), hour)
	}},
	{"a lookup of many orders", func(t *trial) {
		const many = 1000
		var keys []string
		var all []assessment.Claim
		for i := range many {
			c := vendorClaim(fmt.Sprint(i), "first")
			keys = append(keys, c.Key)
			if i%100 == 0 {
				t.wins(c, hour)
				all = append(all, c)
			}
		}
		t.found(keys, all...)
	}},
	{"the answers of a lookup are copies", func(t *trial) {
		c := vendorClaim("order", "first")
		t.wins(c, hour)
		t.answer(answered(c, "yes"))
		got := t.lookup([]string{c.Key})
		copy(got[c.Key].Answer, "xxx")
		t.found([]string{c.Key}, answered(c, "yes"))
	}},
	{"a lookup with a cancelled context is an error", func(t *trial) {
		cancelled, cancel := context.WithCancel(t.ctx)
		cancel()
		if _, err := t.store.(assessment.Lookup).Lookup(cancelled, []string{"k"}); err == nil || errors.Is(err, assessment.ErrClaimLost) {
			t.Fatalf("Lookup with a cancelled context returned %v", err)
		}
	}},
}

func (t *trial) lookup(keys []string) map[string]assessment.Claim {
	t.Helper()
	got, err := t.store.(assessment.Lookup).Lookup(t.ctx, keys)
	if err != nil {
		t.Fatalf("Lookup of %d keys: %v", len(keys), err)
	}
	return got
}

// found requires that exactly want is recorded of keys.
func (t *trial) found(keys []string, want ...assessment.Claim) {
	t.Helper()
	got := t.lookup(keys)
	if len(got) != len(want) {
		t.Fatalf("Lookup of %d keys found %d records, want %d", len(keys), len(got), len(want))
	}
	for _, w := range want {
		t.same(got[w.Key], w)
	}
}
