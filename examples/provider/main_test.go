package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
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

// It is no service: nobody shall copy a queue in memory.
func TestNoAddress(t *testing.T) {
	require.Error(t, run(t.Context(), []string{"--listen", ":0"}, noEnv, io.Discard, io.Discard))
	require.Error(t, run(t.Context(), []string{"serve"}, noEnv, io.Discard, io.Discard))
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
			Kombo:       kombo.Config{APIKey: kombotest.DefaultAPIKey},
			KomboSecret: kombotest.DefaultWebhookSecret,
			Logger:      slog.New(slog.DiscardHandler),
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
}
