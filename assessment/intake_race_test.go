package assessment_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// TestIntakeUnderLoad has many senders deliver the same orders, over and over
// until they are answered, to two replicas whose provider and store fail at
// random. Each order is answered once, and all its senders get the same.
func TestIntakeUnderLoad(t *testing.T) {
	const senders, orders = 200, 50
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running := make(map[assessment.OrderRef]int)
		answered := make(map[assessment.OrderRef]int)
		refs := make(map[string]map[assessment.OrderRef]bool) // by what was ordered
		var overlaps int
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			mu.Lock()
			if running[o.Ref]++; running[o.Ref] > 1 {
				overlaps++
			}
			name := o.Candidate.FirstName
			if refs[name] == nil {
				refs[name] = make(map[assessment.OrderRef]bool)
			}
			refs[name][o.Ref] = true
			mu.Unlock()
			intakePass(time.Duration(rand.IntN(30_000)) * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			running[o.Ref]--
			switch rand.IntN(4) {
			case 0:
				return assessment.Started{}, errors.New("database is down")
			case 1:
				panic("boom")
			}
			answered[o.Ref]++
			s := intakeStarted(o)
			s.ReportURL += fmt.Sprint("/", answered[o.Ref])
			return s, nil
		}
		// Without Answer: an answer that is never stored is given again.
		flaky := &intakeStore{Store: assessment.NewMemoryStore(0), fail: func(method string) error {
			if method != "Answer" && rand.IntN(10) == 0 {
				return errIntakeDown
			}
			return nil
		}}
		replicas := []*assessment.Intake{intakeOf(t, p, flaky), intakeOf(t, p, flaky)}

		var all sync.WaitGroup
		got := make([][]assessment.Accepted, orders)
		failed := make([]error, senders)
		for i := range got {
			got[i] = make([]assessment.Accepted, senders)
		}
		for s := range senders {
			all.Go(func() {
				for _, i := range rand.Perm(orders) {
					o := intakeOrder(fmt.Sprint("o", i))
					if i%2 == 0 {
						o = intakeMinted(fmt.Sprint("a", i))
					}
					o.Candidate.FirstName = fmt.Sprint(i)
					for try := 0; ; try++ {
						a, err := replicas[rand.IntN(2)].Start(t.Context(), o)
						if err == nil {
							got[i][s] = a
							break
						}
						if try == 1000 {
							failed[s] = err
							return
						}
						intakePass(time.Duration(rand.IntN(10_000)) * time.Millisecond)
					}
				}
			})
		}
		all.Wait()
		for _, in := range replicas {
			require.NoError(t, in.Drain(t.Context()))
		}

		for _, err := range failed {
			require.NoError(t, err)
		}
		require.Zero(t, overlaps, "calls for one order overlapped")
		for i, answers := range got {
			first := 0
			for _, a := range answers {
				require.Equal(t, intakeBytes(t, answers[0]), intakeBytes(t, a))
				if !a.Replayed {
					first++
				}
			}
			require.LessOrEqual(t, first, 1, "at most one sender got the answer first-hand")
			require.Equal(t, 1, answered[answers[0].Ref], "the provider took order %d more than once", i)
			require.Len(t, refs[fmt.Sprint(i)], 1, "a fault changed the reference")
		}
	})
}

// Starts, cancels and drains of one order at the same time: nothing hangs, and
// what is answered in the end is the order that runs.
func TestIntakeCancelUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			intakePass(time.Duration(rand.IntN(12_000)) * time.Millisecond)
			if rand.IntN(3) == 0 {
				return assessment.Started{}, errors.New("database is down")
			}
			return intakeStarted(o), nil
		}
		store := assessment.NewMemoryStore(0)
		replicas := []*assessment.Intake{intakeOf(t, p, store), intakeOf(t, p, store)}
		mixed := make(chan string, 10_000)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 50 {
					in := replicas[rand.IntN(2)]
					a, err := in.Start(t.Context(), intakeMinted("a1"))
					if err == nil && a.Started.CandidateURL != intakeStarted(assessment.Order{Ref: a.Ref}).CandidateURL {
						mixed <- a.Ref.ID + " got " + a.Started.CandidateURL
					}
					if refs := p.refs(); rand.IntN(3) == 0 && len(refs) > 0 {
						_ = in.Cancel(t.Context(), refs[rand.IntN(len(refs))])
					}
					intakePass(time.Duration(rand.IntN(5_000)) * time.Millisecond)
				}
			})
		}
		all.Wait()
		for _, in := range replicas {
			require.NoError(t, in.Drain(t.Context()))
		}
		close(mixed)
		require.Empty(t, <-mixed, "one order was answered with another's links")
	})
}
