package stackone_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]stackone.Config{
		"no key":        {},
		"malformed key": {APIKey: "a b"},
		"two keys":      {APIKey: "k", Keys: func(context.Context, string) (string, error) { return "", nil }},
		"base URL":      {APIKey: "k", BaseURL: "api.stackone.com"},
	} {
		client, err := stackone.New(config)
		require.Error(t, err, name)
		require.Nil(t, client, name)
	}
}

func TestKeysAndBaseURL(t *testing.T) {
	server := play(answers(401, ""), answers(200, `{"data":{}}`))
	asked := 0
	client := newClient(t, server, func(c *stackone.Config) {
		c.APIKey, c.BaseURL = "", "https://proxy.example.com/stackone/"
		c.Keys = func(_ context.Context, got string) (string, error) {
			require.Equal(t, account, got)
			asked++
			return strings.Repeat("k", asked), nil
		}
	})
	_, err := client.Job(t.Context(), account, "j")
	require.NoError(t, err)
	require.Equal(t, "https://proxy.example.com/stackone/unified/ats/jobs/j", server.seen[0].URL)
	require.NotEqual(t, server.seen[0].Header.Get("Authorization"), server.seen[1].Header.Get("Authorization"))
}

func TestCall(t *testing.T) {
	t.Run("platform", func(t *testing.T) {
		want := example(t, "connector_meta.response.json")
		server := play(answers(200, string(want)))
		got, err := newClient(t, server, func(c *stackone.Config) { c.Heartbeat = true }).Call(t.Context(), "", stackone.Request{
			Method: http.MethodGet, Path: []string{"connectors", "meta", "hibob"}, Query: map[string][]string{"include": {"field_path,webhooks"}},
		})
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
		require.Equal(t, "https://api.stackone.com/connectors/meta/hibob?include=field_path%2Cwebhooks", server.seen[0].URL)
		require.Empty(t, server.seen[0].Header.Get("X-Account-Id"))
		require.Empty(t, server.seen[0].Header.Get("Prefer"))
	})
	t.Run("several statuses in one", func(t *testing.T) {
		server := play(answers(207, string(example(t, "webhook_events_trigger.response_207.json"))))
		got, err := newClient(t, server).Call(t.Context(), account, stackone.Request{
			Method: http.MethodPost, Path: []string{"webhooks", "7", "events"}, Body: json.RawMessage(example(t, "webhook_events_trigger.request.json")),
		})
		require.NoError(t, err)
		requireSameJSON(t, example(t, "webhook_events_trigger.response_207.json"), got)
		requireSameJSON(t, example(t, "webhook_events_trigger.request.json"), []byte(server.seen[0].Body))
		require.Equal(t, account, server.seen[0].Header.Get("X-Account-Id"))
	})
	// Ordering goes the other way, and results were once readable (legacy): there
	// are no methods for them.
	for operation, file := range map[string]string{
		"assessments/orders":             "assessment_order_create.response.json",
		"background_checks/orders":       "background_check_order_create.response.json",
		"assessments/orders/o/results":   "legacy_removed_assessment_results_get.response.json",
		"assessments/orders/o":           "legacy_removed_assessment_order_get.response.json",
		"background_checks/orders?x=y#z": "legacy_removed_background_check_orders_list.response.json",
	} {
		t.Run(operation, func(t *testing.T) {
			server := play(answers(200, string(example(t, file))))
			got, err := newClient(t, server).Call(t.Context(), account, stackone.Request{
				Method: http.MethodGet, Path: append([]string{"unified", "ats"}, strings.Split(operation, "/")...),
			})
			require.NoError(t, err)
			require.Equal(t, string(example(t, file)), string(got))
		})
	}
	t.Run("a write is not repeated blindly", func(t *testing.T) {
		server := play(answers(502, ""))
		_, err := newClient(t, server).Call(t.Context(), account, stackone.Request{Method: http.MethodPost, Path: []string{"unified", "ats", "x"}})
		require.True(t, apiError(t, err).Uncertain)
		require.Len(t, server.seen, 1)
	})
	t.Run("a body that is no JSON", func(t *testing.T) {
		_, err := newClient(t, play()).Call(t.Context(), account, stackone.Request{Method: http.MethodPost, Path: []string{"x"}, Body: func() {}})
		require.Error(t, err)
	})
}

// Nothing of a key, a candidate or a query reaches a log.
func TestLogsAreClean(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var attempts []assessment.Attempt
		server := play(answers(429, `{"message":"slow"}`), breaks(errReset), answers(200, `{"data":[]}`))
		client := newClient(t, server, func(c *stackone.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { attempts = append(attempts, a) }
		})
		_, err := collect(client.JobPostings(t.Context(), account, stackone.ListOptions{Proxy: map[string]string{"q": "secretquery"}}))
		require.NoError(t, err)
		require.Len(t, attempts, 3)
		require.Equal(t, "GET /unified/ats/job_postings", attempts[0].Operation)
		require.Equal(t, account, attempts[0].Account)
		require.NotEmpty(t, log.String())
		for _, secret := range []string{testKey, "secretquery", "djEuZXUx"} {
			require.NotContains(t, log.String(), secret)
		}
	})
}

// Any 408 says to wait for a minute, after StackOne has worked for one: the
// default leaves time for the repetition.
func TestDefaultTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t, stackonetest.Bullhorn)
		server.Fail(stackonetest.OpUpdateAssessmentResult, stackonetest.TimedOut().After(time.Minute))
		began := time.Now()
		_, err := client.PublishResult(t.Context(), ref, completed())
		require.NoError(t, err)
		require.GreaterOrEqual(t, time.Since(began), 2*time.Minute)

		server.Fail(stackonetest.OpUpdateAssessmentResult, stackonetest.Slow(time.Hour))
		began = time.Now()
		_, err = client.PublishResult(t.Context(), ref, completed())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, stackone.DefaultTimeout, time.Since(began))
		require.True(t, apiError(t, err).Uncertain)
	})
}
