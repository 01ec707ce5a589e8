package kombo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNewWebhookHandlerRefuses(t *testing.T) {
	good := newHost(t, &provider{}, options{})
	for name, config := range map[string]kombo.WebhookConfig{
		"no intake":        {Verifier: good.verifier},
		"no verifier":      {Intake: good.intake},
		"negative maximum": {Intake: good.intake, Verifier: good.verifier, MaxBody: -1},
	} {
		t.Run(name, func(t *testing.T) {
			handler, err := kombo.NewWebhookHandler(config)
			require.Error(t, err)
			require.Nil(t, handler)
		})
	}
}

func TestRotatedSecrets(t *testing.T) {
	before, after := webhook.Secret{ID: "2026-01", Key: "old key"}, webhook.Secret{ID: "2026-02", Key: "new key"}
	h := newHost(t, &provider{}, options{secrets: []webhook.Secret{before, after}})
	for i, secret := range []webhook.Secret{before, after} {
		w := h.post(orderBody(t), func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, kombotest.Sign(secret.Key, orderBody(t))) })
		require.Equal(t, 200, w.Code)
		require.Equal(t, secret.ID, h.deliveries[i].SecretID)
	}
	require.NoError(t, h.verifier.Rotate(after))
	w := h.post(orderBody(t), func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, kombotest.Sign(before.Key, orderBody(t))) })
	require.Equal(t, 401, w.Code)
	require.Empty(t, h.deliveries[2].SecretID)
}

// Wherever a delivery ends, nothing of the candidate, the secret or the
// signature may be left in log, observer or answer.
func TestNothingLeaks(t *testing.T) {
	secret := webhook.Secret{ID: "now", Key: "s3cret-" + marker}
	body := bytes.ReplaceAll(orderBody(t), []byte("john.doe@gmail.com"), []byte(marker+"@example.com"))
	body = bytes.ReplaceAll(body, []byte(`"John"`), []byte(`"`+marker+`"`))
	body = bytes.ReplaceAll(body, []byte(`"Jane"`), []byte(`"`+marker+`"`))
	body = bytes.ReplaceAll(body, []byte("<p>We"), []byte("<p>"+marker))
	cut := body[:len(body)/2]
	starts := map[string]func(context.Context, assessment.Order) (assessment.Started, error){
		"accepted": func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{CandidateURL: "https://example.com/" + marker}, nil
		},
		"rejected": func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject("no")
		},
		"fault": func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, errors.New("down")
		},
		"panic": func(_ context.Context, o assessment.Order) (assessment.Started, error) { panic(o.Candidate.Email) },
	}
	for name, start := range starts {
		for _, b := range [][]byte{body, cut, bytes.Replace(body, []byte(`"OPEN"`), []byte(`"X"`), 1), body[1:]} {
			for _, bad := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d bytes/bad signature %v", name, len(b), bad), func(t *testing.T) {
					h := newHost(t, &provider{start: start}, options{secrets: []webhook.Secret{secret}})
					signature := h.verifier.Sign(b)
					presented := signature
					if bad {
						presented = signature[1:] + signature[:1]
					}
					w := h.post(b, func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, presented) })
					everything := h.log.String() + w.Body.String() + fmt.Sprint(w.Header()) + fmt.Sprintf("%+v %+v", h.deliveries, h.drift)
					reported, err := json.Marshal(h.drift)
					require.NoError(t, err)
					everything += string(reported)
					require.NotContains(t, everything, marker)
					require.NotContains(t, everything, signature)
					require.NotContains(t, everything, presented)
				})
			}
		}
	}
}

func TestMounting(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/kombo", h.handler)
	mux.Handle("/any/", h.handler)
	mux.Handle("/stripped/", http.StripPrefix("/stripped/hooks", h.handler))
	mux.Handle("POST /tenants/{tenant}/kombo/{$}", h.handler)
	mux.Handle("POST example.com/host", h.handler)
	outer := http.NewServeMux()
	outer.Handle("/api/", http.StripPrefix("/api", mux))
	outer.Handle("/", mux)
	for _, path := range []string{
		"/hooks/kombo", "/hooks/kombo?x=y", "/any/", "/any/thing/at/all", "/stripped/hooks", "/stripped/hooks/", "/tenants/acme/kombo/", "/host", "/api/hooks/kombo",
	} {
		t.Run(path, func(t *testing.T) {
			body := orderBody(t)
			r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
			r.Header.Set(kombo.SignatureHeader, h.verifier.Sign(body))
			require.Equal(t, 200, serve(outer, r).Code)
		})
	}
	require.Equal(t, 405, serve(outer, httptest.NewRequest(http.MethodGet, "/hooks/kombo", nil)).Code)
}

func TestSilentHandler(t *testing.T) {
	h := newHost(t, &provider{}, options{config: func(c *kombo.WebhookConfig) {
		c.Logger, c.Observer = nil, assessment.Observer{}
	}})
	require.Equal(t, 200, h.post(orderBody(t)).Code)
	require.Equal(t, 200, h.post([]byte(`{"type":"new"}`)).Code)
	require.Equal(t, 400, h.post([]byte(`{}`)).Code)
	require.Empty(t, h.log.String())
}

// The simulator judges the answers as Kombo does.
func TestHandlerAtTheSimulator(t *testing.T) {
	for name, tc := range map[string]struct {
		faults []kombotest.DeliveryFault
		want   kombotest.Outcome
		status int
		calls  int
	}{
		"plain":                     {nil, kombotest.Accepted, 200, 1},
		"thrice":                    {[]kombotest.DeliveryFault{kombotest.Duplicate(2)}, kombotest.Accepted, 200, 1},
		"thrice at once":            {[]kombotest.DeliveryFault{kombotest.DuplicateAtOnce(2)}, kombotest.Accepted, 200, 1},
		"late":                      {[]kombotest.DeliveryFault{kombotest.Late(time.Hour)}, kombotest.Accepted, 200, 1},
		"bad signature":             {[]kombotest.DeliveryFault{kombotest.BadSignature()}, kombotest.Failed, 401, 0},
		"missing signature":         {[]kombotest.DeliveryFault{kombotest.MissingSignature()}, kombotest.Failed, 401, 0},
		"padded signature":          {[]kombotest.DeliveryFault{kombotest.PaddedSignature()}, kombotest.Failed, 401, 0},
		"standard base64 signature": {[]kombotest.DeliveryFault{kombotest.StandardBase64Signature()}, kombotest.Failed, 401, 0},
		"old secret":                {[]kombotest.DeliveryFault{kombotest.OldSecret()}, kombotest.Failed, 401, 0},
		"unknown type":              {[]kombotest.DeliveryFault{kombotest.UnknownType("new")}, kombotest.Accepted, 200, 0},
		"unknown status":            {[]kombotest.DeliveryFault{kombotest.UnknownStatus("ON_HOLD")}, kombotest.Accepted, 200, 1},
		"unknown role":              {[]kombotest.DeliveryFault{kombotest.UnknownRole("BOSS")}, kombotest.Accepted, 200, 1},
		"oversized":                 {[]kombotest.DeliveryFault{kombotest.OversizedBody(9 << 20)}, kombotest.Failed, 413, 0},
		"large":                     {[]kombotest.DeliveryFault{kombotest.OversizedBody(7 << 20)}, kombotest.Accepted, 200, 1},
		"truncated":                 {[]kombotest.DeliveryFault{kombotest.TruncatedBody()}, kombotest.Failed, 400, 0},
		"legacy":                    {[]kombotest.DeliveryFault{kombotest.LegacyBody()}, kombotest.Failed, 400, 0},
		"absent fields": {[]kombotest.DeliveryFault{
			kombotest.AbsentFields("candidate.phone", "candidate.remote_id", "application.remote_id", "job.location", "job.hiring_team", "job.job_code"),
		}, kombotest.Accepted, 200, 1},
		"null fields": {[]kombotest.DeliveryFault{kombotest.NullFields("candidate.phone", "job.location", "application.remote_id", "job.name")}, kombotest.Accepted, 200, 1},
		"no id":       {[]kombotest.DeliveryFault{kombotest.AbsentFields("id")}, kombotest.Failed, 400, 0},
	} {
		for _, inline := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/inline %v", name, inline), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := kombotest.Start(t)
					h := newHost(t, &provider{}, options{})
					server.Target(h.handler)
					_, delivery, err := server.PlaceOrder(t.Context(), kombotest.OrderSpec{Inline: inline}, tc.faults...)
					require.NoError(t, err)
					require.Equal(t, tc.status, delivery.Status)
					if !inline || tc.calls > 0 || tc.status >= 400 {
						require.Equal(t, tc.want, delivery.Outcome, delivery.Reason)
					}
					require.Equal(t, tc.calls, h.provider.calls())
				})
			})
		}
	}
}
