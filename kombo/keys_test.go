package kombo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// A vault that is down comes back, so a queue has to keep the job; nothing was
// sent, so nothing is uncertain. It is for the host to say that there will be no
// key.
func TestKeysThatFail(t *testing.T) {
	for name, tc := range map[string]struct {
		fault error
		class error
		later bool
	}{
		"vault down":     {errors.New("vault sealed"), assessment.ErrUnavailable, true},
		"context's own":  {context.DeadlineExceeded, assessment.ErrUnavailable, true},
		"unknown":        {fmt.Errorf("no such customer: %w", assessment.ErrUnauthorized), assessment.ErrUnauthorized, false},
		"unknown itself": {assessment.ErrUnauthorized, assessment.ErrUnauthorized, false},
	} {
		for call, do := range calls {
			t.Run(name+"/"+call, func(t *testing.T) {
				server := play(answers(200, written))
				client := newClient(t, server, func(c *kombo.Config) {
					c.APIKey = ""
					c.Keys = func(context.Context, string) (string, error) { return testKey, tc.fault }
				})
				err := do(t.Context(), client, integration)
				require.ErrorIs(t, err, tc.fault)
				requireClass(t, err, tc.class)
				api := apiError(t, err)
				require.Zero(t, api.Attempts)
				require.Zero(t, api.StatusCode)
				require.Equal(t, integration, api.Account)
				require.False(t, api.Uncertain)
				_, later := assessment.Retryable(err)
				require.Equal(t, tc.later, later)
				require.Empty(t, server.seen)
				require.NotContains(t, err.Error(), testKey)
			})
		}
	}
}
