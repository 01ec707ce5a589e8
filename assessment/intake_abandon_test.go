package assessment_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
)

// A provider that does not return keeps its order for ten minutes and no longer.
// The next delivery starts it beside the stuck call, with the same reference.
func TestIntakeAbandonsAStuckStart(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		var log intakeLog
		var calls []assessment.ProviderCall
		stuck := make(chan struct{})
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			if p.calls() == 1 {
				<-stuck
				return assessment.Started{CandidateURL: "https://late.example.com"}, nil
			}
			return intakeStarted(o), nil
		}
		store := assessment.NewMemoryStore(0)
		in := intakeOf(t, p, store, intakeLogTo(&log), func(c *assessment.IntakeConfig) {
			c.Observer.Provider = func(_ context.Context, call assessment.ProviderCall) { calls = append(calls, call) }
		})
		there := intakeOf(t, p, store)
		began := time.Now()
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrInProgress)
		intakePass(assessment.DefaultAbandonAfter - time.Since(began) - time.Second)
		for _, replica := range []*assessment.Intake{in, there} {
			hasty, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			_, err = replica.Start(hasty, o)
			cancel()
			intakeBusy(t, err, assessment.ErrInProgress)
		}
		require.Equal(t, 1, p.calls())
		require.Empty(t, log.String())

		intakePass(time.Second)
		synctest.Wait()
		require.Contains(t, log.String(), "abandoned")
		ref := p.refs()[0]
		require.Equal(t, []assessment.ProviderCall{{
			Operation: "start", Order: ref, Duration: assessment.DefaultAbandonAfter, Late: true, Abandoned: true,
		}}, calls)
		got := intakeAccepts(t, in, o)
		require.False(t, got.Replayed)
		require.Equal(t, []assessment.OrderRef{ref, ref}, p.refs())

		drained, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, in.Drain(drained), context.DeadlineExceeded, "the stuck call counts")
		close(stuck)
		require.NoError(t, in.Drain(t.Context()))
		require.Len(t, calls, 3, "it is reported again when it returns")
		require.Equal(t, intakeBytes(t, got), intakeBytes(t, intakeAccepts(t, there, o)), "the late answer is not the record's")
	})
}

// If nobody came meanwhile, a late answer is the answer.
func TestIntakeAbandonedStartAnswersAfterAll(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(time.Hour)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrInProgress)
		intakePass(time.Hour)
		require.True(t, intakeAccepts(t, in, o).Replayed)
		require.Equal(t, 1, p.calls())
	})
}

func TestIntakeAbandonAfterIsConfigured(t *testing.T) {
	of := func(c assessment.IntakeConfig) error {
		c.Provider, c.Store = &intakeProvider{}, assessment.NewMemoryStore(0)
		_, err := assessment.NewIntake(c)
		return err
	}
	require.Error(t, of(assessment.IntakeConfig{AbandonAfter: -1}))
	require.Error(t, of(assessment.IntakeConfig{AbandonAfter: assessment.DefaultInlineDeadline - 1}), "a sender may still be waiting")
	require.NoError(t, of(assessment.IntakeConfig{AbandonAfter: assessment.DefaultInlineDeadline}))
	require.NoError(t, of(assessment.IntakeConfig{Deadline: time.Hour, Lease: 2 * time.Hour}), "the default is no less than the deadline")

	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{start: intakeSlow(time.Hour)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) { c.AbandonAfter = 15 * time.Second })
		for range 2 {
			_, err := in.Start(t.Context(), intakeOrder("o1"))
			intakeBusy(t, err, assessment.ErrInProgress)
			intakePass(6 * time.Second)
		}
		require.Equal(t, 2, p.calls())
		intakePass(2 * time.Hour)
	})
}

// Stuck calls use up what may run, and no more than that.
func TestIntakeMaxRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		p := &intakeProvider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			<-stuck
			return intakeStarted(o), nil
		}}
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) { c.MaxRunning = 2 })
		first := intakeDeliver(t.Context(), in, intakeOrder("o1"))
		second := intakeDeliver(t.Context(), in, intakeOrder("o2"))
		synctest.Wait()
		began := time.Now()
		_, err := in.Start(t.Context(), intakeOrder("o3"))
		intakeBusy(t, err, assessment.ErrBusy)
		require.Zero(t, time.Since(began))
		joined := intakeDeliver(t.Context(), in, intakeOrder("o1"))
		intakePass(2 * assessment.DefaultAbandonAfter)
		for _, reply := range []<-chan intakeReply{first, second, joined} {
			intakeBusy(t, (<-reply).err, assessment.ErrInProgress)
		}
		_, err = in.Start(t.Context(), intakeOrder("o1"))
		intakeBusy(t, err, assessment.ErrBusy) // abandoned, but still there
		require.Equal(t, 2, p.calls())
		close(stuck)
		synctest.Wait()
		intakeAccepts(t, in, intakeOrder("o3"))
	})
}

func TestIntakeWithoutMaxRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{start: intakeSlow(time.Second)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0), func(c *assessment.IntakeConfig) { c.MaxRunning = -1 })
		one, two := intakeDeliver(t.Context(), in, intakeOrder("o1")), intakeDeliver(t.Context(), in, intakeOrder("o2"))
		require.NoError(t, (<-one).err)
		require.NoError(t, (<-two).err)
	})
}

// A thousand starts at the same time cost a goroutine each while they run, and
// nothing afterwards.
func TestIntakeGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const starts = 1000
		p := &intakeProvider{start: intakeSlow(2 * time.Second)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		before := runtime.NumGoroutine()
		replies := make([]<-chan intakeReply, starts)
		for i := range replies {
			o := intakeOrder(string(rune('a'+i%26)) + time.Duration(i).String())
			replies[i] = intakeDeliver(t.Context(), in, o)
		}
		intakePass(time.Second)
		require.Zero(t, vendortest.GoroutinesAbove(before+2*starts), "the sender's and the provider's")
		for _, reply := range replies {
			require.NoError(t, (<-reply).err)
		}
		synctest.Wait()
		require.Zero(t, vendortest.GoroutinesAbove(before))
		require.Equal(t, starts, p.calls())
	})
}
