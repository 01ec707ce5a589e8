package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/catalog"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func noEnv(string) string { return "" }

func TestSimulation(t *testing.T) {
	var table bytes.Buffer
	require.NoError(t, run(t.Context(), nil, noEnv, &table, io.Discard), table.String())
	lines := strings.Split(strings.TrimSpace(table.String()), "\n")
	require.Equal(t, fmt.Sprintf("%d of %d as they should be", len(scenarios), len(scenarios)), lines[len(lines)-1])
	verdicts := 0
	for _, line := range lines {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
		require.NotContains(t, line, "\x1b", "colours belong on a terminal")
		if strings.HasPrefix(line, "ok ") {
			verdicts++
		}
	}
	require.Equal(t, len(scenarios), verdicts)
}

// flushes is a writer that remembers what was written at a time.
type flushes struct{ lines []string }

func (f *flushes) Write(p []byte) (int, error) {
	f.lines = append(f.lines, string(p))
	return len(p), nil
}

// A row is shown when it is known, not when all are.
func TestRowsAppearAtOnce(t *testing.T) {
	var shown flushes
	p := &report{w: &shown}
	p.print(row{vendor: "kombo", order: "fine", met: "webhook: accepted", holds: "COMPLETED"})
	require.Equal(t, []string{
		"ok     kombo     fine\n", "       webhook: accepted\n", "       vendor holds: COMPLETED\n",
	}, shown.lines)
}

func TestColours(t *testing.T) {
	var shown flushes
	p := &report{w: &shown, colours: true}
	p.print(row{vendor: "kombo", order: "fine"})
	require.Equal(t, []string{"\x1b[32mok   \x1b[0m  kombo     fine\n"}, shown.lines)

	terminal, err := os.Open(os.DevNull) // a character device, as a terminal is
	require.NoError(t, err)
	defer terminal.Close()
	require.True(t, coloured(terminal, noEnv))
	require.False(t, coloured(&shown, noEnv))
	for _, variable := range []string{"NO_COLOR=1", "TERM=dumb"} {
		name, value, _ := strings.Cut(variable, "=")
		require.False(t, coloured(terminal, func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}), variable)
	}
}

// The exit status is worth nothing if it cannot be anything but 0.
func TestSimulationFails(t *testing.T) {
	var table bytes.Buffer
	p := &report{w: &table}
	p.print(row{vendor: "kombo", order: "fine"})
	lost := row{vendor: "kombo", order: "lost"}
	lost.want(false, "a result")
	p.print(lost)
	require.ErrorIs(t, p.sum(), errWrong)
	require.Contains(t, table.String(), "WRONG  kombo     lost\n       ! want a result\n1 of 2 as they should be\n")

	nothing := &report{w: io.Discard}
	require.ErrorIs(t, nothing.sum(), errWrong, "green must not mean that nothing ran")
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

// An order whose lookups hang keeps no other order waiting.
func TestOrdersDoNotQueueBehindOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vendor := stackonetest.Start(t)
		s, err := newService(settings{
			Packages:       []assessment.Package{{ID: "typescript_test"}},
			PublicURL:      "https://tests.example.com",
			StackOneSecret: stackonetest.DefaultWebhookSecret,
			StackOne: stackone.Config{APIKey: stackonetest.DefaultAPIKey, HTTPClient: &http.Client{
				Transport: hangsFor{account: "slow", next: vendor.Client().Transport},
			}},
			Logger: slog.New(slog.DiscardHandler),
		})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.work(ctx)
		order := assessment.Order{Package: assessment.Package{ID: "typescript_test"}, Candidate: assessment.Candidate{ID: "c1", Email: "jane@example.com"}}
		for _, account := range []string{"slow", stackonetest.DefaultAccount} {
			order.Ref = assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: "o1"}
			require.NoError(t, s.queue.put(ctx, order))
		}
		synctest.Wait()
		require.Equal(t, 1, s.provider.invitations(order.Ref))
		stop()
		synctest.Wait()
	})
}

// hangsFor does not answer the calls for one account.
type hangsFor struct {
	account string
	next    http.RoundTripper
}

func (h hangsFor) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Account-Id") == h.account {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return h.next.RoundTrip(r)
}

func TestQueueIsFull(t *testing.T) {
	q := &orderQueue{orders: make(chan assessment.Order)}
	require.ErrorIs(t, q.put(t.Context(), assessment.Order{}), errQueueFull)
	require.NoError(t, q.drain(t.Context()))
}
