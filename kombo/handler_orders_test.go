package kombo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

func TestOrderAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{}, options{})
		body := orderBody(t)
		w := h.post(body)
		require.Equal(t, 200, w.Code)
		require.Empty(t, w.Body.String())

		want := documentedOrder("eu", documentedRef.Account, "workday")
		want.ReceivedAt, want.Raw = time.Now().UTC(), body
		requireEqual(t, []assessment.Order{want}, h.provider.orders)

		requireEqual(t, assessment.Delivery{
			Vendor: assessment.Kombo, Connection: "eu", Account: documentedRef.Account, Order: documentedRef,
			Path: "/hooks/kombo", Event: "assessment:order-received", EventID: "Cbfk5sHtDxrSrJBRjsDtbaN9",
			Outcome: assessment.DeliveryAccepted, StatusCode: 200, SecretID: "now",
		}, h.delivered(t))
		require.Contains(t, h.log.String(), `level=INFO msg=delivery vendor=kombo connection=eu account=`+documentedRef.Account)
		require.Contains(t, h.log.String(), "outcome=accepted status=200")
		require.Equal(t, 1, strings.Count(h.log.String(), "\n"), "one line per delivery")
		require.Empty(t, h.drift)
	})
}

// Only this body makes a 422 a rejection (https://docs.kombo.dev/assessment/introduction).
func TestOrderRejected(t *testing.T) {
	want := example(t, "webhook-reply-order-rejected-422.json")
	for name, refusal := range map[string]error{
		"rejected":        assessment.Reject("There is an existing order for this candidate..."),
		"already running": assessment.AlreadyRunning("There is an existing order for this candidate..."),
		"wrapped":         fmt.Errorf("start: %w", assessment.Reject("There is an existing order for this candidate...")),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
				return assessment.Started{}, refusal
			}}, options{})
			for range 2 { // the second delivery gets the stored answer
				w := h.post(orderBody(t))
				require.Equal(t, 422, w.Code)
				require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
				requireSameJSON(t, want, w.Body.Bytes())
			}
			require.Equal(t, 1, h.provider.calls())
			require.Len(t, h.deliveries, 2)
			require.Equal(t, assessment.DeliveryRejected, h.deliveries[0].Outcome)
			require.Equal(t, assessment.DeliveryRejected, h.deliveries[1].Outcome)
			require.NoError(t, h.deliveries[0].Err)
		})
	}
	t.Run("any text", func(t *testing.T) {
		message := "Näch\"ste\n<b>Woche</b> & \u2028 \x00 später"
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject(message)
		}}, options{})
		w := h.post(orderBody(t))
		shown := strings.ReplaceAll(message, "\x00", "") // which no vendor takes
		require.Equal(t, map[string]any{"status": "ORDER_REJECTED", "message": shown}, decoded(t, w.Body.Bytes()))
		require.NotContains(t, h.log.String(), "Woche")
	})
	t.Run("no text", func(t *testing.T) {
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject("")
		}}, options{})
		answer := decoded(t, h.post(orderBody(t)).Body.Bytes()).(map[string]any)
		require.NotEmpty(t, answer["message"])
	})
}

func TestInlineOrder(t *testing.T) {
	t.Run("answered with the URL", func(t *testing.T) {
		h := newHost(t, &provider{}, options{})
		for range 2 {
			w := h.post(inlineBody(t))
			require.Equal(t, 200, w.Code)
			require.Equal(t, "application/json", w.Header().Get("Content-Type"))
			requireSameJSON(t, example(t, "webhook-reply-inline-assessment-url.json"), w.Body.Bytes())
		}
		require.Equal(t, 1, h.provider.calls())
		require.True(t, h.provider.orders[0].Inline)
		require.Equal(t, assessment.DeliveryAccepted, h.deliveries[0].Outcome)
		require.Equal(t, assessment.DeliveryReplayed, h.deliveries[1].Outcome)
	})
	t.Run("URL with every character", func(t *testing.T) {
		const address = "https://app.acme.com/t?a=1&b=<2>#ü"
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{CandidateURL: address}, nil
		}}, options{})
		require.Equal(t, map[string]any{"assessment_url": address}, decoded(t, h.post(inlineBody(t)).Body.Bytes()))
	})
	t.Run("without a URL it is a fault and not stored", func(t *testing.T) {
		address := ""
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{CandidateURL: address}, nil
		}}, options{})
		w := h.post(inlineBody(t))
		require.GreaterOrEqual(t, w.Code, 500)
		require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
		address = "https://app.acme.com/1"
		require.Equal(t, 200, h.post(inlineBody(t)).Code)
		require.Equal(t, 2, h.provider.calls())
	})
	t.Run("rejected", func(t *testing.T) {
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject("no")
		}}, options{})
		require.Equal(t, 422, h.post(inlineBody(t)).Code)
	})
	t.Run("one order through both events", func(t *testing.T) {
		h := newHost(t, &provider{}, options{})
		require.Equal(t, 200, h.post(orderBody(t)).Code)
		w := h.post(inlineBody(t))
		require.Equal(t, 200, w.Code)
		requireSameJSON(t, example(t, "webhook-reply-inline-assessment-url.json"), w.Body.Bytes())
		require.Equal(t, 1, h.provider.calls())
	})
	t.Run("ended long ago", func(t *testing.T) {
		store := assessment.NewMemoryStore(0)
		h := newHost(t, &provider{}, options{store: store})
		event, err := kombo.ParseEvent(inlineBody(t))
		require.NoError(t, err)
		ref := event.Data.(kombo.OrderReceived).Order.Ref
		ref.Connection = "eu"
		past, err := assessment.PastOrder{Ref: ref, Ended: true}.Claims("")
		require.NoError(t, err)
		_, err = store.Claim(t.Context(), past[0], time.Minute)
		require.NoError(t, err)
		require.NoError(t, store.Answer(t.Context(), past[0]))
		for _, body := range [][]byte{inlineBody(t), orderBody(t)} {
			w := h.post(body)
			require.Equal(t, 200, w.Code)
			require.Empty(t, w.Body.String(), "the candidate must not be sent to an empty URL")
		}
		require.Equal(t, assessment.DeliveryReplayed, h.deliveries[0].Outcome)
		require.Zero(t, h.provider.calls())
	})
	t.Run("goes to the intake although there is a queue", func(t *testing.T) {
		h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
			c.Queue = func(context.Context, assessment.Order) error { return errors.New("not for this") }
		}})
		require.Equal(t, 200, h.post(inlineBody(t)).Code)
		require.Equal(t, 1, h.provider.calls())
	})
}

func TestSameOrderTwice(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	body := orderBody(t)
	// Another event id: it is the order that is told again.
	again := bytes.Replace(body, []byte("Cbfk5sHtDxrSrJBRjsDtbaN9"), []byte("Another1EventsId11111111"), 1)
	for i, b := range [][]byte{body, body, again} {
		w := h.post(b)
		require.Equal(t, 200, w.Code)
		want := assessment.DeliveryReplayed
		if i == 0 {
			want = assessment.DeliveryAccepted
		}
		require.Equal(t, want, h.deliveries[i].Outcome)
	}
	require.Equal(t, 1, h.provider.calls())

	other := bytes.Replace(body, []byte("workday:CBNM"), []byte("workday:XBNM"), 1)
	require.Equal(t, 200, h.post(other).Code)
	require.Equal(t, 2, h.provider.calls(), "ids of different customers may be equal")
}

func TestQueue(t *testing.T) {
	var queued []assessment.Order
	var answer error
	h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
		c.Queue = func(_ context.Context, o assessment.Order) error {
			queued = append(queued, o)
			return answer
		}
	}})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	require.Equal(t, assessment.DeliveryQueued, h.deliveries[0].Outcome)
	require.Equal(t, documentedRef, queued[0].Ref)
	require.Equal(t, "john.doe@gmail.com", queued[0].Candidate.Email)

	for _, answer = range []error{errors.New("queue full " + marker), assessment.Reject("no")} {
		w := h.post(orderBody(t))
		require.Equal(t, 503, w.Code, "a queue cannot say no")
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		require.NotContains(t, w.Body.String(), marker)
		require.Equal(t, assessment.DeliveryFault, h.deliveries[len(h.deliveries)-1].Outcome)
	}
	require.Len(t, h.deliveries, 3)
	require.Zero(t, h.provider.calls())
}

func TestUnknownValuesStartTheOrder(t *testing.T) {
	body := bytes.Replace(orderBody(t), []byte(`"OPEN"`), []byte(`"ON_HOLD"`), 1)
	body = bytes.Replace(body, []byte(`"RECRUITER"`), []byte(`"BOSS"`), 1)
	body = bytes.Replace(body, []byte(`"+1 123 456 7890"`), []byte(`11234567890`), 1)
	h := newHost(t, &provider{}, options{})
	require.Equal(t, 200, h.post(body).Code)
	require.Equal(t, 1, h.provider.calls())
	order := h.provider.orders[0]
	require.Equal(t, assessment.Status("ON_HOLD"), order.Status)
	require.Equal(t, []assessment.Role{"BOSS"}, order.Job.HiringTeam[0].Roles)
	require.Equal(t, "john.doe@gmail.com", order.Candidate.Email)
	fields := map[string]string{}
	for _, d := range h.drift {
		require.Equal(t, "eu", d.Connection)
		require.Equal(t, documentedRef.Account, d.Account)
		fields[d.Field] = d.Value
	}
	require.Equal(t, map[string]string{
		"data.status": "ON_HOLD", "data.job.hiring_team[0].hiring_team_roles[0]": "BOSS", "data.candidate.phone": "",
	}, fields)
}

// Everything but the ids may be missing or null.
func TestBareOrder(t *testing.T) {
	for _, data := range []string{
		`{"id":"o","integration_id":"jazzhr:1"}`,
		`{"id":"o","integration_id":"jazzhr:1","package_id":null,"status":null,"candidate":null,"application":{},"job":null}`,
	} {
		h := newHost(t, &provider{}, options{})
		require.Equal(t, 200, h.post(orderEvent(data)).Code)
		require.Equal(t, 1, h.provider.calls())
		require.Equal(t, "jazzhr", h.provider.orders[0].ATS)
	}
}
