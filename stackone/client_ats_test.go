package stackone_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestATSLookup(t *testing.T) {
	interim := assessment.Result{Status: assessment.StatusInProgress}
	t.Run("once an hour", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, ref := simulated(t, stackonetest.Greenhouse)
			receipt, err := client.Preview(ref, interim)
			require.NoError(t, err)
			require.False(t, receipt.Outcome == assessment.ResultSkipped, "nothing is known yet, and nothing is asked")
			require.Empty(t, server.Calls(stackonetest.OpAccount))
			for range 3 {
				receipt, err = client.PublishResult(t.Context(), ref, interim)
				require.NoError(t, err)
				require.True(t, receipt.Outcome == assessment.ResultSkipped)
			}
			require.Len(t, server.Calls(stackonetest.OpAccount), 1)
			receipt, err = client.Preview(ref, interim)
			require.NoError(t, err)
			require.True(t, receipt.Outcome == assessment.ResultSkipped, "now it is known")
			wait(time.Hour)
			_, err = client.PublishResult(t.Context(), ref, interim)
			require.NoError(t, err)
			require.Len(t, server.Calls(stackonetest.OpAccount), 2)
			require.Empty(t, server.Calls(stackonetest.OpUpdateAssessmentResult))
		})
	})
	t.Run("a failure does not lose the result", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, ref := simulated(t, stackonetest.SmartRecruiters)
			server.Fail(stackonetest.OpAccount, stackonetest.Status(403, ""))
			result := completed()
			result.Score = assessment.ScoreOutOf(80, 100) // too little for SmartRecruiters
			server.Fail(stackonetest.OpUpdateAssessmentResult, stackonetest.Answer(stackonetest.Failure{Status: 200}))
			receipt, err := client.PublishResult(t.Context(), ref, result)
			require.NoError(t, err)
			require.Len(t, receipt.Warnings, 1)
			require.Contains(t, receipt.Warnings[0], "could not be found out")
			require.Len(t, server.Calls(stackonetest.OpUpdateAssessmentResult), 1)

			_, err = client.PublishResult(t.Context(), ref, completed())
			require.NoError(t, err)
			require.Len(t, server.Calls(stackonetest.OpAccount), 1, "not asked again at once")
			wait(time.Minute)
			_, err = client.PublishResult(t.Context(), ref, result)
			require.Equal(t, []string{"score.min"}, paths(t, err))
		})
	})
	t.Run("what was known outlasts a failure", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, ref := simulated(t, stackonetest.Greenhouse)
			_, err := client.PublishResult(t.Context(), ref, interim)
			require.NoError(t, err)
			wait(2 * time.Hour)
			for range 2 { // and outlasts the next one too
				server.Fail(stackonetest.OpAccount, stackonetest.Status(403, ""))
				receipt, err := client.PublishResult(t.Context(), ref, interim)
				require.NoError(t, err)
				require.True(t, receipt.Outcome == assessment.ResultSkipped)
				require.Len(t, receipt.Warnings, 1)
				require.NotContains(t, receipt.Warnings[0], "could not be found out", "skipped by the rules of the ATS that was known")
				wait(2 * time.Minute)
			}
			require.Zero(t, server.PendingFaults())
		})
	})
	t.Run("slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, ref := simulated(t, stackonetest.Bullhorn)
			server.Fail(stackonetest.OpAccount, stackonetest.Slow(time.Hour))
			began := time.Now()
			receipt, err := client.PublishResult(t.Context(), ref, completed())
			require.NoError(t, err)
			require.Len(t, receipt.Warnings, 1)
			require.Less(t, time.Since(began), 11*time.Second)
		})
	})
	t.Run("a caller that gives up says nothing about the account", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, ref := simulated(t, stackonetest.Bullhorn)
			server.Fail(stackonetest.OpAccount, stackonetest.Slow(time.Hour))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := client.PublishResult(ctx, ref, completed())
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Zero(t, apiError(t, err).Attempts)
			receipt, err := client.PublishResult(t.Context(), ref, completed())
			require.NoError(t, err)
			require.Empty(t, receipt.Warnings)
		})
	})
	t.Run("the host's function", func(t *testing.T) {
		errHost := errors.New("host's database")
		server := play(answers(200, written))
		client := newClient(t, server, func(c *stackone.Config) {
			c.Provider = func(_ context.Context, got string) (string, error) {
				require.Equal(t, account, got)
				return "", errHost
			}
		})
		receipt, err := client.PublishResult(t.Context(), ref, completed())
		require.NoError(t, err)
		require.Len(t, server.seen, 1)
		require.True(t, strings.HasSuffix(receipt.Warnings[0], errHost.Error()))
	})
}

// An interim update could use up the only one that the ATS takes.
func TestInterimWithoutTheATS(t *testing.T) {
	interim := assessment.Result{Status: assessment.StatusInProgress}
	for status, passing := range map[int]bool{429: true, 500: true, 502: true, 503: true, 401: false, 403: false, 404: false, 412: false, 501: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := play(answers(status, "{}"))
				client := newClient(t, server, func(c *stackone.Config) { c.MaxRetries = -1 })
				receipt, err := client.PublishResult(t.Context(), ref, interim)
				require.Len(t, server.seen, 1, "the account is asked for, and nothing is sent")
				require.Equal(t, "GET", server.seen[0].Method)
				if passing {
					require.Equal(t, status, apiError(t, err).StatusCode)
					_, again := assessment.Retryable(err)
					require.True(t, again)
					require.Equal(t, assessment.Receipt{}, receipt)
					return
				}
				require.NoError(t, err)
				require.True(t, receipt.Outcome == assessment.ResultSkipped)
				require.Len(t, receipt.Warnings, 1)
				require.Contains(t, receipt.Warnings[0], "not sent")
			})
		})
	}
	t.Run("an account of an unknown ATS", func(t *testing.T) {
		for _, body := range []string{`{"id":"1","provider":"unheard-of"}`, `{"id":"1"}`} {
			server := play(answers(200, body), answers(200, written))
			receipt, err := newClient(t, server).PublishResult(t.Context(), ref, interim)
			require.NoError(t, err)
			require.False(t, receipt.Outcome == assessment.ResultSkipped)
			require.Len(t, server.seen, 2)
		}
	})
	t.Run("the host's function", func(t *testing.T) {
		errHost := errors.New("host's database")
		var failure error
		server := play(answers(200, written))
		client := newClient(t, server, func(c *stackone.Config) {
			c.Provider = func(context.Context, string) (string, error) { return "", failure }
		})
		failure = errHost
		_, err := client.PublishResult(t.Context(), ref, interim)
		require.ErrorIs(t, err, errHost)
		_, again := assessment.Retryable(err)
		require.True(t, again)
		_, err = client.Preview(ref, interim)
		require.ErrorIs(t, err, errHost)

		failure = &assessment.APIError{StatusCode: 404}
		receipt, err := client.PublishResult(t.Context(), ref, interim)
		require.NoError(t, err)
		require.True(t, receipt.Outcome == assessment.ResultSkipped)
		require.Empty(t, server.seen)

		failure = nil
		receipt, err = client.PublishResult(t.Context(), ref, interim)
		require.NoError(t, err)
		require.False(t, receipt.Outcome == assessment.ResultSkipped)
		require.Empty(t, receipt.Warnings)
	})
}

// Results for one account that come together need one lookup.
func TestOneLookupForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lookups, writes atomic.Int32
		server := play(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPatch {
				writes.Add(1)
				return answers(200, written)(r)
			}
			lookups.Add(1)
			wait(time.Second)
			return answers(200, `{"id":"1","provider":"greenhouse"}`)(r)
		})
		client := newClient(t, server)
		inParallel(50, func(int) {
			_, err := client.PublishResult(t.Context(), ref, completed())
			require.NoError(t, err)
		})
		require.EqualValues(t, 1, lookups.Load())
		require.EqualValues(t, 50, writes.Load())
	})
}

// One who waits for another's lookup goes when its own context ends, and makes
// the lookup itself when the other gives up.
func TestSharedLookupGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t, stackonetest.Bullhorn)
		server.Fail(stackonetest.OpAccount, stackonetest.Slow(time.Hour))
		interim := assessment.Result{Status: assessment.StatusInProgress}
		limits := []time.Duration{3 * time.Second, 2 * time.Second, time.Minute}
		errs := make([]error, len(limits))
		var all sync.WaitGroup
		for i, limit := range limits {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				_, errs[i] = client.PublishResult(ctx, ref, interim)
			})
			synctest.Wait() // the first one asks
		}
		all.Wait()
		require.ErrorIs(t, errs[0], context.DeadlineExceeded)
		require.ErrorIs(t, errs[1], context.DeadlineExceeded)
		require.NoError(t, errs[2])
		synctest.Wait() // the simulator notes a call that was given up when its own side has ended
		require.Len(t, server.Calls(stackonetest.OpAccount), 2)
	})
}

func TestNoLookupForAnInvalidResult(t *testing.T) {
	server := play(answers(200, written))
	invalid := assessment.Result{Status: assessment.StatusInProgress, ReportURL: "ftp://x"}
	_, err := newClient(t, server).PublishResult(t.Context(), ref, invalid)
	require.Equal(t, []string{"report_url"}, paths(t, err))
	require.Empty(t, server.seen)
	_, err = newClient(t, server, func(c *stackone.Config) {
		c.Provider = func(context.Context, string) (string, error) { t.Error("asked"); return "", nil }
	}).PublishResult(t.Context(), ref, invalid)
	require.Equal(t, []string{"report_url"}, paths(t, err))
}
