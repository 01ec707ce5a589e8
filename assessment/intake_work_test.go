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

func TestIntakeWorkAccepted(t *testing.T) {
	p, published := &intakeProvider{}, &intakePublisher{vendor: assessment.Kombo}
	in := intakeOf(t, p, assessment.NewMemoryStore(0))
	for range 2 { // a queue delivers at least once
		require.NoError(t, in.Work(t.Context(), intakeOrder("o1"), published))
	}
	require.Equal(t, 1, p.calls())
	require.Empty(t, published.got)
}

// The vendor was answered long ago, so that a no has to be written.
func TestIntakeWorkRejected(t *testing.T) {
	for name, refusal := range map[string]error{
		"rejected": assessment.Reject("No licences left"), "already running": assessment.AlreadyRunning("No licences left"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
					return assessment.Started{}, refusal
				}}
				published := &intakePublisher{vendor: assessment.Kombo}
				in := intakeOf(t, p, assessment.NewMemoryStore(0))
				require.NoError(t, in.Work(t.Context(), intakeOrder("o1"), published))
				require.Equal(t, []assessment.OrderRef{intakeOrder("o1").Ref}, published.got)
				require.Equal(t, []assessment.Result{{
					Status: assessment.StatusCancelled, Reason: "No licences left", At: time.Now().UTC(), CompletedAt: time.Now().UTC(),
				}}, published.results)
			})
		})
	}
}

// The job is done again until the no has arrived, and the provider has said it
// once.
func TestIntakeWorkPublishesAgain(t *testing.T) {
	p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
		return assessment.Started{}, assessment.Reject("No licences left")
	}}
	down := &assessment.APIError{Vendor: assessment.Kombo, StatusCode: 503, RetryAfter: time.Minute}
	answer := error(down)
	published := &intakePublisher{vendor: assessment.Kombo, publish: func() (assessment.Receipt, error) {
		return assessment.Receipt{}, answer
	}}
	in := intakeOf(t, p, assessment.NewMemoryStore(0))
	for range 2 {
		err := in.Work(t.Context(), intakeOrder("o1"), published)
		require.ErrorIs(t, err, assessment.ErrUnavailable)
		after, again := assessment.Retryable(err)
		require.True(t, again)
		require.Equal(t, time.Minute, after)
		var no *assessment.Rejection
		require.False(t, errors.As(err, &no), "what failed is the call")
	}
	answer = nil
	require.NoError(t, in.Work(t.Context(), intakeOrder("o1"), published))
	require.Equal(t, 1, p.calls())
	require.Len(t, published.results, 3)
	for _, r := range published.results {
		require.Equal(t, "No licences left", r.Reason)
	}
}

func TestIntakeWorkLater(t *testing.T) {
	database := errors.New("database down")
	faulty := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
		return assessment.Started{}, database
	}}
	for name, tc := range map[string]struct {
		provider *intakeProvider
		store    assessment.Store
		drained  bool
		want     error
	}{
		"fault":      {provider: faulty, want: assessment.ErrFault},
		"store down": {provider: &intakeProvider{}, store: intakeFailing(assessment.NewMemoryStore(0), nil, "Claim"), want: assessment.ErrStore},
		"draining":   {provider: &intakeProvider{}, drained: true, want: assessment.ErrDraining},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.store == nil {
				tc.store = assessment.NewMemoryStore(0)
			}
			in := intakeOf(t, tc.provider, tc.store)
			if tc.drained {
				require.NoError(t, in.Drain(t.Context()))
			}
			published := &intakePublisher{vendor: assessment.Kombo}
			err := in.Work(t.Context(), intakeOrder("o1"), published)
			require.ErrorIs(t, err, tc.want)
			if tc.want == assessment.ErrFault {
				require.ErrorIs(t, err, database)
			}
			_, again := assessment.Retryable(err)
			require.True(t, again)
			require.Empty(t, published.got, "the candidate may yet get the test")
		})
	}
}

// Of an order whose id the intake mints nobody knows the id of the one that was
// rejected, so there is nothing to publish.
func TestIntakeWorkOfAMintedOrder(t *testing.T) {
	p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
		return assessment.Started{}, assessment.Reject("No licences left")
	}}
	published := &intakePublisher{vendor: assessment.Ashby}
	err := intakeOf(t, p, assessment.NewMemoryStore(0)).Work(t.Context(), intakeMinted("a1"), published)
	var no *assessment.Rejection
	require.ErrorAs(t, err, &no)
	require.Empty(t, published.got)
}
