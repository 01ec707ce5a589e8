package kombo_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// A shadow proves and decodes, and neither starts nor stores nor hands over
// anything; an account is cut over by one answer, and back by another.
func TestShadow(t *testing.T) {
	p := &provider{}
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: vendortest.UntouchedStore(t)})
	require.NoError(t, err)
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "s", Key: "secret"})
	require.NoError(t, err)
	live, failing, queued := "nobody", error(nil), 0
	var seen []inbound.Sighting
	look := func(s inbound.Sighting) { seen = append(seen, s) }
	h, err := kombo.NewWebhookHandler(kombo.WebhookConfig{
		Intake: intake, Verifier: verifier,
		Queue:   func(context.Context, assessment.Order) error { queued++; return nil },
		OnEvent: func(context.Context, kombo.Event) error { t.Error("handed over"); return nil },
		Shadow: &inbound.Shadow{
			Live: func(_ context.Context, account string) (bool, error) { return account == live, failing },
			Seen: func(_ context.Context, s inbound.Sighting) { look(s) },
		},
	})
	require.NoError(t, err)
	post := func(body []byte, signature string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("X-Kombo-Signature", signature)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	plain := orderBody(t)
	inline := bytes.Replace(plain, []byte("assessment:order-received"), []byte("inline-assessment:order-received"), 1)
	ended := bytes.Replace(plain, []byte(`"OPEN"`), []byte(`"COMPLETED"`), 1)
	for _, c := range []struct {
		body    []byte
		verdict inbound.Verdict
		status  int
	}{
		{plain, inbound.WouldQueue, 200},
		{inline, inbound.WouldStart, 503},
		{ended, inbound.WouldHandOver, 200},
		{[]byte(`{"id":"e","type":"integration-deleted","data":{}}`), inbound.WouldHandOver, 200},
	} {
		require.Equal(t, c.status, post(c.body, verifier.Sign(c.body)).Code, c.verdict)
		require.Equal(t, c.verdict, seen[len(seen)-1].Verdict)
	}
	require.Equal(t, documentedRef.ID, seen[0].Order.ID)
	require.Equal(t, documentedRef.Account, seen[0].Account)
	require.Equal(t, 401, post(plain, "bm90IGEgc2lnbmF0dXJl").Code)
	require.Len(t, seen, 4, "what is not proved is not seen")
	require.Zero(t, p.calls())
	require.Zero(t, queued)

	failing = errors.New("the switch cannot be read")
	require.Equal(t, 503, post(plain, verifier.Sign(plain)).Code)
	failing, live = nil, documentedRef.Account
	require.Equal(t, 200, post(plain, verifier.Sign(plain)).Code)
	require.Equal(t, 1, queued)
	live = "nobody"
	require.Equal(t, 200, post(plain, verifier.Sign(plain)).Code)
	require.Equal(t, 1, queued)

	look = func(inbound.Sighting) { panic("of whoever looks") }
	require.Equal(t, 200, post(plain, verifier.Sign(plain)).Code)
	require.Equal(t, 503, post(inline, verifier.Sign(inline)).Code)
	require.Equal(t, 1, queued)
}
