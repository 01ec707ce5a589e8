package ashbytest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

func TestSignatureVectors(t *testing.T) {
	var file struct {
		Header  string
		Vectors []struct {
			Name, Secret, Body string
			Length             int    `json:"body_length_bytes"`
			Base64             []byte `json:"body_base64"`
			Signature          string `json:"ashby_signature"`
		}
	}
	require.NoError(t, json.Unmarshal(fixture(t, "webhook.signature-vectors.json"), &file))
	require.Equal(t, ashbytest.SignatureHeader, file.Header)
	require.NotEmpty(t, file.Vectors)
	for _, v := range file.Vectors {
		require.Len(t, v.Base64, v.Length)
		require.Equal(t, v.Signature, ashbytest.Sign(v.Secret, v.Base64), v.Name)
		s := ashbytest.Start(t, func(c *ashbytest.Config) { c.Organizations = []ashbytest.Organization{{WebhookSecret: v.Secret}} })
		s.WebhookTarget(always(200, ""))
		require.Equal(t, ashbytest.Succeeded, s.DeliverBody(t.Context(), []byte(v.Body)).Outcome)
		require.Equal(t, v.Signature, s.Exchanges()[0].RequestHeader.Get(file.Header))
	}
}

func TestWebhooksMatchTheDocumentedExamples(t *testing.T) {
	s := ashbytest.Start(t)
	s.WebhookTarget(always(204, ""))
	for name, event := range map[string]ashbytest.Event{
		"webhook.ping.json":             s.PingEvent(),
		"webhook.candidate-delete.json": s.CandidateDeleteEvent(ashbytest.DefaultCandidateID),
		"webhook.candidate-merge.json":  s.CandidateMergeEvent(ashbytest.DefaultCandidateID, "9c8b7a65-4321-4fed-8cba-0123456789ab"),
	} {
		s.ForgetExchanges()
		want := tree(t, fixture(t, name))
		if id, known := want["webhookActionId"].(string); known {
			require.NotEmpty(t, event.ActionID)
			event.ActionID = id
		}
		require.Equal(t, ashbytest.Succeeded, s.Deliver(t.Context(), event).Outcome)
		e := s.Exchanges()[0]
		require.Empty(t, cmp.Diff(want, tree(t, e.RequestBody)))
		require.Equal(t, ashbytest.Sign(ashbytest.DefaultWebhookSecret, e.RequestBody), e.RequestHeader.Get("Ashby-Signature"))
	}
}

func TestWebhooksGoWrong(t *testing.T) {
	const old, secret = ashbytest.DefaultWebhookSecret, "d00d"
	s := ashbytest.Start(t)
	require.NoError(t, s.RotateSecret("", secret))
	require.Error(t, s.RotateSecret("nobody", secret))
	s.WebhookTarget(always(200, ""))
	event, err := s.CustomEvent("neverHeardOf", map[string]any{"a": map[string]any{"b": 1}})
	require.NoError(t, err)
	deliver := func(options ...ashbytest.DeliveryFault) (signature string, body []byte) {
		s.ForgetExchanges()
		s.Deliver(t.Context(), event, options...)
		e := s.Exchanges()[0]
		return e.RequestHeader.Get(ashbytest.SignatureHeader), e.RequestBody
	}
	right, body := deliver()
	require.Equal(t, ashbytest.Sign(secret, body), right)
	for name, c := range map[string]struct {
		option ashbytest.DeliveryFault
		want   string
	}{
		"missing":     {ashbytest.MissingSignature(), ""},
		"old":         {ashbytest.OldSecret(), ashbytest.Sign(old, body)},
		"another":     {ashbytest.SignedWith("x"), ashbytest.Sign("x", body)},
		"upper":       {ashbytest.UpperCaseHex(), "sha256=" + strings.ToUpper(right[len("sha256="):])},
		"bare":        {ashbytest.BareSignature(), right[len("sha256="):]},
		"hex decoded": {ashbytest.HexDecodedSecret(), ashbytest.Sign("\xd0\x0d", body)},
		"bad":         {ashbytest.BadSignature(), ashbytest.Sign(secret, append([]byte(string(body)), ' '))},
	} {
		signature, sent := deliver(c.option)
		require.Equal(t, c.want, signature, name)
		require.Equal(t, body, sent)
	}
	for name, option := range map[string]ashbytest.DeliveryFault{
		`{"data":null,"action":"neverHeardOf","webhookActionId":"` + event.ActionID + `"}`: ashbytest.NullFields("data"),
		`{"data":{},"action":"neverHeardOf"}`:                                              ashbytest.AbsentFields("webhookActionId", "data.a"),
	} {
		signature, sent := deliver(option)
		require.JSONEq(t, name, string(sent))
		require.Equal(t, ashbytest.Sign(secret, sent), signature)
	}
	_, sent := deliver(ashbytest.OversizedBody(5000))
	require.Len(t, sent, 5000)
	_, sent = deliver(ashbytest.TruncatedBody())
	require.False(t, json.Valid(sent))
}

func TestDuplicates(t *testing.T) {
	s := ashbytest.Start(t)
	var mu sync.Mutex
	seen := map[string]int{}
	s.WebhookTarget(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen[string(body)]++
	}))
	d := s.Deliver(t.Context(), s.CandidateDeleteEvent("x"), ashbytest.Duplicate(2))
	require.Len(t, d.Duplicates, 2)
	s.Deliver(t.Context(), s.CandidateDeleteEvent("y"), ashbytest.DuplicateAtOnce(3))
	require.Len(t, seen, 2)
	require.Len(t, s.Calls(ashbytest.ActionCandidateDelete), 7)
	require.Equal(t, ashbytest.NotSent, s.Deliver(t.Context(), s.PingEvent(), ashbytest.Lost()).Outcome)
	require.Equal(t, ashbytest.NotSent, s.Deliver(t.Context(), ashbytest.Event{Data: []byte("{")}).Outcome)
}

func TestAFailingPingDisablesTheWebhook(t *testing.T) {
	s := ashbytest.Start(t)
	ctx := t.Context()
	for _, status := range []int{400, 401, 500} {
		s.WebhookTarget(always(status, ""))
		require.False(t, s.Deliver(ctx, s.PingEvent()).Retryable)
		require.False(t, s.WebhookEnabled(""))
		d := s.Deliver(ctx, s.CandidateDeleteEvent("x"))
		require.Equal(t, ashbytest.NotSent, d.Outcome)
		require.ErrorContains(t, d.Err, "disabled")
		s.WebhookTarget(always(200, ""))
		s.Deliver(ctx, s.PingEvent())
		require.True(t, s.WebhookEnabled(""))
	}
	require.Equal(t, ashbytest.Succeeded, s.Deliver(ctx, s.CandidateDeleteEvent("x")).Outcome)
}

func TestRetriesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ashbytest.Start(t)
		began := time.Now()
		var at []time.Duration
		s.WebhookTarget(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			at = append(at, time.Since(began)/time.Second)
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		attempts := s.Retries(s.CandidateDeleteEvent("x")).Run(t.Context())
		require.Len(t, attempts, ashbytest.MaxAttempts)
		require.Equal(t, []time.Duration{0, 10, 40, 110, 260, 570, 1200, 2470, 5020, 10130}, at)
		require.Equal(t, attempts[0].ActionID, attempts[9].ActionID)
	})
}

func TestRetriesByStep(t *testing.T) {
	s := ashbytest.Start(t)
	s.WebhookTarget(always(500, ""))
	r := s.Retries(s.CandidateDeleteEvent("x"))
	d, sent := r.Next(t.Context(), ashbytest.AnswerLost())
	require.True(t, sent)
	require.True(t, d.Retryable)
	_, _ = r.Next(t.Context())
	wait, due := r.Delay()
	require.True(t, due)
	require.Equal(t, 30*time.Second, wait)
	s.WebhookTarget(always(202, ""))
	_, sent = r.Next(t.Context())
	require.True(t, sent)
	_, sent = r.Next(t.Context())
	require.False(t, sent)
	require.Len(t, r.Attempts(), 3)

	for _, status := range []int{401, 403, 404, 405, 410} {
		s.WebhookTarget(always(status, ""))
		require.Len(t, s.Retries(s.CandidateDeleteEvent("x")).Run(t.Context()), 1, status)
	}
	for _, status := range []int{302, 400, 422, 429, 503} {
		s.WebhookTarget(always(status, ""))
		require.True(t, s.Deliver(t.Context(), s.CandidateDeleteEvent("x")).Retryable, status)
	}
	s.WebhookTargetURL("http://127.0.0.1:1/")
	require.True(t, s.Deliver(t.Context(), s.CandidateDeleteEvent("x")).Retryable)
	s.WebhookTargetURL("")
	require.Equal(t, ashbytest.NotSent, s.Deliver(t.Context(), s.CandidateDeleteEvent("x")).Outcome)
}
