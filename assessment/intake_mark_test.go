package assessment_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// A provider may come upon any error, also one that reads like the order's own
// fault or like a vendor's. The mark keeps handlers from taking it for that.
func TestIntakeFaultsAreMarked(t *testing.T) {
	fault := &assessment.ValidationError{Problems: []assessment.Problem{{Path: "report_url", Message: "required"}}}
	p := &intakeProvider{
		start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, fault
		},
		cancel: func(context.Context, assessment.OrderRef) error { return fault },
		list: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
			return nil, fault
		},
	}
	in := intakeOf(t, p, assessment.NewMemoryStore(0))
	_, startErr := in.Start(t.Context(), intakeOrder("o1"))
	_, packagesErr := in.Packages(t.Context(), assessment.PackageQuery{})
	for name, err := range map[string]error{
		"start":    startErr,
		"cancel":   in.Cancel(t.Context(), intakeOrder("o1").Ref),
		"packages": packagesErr,
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, err, assessment.ErrFault)
			require.ErrorIs(t, err, fault)
			_, again := assessment.Retryable(err)
			require.True(t, again)
		})
	}
	p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
		return assessment.Started{}, assessment.Reject("no")
	}
	_, err := in.Start(t.Context(), intakeOrder("o2"))
	require.NotErrorIs(t, err, assessment.ErrFault, "a rejection is no fault")
	inline := intakeOrder("o3")
	inline.Inline = true
	p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
		return assessment.Started{}, nil
	}
	_, err = in.Start(t.Context(), inline)
	require.ErrorIs(t, err, assessment.ErrFault, "no URL for an inline candidate is the provider's fault")
}

// The replica that runs a start learns of a cancel elsewhere when it renews its
// lease, and then sends nobody to wait for the cancelled order any more.
func TestIntakeCancelElsewhereIsNoticedByTheRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			if p.calls() == 1 {
				intakePass(2 * time.Minute)
			}
			return intakeStarted(o), nil
		}
		store := assessment.NewMemoryStore(0)
		here, there := intakeOf(t, p, store), intakeOf(t, p, store)
		o := intakeMinted("a1")
		first := intakeDeliver(t.Context(), here, o)
		synctest.Wait()
		old := p.refs()[0]
		require.NoError(t, there.Cancel(t.Context(), old))
		intakePass(assessment.DefaultLease/3 + time.Second)
		intakeBusy(t, (<-first).err, assessment.ErrInProgress)

		next := intakeAccepts(t, here, o)
		require.NotEqual(t, old, next.Ref)
		intakePass(2 * time.Minute) // the old provider answers
		require.Equal(t, next.Ref, intakeAccepts(t, here, o).Ref)
		require.Equal(t, 2, p.calls())
	})
}

// A replica that stalled and lost its claim must not free, with its rejection,
// what the replica that took over has answered.
func TestIntakeRejectionAfterATakeOverFreesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		store := assessment.NewMemoryStore(0)
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			if p.calls() > 1 {
				return intakeStarted(o), nil
			}
			intakePass(3 * time.Minute)
			return assessment.Started{}, assessment.Reject("too late")
		}
		// The first replica's renewals fail, as if it were cut off from the store.
		up := make(chan struct{})
		claims := 0
		cutOff := &intakeStore{Store: store, fail: func(method string) error {
			select {
			case <-up:
				return nil
			default:
			}
			if claims++; method == "Claim" && claims > 1 {
				return errIntakeDown
			}
			return nil
		}}
		stalled, other := intakeOf(t, p, cutOff), intakeOf(t, p, store)
		o := intakeMinted("a1")
		first := intakeDeliver(t.Context(), stalled, o)
		intakePass(assessment.DefaultLease + time.Second)
		taken := intakeAccepts(t, other, o)
		close(up)
		require.Error(t, (<-first).err)
		intakePass(3 * time.Minute)
		synctest.Wait()

		again := intakeAccepts(t, other, o)
		require.Equal(t, taken.Ref, again.Ref)
		require.True(t, again.Replayed)
		require.Equal(t, 2, p.calls())
	})
}
