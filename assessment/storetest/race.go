package storetest

import (
	"fmt"
	"sync"

	"github.com/assessbridge/assessbridge/assessment"
)

// rivals is how many claimants want the same order at the same time.
const rivals = 16

var raceRules = []rule{
	{"one of many claimants wins", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			for round := range 4 {
				c := c
				c.Ref.ID = fmt.Sprint(c.Ref.ID, round)
				if c.Ref.Vendor == assessment.Ashby {
					c.Key += fmt.Sprint(round)
				} else {
					c.Key = c.Ref.String()
				}
				t.oneWinner(c)
			}
		})
	}},
	{"one of many claimants takes over", func(t *trial) {
		bothKinds(func(c assessment.Claim) {
			t.wins(c, hour)
			t.expire(c)
			if winner := t.oneWinner(c); winner.Ref != c.Ref {
				t.Fatalf("the take-over changed the reference to %+v", winner.Ref)
			}
			t.refused(c)
		})
	}},
	{"each of many orders has one winner", func(t *trial) {
		var orders []assessment.Claim
		for i := range rivals {
			orders = append(orders, vendorClaim(fmt.Sprint(i), ""), mintedClaim(fmt.Sprint(i), "", ""))
		}
		got := make([][]assessment.Claim, len(orders))
		for i := range got {
			got[i] = make([]assessment.Claim, 4)
		}
		t.race(len(orders)*4, func(i int) (err error) {
			c := as(orders[i/4], fmt.Sprint("rival ", i))
			got[i/4][i%4], err = t.store.Claim(t.ctx, c, hour)
			return err
		})
		for _, claims := range got {
			t.agreed(claims)
		}
	}},
	{"an answer and a take-over exclude each other", func(t *trial) {
		for round := range rivals {
			c := vendorClaim(fmt.Sprint(round), "first")
			t.wins(c, hour)
			t.expire(c)
			var late error
			var next assessment.Claim
			t.race(2, func(i int) (err error) {
				if i == round%2 {
					late = t.store.Answer(t.ctx, answered(c, "late"))
					return nil
				}
				next, err = t.store.Claim(t.ctx, as(c, "second"), hour)
				return err
			})
			if late == nil {
				t.same(next, answered(c, "late"))
				continue
			}
			t.isLost("Answer", late)
			t.same(next, as(c, "second"))
		}
	}},
}

// oneWinner has rivals claim c at the same time and returns the record on which
// all of them agree.
func (t *trial) oneWinner(c assessment.Claim) assessment.Claim {
	t.Helper()
	got := make([]assessment.Claim, rivals)
	t.race(rivals, func(i int) (err error) {
		got[i], err = t.store.Claim(t.ctx, as(c, fmt.Sprint("rival ", i)), hour)
		return err
	})
	t.agreed(got)
	t.answer(answered(got[0], "by the winner"))
	return got[0]
}

// agreed requires that every claimant was told the same.
func (t *trial) agreed(got []assessment.Claim) {
	t.Helper()
	for _, g := range got[1:] {
		if diff := differences(g, got[0]); diff != "" {
			t.Fatalf("two claimants of %q were told differently: %s", got[0].Key, diff)
		}
	}
}

// race calls f n times at the same time and requires that no call fails.
func (t *trial) race(n int, f func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("caller %d of %d at the same time: %v", i+1, n, err)
		}
	}
}
