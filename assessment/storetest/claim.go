package storetest

import "github.com/assessbridge/assessbridge/assessment"

var claimRules = []rule{
	{"the first claim wins", func(t *trial) {
		bothKinds(func(c assessment.Claim) { t.wins(c, hour) })
	}},
	{"a claim records no answer", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.finds(answered(c, "not asked for"), c, hour)
			t.finds(as(c, "second"), c, hour)
		})
	}},
	{"a second claimant loses while the lease runs", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.finds(as(c, "second"), c, hour)
			t.refused(as(c, "second"))
			t.answer(answered(c, "by the first"))
		})
	}},
	{"a second claimant does not prolong the lease", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.finds(as(c, "second"), c, hour)
			t.lapse()
			t.finds(as(c, "third"), withRef(as(c, "third"), c.Ref), hour)
		})
	}},
	{"records do not touch each other", func(t *trial) {
		one, two := vendorClaim("1", "a"), vendorClaim("2", "b")
		elsewhere := vendorClaim("1", "c")
		elsewhere.Ref.Account = "other"
		elsewhere.Key = elsewhere.Ref.String()
		minted := mintedClaim("1", "1", "d")
		for _, c := range []assessment.Claim{one, two, elsewhere, minted} {
			t.wins(c, hour)
		}
		t.answer(answered(one, "one"))
		t.expire(two)
		t.erase(elsewhere.Ref)
		t.forget(minted.Ref)
		t.finds(as(one, "z"), answered(one, "one"), hour)
		t.wins(as(two, "z"), hour)
		t.finds(as(elsewhere, "z"), erased(elsewhere), hour)
		t.wins(as(minted, "z"), hour)
	}},
}

var leaseRules = []rule{
	{"the holder renews its lease", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.wins(c, hour)
			t.lapse()
			t.finds(as(c, "second"), c, hour)
		})
	}},
	{"the holder keeps the reference of its first claim", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		again := c
		again.Ref.ID = "minted again"
		t.finds(again, c, hour)
	}},
	{"a renewal without a reference renews", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.finds(renewal(c), c, hour)
			t.lapse()
			t.finds(as(c, "second"), c, hour)
			t.answer(answered(c, "by the first"))
		})
	}},
	{"the holder renews even a lease that is over", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.lapse()
			t.finds(renewal(c), c, hour)
			t.finds(as(c, "second"), c, hour)
		})
	}},
	{"a renewal of no record is a lost claim and records nothing", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			_, err := t.store.Claim(t.ctx, renewal(c), hour)
			t.isLost("renewal", err)
			t.wins(as(c, "second"), hour)
		})
	}},
	// A provider may still run when its order was cancelled and ordered again.
	// Its renewals must not get hold of the new order, or its answer would.
	{"a renewal does not take over", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.expire(c)
			stranger := renewal(as(c, "stranger"))
			if got, err := t.store.Claim(t.ctx, stranger, hour); err == nil {
				t.same(got, c)
			} else {
				t.isLost("renewal", err)
			}
			t.refused(stranger)
			third := as(c, "third")
			t.finds(third, withRef(third, c.Ref), hour)
		})
	}},
	{"after the lease a claimant takes over with the same reference", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.lapse()
			second := withRef(as(c, "second"), c.Ref)
			t.finds(as(c, "second"), second, hour)
			t.refused(c)
			t.finds(c, second, hour)
			t.answer(answered(second, "by the second"))
			t.finds(as(c, "third"), answered(second, "by the second"), hour)
		})
	}},
	{"a taken over lease ends in its turn", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.lapse()
			t.claim(as(c, "second"), t.lease)
			t.finds(as(c, "third"), withRef(as(c, "second"), c.Ref), t.lease)
			t.lapse()
			t.finds(as(c, "third"), withRef(as(c, "third"), c.Ref), hour)
		})
	}},
	{"the holder ends its lease", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.expire(c)
			t.finds(as(c, "second"), withRef(as(c, "second"), c.Ref), hour)
			t.refused(c)
		})
	}},
	{"nobody else ends the lease", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.expire(as(c, "second"))
			t.expire(as(c, ""))
			t.finds(as(c, "third"), c, hour)
		})
	}},
	{"an earlier holder does not end the lease", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.expire(c)
			second := withRef(as(c, "second"), c.Ref)
			t.finds(as(c, "second"), second, hour)
			t.expire(c)
			t.finds(as(c, "third"), second, hour)
		})
	}},
	{"a lease that is not there can be ended", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.expire(c)
			t.wins(as(c, "second"), hour)
		})
	}},
	{"an answered order does not expire", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.answer(answered(c, "yes"))
			t.expire(c)
			t.finds(as(c, "second"), answered(c, "yes"), hour)
		})
	}},
}

// withRef is c with the reference that the first claim set.
func withRef(c assessment.Claim, ref assessment.OrderRef) assessment.Claim {
	c.Ref = ref
	return c
}
