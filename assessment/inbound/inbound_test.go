package inbound_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/webhook"
)

var errHost = errors.New("the host's own words")

func TestReplies(t *testing.T) {
	for _, c := range []struct {
		name        string
		reply       inbound.Reply
		status      int
		body, retry string
		outcome     assessment.DeliveryOutcome
	}{
		{"ok", inbound.OK(assessment.DeliveryQueued), 200, "", "", assessment.DeliveryQueued},
		{"json", inbound.JSON(422, map[string]int{"a": 0}, assessment.DeliveryRejected), 422, `{"a":0}`, "", assessment.DeliveryRejected},
		{"no json", inbound.JSON(200, func() {}, assessment.DeliveryAccepted), 500, "internal error\n", "", assessment.DeliveryFault},
		{"refused", inbound.Refuse("not an event", errHost), 400, "not an event\n", "", assessment.DeliveryRefused},
		{"unsigned", inbound.Unreceived(webhook.ErrNoSignature), 401, "signature missing\n", "", assessment.DeliveryRefused},
		{"eaten", inbound.Unreceived(webhook.ErrBodyConsumed), 500, "internal error\n", "", assessment.DeliveryFault},
		{"provider failed", inbound.Fault(fmt.Errorf("%w: %w", assessment.ErrFault, errHost)), 500, "internal error\n", "", assessment.DeliveryFault},
		{"unknown fault", inbound.Fault(errHost), 500, "internal error\n", "", assessment.DeliveryFault},
		{"busy", inbound.Fault(assessment.ErrInProgress), 503, "try again later\n", "5", assessment.DeliveryFault},
		{"rate limited", inbound.Fault(&assessment.APIError{StatusCode: 429, RetryAfter: 90*time.Second + 1}), 503, "try again later\n", "91", assessment.DeliveryFault},
		{"later", inbound.Later(errHost, 0), 503, "try again later\n", "5", assessment.DeliveryFault},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen []assessment.Delivery
			h := inbound.Handler{Vendor: assessment.Kombo, Connection: "eu", Observer: assessment.Observer{
				Delivery: func(_ context.Context, d assessment.Delivery) { seen = append(seen, d) },
			}}
			w := httptest.NewRecorder()
			h.Serve(w, httptest.NewRequest(http.MethodPost, "/", nil), func(d *assessment.Delivery) inbound.Reply {
				d.Event = "order"
				return c.reply
			})
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.body, w.Body.String())
			require.Equal(t, c.retry, w.Header().Get("Retry-After"))
			require.Len(t, seen, 1)
			require.Equal(t, assessment.Delivery{
				Vendor: assessment.Kombo, Connection: "eu", Event: "order",
				Outcome: c.outcome, StatusCode: c.status, Duration: seen[0].Duration, Err: c.reply.Err,
			}, seen[0])
		})
	}
}

func TestLog(t *testing.T) {
	var log bytes.Buffer
	h := inbound.Handler{Vendor: assessment.Kombo, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for _, reply := range []inbound.Reply{
		inbound.OK(assessment.DeliveryAccepted),
		inbound.Refuse("no", errHost),
		inbound.Fault(errHost),
	} {
		h.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil),
			func(*assessment.Delivery) inbound.Reply { return reply })
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	require.Len(t, lines, 2, "what was taken is not logged")
	require.Contains(t, lines[0], "level=WARN")
	require.Contains(t, lines[1], "level=ERROR")
	require.Contains(t, lines[1], errHost.Error())
}

// A function of the host's may panic: the sender comes again, the report is
// made, and what it panicked with stays out of the log.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	var seen []assessment.Delivery
	h := inbound.Handler{
		Logger:   slog.New(slog.NewTextHandler(&log, nil)),
		Observer: assessment.Observer{Delivery: func(_ context.Context, d assessment.Delivery) { seen = append(seen, d) }},
	}
	w := httptest.NewRecorder()
	h.Serve(w, httptest.NewRequest(http.MethodPost, "/", nil), func(*assessment.Delivery) inbound.Reply {
		panic("jane@example.com")
	})
	require.Equal(t, 500, w.Code)
	require.Equal(t, "internal error\n", w.Body.String())
	require.Len(t, seen, 1)
	require.Equal(t, assessment.DeliveryFault, seen[0].Outcome)
	require.Contains(t, log.String(), "TestPanic", "the stack")
	require.NotContains(t, log.String(), "jane")

	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		h.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil),
			func(*assessment.Delivery) inbound.Reply { panic(http.ErrAbortHandler) })
	})
}

func TestReceive(t *testing.T) {
	v, err := webhook.NewVerifier(webhook.Scheme{Header: "X-Signature", Encoding: webhook.Hex}, webhook.Secret{ID: "s1", Key: "k"})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("X-Signature", v.Sign([]byte("{}")))
	var d assessment.Delivery
	body, _, ok := inbound.Receive(v, httptest.NewRecorder(), r, 0, &d)
	require.True(t, ok)
	require.Equal(t, "{}", string(body))
	require.Equal(t, "s1", d.SecretID)

	_, reply, ok := inbound.Receive(v, httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), 0, &d)
	require.False(t, ok)
	require.Equal(t, 405, reply.Status)
}

func TestDrift(t *testing.T) {
	var seen []assessment.Drift
	h := inbound.Handler{Connection: "us"}
	h.Drift(t.Context(), []assessment.Drift{{Field: "type"}}) // nobody watches
	h.Observer.Drift = func(_ context.Context, d assessment.Drift) { seen = append(seen, d) }
	h.Drift(t.Context(), []assessment.Drift{{Field: "type"}})
	require.Equal(t, []assessment.Drift{{Connection: "us", Field: "type"}}, seen)
}

func TestTaken(t *testing.T) {
	require.Equal(t, assessment.DeliveryAccepted, inbound.Taken(assessment.Accepted{}))
	require.Equal(t, assessment.DeliveryReplayed, inbound.Taken(assessment.Accepted{Replayed: true}))
}
