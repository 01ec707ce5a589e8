package kombo_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// failingStore is a store that is down.
type failingStore struct{ assessment.Store }

func (failingStore) Claim(context.Context, assessment.Claim, time.Duration) (assessment.Claim, error) {
	return assessment.Claim{}, errors.New("connection refused")
}

func TestFaults(t *testing.T) {
	var typedNil *assessment.Rejection
	for name, tc := range map[string]struct {
		start  func(context.Context, assessment.Order) (assessment.Started, error)
		store  assessment.Store
		status int
		retry  bool
		calls  int
	}{
		"error": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, errors.New("database down")
		}, status: 500, calls: 2},
		"error that looks like a rejection to the vendor": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, &assessment.APIError{StatusCode: 422, Class: assessment.ErrInvalid}
		}, status: 500, calls: 2},
		"typed nil rejection": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, typedNil
		}, status: 500, calls: 2},
		"panic": {start: func(context.Context, assessment.Order) (assessment.Started, error) {
			panic(marker)
		}, status: 500, calls: 2},
		"store down": {store: failingStore{}, status: 503, retry: true},
		"store full": {store: fullStore(t), status: 503, retry: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{start: tc.start}, options{store: tc.store})
			for range 2 {
				w := h.post(orderBody(t))
				require.Equal(t, tc.status, w.Code)
				require.Equal(t, tc.retry, w.Header().Get("Retry-After") != "")
				require.NotContains(t, w.Body.String(), marker)
				require.NotContains(t, w.Body.String(), "database")
			}
			require.Equal(t, tc.calls, h.provider.calls())
			require.Len(t, h.deliveries, 2)
			require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
			require.Error(t, h.deliveries[0].Err)
			require.NotContains(t, h.log.String(), marker)
		})
	}
}

func fullStore(t testing.TB) assessment.Store {
	t.Helper()
	store := assessment.NewMemoryStore(1)
	_, err := store.Claim(t.Context(), assessment.Claim{Key: "k", Ref: assessment.OrderRef{ID: "x"}, Token: "t"}, time.Hour)
	require.NoError(t, err)
	return store
}

func TestDrainingAnswersLater(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	require.NoError(t, h.intake.Drain(t.Context()))
	w := h.post(orderBody(t))
	require.Equal(t, 503, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.Zero(t, h.provider.calls())
}

// Kombo's ATSs give up after 15 to 30 seconds; who answers later than that is
// answered for at the next delivery.
func TestSlowProvider(t *testing.T) {
	for name, tc := range map[string]struct {
		body     []byte
		deadline time.Duration
	}{
		"order":  {orderBody(t), assessment.DefaultDeadline},
		"inline": {inlineBody(t), assessment.DefaultInlineDeadline},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
					<-time.After(time.Minute) // deaf to its context
					return assessment.Started{CandidateURL: "https://app.acme.com/late"}, nil
				}}, options{})
				began := time.Now()
				w := h.post(tc.body)
				require.Equal(t, 503, w.Code)
				require.NotEmpty(t, w.Header().Get("Retry-After"))
				require.Equal(t, tc.deadline, time.Since(began))
				require.Less(t, tc.deadline, 15*time.Second)
				require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
				require.Equal(t, tc.deadline, h.deliveries[0].Duration)

				w = h.post(tc.body) // while it is still running
				require.Equal(t, 503, w.Code)
				<-time.After(time.Minute)
				w = h.post(tc.body)
				require.Equal(t, 200, w.Code)
				require.Equal(t, assessment.DeliveryReplayed, h.deliveries[2].Outcome)
				require.Equal(t, 1, h.provider.calls())
			})
		})
	}
}

func TestSenderHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{start: func(ctx context.Context, _ assessment.Order) (assessment.Started, error) {
			select {
			case <-time.After(5 * time.Second):
				return assessment.Started{}, nil
			case <-ctx.Done():
				return assessment.Started{}, ctx.Err()
			}
		}}, options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := h.post(orderBody(t), func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, 503, w.Code)
		<-time.After(5 * time.Second)
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, 1, h.provider.calls())
	})
}
