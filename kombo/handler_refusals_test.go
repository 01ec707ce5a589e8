package kombo_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// What is no signed event is refused before anything of it is looked at.
func TestRefusedDeliveries(t *testing.T) {
	big := append(orderBody(t), bytes.Repeat([]byte(" "), 8<<20)...)
	removeSignature := func(r *http.Request) { r.Header.Del(kombo.SignatureHeader) }
	sign := func(change func(string) string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set(kombo.SignatureHeader, change(r.Header.Get(kombo.SignatureHeader)))
		}
	}
	old, err := kombo.NewVerifier(webhook.Secret{Key: "an old secret"})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		body   []byte
		change func(*http.Request)
		status int
	}{
		"compressed":                {orderBody(t), func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415},
		"compressed and unsigned":   {orderBody(t), func(r *http.Request) { removeSignature(r); r.Header.Set("Content-Encoding", "gzip") }, 415},
		"GET":                       {nil, func(r *http.Request) { r.Method = "GET" }, 405},
		"HEAD":                      {nil, func(r *http.Request) { r.Method = "HEAD" }, 405},
		"PUT":                       {orderBody(t), func(r *http.Request) { r.Method = "PUT" }, 405},
		"too large":                 {big, nil, 413},
		"too large, length unknown": {big, func(r *http.Request) { r.ContentLength = -1 }, 413},
		"too large and unsigned":    {big, removeSignature, 401},
		"no signature":              {orderBody(t), removeSignature, 401},
		"empty signature":           {orderBody(t), sign(func(string) string { return "" }), 401},
		"bad signature":             {orderBody(t), sign(func(string) string { return old.Sign([]byte("x")) }), 401},
		"padded":                    {orderBody(t), sign(func(s string) string { return s + "=" }), 401},
		"standard base64": {orderBody(t), sign(func(s string) string {
			return strings.NewReplacer("-", "+", "_", "/").Replace(s) + "="
		}), 401},
		"two signatures":         {orderBody(t), func(r *http.Request) { r.Header.Add(kombo.SignatureHeader, old.Sign(orderBody(t))) }, 401},
		"another secret":         {orderBody(t), sign(func(string) string { return old.Sign(orderBody(t)) }), 401},
		"unsigned and no JSON":   {[]byte("{"), removeSignature, 401},
		"cut JSON":               {[]byte(`{"id":"e","type":"assessment:order-received","data":{`), nil, 400},
		"empty body":             {[]byte{}, nil, 400},
		"no type":                {[]byte(`{"id":"e","data":{}}`), nil, 400},
		"array":                  {[]byte(`[]`), nil, 400},
		"order without an id":    {orderEvent(`{"integration_id":"lever:1"}`), nil, 400},
		"order with a null id":   {orderEvent(`{"id":null,"integration_id":"lever:1"}`), nil, 400},
		"order with a blank id":  {orderEvent(`{"id":" \t","integration_id":"lever:1"}`), nil, 400},
		"order with a dot":       {orderEvent(`{"id":"..","integration_id":"lever:1"}`), nil, 400},
		"order of a blank":       {orderEvent(`{"id":"o","integration_id":" "}`), nil, 400},
		"order of nobody":        {orderEvent(`{"id":"o"}`), nil, 400},
		"order without data":     {[]byte(`{"id":"e","type":"assessment:order-received"}`), nil, 400},
		"inline order of nobody": {[]byte(`{"id":"e","type":"inline-assessment:order-received","data":{"id":"o"}}`), nil, 400},
		"unwrapped order of 2024": {
			[]byte(`{"id":"o","integration_id":"lever:1","package_id":"p","status":"OPEN","candidate":{"email":"` + marker + `"},"remote_data":{}}`), nil, 400,
		},
		"body broke off": {orderBody(t), func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), errorReader{io.ErrUnexpectedEOF}))
		}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
				c.OnEvent = func(context.Context, kombo.Event) error { t.Error("OnEvent called"); return nil }
			}})
			change := tc.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w := h.post(tc.body, change)
			require.Equal(t, tc.status, w.Code)
			require.Zero(t, h.provider.calls())
			if tc.status == 405 {
				require.Equal(t, "POST", w.Header().Get("Allow"))
			}
			require.Less(t, w.Body.Len(), 60, "a short fixed text")
			d := h.delivered(t)
			require.Equal(t, assessment.DeliveryRefused, d.Outcome)
			require.Equal(t, tc.status, d.StatusCode)
			require.Error(t, d.Err)
			require.NotEmpty(t, h.log.String())
		})
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestMaxBody(t *testing.T) {
	body := orderBody(t)
	for limit, want := range map[int64]int{int64(len(body)): 200, int64(len(body)) - 1: 413} {
		h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) { c.MaxBody = limit }})
		require.Equal(t, want, h.post(body).Code)
	}
	// Job descriptions and hiring teams are unbounded.
	h := newHost(t, &provider{}, options{})
	require.Equal(t, 200, h.post(grown(t, 900<<10)).Code)
}

// grown is the documented order with a job description of at least size bytes.
func grown(t testing.TB, size int) []byte {
	t.Helper()
	description := strings.Repeat("<p>Ensure that bottles are opened swiftly &amp; safely.</p>", size/58+1)
	return bytes.Replace(orderBody(t), []byte(`"description": "`), []byte(`"description": "`+description), 1)
}

// A logging middleware that eats the body is the host's mistake, and the sender
// shall come again; "bad signature" would send everybody the wrong way.
func TestEatenBody(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"length known":   func(*http.Request) {},
		"length unknown": func(r *http.Request) { r.ContentLength = -1 },
		"no body left":   func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, -1 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, options{})
			r := signedRequest(h.verifier, orderBody(t))
			_, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			change(r)
			w := serve(h.handler, r)
			require.Equal(t, 500, w.Code)
			require.Contains(t, h.log.String(), "middleware")
			require.NotContains(t, h.log.String(), "signature")
			d := h.delivered(t)
			require.Equal(t, assessment.DeliveryFault, d.Outcome)
			require.ErrorIs(t, d.Err, webhook.ErrBodyConsumed)
		})
	}
}
