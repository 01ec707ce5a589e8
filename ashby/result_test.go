package ashby_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

// https://developers.ashbyhq.com/docs/assessmentupdate wants milliseconds.
func TestTimestamps(t *testing.T) {
	progress := func(text string, when time.Time) assessment.Result {
		return assessment.Result{Status: assessment.StatusInProgress, StatusText: text, At: when}
	}
	publish := func(t *testing.T, server *script, all ...assessment.Result) []int64 {
		client := newClient(t, server)
		for _, r := range all {
			_, _ = client.PublishResult(t.Context(), ref, r)
		}
		return server.timestamps(t)
	}
	noon := time.UnixMilli(moment)
	for name, tc := range map[string]struct {
		results []assessment.Result
		want    []int64
	}{
		"At":                         {[]assessment.Result{progress("a", noon.Add(999*time.Microsecond))}, []int64{moment}},
		"rising":                     {[]assessment.Result{progress("a", noon), progress("b", noon.Add(time.Second))}, []int64{moment, moment + 1000}},
		"the same time twice":        {[]assessment.Result{progress("a", noon), progress("b", noon), progress("c", noon)}, []int64{moment, moment + 1, moment + 2}},
		"back in time":               {[]assessment.Result{progress("a", noon), progress("b", noon.Add(-time.Hour))}, []int64{moment}},
		"repeated":                   {[]assessment.Result{progress("a", noon), progress("a", noon), progress("a", noon)}, []int64{moment, moment, moment}},
		"repeated in another zone":   {[]assessment.Result{progress("a", noon), progress("a", noon.UTC())}, []int64{moment, moment}},
		"repeated after it moved":    {[]assessment.Result{progress("a", noon), progress("b", noon), progress("b", noon)}, []int64{moment, moment + 1, moment + 1}},
		"repeated too late":          {[]assessment.Result{progress("a", noon), progress("b", noon), progress("a", noon)}, []int64{moment, moment + 1, moment}},
		"same content at other time": {[]assessment.Result{progress("a", noon), progress("a", noon.Add(time.Minute))}, []int64{moment, moment + 60000}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, publish(t, play(answers(200, written)), tc.results...))
		})
	}
	t.Run("a queue tries again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := publish(t, play(answers(500, "")), progress("a", noon), progress("b", noon), progress("b", noon))
			want := append(slicesOf(moment, 5), slicesOf(moment+1, 10)...)
			require.Equal(t, want, got)
		})
	})
	t.Run("now", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now().UnixMilli()
			require.Equal(t, []int64{now + 1, now + 2}, publish(t, play(answers(200, written)), progress("a", time.Time{}), progress("a", time.Time{})))
		})
	})
	t.Run("each assessment and customer has its own", func(t *testing.T) {
		server := play(answers(200, written))
		client := newClient(t, server)
		for _, r := range []assessment.OrderRef{
			{Vendor: assessment.Ashby, Account: "a", ID: "1"}, {Vendor: assessment.Ashby, Account: "a", ID: "2"}, {Vendor: assessment.Ashby, Account: "b", ID: "1"},
		} {
			_, err := client.PublishResult(t.Context(), r, progress("a", noon))
			require.NoError(t, err)
		}
		require.Equal(t, slicesOf(moment, 3), server.timestamps(t))
	})
}

func slicesOf(v int64, n int) (all []int64) {
	for range n {
		all = append(all, v)
	}
	return all
}

// Updates of one assessment that come at once also arrive one after the other;
// the simulator refuses what goes back in time.
func TestConcurrentUpdates(t *testing.T) {
	sim := ashbytest.Start(t)
	_, err := sim.AddAssessment(ashbytest.Assessment{ID: assessmentID})
	require.NoError(t, err)
	client := newClient(t, sim.Client().Transport)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			_, err := client.PublishResult(t.Context(), ref, assessment.Result{
				Status: assessment.StatusInProgress, StatusText: fmt.Sprint("step ", i), At: at(moment),
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, _ := sim.Assessment(assessmentID)
	require.Len(t, got.Updates, 50)
	for i := 1; i < len(got.Updates); i++ {
		require.True(t, got.Updates[i].Timestamp.After(got.Updates[i-1].Timestamp))
	}
}

// Who waits for another update of the same assessment waits no longer than the
// context allows.
func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client := newClient(t, play(func(r *http.Request) (*http.Response, error) {
			<-release
			return answers(200, written)(r)
		}))
		go func() { _, _ = client.PublishResult(t.Context(), ref, done(nil)) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.PublishResult(ctx, ref, done(nil))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		failure := apiError(t, err)
		require.Zero(t, failure.Attempts)
		require.False(t, failure.Uncertain)
		_, again := assessment.Retryable(err)
		require.True(t, again)
		close(release)
	})
}

// Without a deadline of the context's the configured one counts, for the waiting
// and the call together.
func TestWaitingEndsWithTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		for timeout, want := range map[time.Duration]time.Duration{0: 2 * time.Minute, 3 * time.Second: 3 * time.Second} {
			client := newClient(t, server, func(c *ashby.Config) { c.Timeout = timeout })
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			var group sync.WaitGroup
			group.Go(func() { _, _ = client.PublishResult(ctx, ref, done(nil)) })
			synctest.Wait()
			before, began := len(server.seen), time.Now()
			receipt, err := client.PublishResult(t.Context(), ref, done(nil))
			require.Equal(t, want, time.Since(began))
			require.ErrorIs(t, err, assessment.ErrUnavailable)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			failure := apiError(t, err)
			requireEqual(t, []any{0, 0, false, "assessment.update", account}, []any{
				failure.StatusCode, failure.Attempts, failure.Uncertain, failure.Operation, failure.Account,
			})
			_, again := assessment.Retryable(err)
			require.True(t, again)
			require.Zero(t, receipt.Attempts)
			require.Len(t, server.seen, before)
			cancel()
			group.Wait()
		}
	})
}

// An answer that got lost is asked for once more, and nothing is stored twice.
func TestUncertainUpdate(t *testing.T) {
	for name, fault := range map[string]ashbytest.Fault{
		"reset": ashbytest.AppliedThenReset(), "cut off": ashbytest.CutOff(), "half": ashbytest.TruncatedJSON(),
		"empty": ashbytest.EmptyBody(), "500": ashbytest.AppliedThen(ashbytest.Status(500, "")),
		"503": ashbytest.LoadBalancer503(), "page": ashbytest.HTMLBody(), "limit": ashbytest.RateLimited().Header("Retry-After", "3"),
		"warning": ashbytest.Warning("unable_to_add_application_metadata"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := ashbytest.Start(t)
				_, err := sim.AddAssessment(ashbytest.Assessment{ID: assessmentID})
				require.NoError(t, err)
				sim.Fail(ashbytest.OpUpdate, fault)
				_, err = newClient(t, sim.Client().Transport).PublishResult(t.Context(), ref, done(nil))
				require.NoError(t, err)
				got, _ := sim.Assessment(assessmentID)
				require.Len(t, got.Updates, 1)
				require.Equal(t, ashbytest.StateCompleted, got.State)
			})
		})
	}
}
