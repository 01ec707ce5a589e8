package kombo_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// Kombo is asked for nothing sooner than it wants to be, between the writes of
// one call too.
func TestUncertainWritesWaitAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		busy := kombotest.Status(504, "").Header("Retry-After", "30")
		server.Fail(kombotest.OpUpdateResult, busy, busy, busy)
		began := time.Now()
		_, err := client.PublishResult(t.Context(), ref, completed())
		api := apiError(t, err)
		require.True(t, api.Uncertain)
		require.True(t, api.SafeToRepeat)
		require.Equal(t, 3, api.Attempts)
		require.Len(t, server.Calls(kombotest.OpUpdateResult), 3)
		// After the last write there is nothing to wait for.
		require.Equal(t, 60*time.Second, time.Since(began))
		after, ok := assessment.Retryable(err)
		require.True(t, ok)
		require.Equal(t, 30*time.Second, after)
	})
}

// A wait that is not begun ends the call at once; the queue has to do the rest.
func TestUncertainWriteWithoutTimeToWait(t *testing.T) {
	for name, tc := range map[string]struct {
		asked   string
		want    time.Duration
		timeout time.Duration // of the context; zero: none
	}{
		"longer than the cap":      {asked: "3600", want: time.Hour},
		"longer than the deadline": {asked: "30", want: 30 * time.Second, timeout: 20 * time.Second},
		"as long as the deadline":  {asked: "20", want: 20 * time.Second, timeout: 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, client, ref := simulated(t)
				server.Fail(kombotest.OpUpdateResult, kombotest.Status(500, "").Header("Retry-After", tc.asked))
				ctx := t.Context()
				if tc.timeout > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.timeout)
					defer cancel()
				}
				began := time.Now()
				_, err := client.PublishResult(ctx, ref, completed())
				require.Zero(t, time.Since(began))
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				api := apiError(t, err)
				require.True(t, api.Uncertain)
				require.True(t, api.SafeToRepeat)
				require.Equal(t, tc.want, api.RetryAfter)
				require.Len(t, server.Calls(kombotest.OpUpdateResult), 1)
				after, ok := assessment.Retryable(err)
				require.True(t, ok)
				require.Equal(t, tc.want, after)
			})
		})
	}
}

// Without a word of Kombo's the pauses are those of a retry: short, growing and
// different for each caller.
func TestUncertainWritesBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		waits := make(map[time.Duration]bool)
		for range 20 {
			fault := kombotest.Status(500, "")
			server.Fail(kombotest.OpUpdateResult, fault, fault, fault)
			began := time.Now()
			_, err := client.PublishResult(t.Context(), ref, completed())
			require.True(t, apiError(t, err).SafeToRepeat)
			wait := time.Since(began)
			require.LessOrEqual(t, wait, 1500*time.Millisecond, "half a second and a second at most")
			waits[wait] = true
		}
		require.Greater(t, len(waits), 10, "not the same for all callers")
	})
}

// Whoever gives up during the pause still learns that it may be repeated.
func TestUncertainWriteGivenUpInThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		server.Fail(kombotest.OpUpdateResult, kombotest.Status(500, "").Header("Retry-After", "30"))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		began := time.Now()
		_, err := client.PublishResult(ctx, ref, completed())
		require.Equal(t, 10*time.Second, time.Since(began))
		require.True(t, apiError(t, err).Uncertain)
		require.True(t, apiError(t, err).SafeToRepeat)
		require.Len(t, server.Calls(kombotest.OpUpdateResult), 1)
	})
}
