package stackone_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNewWebhookHandlerRefuses(t *testing.T) {
	good := newHost(t, &provider{})
	client := newClient(t, play(), func(c *stackone.Config) { c.Connection = "us" })
	for name, config := range map[string]stackone.WebhookConfig{
		"no intake":          {Verifier: good.verifier},
		"no verifier":        {Intake: good.intake},
		"negative maximum":   {Intake: good.intake, Verifier: good.verifier, MaxBody: -1},
		"another connection": {Intake: good.intake, Verifier: good.verifier, Publisher: client},
		"nil publisher":      {Intake: good.intake, Verifier: good.verifier, Publisher: (*stackone.Client)(nil)},
		"event of no kind":   {Intake: good.intake, Verifier: good.verifier, OrderEvents: map[stackone.EventType]assessment.Kind{"x.created": ""}},
	} {
		handler, err := stackone.NewWebhookHandler(config)
		require.Error(t, err, name)
		require.Nil(t, handler, name)
	}
}

// What is no signed event is refused before anything of it is looked at.
func TestRefusedDeliveries(t *testing.T) {
	big := append(orderBody(t), bytes.Repeat([]byte(" "), 8<<20)...)
	sign := func(change func(string) string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(stackone.SignatureHeader, change(r.Header.Get(stackone.SignatureHeader)))
		}
	}
	for name, tc := range map[string]struct {
		body   []byte
		change func(*http.Request)
		status int
	}{
		"GET":                     {nil, func(r *http.Request) { r.Method = "GET" }, 405},
		"too large":               {big, nil, 413},
		"no signature":            {orderBody(t), func(r *http.Request) { r.Header.Del(stackone.SignatureHeader) }, 401},
		"bad signature":           {orderBody(t), sign(func(s string) string { return "A" + s[1:] + "" }), 401},
		"two paddings":            {orderBody(t), sign(func(s string) string { return s + "==" }), 401},
		"unsigned and no JSON":    {[]byte("{"), sign(func(string) string { return "" }), 401},
		"cut JSON":                {[]byte(`{"event":"assessment.created","record_id":`), nil, 400},
		"empty body":              {[]byte{}, nil, 400},
		"no event name":           {[]byte(`{"record_id":"r","account_id":"a"}`), nil, 400},
		"order without an id":     {[]byte(`{"event":"assessment.created","account_id":"a"}`), nil, 400},
		"order with a null id":    {[]byte(`{"event":"assessment.created","account_id":"a","record_id":null}`), nil, 400},
		"order with a boolean id": {[]byte(`{"event":"assessment.created","account_id":"a","record_id":true}`), nil, 400},
		"order with a blank id":   {[]byte(`{"event":"assessment.created","account_id":"a","record_id":" \t"}`), nil, 400},
		"order of a blank":        {[]byte(`{"event":"assessment.created","account_id":" ","record_id":"r"}`), nil, 400},
		"order with a dot":        {[]byte(`{"event":"assessment.created","account_id":"a","record_id":"."}`), nil, 400},
		"order with two dots":     {[]byte(`{"event":"assessment.created","account_id":"a","record_id":".."}`), nil, 400},
		"order without a account": {[]byte(`{"event":"assessment.created","record_id":"r"}`), nil, 400},
		"body eaten":              {orderBody(t), func(r *http.Request) { _, _ = io.ReadAll(r.Body) }, 500},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, func(c *stackone.WebhookConfig) {
				c.OnEvent = func(context.Context, stackone.Event) error { t.Error("OnEvent called"); return nil }
			})
			change := tc.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w := h.post(tc.body, change)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.status == 405, w.Header().Get("Allow") == "POST")
			require.Less(t, w.Body.Len(), 60, "a short fixed text")
			require.Zero(t, h.provider.calls())
			require.Len(t, h.deliveries, 1)
			require.Error(t, h.last().Err)
			require.NotContains(t, h.log.String(), "sestier")
		})
	}
}

func TestRotation(t *testing.T) {
	server := stackonetest.Start(t)
	h := newHost(t, &provider{})
	server.Target(h.handler)
	require.NoError(t, h.verifier.Rotate(webhook.Secret{ID: "next", Key: "another"}, webhook.Secret{ID: "now", Key: stackonetest.DefaultWebhookSecret}))
	place := func(want string, faults ...stackonetest.DeliveryFault) {
		t.Helper()
		_, delivery, err := server.PlaceOrder(t.Context(), stackonetest.OrderSpec{}, faults...)
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprint(delivery.Status, " ", h.last().SecretID))
	}
	place("200 now")
	server.RotateSecret("another")
	place("200 next")
	place("200 now", stackonetest.OldSecret())
	require.NoError(t, h.verifier.Rotate(webhook.Secret{ID: "next", Key: "another"}))
	place("401 ", stackonetest.OldSecret())
}
