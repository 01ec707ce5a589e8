package transport

import (
	"errors"
	"net"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestErrorCarriesTheWholeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(429, "error BUSY", "X-Request-Id", "req-1", "Retry-After", "9"))
		client := newClient(t, server, func(c *Config) { c.RequestIDHeader = "X-Request-Id" })
		answer, err := client.Do(t.Context(), writing)
		want := &assessment.APIError{
			Vendor:     assessment.Kombo,
			Operation:  "PUT /result",
			Account:    "acme",
			StatusCode: 429,
			Code:       "BUSY",
			Message:    "it says BUSY",
			Shown:      "message withheld",
			RequestID:  "req-1",
			LogURL:     "https://log.test/1",
			RetryAfter: 9 * time.Second,
			Attempts:   5,
			Body:       []byte("error BUSY"),
		}
		require.Empty(t, cmp.Diff(want, apiError(t, err)))
		require.Equal(t, 429, answer.StatusCode)
		require.Equal(t, "req-1", answer.RequestID)
		require.Equal(t, 5, answer.Attempts)
	})
}

func TestVendorsClassWins(t *testing.T) {
	_, err := newClient(t, play(answers(200, "error CLOSED"))).Do(t.Context(), writing)
	require.ErrorIs(t, err, assessment.ErrConflict)
	require.Equal(t, 200, apiError(t, err).StatusCode)
}

// A query string can hold an e-mail address, and net/http puts the URL into
// every error.
func TestCausesShowNoURL(t *testing.T) {
	call := reading
	call.Query = url.Values{"email": {"ada@example.org"}}
	for name, cause := range map[string]error{
		"plain":  errReset,
		"nested": errors.Join(&url.Error{Op: "Get", URL: "https://api.test/v1/orders?email=ada%40example.org", Err: errReset}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, err := newClient(t, play(breaks(cause))).Do(t.Context(), call)
				require.NotContains(t, err.Error(), "ada")
				require.NotContains(t, err.Error(), "api.test")
				var op *net.OpError
				require.ErrorAs(t, err, &op)
				require.ErrorIs(t, err, assessment.ErrUnavailable)
			})
		})
	}
}

func TestNoAnswerAtAll(t *testing.T) {
	answer, err := newClient(t, play(breaks(errNoName))).Do(t.Context(), reading)
	want := assessment.APIError{
		Vendor: assessment.Kombo, Operation: "GET /orders", Account: "acme", Attempts: 1,
		Class: assessment.ErrUnavailable, Cause: errNoName,
	}
	require.Empty(t, cmp.Diff(want, *apiError(t, err), cmpopts.EquateErrors()))
	require.Zero(t, answer.StatusCode)
}
