package stackone_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestOrderRejected(t *testing.T) {
	rejected := func() *provider { return rejecting(assessment.Reject("We do not offer this test any more.")) }
	t.Run("the cancelled result is written once", func(t *testing.T) {
		server := stackonetest.Start(t) // Greenhouse takes one
		client, err := stackone.New(stackone.Config{APIKey: stackonetest.DefaultAPIKey, HTTPClient: server.Client()})
		require.NoError(t, err)
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = client })
		server.Target(h.handler)
		id, delivery, err := server.PlaceOrder(t.Context(), stackonetest.OrderSpec{}, stackonetest.Duplicate(2))
		require.NoError(t, err)
		require.Equal(t, 200, delivery.Status)
		order, _ := server.Order(stackonetest.DefaultAccount, id)
		require.Len(t, order.Results, 1)
		require.Equal(t, "cancelled", order.State.Result.Value)
		require.Equal(t, "We do not offer this test any more.", order.State.Summary)
		require.NotEmpty(t, order.State.SubmissionDate)
		for _, d := range h.deliveries {
			require.Equal(t, assessment.DeliveryRejected, d.Outcome)
			require.NoError(t, d.Err)
		}
		require.Equal(t, 1, h.provider.calls())
		require.NotContains(t, h.log.String(), "We do not offer")
	})
	t.Run("written when StackOne can", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(503, ""), answers(200, written))
			client := newClient(t, server, behind(""), func(c *stackone.Config) { c.MaxRetries = -1 })
			h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = client })
			w := h.post(orderBody(t))
			require.Equal(t, 503, w.Code)
			require.NotEmpty(t, w.Header().Get("Retry-After"))
			require.Equal(t, 200, h.post(orderBody(t)).Code)
			require.Equal(t, 200, h.post(orderBody(t)).Code)
			require.Len(t, server.seen, 2)
			require.Equal(t, 1, h.provider.calls())
		})
	})
	t.Run("a refused write is not tried for ever", func(t *testing.T) {
		server := play(answers(422, ""))
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = newClient(t, server, behind("")) })
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.ErrorIs(t, h.last().Err, assessment.ErrInvalid)
		require.NotEmpty(t, h.log.String())
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Len(t, server.seen, 1)
	})
	t.Run("the sender hangs up", func(t *testing.T) {
		server := play(answers(200, written))
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) { c.Publisher = newClient(t, server, behind("")) })
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		body := bytes.ReplaceAll(orderBody(t), []byte("c28xIQaWQ6b3JkZXItMQ"), []byte("other"))
		h.post(body, func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, 200, h.post(body).Code)
		require.Len(t, server.seen, 2)
	})
	t.Run("OnRejected", func(t *testing.T) {
		var messages []string
		var err error
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) {
			c.OnRejected = func(_ context.Context, o assessment.Order, no *assessment.Rejection) error {
				messages = append(messages, o.Ref.ID+": "+no.Message)
				return err
			}
		})
		err = errors.New("not now")
		require.Equal(t, 503, h.post(orderBody(t)).Code)
		err = nil
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, []string{
			"c28xIQaWQ6b3JkZXItMQ: We do not offer this test any more.", "c28xIQaWQ6b3JkZXItMQ: We do not offer this test any more.",
		}, messages)
		require.NoError(t, h.last().Err)
	})
	t.Run("OnRejected after a failed write", func(t *testing.T) {
		called := 0
		h := newHost(t, rejected(), func(c *stackone.WebhookConfig) {
			c.Publisher = newClient(t, play(answers(503, "")), behind(""), func(c *stackone.Config) { c.MaxRetries = -1 })
			c.OnRejected = func(context.Context, assessment.Order, *assessment.Rejection) error { called++; return nil }
		})
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Equal(t, 1, called)
	})
	t.Run("nobody tells the recruiter", func(t *testing.T) {
		h := newHost(t, rejected())
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		require.Error(t, h.last().Err, "it is logged")
	})
}
