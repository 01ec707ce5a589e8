package kombo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// An order that is over is an event, not something to start.
func TestOrderThatIsOver(t *testing.T) {
	for _, word := range []string{"COMPLETED", "CANCELLED", "REJECTED"} {
		for _, body := range [][]byte{orderBody(t), inlineBody(t)} {
			body := bytes.Replace(body, []byte(`"OPEN"`), []byte(`"`+word+`"`), 1)
			var events []kombo.Event
			h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
				c.OnEvent = func(_ context.Context, e kombo.Event) error { events = append(events, e); return nil }
				c.Queue = func(context.Context, assessment.Order) error { t.Error("queued"); return nil }
			}})
			w := h.post(body)
			require.Equal(t, 200, w.Code)
			require.Empty(t, w.Body.String())
			require.Zero(t, h.provider.calls())
			require.Len(t, events, 1)
			order := events[0].Data.(kombo.OrderReceived).Order
			require.Equal(t, documentedRef, order.Ref, "with the connection, so that it can be answered")
			require.Equal(t, assessment.Status(strings.ToLower(word)), order.Status)
			require.False(t, order.ReceivedAt.IsZero())
			require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)
		}
	}
}

func TestOtherEvents(t *testing.T) {
	for name, tc := range eventExamples(t) {
		if _, isOrder := tc.want.Data.(kombo.OrderReceived); isOrder {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var events []kombo.Event
			var answer error
			h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
				c.OnEvent = func(_ context.Context, e kombo.Event) error { events = append(events, e); return answer }
			}})
			require.Equal(t, 200, h.post(tc.body).Code)
			want := tc.want
			want.Raw = tc.body
			requireEqual(t, []kombo.Event{want}, events)
			require.Equal(t, assessment.DeliveryHandled, h.deliveries[0].Outcome)
			require.Equal(t, string(tc.want.Type), h.deliveries[0].Event)
			require.Equal(t, tc.want.ID, h.deliveries[0].EventID)
			if name != "flow failed" { // which names no integration
				require.Contains(t, string(tc.body), fmt.Sprintf("%q", h.deliveries[0].Account))
			}
			require.Zero(t, h.deliveries[0].Order)

			answer = errors.New("disk full " + marker)
			w := h.post(tc.body)
			require.Equal(t, 503, w.Code)
			require.NotContains(t, w.Body.String(), marker)
			require.Len(t, events, 2, "at least once")
			require.Equal(t, assessment.DeliveryFault, h.deliveries[1].Outcome)
			require.ErrorIs(t, h.deliveries[1].Err, answer)
		})
		t.Run(name+" without a hook", func(t *testing.T) {
			h := newHost(t, &provider{}, options{})
			require.Equal(t, 200, h.post(tc.body).Code)
			require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)
			require.Empty(t, h.drift)
		})
	}
}

func TestUnknownEvent(t *testing.T) {
	body := []byte(`{"id":"e","type":"assessment:order-withdrawn","data":{"id":"o","reason":"` + marker + `"}}`)
	var events []kombo.Event
	h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
		c.OnEvent = func(_ context.Context, e kombo.Event) error { events = append(events, e); return nil }
	}})
	require.Equal(t, 200, h.post(body).Code)
	require.Len(t, events, 1)
	require.JSONEq(t, `{"id":"o","reason":"`+marker+`"}`, string(events[0].Data.(kombo.UnknownEvent).Data))
	requireEqual(t, []assessment.Drift{{
		Vendor: assessment.Kombo, Connection: "eu", Event: "assessment:order-withdrawn", Field: "type", Value: "assessment:order-withdrawn",
	}}, h.drift)
	require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)

	without := newHost(t, &provider{}, options{})
	require.Equal(t, 200, without.post(body).Code, "acknowledged, not failed")
}
