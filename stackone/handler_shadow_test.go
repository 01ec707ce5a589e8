package stackone_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// A shadow proves and decodes, and neither starts nor stores nor hands over
// anything; an account is cut over by one answer, and back by another.
func TestShadow(t *testing.T) {
	p := &provider{}
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: vendortest.UntouchedStore(t)})
	require.NoError(t, err)
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "s", Key: "secret"})
	require.NoError(t, err)
	live, queued := "nobody", 0
	var seen []inbound.Sighting
	h, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: intake, Verifier: verifier,
		Queue:   func(context.Context, assessment.Order) error { queued++; return nil },
		OnEvent: func(context.Context, stackone.Event) error { t.Error("handed over"); return nil },
		Shadow: &inbound.Shadow{
			Live: func(_ context.Context, account string) (bool, error) { return account == live, nil },
			Seen: func(_ context.Context, s inbound.Sighting) { seen = append(seen, s) },
		},
	})
	require.NoError(t, err)
	post := func(body string) int {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader([]byte(body)))
		r.Header.Set("x-stackone-signature", verifier.Sign([]byte(body)))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	order := string(orderBody(t))
	require.Equal(t, 200, post(order))
	require.Equal(t, 200, post(`{"event":"account.updated","account_id":"acc"}`))
	require.Len(t, seen, 2)
	require.Equal(t, inbound.WouldQueue, seen[0].Verdict)
	require.NotEmpty(t, seen[0].Order.ID)
	require.Equal(t, inbound.WouldHandOver, seen[1].Verdict)
	require.Zero(t, queued)
	live = seen[0].Account
	require.Equal(t, 200, post(order))
	require.Equal(t, 1, queued)
	require.Len(t, seen, 2)
	require.Zero(t, p.calls())
}
