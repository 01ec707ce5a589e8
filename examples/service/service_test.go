package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func TestSimulation(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--simulate"}, nil, &out, io.Discard), out.String())
	require.Contains(t, out.String(), "28 orders started and completed once, 2 rejected, 0 wrong")
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a service in this process, on a SQLite file, for Kombo only.
type running struct {
	*service
	log   lines
	kombo *kombotest.Server
	stop  context.CancelFunc
	ended chan error
}

func begin(t *testing.T, change func(*settings)) *running {
	r := &running{kombo: kombotest.Start(t), ended: make(chan error, 1)}
	s := defaults()
	s.MetricsEvery = 0
	s.DB = filepath.Join(t.TempDir(), "a ?%20&b.db")
	s.Listen, s.OpsListen, s.OpsToken, s.Results = "127.0.0.1:0", "127.0.0.1:0", secret, secret
	s.PublicURL = "https://tests.example.com"
	s.KomboKey, s.KomboSecret, s.KomboURL = kombotest.DefaultAPIKey, kombotest.DefaultWebhookSecret, r.kombo.URL()
	if change != nil {
		change(&s)
	}
	var err error
	r.service, err = newService(s, slog.New(slog.NewTextHandler(&r.log, nil)))
	require.NoError(t, err)
	listening := make(chan struct{})
	r.listening = func() { close(listening) }
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() { r.ended <- r.serve(ctx) }()
	t.Cleanup(func() { stop(); <-r.ended; r.db.close() })
	<-listening
	r.kombo.TargetURL("http://" + r.public + "/kombo")
	return r
}

// get asks the second port, with the token if there is one.
func (r *running) get(t *testing.T, method, path, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.ops+path, nil)
	require.NoError(t, err)
	if token != "" {
		request.SetBasicAuth("me", token)
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, 30*time.Second, 20*time.Millisecond, what)
}

func (r *running) ready(t *testing.T) {
	eventually(t, "ready", func() bool { status, _ := r.get(t, "GET", "/readyz", ""); return status == 200 })
}

func (r *running) putResult(t *testing.T, token string, ref, body string) int {
	t.Helper()
	return putResult(t, "http://"+r.public, token, ref, body)
}

func putResult(t testing.TB, base, token, ref, body string) int {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, base+"/results?order="+ref, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// The operator's pages tell what became of an order, to whom has the token, and
// nothing about the candidate or of the secrets.
func TestOperations(t *testing.T) {
	r := begin(t, nil)
	r.ready(t)
	id, delivery, err := r.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{Fields: map[string]any{"candidate.email": "jane.roe@example.com"}})
	require.NoError(t, err)
	require.Equal(t, 200, delivery.Status)
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}.String()
	const good = `{"status":"completed","report_url":"https://tests.example.com/r/1","at":"2026-11-25T10:00:00Z"}`
	require.Equal(t, 401, r.putResult(t, "wrong", ref, good))
	require.Equal(t, 400, r.putResult(t, secret, "x", good))
	require.Equal(t, 400, r.putResult(t, secret, ref, "{"))
	require.Equal(t, 422, r.putResult(t, secret, ref, `{"status":"completed","report_url":"x"}`))
	require.Equal(t, 202, r.putResult(t, secret, ref, good))
	require.Equal(t, 202, r.putResult(t, secret, ref, good))
	eventually(t, "written", func() bool {
		_, page := r.get(t, "GET", "/?order="+ref, secret)
		return strings.Contains(page, "result.written") && strings.Contains(page, "order.started")
	})
	order, _ := r.kombo.Order(id)
	require.Len(t, order.Results, 1)

	// Refused by the vendor: it says so on the page.
	gone := assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: "gone"}.String()
	require.Equal(t, 202, r.putResult(t, secret, gone, good))
	eventually(t, "attention", func() bool {
		_, page := r.get(t, "GET", "/", secret)
		return strings.Contains(page, "refused")
	})
	_, page := r.get(t, "GET", "/", secret)
	var metrics string
	eventually(t, "this process leads", func() bool {
		_, metrics = r.get(t, "GET", "/metrics", "")
		return strings.Contains(metrics, "assessbridge_leader 1")
	})
	var jobs string
	eventually(t, "jobs", func() bool { // River records in batches
		_, jobs = r.get(t, "GET", "/jobs/api/jobs?state=completed", secret)
		return strings.Contains(jobs, "assessbridge_order.v1")
	})
	require.Contains(t, metrics, `assessbridge_attention{what="refused"} 1`)
	require.Contains(t, metrics, `assessbridge_database_up 1`)
	require.Contains(t, metrics, `assessbridge_delivery_duration_seconds_count{outcome="queued",vendor="kombo"} 1`)
	for what, text := range map[string]string{"page": page, "metrics": metrics, "jobs": jobs, "log": r.log.String()} {
		for _, hidden := range []string{"jane.roe", "John", secret, kombotest.DefaultAPIKey, kombotest.DefaultWebhookSecret} {
			require.NotContains(t, text, hidden, what)
		}
	}
	require.Regexp(t, `msg=listening .*kombo=http://127\.0\.0\.1:\d+/kombo`, r.log.String())

	for _, c := range []struct {
		method, path, token string
		status              int
	}{
		{"GET", "/healthz", "", 200},
		{"GET", "/", "", 401},
		{"GET", "/", "wrong", 401},
		{"GET", "/?order=x", secret, 400},
		{"GET", "/jobs/", "", 401},
		{"GET", "/jobs/", secret, 200},
		{"GET", "/jobs/api/jobs", "wrong", 401},
		{"POST", "/jobs/api/jobs/retry", secret, 403},
	} {
		status, _ := r.get(t, c.method, c.path, c.token)
		require.Equal(t, c.status, status, c)
	}
}

func TestNoTokenNoPages(t *testing.T) {
	r := begin(t, func(s *settings) { s.OpsToken, s.Results = "", "" })
	for _, path := range []string{"/", "/jobs/"} {
		status, _ := r.get(t, "GET", path, "")
		require.Equal(t, 404, status)
	}
	require.Equal(t, 404, r.putResult(t, "", "x", "{}"))
}

// A process that is alive but cannot work says so to the load balancer only.
func TestReadiness(t *testing.T) {
	r := begin(t, func(s *settings) { s.DrainAfter = 500 * time.Millisecond })
	r.ready(t)
	r.stop()
	eventually(t, "draining", func() bool { _, text := r.get(t, "GET", "/readyz", ""); return strings.Contains(text, "draining") })
	_, delivery, err := r.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
	require.NoError(t, err)
	require.Equal(t, 200, delivery.Status, "orders are taken until the load balancer has seen it")
	require.NoError(t, <-r.ended)
	r.ended <- nil
}

func TestReadinessWithoutTables(t *testing.T) {
	r := begin(t, func(s *settings) { s.Migrate = false })
	err := <-r.ended
	require.ErrorContains(t, err, "call Migrate")
	r.ended <- nil
}

// A customer who connects gets the catalogue, whatever the API does at first.
func TestCustomerGetsCatalogue(t *testing.T) {
	r := begin(t, func(s *settings) { s.CatalogueEvery = 100 * time.Millisecond })
	r.ready(t)
	r.kombo.Fail(kombotest.OpSetPackages, kombotest.Status(400, "PLATFORM.INPUT_INVALID"))
	event, err := r.kombo.IntegrationCreatedEvent(kombotest.DefaultIntegration)
	require.NoError(t, err)
	require.Equal(t, 200, r.kombo.Deliver(t.Context(), event).Status)
	eventually(t, "catalogue", func() bool { return len(r.kombo.Packages(kombotest.DefaultIntegration)) == 3 })
	_, err = r.kombo.DeleteIntegration(t.Context(), kombotest.DefaultIntegration)
	require.NoError(t, err)
	customers, err := r.komboCustomers(t.Context())
	require.NoError(t, err)
	require.Empty(t, customers)
}
