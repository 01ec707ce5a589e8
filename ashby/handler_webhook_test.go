package ashby_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

const (
	candidateID = "5b591aed-88e3-4395-b9c6-7d529f93354a"
	mergedID    = "9c8b7a65-4321-4fed-8cba-0123456789ab"
)

// TestEventExamples decodes each documented webhook to its full value.
func TestEventExamples(t *testing.T) {
	for file, want := range map[string]ashby.Event{
		"webhook.ping.json": {Action: ashby.ActionPing, Data: ashby.Ping{}},
		"webhook.candidate-delete.json": {
			ID: "75395d87-4044-4dc4-bc29-0cec185e5f06", Action: ashby.ActionCandidateDelete,
			Data: ashby.CandidateDeleted{CandidateID: candidateID},
		},
		"webhook.candidate-merge.json": {
			ID: "75395d87-4044-4dc4-bc29-0cec185e5f07", Action: ashby.ActionCandidateMerge,
			Data: ashby.CandidateMerged{DeletedID: candidateID, MergedID: mergedID},
		},
	} {
		t.Run(file, func(t *testing.T) {
			body := example(t, file)
			want.Raw = body
			got, err := ashby.ParseEvent(body)
			require.NoError(t, err)
			requireEqual(t, want, got)
		})
	}
}

func TestOtherEvents(t *testing.T) {
	unknown := func(data string) ashby.UnknownEvent { return ashby.UnknownEvent{Data: json.RawMessage(data)} }
	for body, want := range map[string]ashby.Event{
		`{"action":"candidateHire","data":{"a":1}}`: {
			Action: "candidateHire", Data: unknown(`{"a":1}`), Drift: []assessment.Drift{{Event: "candidateHire", Field: "action", Value: "candidateHire"}},
		},
		`{"action":"new"}`: {Action: "new", Data: ashby.UnknownEvent{}, Drift: []assessment.Drift{{Event: "new", Field: "action", Value: "new"}}},
		`{"action":"candidateDelete","data":{"candidate":null}}`: {
			Action: ashby.ActionCandidateDelete, Data: unknown(`{"candidate":null}`), Drift: []assessment.Drift{{Event: "candidateDelete", Field: "data"}},
		},
		`{"action":"candidateDelete","data":[1]}`: {
			Action: ashby.ActionCandidateDelete, Data: unknown(`[1]`), Drift: []assessment.Drift{{Event: "candidateDelete", Field: "data"}},
		},
		`{"action":"candidateMerge","data":{"deletedCandidate":{"id":"1"}}}`: {
			Action: ashby.ActionCandidateMerge, Data: unknown(`{"deletedCandidate":{"id":"1"}}`), Drift: []assessment.Drift{{Event: "candidateMerge", Field: "data"}},
		},
		`{"webhookActionId":7,"action":"candidateDelete","data":{"candidate":{"id":"1"},"new":0}}`: {
			ID: "7", Action: ashby.ActionCandidateDelete, Data: ashby.CandidateDeleted{CandidateID: "1"},
			Drift: []assessment.Drift{{Event: "candidateDelete", Field: "webhookActionId"}},
		},
		`{"webhookActionId":null,"action":"ping","data":null}`: {Action: ashby.ActionPing, Data: ashby.Ping{}},
	} {
		t.Run(body, func(t *testing.T) {
			got, err := ashby.ParseEvent([]byte(body))
			require.NoError(t, err)
			want.Raw = []byte(body)
			for i := range want.Drift {
				want.Drift[i].Vendor = assessment.Ashby
			}
			requireEqual(t, want, got)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", got, got, got, slog.AnyValue(got)), `"id"`)
		})
	}
	for _, body := range []string{"", "null", "[]", "7", `{"action":""}`, `{"action":7}`, `{"data":{}}`, `{"action":"ping"`, `{"action":"ping"}{}`} {
		_, err := ashby.ParseEvent([]byte(body))
		require.ErrorIs(t, err, ashby.ErrMalformedEvent, body)
	}
}

// https://developers.ashbyhq.com/docs/authenticating-webhooks
func TestSignatureVectors(t *testing.T) {
	var file struct {
		Header  string
		Vectors []struct {
			Name, Secret, Body string
			Base64             string `json:"body_base64"`
			Length             int    `json:"body_length_bytes"`
			Signature          string `json:"ashby_signature"`
		}
	}
	require.NoError(t, json.Unmarshal(example(t, "webhook.signature-vectors.json"), &file))
	require.Equal(t, ashby.SignatureHeader, file.Header)
	require.Len(t, file.Vectors, 3)
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			body, err := base64.StdEncoding.DecodeString(v.Base64)
			require.NoError(t, err)
			require.Equal(t, v.Body, string(body))
			require.Len(t, body, v.Length)
			verifier, err := ashby.NewVerifier(webhook.Secret{ID: "now", Key: v.Secret})
			require.NoError(t, err)
			require.Equal(t, v.Signature, verifier.Sign(body))
			id, err := verifier.Verify(http.Header{ashby.SignatureHeader: {v.Signature}}, body)
			require.NoError(t, err)
			require.Equal(t, "now", id)
			for name, bad := range map[string]string{
				"no prefix": strings.TrimPrefix(v.Signature, "sha256="), "upper case": "sha256=" + strings.ToUpper(v.Signature[7:]),
				"other algorithm": "sha512=" + v.Signature[7:], "too long": v.Signature + "0", "empty": "",
			} {
				_, err := verifier.Verify(http.Header{ashby.SignatureHeader: {bad}}, body)
				require.Error(t, err, name)
			}
		})
	}
	_, err := ashby.NewVerifier()
	require.Error(t, err)
	_, err = ashby.NewVerifier(webhook.Secret{})
	require.Error(t, err)
}

// receiver is a webhook handler beside a simulated Ashby.
type receiver struct {
	sim        *ashbytest.Server
	handler    *ashby.WebhookHandler
	verifier   *webhook.Verifier
	log        *lockedBuffer
	events     []ashby.Event
	deliveries []assessment.Delivery
	drift      []assessment.Drift
	err        error // of OnEvent
}

func newReceiver(t testing.TB, configure ...func(*ashby.WebhookConfig)) *receiver {
	t.Helper()
	r := &receiver{sim: ashbytest.Start(t), log: &lockedBuffer{}}
	var err error
	r.verifier, err = ashby.NewVerifier(webhook.Secret{ID: "acme", Key: ashbytest.DefaultWebhookSecret}, webhook.Secret{ID: "globex", Key: "g"})
	require.NoError(t, err)
	config := ashby.WebhookConfig{
		Verifier: r.verifier, Connection: "c",
		OnEvent: func(_ context.Context, e ashby.Event) error {
			r.events = append(r.events, e)
			return r.err
		},
		Logger: slog.New(slog.NewTextHandler(r.log, nil)),
		Observer: assessment.Observer{
			Delivery: func(_ context.Context, d assessment.Delivery) { r.deliveries = append(r.deliveries, d) },
			Drift:    func(_ context.Context, d assessment.Drift) { r.drift = append(r.drift, d) },
		},
	}
	for _, c := range configure {
		c(&config)
	}
	r.handler, err = ashby.NewWebhookHandler(config)
	require.NoError(t, err)
	r.sim.WebhookTarget(r.handler)
	return r
}

func TestNewWebhookHandlerRefuses(t *testing.T) {
	verifier := newReceiver(t).verifier
	for _, c := range []ashby.WebhookConfig{{}, {Verifier: verifier, MaxBody: -1}} {
		h, err := ashby.NewWebhookHandler(c)
		require.Error(t, err)
		require.Nil(t, h)
	}
}

func TestWebhookDeliveries(t *testing.T) {
	r := newReceiver(t)
	deleted := r.sim.CandidateDeleteEvent(candidateID)
	require.Equal(t, 200, r.sim.Deliver(t.Context(), deleted).Status)
	require.Equal(t, 200, r.sim.Deliver(t.Context(), r.sim.CandidateMergeEvent(candidateID, mergedID), ashbytest.SignedWith("g")).Status)
	other, err := r.sim.CustomEvent("candidateHire", map[string]any{"email": marker})
	require.NoError(t, err)
	require.Equal(t, 200, r.sim.Deliver(t.Context(), other).Status)
	require.Len(t, r.events, 3)
	require.Equal(t, ashby.CandidateDeleted{CandidateID: candidateID}, r.events[0].Data)
	require.Equal(t, ashby.CandidateMerged{DeletedID: candidateID, MergedID: mergedID}, r.events[1].Data)
	require.Equal(t, []string{"acme", "globex", "acme"}, []string{r.events[0].SecretID, r.events[1].SecretID, r.events[2].SecretID})
	require.JSONEq(t, `{"email":"`+marker+`"}`, string(r.events[2].Data.(ashby.UnknownEvent).Data))
	requireEqual(t, assessment.Delivery{
		Vendor: assessment.Ashby, Connection: "c", Path: r.deliveries[0].Path, Event: "candidateDelete", EventID: deleted.ActionID, SecretID: "acme",
		Outcome: assessment.DeliveryHandled, StatusCode: 200, Duration: r.deliveries[0].Duration,
	}, r.deliveries[0])
	requireEqual(t, []assessment.Drift{{
		Vendor: assessment.Ashby, Connection: "c", Event: "candidateHire", Field: "action", Value: "candidateHire",
	}}, r.drift)
	require.Equal(t, 3, strings.Count(r.log.String(), "level=INFO msg=delivery"))
	require.Contains(t, r.log.String(), "level=WARN msg=drift vendor=ashby connection=c event=candidateHire field=action value=candidateHire")

	r.err = errors.New("database down " + marker)
	failed := r.sim.Deliver(t.Context(), deleted)
	require.Equal(t, 503, failed.Status)
	require.True(t, failed.Retryable)
	require.NotContains(t, string(failed.Body), "database")

	bare := newReceiver(t, func(c *ashby.WebhookConfig) { c.OnEvent = nil })
	require.Equal(t, 200, bare.sim.Deliver(t.Context(), bare.sim.CandidateDeleteEvent(candidateID)).Status)
}

// A ping that fails leaves the webhook disabled
// (https://developers.ashbyhq.com/docs/setting-up-webhooks).
func TestPing(t *testing.T) {
	for name, tc := range map[string]struct {
		option ashbytest.DeliveryFault
		logged bool
	}{
		"signed": {}, "unsigned": {ashbytest.MissingSignature(), true}, "badly signed": {ashbytest.BadSignature(), true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			r.err = errors.New("not for this")
			require.Equal(t, 200, r.sim.Deliver(t.Context(), r.sim.PingEvent(), tc.option).Status)
			require.True(t, r.sim.WebhookEnabled(""))
			require.Empty(t, r.events)
			require.Len(t, r.deliveries, 1)
			require.Equal(t, assessment.DeliveryHandled, r.deliveries[0].Outcome)
			require.Equal(t, "ping", r.deliveries[0].Event)
			require.Equal(t, tc.logged, r.deliveries[0].SecretID == "")
			require.Equal(t, tc.logged, strings.Contains(r.log.String(), "WARN"))
		})
	}
}

// A 401 would end Ashby's retries (https://developers.ashbyhq.com/docs/retries).
func TestBadSignatures(t *testing.T) {
	for name, option := range map[string]ashbytest.DeliveryFault{
		"missing": ashbytest.MissingSignature(), "bad": ashbytest.BadSignature(), "bare": ashbytest.BareSignature(),
		"upper case": ashbytest.UpperCaseHex(), "decoded secret": ashbytest.HexDecodedSecret(), "old": ashbytest.OldSecret(),
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			got := r.sim.Deliver(t.Context(), r.sim.CandidateDeleteEvent(candidateID), option)
			require.Equal(t, 400, got.Status)
			require.True(t, got.Retryable)
			require.Empty(t, r.events)
			require.Equal(t, assessment.DeliveryRefused, r.deliveries[0].Outcome)
			require.Error(t, r.deliveries[0].Err)
		})
	}
	t.Run("mended in time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newReceiver(t)
			require.NoError(t, r.sim.RotateSecret("", "the new secret"))
			time.AfterFunc(time.Hour, func() {
				require.NoError(t, r.verifier.Rotate(webhook.Secret{ID: "new", Key: "the new secret"}))
			})
			attempts := r.sim.Retries(r.sim.CandidateDeleteEvent(candidateID)).Run(t.Context())
			require.Equal(t, 200, attempts[len(attempts)-1].Status)
			require.Len(t, r.events, 1, "nothing was lost")
			require.Equal(t, "new", r.events[0].SecretID)
		})
	})
}

func TestRefusedWebhooks(t *testing.T) {
	for name, tc := range map[string]struct {
		method, body string
		status       int
	}{
		"GET":         {"GET", "", 405},
		"too large":   {"POST", strings.Repeat(" ", 8<<20+1), 413},
		"no JSON":     {"POST", "{", 400},
		"no action":   {"POST", `{"data":{}}`, 400},
		"cut ping":    {"POST", `{"action":"ping"`, 400},
		"array":       {"POST", `[]`, 400},
		"empty":       {"POST", ``, 400},
		"two of them": {"POST", `{"action":"ping"}{}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			request := httptest.NewRequest(tc.method, "/", bytes.NewReader([]byte(tc.body)))
			request.Header.Set(ashby.SignatureHeader, r.verifier.Sign([]byte(tc.body)))
			w := serve(r.handler, request)
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, tc.status == 405, w.Header().Get("Allow") == "POST")
			require.Len(t, r.deliveries, 1)
			require.Empty(t, r.events)
		})
	}
}
