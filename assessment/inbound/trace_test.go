package inbound_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// canary is a person, and must not be found in any log.
const canary = "maria.canary"

// moody answers orders in turn: yes, no, a fault with the order in its text.
type moody struct{ assessment.Provider }

func (moody) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	switch o.Package.ID {
	case "reject":
		return assessment.Started{}, assessment.Reject(canary + " is ill")
	case "fail":
		return assessment.Started{}, errors.New("database down")
	case "panic":
		panic(o.Candidate.Email)
	}
	return assessment.Started{CandidateURL: "https://tests.example.com/" + canary}, nil
}

// seenDelivery is what a support engineer asks for.
type seenDelivery struct {
	Account, Order, Outcome string
	Status                  int
}

// What became of every order can be told from the hooks alone, and from the log
// alone, and neither tells of a person.
func TestWhatHappenedCanBeTold(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	var hooked []seenDelivery
	hookedDrift := make(map[string]bool)
	observer := assessment.Observer{
		Delivery: func(_ context.Context, d assessment.Delivery) {
			order := ""
			if d.Order.ID != "" {
				order = d.Order.String()
			}
			hooked = append(hooked, seenDelivery{d.Account, order, string(d.Outcome), d.StatusCode})
		},
		Drift: func(_ context.Context, d assessment.Drift) { hookedDrift[d.Field+"="+d.Value] = true },
	}
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: moody{}, Store: assessment.NewMemoryStore(0), Logger: logger})
	require.NoError(t, err)
	k, err := kombo.NewVerifier(webhook.Secret{Key: "kombo-" + canary})
	require.NoError(t, err)
	s, err := stackone.NewVerifier(webhook.Secret{Key: "stackone-" + canary})
	require.NoError(t, err)
	komboHandler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: k, Logger: logger, Observer: observer})
	require.NoError(t, err)
	stackOneHandler, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: intake, Verifier: s, Logger: logger, Observer: observer,
		OnRejected: func(context.Context, assessment.Order, *assessment.Rejection) error { return nil },
	})
	require.NoError(t, err)
	ashbyHandler, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake: intake, Logger: logger, Observer: observer,
		Authenticate: func(context.Context, string) (string, error) { return "acme", nil },
	})
	require.NoError(t, err)
	post := func(h http.Handler, path, body string, prove func(*http.Request)) int {
		r := httptest.NewRequest(http.MethodPost, path+"?token="+canary, strings.NewReader(body))
		prove(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}

	want := make([]int, 0, 200)
	packages := []string{"start", "reject", "fail", "panic"}
	for i := range 190 {
		email, pack := fmt.Sprintf("%s%d@example.com", canary, i), packages[i%len(packages)]
		switch i % 3 {
		case 0:
			status := "OPEN"
			if i/3 < 7 {
				status = fmt.Sprintf("PAUSED_%d", i/3)
			}
			body := fmt.Sprintf(`{"id":"e%d","type":"assessment:order-received","data":{"id":"o%d","integration_id":"lever:%d","package_id":%q,"status":%q,"candidate":{"email":%q}}}`,
				i, i, i%5, pack, status, email)
			want = append(want, post(komboHandler, "/kombo", body, func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, k.Sign([]byte(body))) }))
		case 1:
			body := fmt.Sprintf(`{"event":"ats_assessments.created","account_id":"a%d","record_id":"o%d","event_data":{"package":{"id":%q},"candidate":{"email":%q}}}`, i%5, i, pack, email)
			want = append(want, post(stackOneHandler, "/stackone", body, func(r *http.Request) { r.Header.Set(stackone.SignatureHeader, s.Sign([]byte(body))) }))
		case 2:
			body := fmt.Sprintf(`{"assessment_type_id":%q,"candidate":{"ashby_id":"c%d","email":%q}}`, pack, i, email)
			want = append(want, post(ashbyHandler, "/ashby/assessment.start", body, func(r *http.Request) { r.SetBasicAuth("key-"+canary, "") }))
		}
	}
	for i := range 10 { // three kinds of event that nobody knows, some refused
		body := fmt.Sprintf(`{"id":"x%d","type":"thing-%d","data":{"email":%q}}`, i, i%3, canary)
		sign := func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, k.Sign([]byte(body))) }
		if i == 9 {
			sign = func(r *http.Request) { r.Header.Set(kombo.SignatureHeader, k.Sign([]byte(canary))) }
		}
		want = append(want, post(komboHandler, "/kombo", body, sign))
	}

	var logged []seenDelivery
	loggedDrift := make(map[string]int)
	faults := make(map[string]int)
	for line := range strings.Lines(log.String()) {
		var l struct {
			Msg, Level, Vendor, Account, Order, Outcome, Field, Value, Error string
			Status                                                           int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		switch l.Msg {
		case "delivery":
			logged = append(logged, seenDelivery{l.Account, l.Order, l.Outcome, l.Status})
			require.NotEmpty(t, l.Vendor, line)
		case "drift":
			loggedDrift[l.Field+"="+l.Value]++
		}
		if strings.Contains(line, "database down") {
			faults[l.Order]++
			require.Equal(t, "ERROR", l.Level, line)
		}
	}
	require.Len(t, hooked, 200)
	require.Equal(t, hooked, logged)
	for i, seen := range hooked {
		require.Equal(t, want[i], seen.Status, i)
		if i < 190 {
			require.NotEmpty(t, seen.Account, i)
			require.NotEmpty(t, seen.Order, i)
		}
	}
	require.Len(t, hookedDrift, 7+3)
	require.Len(t, loggedDrift, 7+3)
	for kind, lines := range loggedDrift {
		require.Equal(t, 1, lines, kind)
	}
	require.NotEmpty(t, faults)
	for order, lines := range faults {
		require.Equal(t, 1, lines, "%s: a fault is logged once", order)
	}
	require.NotContains(t, log.String(), canary)
	require.NotContains(t, log.String(), k.Sign([]byte(canary)))
}
