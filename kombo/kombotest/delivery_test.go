package kombotest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func TestSignatureVectors(t *testing.T) {
	var file struct {
		Header  string
		Vectors []struct {
			Name, Secret, Body string
			Signature          string `json:"x_kombo_signature"`
			NotAccepted        struct {
				Padded string `json:"base64url_padded"`
				Std    string `json:"base64_std"`
			} `json:"not_accepted"`
		}
	}
	require.NoError(t, json.Unmarshal(fixture(t, "webhook-signature-vectors.json"), &file))
	require.Equal(t, kombotest.SignatureHeader, file.Header)
	require.NotEmpty(t, file.Vectors)
	for _, v := range file.Vectors {
		require.Equal(t, v.Signature, kombotest.Sign(v.Secret, []byte(v.Body)), v.Name)
		s := kombotest.Start(t, func(c *kombotest.Config) { c.WebhookSecret = v.Secret })
		s.Target(always(200, ""))
		for want, faults := range map[string][]kombotest.DeliveryFault{
			v.Signature:          nil,
			v.NotAccepted.Padded: {kombotest.PaddedSignature()},
			v.NotAccepted.Std:    {kombotest.StandardBase64Signature()},
		} {
			s.ForgetExchanges()
			s.DeliverBody(t.Context(), []byte(v.Body), faults...)
			require.Equal(t, want, s.Exchanges()[0].RequestHeader.Get(kombotest.SignatureHeader), v.Name)
		}
	}
}

func TestOrderWebhooksMatchTheDocumentedExamples(t *testing.T) {
	for name, inline := range map[string]bool{
		"webhook-assessment-order-received.json":        false,
		"webhook-inline-assessment-order-received.json": true,
	} {
		want := tree(t, fixture(t, name))
		s := kombotest.Start(t)
		s.Target(always(200, `{"assessment_url":"https://example.com"}`))
		_, d := place(t, s, kombotest.OrderSpec{ID: "B5KQKhAgTv6ZwzrfAbqbhipd", Inline: inline})
		want["id"] = d.EventID
		require.Empty(t, cmp.Diff(want, tree(t, s.Exchanges()[0].RequestBody)))
	}
}

func TestLifecycleEventsMatchTheDocumentedShapes(t *testing.T) {
	const id = "greenhouse:CBNMt7dSNCzBdnRTx87dev4E"
	user := kombotest.EndUser{CreatorEmail: "user@example.com", OriginID: "36123"}
	s := kombotest.Start(t, func(c *kombotest.Config) {
		c.Integrations = []kombotest.IntegrationSpec{{ID: id, EndUser: user, State: kombotest.StateInvalid}}
	})
	must := func(e kombotest.Event, err error) kombotest.Event {
		require.NoError(t, err)
		return e
	}
	s.Target(always(200, ""))
	for name, event := range map[string]kombotest.Event{
		"webhook-integration-created.json":       must(s.IntegrationCreatedEvent(id)),
		"webhook-integration-deleted.json":       must(s.IntegrationDeletedEvent(id)),
		"webhook-integration-state-changed.json": must(s.StateChangedEvent(id)),
		"webhook-connection-flow-failed.json":    s.ConnectionFlowFailedEvent("greenhouse", user),
		"webhook-sync-finished.json":             must(s.SyncFinishedEvent(id, "SUCCEEDED")),
		"webhook-data-changed.json":              must(s.DataChangedEvent(id, "ats_candidates", "ats_applications")),
	} {
		s.ForgetExchanges()
		require.Equal(t, kombotest.Accepted, s.Deliver(t.Context(), event).Outcome)
		sameShape(t, name, tree(t, fixture(t, name)), tree(t, s.Exchanges()[0].RequestBody))
		require.Equal(t, tree(t, fixture(t, name))["type"], event.Type)
	}
}

// sameShape demands the same keys and types at every level. Where the simulator
// has null or an empty list there is nothing to compare.
func sameShape(t *testing.T, path string, want, got any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		require.True(t, ok, path)
		for name := range g {
			require.Contains(t, w, name, path)
		}
		for name := range w {
			require.Contains(t, g, name, path)
			sameShape(t, path+"."+name, w[name], g[name])
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok, path)
		for i := range min(len(w), len(g)) {
			sameShape(t, path, w[i], g[i])
		}
	default:
		if got != nil && want != nil {
			require.IsType(t, want, got, path)
		}
	}
}

func TestAnswersAreInterpreted(t *testing.T) {
	rejected := string(fixture(t, "webhook-reply-order-rejected-422.json"))
	url := string(fixture(t, "webhook-reply-inline-assessment-url.json"))
	for name, c := range map[string]struct {
		inline  bool
		status  int
		body    string
		outcome kombotest.Outcome
		state   string
	}{
		"200":                          {status: 200, outcome: kombotest.Accepted},
		"204":                          {status: 204, outcome: kombotest.Accepted},
		"rejection":                    {status: 422, body: rejected, outcome: kombotest.Rejected, state: "REJECTED"},
		"rejection with 200":           {status: 200, body: rejected, outcome: kombotest.Accepted},
		"rejection with 400":           {status: 400, body: rejected, outcome: kombotest.Failed},
		"422 without body":             {status: 422, outcome: kombotest.Failed},
		"422 without message":          {status: 422, body: `{"status":"ORDER_REJECTED"}`, outcome: kombotest.Failed},
		"422 with a number":            {status: 422, body: `{"status":"ORDER_REJECTED","message":1}`, outcome: kombotest.Failed},
		"422 with another key":         {status: 422, body: `{"status":"ORDER_REJECTED","message":"x","code":1}`, outcome: kombotest.Failed},
		"422 with another word":        {status: 422, body: `{"status":"order_rejected","message":"x"}`, outcome: kombotest.Failed},
		"500":                          {status: 500, outcome: kombotest.Failed},
		"302":                          {status: 302, outcome: kombotest.Failed},
		"inline":                       {inline: true, status: 200, body: url, outcome: kombotest.Accepted},
		"inline with 201":              {inline: true, status: 201, body: url, outcome: kombotest.Accepted},
		"inline without body":          {inline: true, status: 200, outcome: kombotest.Failed},
		"inline with the wrong key":    {inline: true, status: 200, body: `{"url":"https://e.com"}`, outcome: kombotest.Failed},
		"inline with an empty url":     {inline: true, status: 200, body: `{"assessment_url":""}`, outcome: kombotest.Failed},
		"inline with a relative url":   {inline: true, status: 200, body: `{"assessment_url":"/a"}`, outcome: kombotest.Failed},
		"inline with 500":              {inline: true, status: 500, body: url, outcome: kombotest.Failed},
		"inline rejection, by default": {inline: true, status: 422, body: rejected, outcome: kombotest.Rejected, state: "REJECTED"},
	} {
		t.Run(name, func(t *testing.T) {
			s := kombotest.Start(t)
			s.Target(always(c.status, c.body))
			id, d := place(t, s, kombotest.OrderSpec{Inline: c.inline})
			require.Equal(t, c.outcome, d.Outcome, d.Reason)
			require.Equal(t, c.status, d.Status)
			o := order(t, s, id)
			if c.state == "" {
				c.state = kombotest.StatusOpen
			}
			require.Equal(t, c.state, o.Status)
			require.Equal(t, c.outcome == kombotest.Failed, len(o.DeliveryFaults) == 1)
			require.Equal(t, c.state == kombotest.StatusRejected, o.RejectionMessage == "There is an existing order for this candidate...")
			require.Equal(t, c.inline && c.outcome == kombotest.Accepted, o.AssessmentURL != "")
		})
	}
}

func TestInlineRejectionCanBeIgnored(t *testing.T) {
	s := kombotest.Start(t, func(c *kombotest.Config) { c.Quirks.InlineRejectionIgnored = true })
	s.Target(always(422, `{"status":"ORDER_REJECTED","message":"No."}`))
	_, d := place(t, s, kombotest.OrderSpec{Inline: true})
	require.Equal(t, kombotest.Failed, d.Outcome)
}

func TestNothingIsSentWithoutTarget(t *testing.T) {
	s := kombotest.Start(t)
	id, d := place(t, s, kombotest.OrderSpec{})
	require.Equal(t, kombotest.NotSent, d.Outcome)
	require.Equal(t, kombotest.StatusOpen, order(t, s, id).Status)
	s.TargetURL("http://127.0.0.1:1/")
	s.TargetURL("")
	_, d = place(t, s, kombotest.OrderSpec{})
	require.Equal(t, kombotest.NotSent, d.Outcome)
	require.Empty(t, s.Exchanges())
}

// received keeps the webhooks that arrive.
type received struct {
	mu      sync.Mutex
	bodies  []string
	headers []http.Header
}

func (r *received) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	provider(func(body []byte) (int, string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.bodies = append(r.bodies, string(body))
		r.headers = append(r.headers, req.Header)
		return 200, ""
	}).ServeHTTP(w, req)
}

func TestDeliveryFaults(t *testing.T) {
	const secret = kombotest.DefaultWebhookSecret
	data := func(t *testing.T, body string) map[string]any {
		d, _ := tree(t, []byte(body))["data"].(map[string]any)
		return d
	}
	valid := func(t *testing.T, body, signature string) {
		require.Equal(t, kombotest.Sign(secret, []byte(body)), signature)
	}
	invalid := func(t *testing.T, body, signature string) {
		require.Len(t, signature, 43)
		require.NotEqual(t, kombotest.Sign(secret, []byte(body)), signature)
	}
	for _, c := range []struct {
		fault kombotest.DeliveryFault
		check func(t *testing.T, body, signature string)
	}{
		{kombotest.DeliveryFault{}, valid},
		{kombotest.BadSignature(), invalid},
		{kombotest.OldSecret(), invalid},
		{kombotest.SignedWith("next"), func(t *testing.T, body, signature string) {
			require.Equal(t, kombotest.Sign("next", []byte(body)), signature)
		}},
		{kombotest.MissingSignature(), func(t *testing.T, _, signature string) { require.Empty(t, signature) }},
		{kombotest.PaddedSignature(), func(t *testing.T, body, signature string) {
			require.Equal(t, kombotest.Sign(secret, []byte(body))+"=", signature)
		}},
		{kombotest.StandardBase64Signature(), func(t *testing.T, _, signature string) {
			require.NotContains(t, signature, "-")
			require.Len(t, signature, 44)
		}},
		{kombotest.UnknownType("assessment:order-withdrawn"), func(t *testing.T, body, signature string) {
			valid(t, body, signature)
			require.Equal(t, "assessment:order-withdrawn", tree(t, []byte(body))["type"])
		}},
		{kombotest.UnknownStatus("PAUSED"), func(t *testing.T, body, signature string) {
			valid(t, body, signature)
			require.Equal(t, "PAUSED", data(t, body)["status"])
		}},
		{kombotest.UnknownRole("SOURCER"), func(t *testing.T, body, _ string) {
			require.Contains(t, body, `"hiring_team_roles":["SOURCER"]`)
		}},
		{kombotest.AbsentFields("candidate.phone", "job", "nobody.name"), func(t *testing.T, body, signature string) {
			valid(t, body, signature)
			require.NotContains(t, body, "phone")
			require.NotContains(t, data(t, body), "job")
		}},
		{kombotest.NullFields("candidate.phone", "job.location"), func(t *testing.T, body, _ string) {
			require.Contains(t, body, `"phone":null`)
			require.Contains(t, body, `"location":null`)
		}},
		{kombotest.LegacyBody(), func(t *testing.T, body, signature string) {
			valid(t, body, signature)
			require.Contains(t, tree(t, []byte(body)), "remote_data")
			require.NotContains(t, tree(t, []byte(body)), "data")
		}},
		{kombotest.OversizedBody(1 << 20), func(t *testing.T, body, signature string) {
			valid(t, body, signature)
			require.Len(t, body, 1<<20)
			tree(t, []byte(body))
		}},
		{kombotest.TruncatedBody(), func(t *testing.T, body, signature string) {
			valid(t, body, signature)
			require.False(t, json.Valid([]byte(body)))
		}},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			s, r := kombotest.Start(t), &received{}
			s.Target(r)
			_, d := place(t, s, kombotest.OrderSpec{}, c.fault)
			c.check(t, r.bodies[0], r.headers[0].Get(kombotest.SignatureHeader))
			shown := strings.TrimSuffix(c.fault.String(), "=next") // the secret of SignedWith
			require.Equal(t, shown, strings.Join(d.Faults, ""))
			require.Equal(t, shown, s.Exchanges()[0].Fault)
		})
	}
}

func TestRotatedSecret(t *testing.T) {
	s, r := kombotest.Start(t), &received{}
	s.Target(r)
	s.RotateSecret("new")
	place(t, s, kombotest.OrderSpec{})
	place(t, s, kombotest.OrderSpec{}, kombotest.OldSecret())
	require.Equal(t, kombotest.Sign("new", []byte(r.bodies[0])), r.headers[0].Get(kombotest.SignatureHeader))
	require.Equal(t, kombotest.Sign(kombotest.DefaultWebhookSecret, []byte(r.bodies[1])), r.headers[1].Get(kombotest.SignatureHeader))
}

func TestRepetitionAndOrder(t *testing.T) {
	s, r := kombotest.Start(t, func(c *kombotest.Config) { c.PrettyPrint = true }), &received{}
	s.Target(r)
	id, d := place(t, s, kombotest.OrderSpec{}, kombotest.Duplicate(1), kombotest.DuplicateAtOnce(2))
	require.Len(t, d.Duplicates, 2)
	newAPI(t, s).call(200, resultOp(id), []byte(validResult))
	again, err := s.Redeliver(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, d.EventID, again.EventID)
	require.Len(t, r.bodies, 4)
	for _, body := range r.bodies {
		require.Equal(t, r.bodies[0], body)
	}
	require.Contains(t, r.bodies[0], "\n  \"type\"")

	_, lost := place(t, s, kombotest.OrderSpec{}, kombotest.Lost())
	require.Equal(t, kombotest.NotSent, lost.Outcome)
	events := s.Events()
	deliveries := s.DeliverShuffled(t.Context(), events...)
	require.Len(t, deliveries, 2)
	require.Equal(t, events[0].ID, deliveries[1].EventID)
}

func TestLostAnswerLeavesTheOrderOpen(t *testing.T) {
	s := kombotest.Start(t)
	s.Target(always(422, `{"status":"ORDER_REJECTED","message":"No."}`))
	id, d := place(t, s, kombotest.OrderSpec{}, kombotest.AnswerLost())
	require.Equal(t, kombotest.Unread, d.Outcome)
	require.Equal(t, 422, d.Status)
	require.Equal(t, kombotest.StatusOpen, order(t, s, id).Status)
	again, err := s.Redeliver(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, kombotest.Rejected, again.Outcome)
}

func TestPanickingHandlerIsALostConnection(t *testing.T) {
	s := kombotest.Start(t)
	s.Target(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	_, d := place(t, s, kombotest.OrderSpec{})
	require.Equal(t, kombotest.Failed, d.Outcome)
	require.ErrorContains(t, d.Err, "boom")
}

func TestDeliveryOverASocket(t *testing.T) {
	s, r := kombotest.Start(t), &received{}
	server := httptest.NewServer(r)
	defer server.Close()
	s.TargetURL(server.URL + "/hooks/kombo")
	_, d := place(t, s, kombotest.OrderSpec{})
	require.Equal(t, kombotest.Accepted, d.Outcome)
	require.Equal(t, server.URL+"/hooks/kombo", s.Exchanges()[0].URL)

	server.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		// net/http notices that a peer is gone only once the body is read.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	_, d = place(t, s, kombotest.OrderSpec{}, kombotest.HangUp(0))
	require.Equal(t, kombotest.Unread, d.Outcome)
	_, d = place(t, s, kombotest.OrderSpec{}, kombotest.HangUp(time.Millisecond))
	require.Equal(t, kombotest.Unread, d.Outcome)
}
