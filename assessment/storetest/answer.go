package storetest

import (
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
)

var answerRules = []rule{
	{"an answer is given to everybody", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.answer(answered(c, "yes"))
			t.finds(as(c, "second"), answered(c, "yes"), hour)
			t.finds(c, answered(c, "yes"), hour)
			t.finds(renewal(c), answered(c, "yes"), hour)
		})
	}},
	{"an answered order is never leased again", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.answer(answered(c, "yes"))
			t.lapse()
			t.finds(as(c, "second"), answered(c, "yes"), t.lease)
			t.lapse()
			t.finds(as(c, "third"), answered(c, "yes"), t.lease)
			t.refused(as(c, "third"))
		})
	}},
	{"an answer can be stored twice", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.answer(answered(c, "yes"))
			t.answer(answered(c, "yes"))
			t.finds(as(c, "second"), answered(c, "yes"), hour)
		})
	}},
	{"a holder may answer after its lease, unless it was taken over", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, t.lease)
			t.lapse()
			t.answer(answered(c, "late"))
			t.finds(as(c, "second"), answered(c, "late"), hour)
		})
	}},
	{"another token cannot answer", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.refused(as(c, "second"))
			t.refused(as(c, ""))
			t.finds(as(c, "third"), c, hour)
			t.answer(answered(c, "yes"))
			t.refused(as(c, "second"))
			t.finds(as(c, "third"), answered(c, "yes"), hour)
		})
	}},
	{"what is not recorded cannot be answered", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.refused(c)
			t.wins(as(c, "second"), hour)
		})
	}},
	{"a forgotten order cannot be answered", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		t.forget(c.Ref)
		t.refused(c)
		t.wins(as(c, "second"), hour)
		t.refused(c)
		t.finds(as(c, "third"), as(c, "second"), hour)
	}},
}

var freeRules = []rule{
	{"a minted order is forgotten", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		t.forget(c.Ref)
		t.wins(as(c, "second"), hour)
	}},
	{"an answered minted order is forgotten", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		t.answer(answered(c, "yes"))
		t.forget(c.Ref)
		t.wins(as(c, "second"), hour)
	}},
	{"a minted order is forgotten by the reference that it kept", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		t.expire(c)
		second := withRef(as(c, "second"), c.Ref)
		t.finds(as(c, "second"), second, hour)
		t.forget(as(c, "second").Ref)
		t.finds(as(c, "third"), second, hour)
		t.forget(c.Ref)
		t.wins(as(c, "third"), hour)
	}},
	{"a forgotten order is not renewed", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		t.forget(c.Ref)
		_, err := t.store.Claim(t.ctx, renewal(c), hour)
		t.isLost("renewal", err)
		t.wins(as(c, "second"), hour)
	}},
	{"a vendor's order is not forgotten", func(t *trial) {
		c := vendorClaim("order", "first")
		t.wins(c, hour)
		t.forget(c.Ref)
		t.finds(as(c, "second"), c, hour)
		t.answer(answered(c, "yes"))
		t.forget(c.Ref)
		t.finds(as(c, "second"), answered(c, "yes"), hour)
	}},
	{"an unknown order can be forgotten", func(t *trial) {
		bothKinds(func(c assessment.Claim) { t.forget(c.Ref) })
	}},
	// Ids of different customers or vendors may be equal.
	{"the whole reference says what is forgotten", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		for _, near := range []assessment.OrderRef{
			{Vendor: "another", Account: "acme", ID: "minted"},
			{Vendor: assessment.Ashby, Connection: "eu", Account: "acme", ID: "minted"},
			{Vendor: assessment.Ashby, Kind: assessment.KindAssessment, Account: "acme", ID: "minted"},
			{Vendor: assessment.Ashby, Account: "other", ID: "minted"},
			{Vendor: assessment.Ashby, Account: "acme", ID: "MINTED"},
			{Vendor: assessment.Ashby, Account: "acme", ID: "minte_"},
			{Vendor: assessment.Ashby, Account: "acme", ID: "%"},
			{},
		} {
			t.forget(near)
			t.finds(as(c, "second"), c, hour)
		}
	}},
}

var eraseRules = []rule{
	{"erasing leaves nothing of an answer", func(t *trial) {
		c := vendorClaim("order", "first")
		t.wins(c, hour)
		t.answer(answered(c, "https://test.example.com/for-jane"))
		t.erase(c.Ref)
		t.finds(as(c, "second"), erased(c), hour)
	}},
	{"an erased order is not started again", func(t *trial) {
		c := vendorClaim("order", "first")
		t.wins(c, t.lease)
		t.erase(c.Ref)
		t.finds(as(c, "second"), erased(c), hour)
		t.lapse()
		t.finds(as(c, "second"), erased(c), hour)
		t.finds(c, erased(c), hour)
	}},
	// With the old key whoever has the store could try whether it is that of a
	// person whom he knows.
	{"erasing takes the key of a minted order away", func(t *trial) {
		c := mintedClaim("application", "minted", "first")
		t.wins(c, hour)
		t.answer(answered(c, "https://test.example.com/for-jane"))
		t.erase(c.Ref)
		_, err := t.store.Claim(t.ctx, renewal(c), hour)
		t.isLost("renewal", err)
		t.wins(as(c, "second"), hour)
		t.answer(answered(as(c, "second"), "yes"))
		t.erase(c.Ref) // only the record of that reference
		t.finds(as(c, "third"), answered(as(c, "second"), "yes"), hour)
	}},
	{"minted orders are erased one by one", func(t *trial) {
		for i := range 3 {
			c := mintedClaim(fmt.Sprint("application", i), fmt.Sprint("minted", i), "first")
			t.wins(c, hour)
			t.erase(c.Ref) // two equal keys would not fit
		}
	}},
	{"an erased order cannot be answered", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.erase(c.Ref)
			t.refused(c)
			t.refused(as(c, ""))
		})
		c := vendorClaim("order", "first")
		t.finds(as(c, "second"), erased(c), hour)
	}},
	{"an erased answer cannot be stored again", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.answer(answered(c, "yes"))
			t.erase(c.Ref)
			t.refused(c)
			t.expire(c)
		})
		c := vendorClaim("order", "first")
		t.finds(as(c, "second"), erased(c), hour)
	}},
	{"a vendor's erased order is not forgotten", func(t *trial) {
		c := vendorClaim("order", "first")
		t.wins(c, hour)
		t.erase(c.Ref)
		t.forget(c.Ref)
		t.finds(as(c, "second"), erased(c), hour)
	}},
	{"an unknown order can be erased", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.erase(c.Ref)
			t.wins(c, hour)
		})
	}},
	{"an order can be erased twice", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.erase(c.Ref)
			t.erase(c.Ref)
			t.refused(c)
		})
		c := vendorClaim("order", "first")
		t.finds(as(c, "second"), erased(c), hour)
	}},
}

// erased is what is left of c.
func erased(c assessment.Claim) assessment.Claim {
	c.Token = ""
	return answered(c, assessment.ErasedAnswer)
}
