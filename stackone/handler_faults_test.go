package stackone_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		status int
	}{
		"error":                {errors.New("database down"), 500},
		"error of another API": {&assessment.APIError{StatusCode: 422, Class: assessment.ErrInvalid}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, written))
			h := newHost(t, rejecting(tc.err), func(c *stackone.WebhookConfig) { c.Publisher = newClient(t, server, behind("")) })
			for range 2 {
				w := h.post(orderBody(t))
				require.Equal(t, tc.status, w.Code)
				require.NotContains(t, w.Body.String(), "database")
				require.Equal(t, assessment.DeliveryFault, h.last().Outcome)
			}
			require.Equal(t, 2, h.provider.calls(), "a fault is not an answer")
			require.Empty(t, server.seen, "and never a rejection")
		})
	}
	t.Run("slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
				wait(time.Minute) // deaf to its context
				return assessment.Started{}, nil
			}})
			w := h.post(orderBody(t))
			require.Equal(t, 503, w.Code)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
			wait(time.Minute)
			require.Equal(t, 200, h.post(orderBody(t)).Code)
			require.Equal(t, 1, h.provider.calls())
		})
	})
	t.Run("draining", func(t *testing.T) {
		h := newHost(t, &provider{})
		require.NoError(t, h.intake.Drain(t.Context()))
		require.Equal(t, 503, h.post(orderBody(t)).Code)
	})
}

// Every verified order is in the queue once the 200 went out, however the
// provider is.
func TestQueue(t *testing.T) {
	queued := make(map[assessment.OrderRef]assessment.Order)
	full := true
	h := newHost(t, rejecting(errors.New("down")), func(c *stackone.WebhookConfig) {
		c.Queue = func(_ context.Context, o assessment.Order) error {
			if full {
				return errors.New("disk full")
			}
			queued[o.Ref] = o
			return nil
		}
	})
	w := h.post(orderBody(t))
	require.Equal(t, 503, w.Code)
	require.NotContains(t, w.Body.String(), "disk")
	full = false
	for range 2 {
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, assessment.DeliveryQueued, h.last().Outcome)
	}
	require.Len(t, queued, 1)
	require.Zero(t, h.provider.calls())
}
