package assessment_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestIntakeDrain(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(25 * time.Second)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		began := time.Now()
		first := intakeDeliver(t.Context(), in, o)
		intakePass(5 * time.Second)
		drained := make(chan error, 2)
		for range 2 {
			go func() { drained <- in.Drain(t.Context()) }()
		}
		synctest.Wait()

		_, err := in.Start(t.Context(), intakeOrder("new"))
		intakeBusy(t, err, assessment.ErrDraining)
		intakeBusy(t, (<-first).err, assessment.ErrInProgress)
		intakePass(9 * time.Second)
		joined := intakeDeliver(t.Context(), in, o) // 19 s: in time for the answer

		require.NoError(t, <-drained)
		require.NoError(t, <-drained)
		require.Equal(t, 25*time.Second, time.Since(began), "late providers are waited for")
		require.NoError(t, (<-joined).err)
		require.Equal(t, 1, p.calls())
		_, err = in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrDraining)
	})
}

// A cancelled start cannot be joined any more, but it still runs.
func TestIntakeDrainWaitsForCancelledStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{start: intakeSlow(5 * time.Second)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		first := intakeDeliver(t.Context(), in, intakeMinted("a1"))
		synctest.Wait()
		require.NoError(t, in.Cancel(t.Context(), p.refs()[0]))
		began := time.Now()
		require.NoError(t, in.Drain(t.Context()))
		require.Equal(t, 5*time.Second, time.Since(began))
		<-first
	})
}

func TestIntakeDrainGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{start: intakeSlow(time.Minute)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		_ = intakeDeliver(t.Context(), in, intakeOrder("o1"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, in.Drain(ctx), context.DeadlineExceeded)
		require.Equal(t, 20*time.Second, time.Since(began))
		require.NoError(t, in.Drain(t.Context()))
	})
}

// There is nothing to wait for, so the context does not matter.
func TestIntakeDrainWithNothingRunning(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0))
		require.NoError(t, in.Drain(ctx))
		require.NoError(t, in.Drain(ctx))
	}
}

func TestIntakeDrainStillCancels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		require.NoError(t, in.Drain(t.Context()))
		require.NoError(t, in.Cancel(t.Context(), intakeOrder("o1").Ref))
		require.Len(t, p.cancelled(), 1)
	})
}
