package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestCutAnswerKeepsWhatCame(t *testing.T) {
	_, err := newClient(t, play(cuts(200, `{"a":`))).Do(t.Context(), writing)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	api := apiError(t, err)
	require.Equal(t, 200, api.StatusCode)
	require.Equal(t, `{"a":`, string(api.Body))
	require.True(t, api.Uncertain)
}

// net/http reports the cause that a context was cancelled with, which need not
// match context.Canceled.
func TestCancelledWithACause(t *testing.T) {
	stop := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	server := play(func(r *http.Request) (*http.Response, error) {
		cancel(stop)
		return hangs(r)
	})
	_, err := newClient(t, server).Do(ctx, writing)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, stop)
	require.ErrorIs(t, err, assessment.ErrUnavailable)
	require.Len(t, server.seen, 1)
	require.True(t, apiError(t, err).Uncertain)
}

func TestRequestIDOfTheBodyWins(t *testing.T) {
	client := newClient(t, play(answers(400, "", "X-Request-Id", "header")), func(c *Config) {
		c.RequestIDHeader = "X-Request-Id"
		c.Classify = func(Answer) *Failure { return &Failure{RequestID: "body"} }
	})
	answer, err := client.Do(t.Context(), reading)
	require.Equal(t, "body", apiError(t, err).RequestID)
	require.Equal(t, "body", answer.RequestID)
}

func TestWithoutClassifyTheStatusDecides(t *testing.T) {
	_, err := newClient(t, play(answers(404, "error CLOSED")), func(c *Config) { c.Classify = nil }).Do(t.Context(), reading)
	require.ErrorIs(t, err, assessment.ErrNotFound)
	require.Empty(t, apiError(t, err).Code)
}
