package stackone_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

func about(who stackone.ResultCandidate, err error) func(*stackone.Config) {
	return func(c *stackone.Config) {
		c.Candidate = func(_ context.Context, got assessment.OrderRef) (stackone.ResultCandidate, error) {
			if got != ref {
				return stackone.ResultCandidate{}, errors.New("another order")
			}
			return who, err
		}
	}
}

func TestCandidateOfAResult(t *testing.T) {
	for name, tc := range map[string]struct {
		who      stackone.ResultCandidate
		err      error
		want     any
		warnings int
	}{
		"both":    {who: stackone.ResultCandidate{ID: "c1", ProfileURL: "https://example.com/c/Zoë"}, want: map[string]any{"id": "c1", "profile_url": "https://example.com/c/Zo%C3%AB"}},
		"id":      {who: stackone.ResultCandidate{ID: "c1"}, want: map[string]any{"id": "c1"}},
		"nothing": {},
		"error":   {who: stackone.ResultCandidate{ID: "c1"}, err: errors.New("database down"), warnings: 1},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, written))
			receipt, err := newClient(t, server, behind(""), about(tc.who, tc.err)).PublishResult(t.Context(), ref, completed())
			require.NoError(t, err)
			require.Len(t, receipt.Warnings, tc.warnings)
			require.Equal(t, tc.want, decoded(t, []byte(server.seen[0].Body)).(map[string]any)["candidate"])
		})
	}
	server := play(answers(200, written))
	client := newClient(t, server, behind(""), about(stackone.ResultCandidate{ID: "a\xff", ProfileURL: "/me"}, nil))
	_, err := client.Preview(ref, completed())
	require.Equal(t, []string{"candidate.id", "candidate.profile_url"}, paths(t, err))
	_, err = client.PublishResult(t.Context(), ref, completed())
	require.Equal(t, []string{"candidate.id", "candidate.profile_url"}, paths(t, err))
	require.Empty(t, server.seen)
}
