package assessment_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestIntakeReplaysTheAnswer(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			s := intakeStarted(o)
			s.Update.At = time.Now().In(time.FixedZone("CET", 3600))
			s.Update.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`{ "b": 1,  "a": "<ü>" }`)}
			s.Update.Attributes = []assessment.Attribute{{Label: "Rank", Value: assessment.Number(0)}}
			intakePass(1234567 * time.Nanosecond) // the time of the answer is kept to the millisecond
			return s, nil
		}
		store := assessment.NewMemoryStore(0)
		replicas := []*assessment.Intake{intakeOf(t, p, store), intakeOf(t, p, store)}
		first := intakeAccepts(t, replicas[0], o)
		require.False(t, first.Replayed)
		for i := range 4 {
			intakePass(48 * time.Hour)
			again := intakeAccepts(t, replicas[i%2], o)
			require.True(t, again.Replayed)
			require.Equal(t, intakeBytes(t, first), intakeBytes(t, again))
			require.Empty(t, cmp.Diff(first.Started, again.Started))
		}
		require.Equal(t, 1, p.calls())
	})
}

func TestIntakeReplaysARejection(t *testing.T) {
	tests := map[string]struct {
		says error
		want assessment.Rejection
	}{
		"reject":          {assessment.Reject("Package p1 is not in your plan."), assessment.Rejection{Message: "Package p1 is not in your plan."}},
		"already running": {assessment.AlreadyRunning("Jane takes it now."), assessment.Rejection{Message: "Jane takes it now.", AlreadyRunning: true}},
		"wrapped":         {errors.Join(errors.New("inner"), assessment.Reject("No.")), assessment.Rejection{Message: "No."}},
		"no message":      {&assessment.Rejection{}, assessment.Rejection{Message: "The order was rejected."}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &intakeProvider{}
				p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
					return assessment.Started{}, test.says
				}
				store := assessment.NewMemoryStore(0)
				replicas := []*assessment.Intake{intakeOf(t, p, store), intakeOf(t, p, store)}
				for i := range 4 {
					got, err := replicas[i%2].Start(t.Context(), intakeOrder("o1"))
					intakeRejected(t, err, test.want)
					require.Zero(t, got)
					intakePass(time.Hour)
				}
				require.Equal(t, 1, p.calls())
			})
		})
	}
}

func intakeRejected(t *testing.T, err error, want assessment.Rejection) {
	t.Helper()
	var no *assessment.Rejection
	require.ErrorAs(t, err, &no)
	require.Equal(t, want.Message, no.Message)
	require.Equal(t, want.AlreadyRunning, no.AlreadyRunning)
	_, retry := assessment.Retryable(err)
	require.False(t, retry)
}

// Deliveries that come while the order is being started get its answer as soon
// as there is one.
func TestIntakeJoinsARunningStart(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(4500 * time.Millisecond)}
		store := assessment.NewMemoryStore(0)
		here, there := intakeOf(t, p, store), intakeOf(t, p, store)
		first := intakeDeliver(t.Context(), here, o)
		intakePass(time.Second)
		second := intakeDeliver(t.Context(), here, o)
		third := intakeDeliver(t.Context(), there, o)

		one, two, three := <-first, <-second, <-third
		for _, r := range []intakeReply{one, two, three} {
			require.NoError(t, r.err)
			require.Equal(t, intakeBytes(t, one.accepted), intakeBytes(t, r.accepted))
		}
		require.False(t, one.accepted.Replayed)
		require.True(t, two.accepted.Replayed)
		require.True(t, three.accepted.Replayed)
		require.Equal(t, 1, p.calls())
		require.Equal(t, 3500*time.Millisecond, two.took, "in process there is nothing to wait for but the answer")
		require.LessOrEqual(t, three.took, 4500*time.Millisecond, "across replicas the store is asked every second at least")
	})
}

// What one sender's handler does to its answer is nothing to the others.
func TestIntakeAnswersAreNotShared(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeSlow(time.Second)}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		one, two := intakeDeliver(t.Context(), in, o), intakeDeliver(t.Context(), in, o)
		first, second := <-one, <-two
		require.NoError(t, first.err)
		require.NoError(t, second.err)
		before := intakeBytes(t, second.accepted)
		first.accepted.Started.Update.Status = assessment.StatusCancelled
		*first.accepted.Started.Update.Score.Max = 7
		require.Equal(t, before, intakeBytes(t, second.accepted))
		require.Equal(t, before, intakeBytes(t, intakeAccepts(t, in, o)))
	})
}

func TestIntakeJoinersGetTheRejection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			intakePass(2 * time.Second)
			return assessment.Started{}, assessment.Reject("No.")
		}
		store := assessment.NewMemoryStore(0)
		here, there := intakeOf(t, p, store), intakeOf(t, p, store)
		replies := []<-chan intakeReply{
			intakeDeliver(t.Context(), here, intakeOrder("o1")),
			intakeDeliver(t.Context(), here, intakeOrder("o1")),
			intakeDeliver(t.Context(), there, intakeOrder("o1")),
		}
		for _, r := range replies {
			intakeRejected(t, (<-r).err, assessment.Rejection{Message: "No."})
		}
		require.Equal(t, 1, p.calls())
	})
}

// The replica that runs the order fails; the one that waits starts it.
func TestIntakeWaiterElsewhereStartsAfterAFault(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		broken := &intakeProvider{}
		broken.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			intakePass(2 * time.Second)
			return assessment.Started{}, errors.New("database is down")
		}
		p := &intakeProvider{}
		store := assessment.NewMemoryStore(0)
		first := intakeDeliver(t.Context(), intakeOf(t, broken, store), o)
		synctest.Wait()
		second := intakeDeliver(t.Context(), intakeOf(t, p, store), o)
		require.Error(t, (<-first).err)
		reply := <-second
		require.NoError(t, reply.err)
		require.Equal(t, broken.refs(), p.refs(), "the reference stays")
	})
}

func TestIntakePackages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p intakeProvider
		in := intakeOf(t, &p, assessment.NewMemoryStore(0))
		q := assessment.PackageQuery{Vendor: assessment.Ashby, Account: "acme"}
		var asked assessment.PackageQuery
		p.list = func(_ context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
			asked = q
			return []assessment.Package{{ID: "p1"}}, nil
		}
		got, err := in.Packages(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, q, asked)
		require.Equal(t, []assessment.Package{{ID: "p1"}}, got)

		p.list = func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
			intakePass(20 * time.Second)
			return nil, nil
		}
		began := time.Now()
		_, err = in.Packages(t.Context(), q)
		intakeBusy(t, err, assessment.ErrInProgress)
		require.Equal(t, assessment.DefaultDeadline, time.Since(began))

		intakePass(time.Minute)
		synctest.Wait()
		p.list = func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { panic("boom") }
		_, err = in.Packages(t.Context(), q)
		require.Error(t, err)
	})
}
