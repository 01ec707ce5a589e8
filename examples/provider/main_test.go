package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/catalog"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func noEnv(string) string { return "" }

func TestSimulation(t *testing.T) {
	var table bytes.Buffer
	require.NoError(t, run(t.Context(), nil, noEnv, &table, io.Discard), table.String())
	lines := strings.Split(strings.TrimSpace(table.String()), "\n")
	require.Len(t, lines, 1+len(scenarios))
	for _, line := range lines[1:] {
		require.True(t, strings.HasSuffix(line, "ok"), line)
	}
}

// The exit status is worth nothing if it cannot be anything but 0.
func TestSimulationFails(t *testing.T) {
	s := &simulation{rows: []row{{order: "fine"}, {order: "lost"}}}
	s.rows[1].want(false, "a result")
	var table bytes.Buffer
	require.ErrorIs(t, s.print(&table), errWrong)
	require.Contains(t, table.String(), "WRONG: want a result")
}

func TestServeNeedsCredentials(t *testing.T) {
	err := run(t.Context(), []string{"--listen", "127.0.0.1:0"}, noEnv, io.Discard, io.Discard)
	require.ErrorIs(t, err, errNoVendor)
}

func TestServeDrains(t *testing.T) {
	env := map[string]string{"KOMBO_API_KEY": "ks_dev_1", "KOMBO_WEBHOOK_SECRET": "s"}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := run(ctx, []string{"--listen", "127.0.0.1:0"}, func(name string) string { return env[name] }, io.Discard, io.Discard)
	require.NoError(t, err)
}

// In service, a lost order is found without anybody asking.
func TestReconcileInService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := kombotest.Start(t)
		s, err := newService(settings{
			Packages:    []assessment.Package{{ID: "typescript_test"}},
			PublicURL:   "https://tests.example.com",
			KomboSecret: kombotest.DefaultWebhookSecret,
			Kombo:       kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: vendor.Client()},
			Logger:      slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.reconcile(ctx, []string{"workday:unknown", kombotest.DefaultIntegration})
		synctest.Wait()
		id, _, err := vendor.PlaceOrder(ctx, kombotest.OrderSpec{}, kombotest.Lost())
		require.NoError(t, err)
		<-time.After(reconcileEvery + time.Second)
		synctest.Wait()
		ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}
		require.Equal(t, 1, s.provider.invitations(ref))
	})
}

func TestResults(t *testing.T) {
	vendor := kombotest.Start(t)
	packages, err := catalog.Parse(packagesYAML)
	require.NoError(t, err)
	s, err := newService(settings{
		Packages:     packages,
		PublicURL:    "https://tests.example.com",
		KomboSecret:  kombotest.DefaultWebhookSecret,
		ResultsToken: "token",
		Kombo:        kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: vendor.Client(), MaxRetries: -1},
		Logger:       slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	vendor.Target(s.handler)
	id, _, err := vendor.PlaceOrder(t.Context(), kombotest.OrderSpec{})
	require.NoError(t, err)
	ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}.String()

	const good = `{"status":"completed","report_url":"https://tests.example.com/r/1","score":{"value":0,"max":10}}`
	for _, c := range []struct {
		name, token, order, body string
		fault                    *kombotest.Fault
		status                   int
	}{
		{name: "no token", order: ref, body: good, status: 401},
		{name: "bad reference", token: "token", order: "x", body: good, status: 400},
		{name: "no JSON", token: "token", order: ref, body: "{", status: 400},
		{name: "no report", token: "token", order: ref, body: `{"status":"completed"}`, status: 422},
		{name: "vendor down", token: "token", order: ref, body: good, fault: ptr(kombotest.LoadBalancer503()), status: 503},
		{name: "unknown order", token: "token", order: ref + "x", body: good, status: 502},
		{name: "good", token: "token", order: ref, body: good, status: 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.fault != nil {
				vendor.Fail(kombotest.OpUpdateResult, *c.fault)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/results?order="+c.order, strings.NewReader(c.body))
			r.Header.Set("Authorization", "Bearer "+c.token)
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code, w.Body.String())
		})
	}
	order, _ := vendor.Order(id)
	final, _ := order.Final()
	require.Equal(t, "0", final.Score.String())
}

func ptr[T any](v T) *T { return &v }

// At the end of the service every order that StackOne was told is taken has to be
// worked on, or to be missed loudly.
func TestQueueDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newOrderQueue()
		require.NoError(t, q.drain(t.Context()))
		require.NoError(t, q.put(t.Context(), assessment.Order{}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorContains(t, q.drain(ctx), "1 orders left")
		<-q.orders
		q.open.Done()
		require.NoError(t, q.drain(t.Context()))
	})
}

func TestQueueIsFull(t *testing.T) {
	q := &orderQueue{orders: make(chan assessment.Order)}
	require.ErrorIs(t, q.put(t.Context(), assessment.Order{}), errQueueFull)
	require.NoError(t, q.drain(t.Context()))
}
