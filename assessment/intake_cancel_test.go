package assessment_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestIntakeCancel(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		first := intakeAccepts(t, in, o)
		for range 3 { // repeated cancels converge
			require.NoError(t, in.Cancel(t.Context(), first.Ref))
		}
		require.Equal(t, []assessment.OrderRef{first.Ref, first.Ref, first.Ref}, p.cancelled())

		second := intakeAccepts(t, in, o)
		minted := o.Ref.ID == ""
		require.Equal(t, minted, second.Ref != first.Ref, "only an order without a vendor's id can be ordered again")
		require.Equal(t, minted, !second.Replayed)
	})
}

func TestIntakeCancelOfAnUnknownOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		ref := intakeMinted("").Ref
		ref.ID = "never seen"
		require.NoError(t, in.Cancel(t.Context(), ref))
		require.Equal(t, []assessment.OrderRef{ref}, p.cancelled())
	})
}

// A cancel ends what runs, wherever it is asked: the next Start is a new order,
// and the old provider's late answer does not come back as its answer.
func TestIntakeCancelWhileTheOrderStarts(t *testing.T) {
	for name, place := range map[string]struct{ cancel, start int }{
		"all in one process":                    {0, 0},
		"cancelled elsewhere":                   {1, 0},
		"ordered again elsewhere":               {0, 1},
		"cancelled and ordered again elsewhere": {1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &intakeProvider{}
				p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
					if p.calls() == 1 {
						intakePass(6 * time.Second)
					}
					return intakeStarted(o), nil
				}
				store := assessment.NewMemoryStore(0)
				replicas := []*assessment.Intake{intakeOf(t, p, store), intakeOf(t, p, store)}
				o := intakeMinted("a1")
				first := intakeDeliver(t.Context(), replicas[0], o)
				intakePass(time.Second)
				old := p.refs()[0]
				require.NoError(t, replicas[place.cancel].Cancel(t.Context(), old))

				got := intakeAccepts(t, replicas[place.start], o)
				require.NotEqual(t, old, got.Ref)
				require.False(t, got.Replayed)
				require.Equal(t, intakeStarted(assessment.Order{Ref: got.Ref}), got.Started)
				<-first
				intakePass(time.Minute)
				for _, in := range replicas {
					require.Equal(t, intakeBytes(t, got), intakeBytes(t, intakeAccepts(t, in, o)))
				}
				require.Equal(t, []assessment.OrderRef{old, got.Ref}, p.refs())
			})
		})
	}
}

// The cancelled provider runs on and on, and the new order fails at first. The
// old start must not get hold of the new one's record: the order would be
// answered with the old links, and never be started.
func TestIntakeCancelledStartDoesNotTakeTheNewOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			switch p.calls() {
			case 1:
				intakePass(50 * time.Second)
			case 2:
				return assessment.Started{}, errors.New("database is down")
			}
			return intakeStarted(o), nil
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		o := intakeMinted("a1")
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrInProgress)
		old := p.refs()[0]
		require.NoError(t, in.Cancel(t.Context(), old))
		_, err = in.Start(t.Context(), o)
		require.Error(t, err)

		intakePass(2 * time.Minute) // the old start renewed, ended and answered
		got := intakeAccepts(t, in, o)
		require.False(t, got.Replayed)
		require.Equal(t, intakeStarted(assessment.Order{Ref: got.Ref}), got.Started)
		require.Equal(t, []assessment.OrderRef{old, got.Ref, got.Ref}, p.refs())
	})
}

// The end of a cancelled start does not concern the new one: who joins it then
// still gets its answer as soon as it is there.
func TestIntakeNewOrderOutlivesTheCancelledOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			intakePass([]time.Duration{3 * time.Second, 4567 * time.Millisecond}[p.calls()-1])
			return intakeStarted(o), nil
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		o := intakeMinted("a1")
		first := intakeDeliver(t.Context(), in, o)
		intakePass(time.Second)
		require.NoError(t, in.Cancel(t.Context(), p.refs()[0]))
		second := intakeDeliver(t.Context(), in, o)
		<-first
		intakePass(time.Second)
		third := <-intakeDeliver(t.Context(), in, o)
		require.NoError(t, third.err)
		require.Equal(t, 1567*time.Millisecond, third.took)
		require.Equal(t, intakeBytes(t, (<-second).accepted), intakeBytes(t, third.accepted))
		require.Equal(t, 2, p.calls())
	})
}

// The cancel of one order is nothing to another that is being started.
func TestIntakeCancelOfAnotherOrder(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(4567 * time.Millisecond)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		first := intakeDeliver(t.Context(), in, o)
		synctest.Wait()
		other := p.refs()[0]
		other.Vendor, other.Account = assessment.Ashby, "other"
		require.NoError(t, in.Cancel(t.Context(), other))
		second := <-intakeDeliver(t.Context(), in, o)
		require.NoError(t, second.err)
		require.Equal(t, 4567*time.Millisecond, second.took)
		require.Equal(t, intakeBytes(t, (<-first).accepted), intakeBytes(t, second.accepted))
		require.Equal(t, 1, p.calls())
	})
}

// If the record cannot be deleted, the provider must not stop the test: the
// next Start would be answered with it.
func TestIntakeCancelWhileTheStoreIsDown(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		up := make(chan struct{})
		in := intakeOf(t, p, intakeFailing(assessment.NewMemoryStore(0), up, "Forget"))
		got := intakeAccepts(t, in, o)
		intakeBusy(t, in.Cancel(t.Context(), got.Ref), assessment.ErrStore)
		require.Empty(t, p.cancelled())
		close(up)
		require.NoError(t, in.Cancel(t.Context(), got.Ref))
		require.Len(t, p.cancelled(), 1)
	})
}

func TestIntakeCancelFails(t *testing.T) {
	fault := errors.New("database is down")
	tests := map[string]struct {
		cancel func(context.Context, assessment.OrderRef) error
		want   error
		took   time.Duration
	}{
		"fault":  {func(context.Context, assessment.OrderRef) error { return fault }, fault, 0},
		"panic":  {func(context.Context, assessment.OrderRef) error { panic(intakeSecret) }, nil, 0},
		"goexit": {func(context.Context, assessment.OrderRef) error { runtime.Goexit(); return nil }, nil, 0},
		"slow": {func(context.Context, assessment.OrderRef) error { intakePass(time.Minute); return nil },
			assessment.ErrInProgress, assessment.DefaultDeadline},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log intakeLog
				p := &intakeProvider{cancel: test.cancel}
				in := intakeOf(t, p, assessment.NewMemoryStore(0), intakeLogTo(&log))
				o := intakeMinted("a1")
				first := intakeAccepts(t, in, o)
				began := time.Now()
				err := in.Cancel(t.Context(), first.Ref)
				require.Error(t, err)
				if test.want != nil {
					require.ErrorIs(t, err, test.want)
				}
				require.Equal(t, test.took, time.Since(began))
				require.NotContains(t, err.Error(), intakeSecret)
				require.NotContains(t, log.String(), intakeSecret)
				require.NotEqual(t, first.Ref, intakeAccepts(t, in, o).Ref, "freed all the same")
				intakePass(time.Minute)
			})
		})
	}
}

// A sender that hangs up must not leave a test running that it thinks is
// cancelled.
func TestIntakeCancelSenderHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.cancel = func(ctx context.Context, _ assessment.OrderRef) error {
			intakePass(time.Second)
			return ctx.Err()
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		ctx, hangUp := context.WithCancel(context.WithValue(t.Context(), intakeKey{}, 1))
		hangUp()
		require.NoError(t, in.Cancel(ctx, intakeOrder("o1").Ref))
	})
}
