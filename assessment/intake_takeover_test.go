package assessment_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// intakeSpy is a store that remembers who claimed.
type intakeSpy struct {
	assessment.Store
	got []assessment.Claim
}

func (s *intakeSpy) Claim(ctx context.Context, c assessment.Claim, lease time.Duration) (assessment.Claim, error) {
	got, err := s.Store.Claim(ctx, c, lease)
	s.got = append(s.got, got)
	return got, err
}

// intakeDied leaves the store as a process does that claimed the order and
// died, and returns the claim.
func intakeDied(t *testing.T, s assessment.Store, o assessment.Order) assessment.Claim {
	t.Helper()
	// The key comes from a store of its own: a dead process leaves nothing that
	// renews its lease.
	spy := &intakeSpy{Store: assessment.NewMemoryStore(0)}
	intakeAccepts(t, intakeOf(t, &intakeProvider{}, spy), o)
	c := assessment.Claim{Key: spy.got[0].Key, Ref: spy.got[0].Ref, Token: "of a dead process"}
	got, err := s.Claim(t.Context(), c, assessment.DefaultLease)
	require.NoError(t, err)
	require.Equal(t, c, got)
	return c
}

func TestIntakeProcessDies(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		store := &intakeSpy{Store: assessment.NewMemoryStore(0)}
		dead := intakeDied(t, store, o)
		p := &intakeProvider{}
		in := intakeOf(t, p, store)
		for range 5 {
			_, err := in.Start(t.Context(), o)
			intakeBusy(t, err, assessment.ErrInProgress)
		}
		require.Zero(t, p.calls(), "the lease still runs")

		// The sixth delivery is waiting when the lease ends.
		intakePass(5 * time.Second)
		first := intakeAccepts(t, in, o)
		require.False(t, first.Replayed)
		require.Equal(t, []assessment.OrderRef{dead.Ref}, p.refs(), "the candidate may have been invited under this reference")
		require.Equal(t, dead.Ref, first.Ref)
		last := store.got[len(store.got)-1]
		require.NotEqual(t, dead.Token, last.Token)
		require.NotEmpty(t, last.Token)
		require.ErrorIs(t, store.Answer(t.Context(), dead), assessment.ErrClaimLost)
		require.Equal(t, intakeBytes(t, first), intakeBytes(t, intakeAccepts(t, in, o)))
		require.Equal(t, 1, p.calls())
	})
}

func TestIntakeOneReplicaTakesOver(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		store := assessment.NewMemoryStore(0)
		dead := intakeDied(t, store, o)
		p := &intakeProvider{start: intakeSlow(time.Second)}
		intakePass(assessment.DefaultLease)
		var replies []<-chan intakeReply
		for range 5 {
			replies = append(replies, intakeDeliver(t.Context(), intakeOf(t, p, store), o))
		}
		seen := make(map[string]bool)
		for _, r := range replies {
			reply := <-r
			require.NoError(t, reply.err)
			seen[intakeBytes(t, reply.accepted)] = true
		}
		require.Len(t, seen, 1)
		require.Equal(t, []assessment.OrderRef{dead.Ref}, p.refs())
	})
}

// A process stalls for longer than its lease and then goes on. Both replicas
// have started the order, with the same reference, but only one answer stands:
// every later delivery, and every other one that waits, gets that.
func TestIntakeStalledProcess(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		memory := assessment.NewMemoryStore(0)
		var cut atomic.Bool // off from the store: no renewal gets through
		p := &intakeProvider{start: intakeSlow(70 * time.Second)}
		stalled := intakeOf(t, p, &intakeStore{Store: memory, fail: func(string) error {
			if cut.Load() {
				return errIntakeDown
			}
			return nil
		}})
		first := intakeDeliver(t.Context(), stalled, o)
		synctest.Wait()
		cut.Store(true)
		intakeBusy(t, (<-first).err, assessment.ErrInProgress)
		intakePass(51 * time.Second) // 61 s: the lease is over

		next := &intakeProvider{}
		there := intakeOf(t, next, memory)
		got := intakeAccepts(t, there, o)
		require.Equal(t, p.refs(), next.refs())
		intakePass(5 * time.Second)
		cut.Store(false)
		waiting := <-intakeDeliver(t.Context(), stalled, o)
		require.NoError(t, waiting.err)
		require.Equal(t, intakeBytes(t, got), intakeBytes(t, waiting.accepted))
		require.Equal(t, intakeBytes(t, got), intakeBytes(t, intakeAccepts(t, there, o)))
		require.Equal(t, intakeBytes(t, got), intakeBytes(t, intakeAccepts(t, stalled, o)))
		require.Equal(t, 1, next.calls())
	})
}
