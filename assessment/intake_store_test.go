package assessment_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestIntakeStoreIsDown(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		up := make(chan struct{})
		in := intakeOf(t, p, intakeFailing(assessment.NewMemoryStore(0), up, "Claim"))
		for range 3 {
			_, err := in.Start(t.Context(), o)
			intakeBusy(t, err, assessment.ErrStore)
			require.ErrorIs(t, err, errIntakeDown)
		}
		require.Zero(t, p.calls())
		close(up)
		intakeAccepts(t, in, o)
		require.Equal(t, 1, p.calls())
	})
}

func TestIntakeStoreIsFull(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(1))
		other := intakeAccepts(t, in, intakeOrder("another"))
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrStore)
		require.ErrorIs(t, err, assessment.ErrStoreFull)
		require.Equal(t, []assessment.OrderRef{other.Ref}, p.refs())
		require.True(t, intakeAccepts(t, in, intakeOrder("another")).Replayed)
	})
}

// The provider has committed, so its answer is worth some patience.
func TestIntakeAnswerIsStoredAfterAWhile(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		store := assessment.NewMemoryStore(0)
		up := make(chan struct{})
		in := intakeOf(t, p, intakeFailing(store, up, "Answer"))
		first := intakeDeliver(t.Context(), in, o)
		intakePass(4 * time.Second)
		close(up)
		reply := <-first
		require.NoError(t, reply.err)
		require.Less(t, reply.took, 6*time.Second)
		elsewhere := intakeAccepts(t, intakeOf(t, p, store), o)
		require.Equal(t, intakeBytes(t, reply.accepted), intakeBytes(t, elsewhere))
		require.Equal(t, 1, p.calls())
	})
}

// An answer that was not stored was not given either: the next delivery could
// get another one. After the lease the order is started again, as the same.
func TestIntakeAnswerIsNeverStored(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		store := assessment.NewMemoryStore(0)
		in := intakeOf(t, p, intakeFailing(store, nil, "Answer"), func(c *assessment.IntakeConfig) {
			c.Lease = 14 * time.Second // half of it is below the deadline
		})
		got, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrStore)
		require.Zero(t, got)

		there := intakeOf(t, p, store)
		accepted := intakeAccepts(t, there, o)
		require.False(t, accepted.Replayed)
		require.Equal(t, []assessment.OrderRef{accepted.Ref, accepted.Ref}, p.refs())
	})
}

func TestIntakeSenderDoesNotWaitForTheStore(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		in := intakeOf(t, p, intakeFailing(assessment.NewMemoryStore(0), nil, "Answer"))
		began := time.Now()
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrInProgress)
		require.Equal(t, assessment.DefaultDeadline, time.Since(began))
		require.NoError(t, in.Drain(t.Context()))
		require.Equal(t, 1, p.calls())
	})
}

// Two releases read each other's answers during a rollout. What this one cannot
// read it must not take for unanswered.
func TestIntakeUnreadableAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"later version": `{"v":2,"at":"2026-01-02T03:04:05.678Z","started":{}}`,
		"no version":    `{"at":"2026-01-02T03:04:05.678Z","started":{}}`,
		"no JSON":       "erase",
		"neither":       `{"v":1,"at":"2026-01-02T03:04:05.678Z"}`,
	} {
		t.Run(name, func(t *testing.T) {
			intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
				store := assessment.NewMemoryStore(0)
				c := intakeDied(t, store, o)
				c.Answer = []byte(answer)
				require.NoError(t, store.Answer(t.Context(), c))
				p := &intakeProvider{}
				in := intakeOf(t, p, store)
				for range 2 {
					got, err := in.Start(t.Context(), o)
					intakeBusy(t, err, assessment.ErrUnreadable)
					require.Zero(t, got)
					require.NotContains(t, err.Error(), answer)
					intakePass(time.Hour)
				}
				require.Zero(t, p.calls())
			})
		})
	}
}

// An erased order is neither a yes nor a no, and nobody's fault: it is not started
// again, inline or not. One whose id the intake minted is not recognised any more,
// so that its repetition is a new order.
func TestIntakeErasedOrder(t *testing.T) {
	for name, inline := range map[string]bool{"waiting in the ATS": true, "by e-mail": false} {
		t.Run(name, func(t *testing.T) {
			intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
				o.Inline = inline
				var log intakeLog
				p := &intakeProvider{}
				store := assessment.NewMemoryStore(0)
				in := intakeOf(t, p, store, intakeLogTo(&log))
				first := intakeAccepts(t, in, o)
				require.NoError(t, store.Erase(t.Context(), first.Ref))
				intakePass(time.Hour)
				if o.Ref.ID == "" {
					require.NotEqual(t, first.Ref, intakeAccepts(t, in, o).Ref)
					return
				}
				_, err := in.Start(t.Context(), o)
				intakeErased(t, err)
				require.Equal(t, 1, p.calls())
				require.Empty(t, log.String(), "whoever answers the delivery logs it")
			})
		})
	}
}

// intakeErased requires that nobody comes again, and that nobody is blamed.
func intakeErased(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, assessment.ErrErased)
	require.NotErrorIs(t, err, assessment.ErrFault)
	_, again := assessment.Retryable(err)
	require.False(t, again)
	var no *assessment.Rejection
	require.False(t, errors.As(err, &no))
}

// An erasure while the order is being started: the late answer is not stored.
func TestIntakeErasedWhileItStarts(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(4 * time.Second)}
		store := assessment.NewMemoryStore(0)
		in := intakeOf(t, p, store)
		first := intakeDeliver(t.Context(), in, o)
		synctest.Wait()
		joined := intakeDeliver(t.Context(), in, o)
		ref := p.refs()[0]
		require.NoError(t, store.Erase(t.Context(), ref))
		require.NoError(t, (<-first).err)
		reply := <-joined
		if o.Ref.ID == "" {
			require.NoError(t, reply.err)
			require.NotEqual(t, ref, reply.accepted.Ref)
			return
		}
		intakeErased(t, reply.err)
		intakePass(time.Hour)
		_, err := in.Start(t.Context(), o)
		intakeErased(t, err)
		require.Equal(t, 1, p.calls())
	})
}
