package assessment_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// The deadline passes while the provider runs on: a temporary refusal now, one
// call in all, and the late answer for the next delivery.
func TestIntakeLateAnswer(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(25 * time.Second)}
		store := assessment.NewMemoryStore(0)
		here, there := intakeOf(t, p, store), intakeOf(t, p, store)
		for _, in := range []*assessment.Intake{here, there} {
			began := time.Now()
			_, err := in.Start(t.Context(), o)
			intakeBusy(t, err, assessment.ErrInProgress)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, assessment.DefaultDeadline, time.Since(began))
		}
		intakePass(6 * time.Second)
		got := intakeAccepts(t, here, o)
		require.True(t, got.Replayed)
		require.Equal(t, intakeBytes(t, got), intakeBytes(t, intakeAccepts(t, there, o)))
		require.Equal(t, p.refs(), []assessment.OrderRef{got.Ref})
	})
}

// A provider that runs for many leases keeps its claim: nobody takes over.
func TestIntakeLeaseIsRenewedWhileTheProviderRuns(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(3*time.Minute + 30*time.Second)}
		store := assessment.NewMemoryStore(0)
		here, there := intakeOf(t, p, store), intakeOf(t, p, store)
		_, err := here.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrInProgress)
		for range 19 {
			_, err := there.Start(t.Context(), o)
			intakeBusy(t, err, assessment.ErrInProgress)
		}
		intakePass(11 * time.Second)
		require.True(t, intakeAccepts(t, there, o).Replayed)
		require.Equal(t, 1, p.calls())
	})
}

// Lateness never is a rejection, and a late rejection is not lost.
func TestIntakeLateRejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			intakePass(15 * time.Second)
			return assessment.Started{}, assessment.Reject("No.")
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		_, err := in.Start(t.Context(), intakeOrder("o1"))
		intakeBusy(t, err, assessment.ErrInProgress)
		_, err = in.Start(t.Context(), intakeOrder("o1"))
		intakeRejected(t, err, assessment.Rejection{Message: "No."})
		_, err = in.Start(t.Context(), intakeOrder("o1"))
		intakeRejected(t, err, assessment.Rejection{Message: "No."})
		require.Equal(t, 1, p.calls())
	})
}

func TestIntakeLateFaultEndsTheLease(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			if p.calls() == 1 {
				intakePass(30 * time.Second)
				return assessment.Started{}, errors.New("mail server is down")
			}
			return intakeStarted(o), nil
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrInProgress)
		intakePass(20*time.Second + time.Millisecond)
		began := time.Now()
		got := intakeAccepts(t, in, o)
		require.Zero(t, time.Since(began), "the next delivery need not wait for the lease")
		require.False(t, got.Replayed)
		require.Equal(t, []assessment.OrderRef{got.Ref, got.Ref}, p.refs())
	})
}

// A provider that obeys its context does not call the order rejected.
func TestIntakeProviderGivesUpAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(ctx context.Context, _ assessment.Order) (assessment.Started, error) {
			<-ctx.Done()
			return assessment.Started{}, ctx.Err()
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		_, err := in.Start(t.Context(), intakeOrder("o1"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var no *assessment.Rejection
		require.False(t, errors.As(err, &no))
		synctest.Wait()
		p.start = nil
		intakeAccepts(t, in, intakeOrder("o1"))
		require.Equal(t, 2, p.calls())
	})
}

// Each delivery has a deadline of its own, whoever it waits for.
func TestIntakeJoinerHasItsOwnDeadline(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(15 * time.Second)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		first := intakeDeliver(t.Context(), in, o)
		intakePass(8 * time.Second)
		second := intakeDeliver(t.Context(), in, o)
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := in.Start(hasty, o)
		intakeBusy(t, err, assessment.ErrInProgress)
		intakeBusy(t, (<-first).err, assessment.ErrInProgress)
		reply := <-second
		require.NoError(t, reply.err)
		require.Equal(t, 7*time.Second, reply.took)
		require.Equal(t, 1, p.calls())
	})
}

// The leader gives up waiting for another replica; a joiner that has time left
// goes on and gets the answer.
func TestIntakeJoinerOutlivesItsLeader(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(15 * time.Second)}
		store := assessment.NewMemoryStore(0)
		here, there := intakeOf(t, p, store), intakeOf(t, p, store)
		_ = intakeDeliver(t.Context(), there, o)
		synctest.Wait()
		first := intakeDeliver(t.Context(), here, o)
		intakePass(8 * time.Second)
		second := intakeDeliver(t.Context(), here, o)
		intakeBusy(t, (<-first).err, assessment.ErrInProgress)
		reply := <-second
		require.NoError(t, reply.err)
		require.True(t, reply.accepted.Replayed)
		require.LessOrEqual(t, reply.took, 8*time.Second)
		require.Equal(t, 1, p.calls())
	})
}

func TestIntakeInlineDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{start: intakeSlow(20 * time.Second)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		o := intakeOrder("o1")
		o.Inline = true
		began := time.Now()
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrInProgress)
		require.Equal(t, assessment.DefaultInlineDeadline, time.Since(began))
		intakeAccepts(t, in, o)
		require.Equal(t, 1, p.calls())
	})
}
