package vendortest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// noon is when the results of these laws happened.
var noon = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// Only an interim update is ever left out: one that is older than what this client
// wrote, and any after the final result. A final one is always sent, whatever its
// time; what the vendor refused for certain counts for nothing.
func lateInterims(t *testing.T, v Vendor) {
	type step struct {
		result  assessment.Result
		outcome assessment.ResultOutcome
	}
	early, late := noon.Add(-time.Hour), noon.Add(time.Hour)
	for name, steps := range map[string][]step{
		"older":            {{interim(noon), assessment.ResultWritten}, {interim(early), assessment.ResultSkipped}},
		"newer":            {{interim(early), assessment.ResultWritten}, {interim(noon), assessment.ResultWritten}},
		"of the same time": {{interim(noon), assessment.ResultWritten}, {interim(noon), assessment.ResultWritten}},
		"without a time":   {{interim(noon.AddDate(100, 0, 0)), assessment.ResultWritten}, {interim(time.Time{}), assessment.ResultWritten}},
		"after the end":    {{final(noon), assessment.ResultWritten}, {interim(late), assessment.ResultSkipped}, {interim(time.Time{}), assessment.ResultSkipped}},
		"older end":        {{interim(noon), assessment.ResultWritten}, {final(early), assessment.ResultWritten}},
		"second end":       {{final(noon), assessment.ResultWritten}, {final(early), assessment.ResultWritten}, {final(noon), assessment.ResultWritten}},
	} {
		t.Run(name, func(t *testing.T) {
			a := v.Outlet.dial(t, Answers(200, v.Outlet.Written))
			sent := 0
			for i, s := range steps {
				preview, err := a.client.Preview(v.Outlet.Ref("1"), s.result)
				require.NoError(t, err)
				require.Equal(t, s.outcome, preview.Outcome, "preview %d", i)
				receipt, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), s.result)
				require.NoError(t, err)
				require.Equal(t, s.outcome, receipt.Outcome, "result %d", i)
				if s.outcome == assessment.ResultWritten {
					sent++
				} else {
					require.NotEmpty(t, receipt.Warnings)
					require.Zero(t, receipt.Attempts)
				}
				require.Len(t, a.seen, sent)
			}
			_, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("2"), interim(early))
			require.NoError(t, err)
			require.Len(t, a.seen, sent+1, "of another order nothing was written")
		})
	}
	t.Run("refused", func(t *testing.T) {
		a := v.Outlet.dial(t, Answers(403, v.Outlet.Refusal("no")), Answers(200, v.Outlet.Written))
		_, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), final(noon))
		require.Error(t, err)
		receipt, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), interim(early))
		require.NoError(t, err)
		require.Equal(t, assessment.ResultWritten, receipt.Outcome)
	})
}

// Results of one order are written one at a time, in the order in which they came;
// those of others do not wait.
func inTurn(t *testing.T, v Vendor) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		release := make(chan struct{})
		inFlight, most := 0, 0
		a := v.Outlet.dial(t, func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			inFlight++
			most = max(most, inFlight)
			mu.Unlock()
			<-release
			mu.Lock()
			inFlight--
			mu.Unlock()
			return Answers(200, v.Outlet.Written)(r)
		})
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				if _, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), interim(noon.Add(time.Duration(i)))); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		all.Go(func() {
			if _, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("2"), final(noon)); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		require.Equal(t, 2, most, "one of either order")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := a.client.PublishResult(ctx, v.Outlet.Ref("1"), final(noon))
		require.ErrorIs(t, err, assessment.ErrUnavailable)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, again := assessment.Retryable(err)
		require.True(t, again, "nothing was sent")
		close(release)
		all.Wait()
		require.Equal(t, 2, most)
	})
}

// Observer and logger are told once what became of every result.
func resultsAreReported(t *testing.T, v Vendor) {
	invalid := final(noon)
	invalid.Status = "?"
	for name, tc := range map[string]struct {
		step    Step
		result  assessment.Result
		outcome assessment.ResultOutcome
		level   string
		sent    bool
	}{
		"written":   {Answers(200, v.Outlet.Written), final(noon), assessment.ResultWritten, "INFO", true},
		"invalid":   {Answers(200, v.Outlet.Written), invalid, assessment.ResultRefused, "WARN", false},
		"refused":   {Answers(403, v.Outlet.Refusal("no")), final(noon), assessment.ResultRefused, "WARN", true},
		"limited":   {Answers(429, "", "Retry-After", "3000"), final(noon), assessment.ResultFailed, "WARN", true},
		"no answer": {Breaks(ErrReset), final(noon), assessment.ResultUncertain, "WARN", true},
		"no host":   {Breaks(ErrRefused), final(noon), assessment.ResultFailed, "WARN", true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := v.Outlet.dial(t, tc.step)
				receipt, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), tc.result)
				require.Equal(t, tc.outcome == assessment.ResultWritten, err == nil)
				require.Len(t, a.results, 1)
				got := a.results[0]
				require.Equal(t, v.Outlet.Ref("1"), got.Order)
				require.Equal(t, tc.result.Status, got.Status)
				require.Equal(t, tc.outcome, got.Outcome)
				require.Equal(t, receipt, got.Receipt)
				require.Equal(t, err, got.Err)
				require.Equal(t, tc.sent, len(a.seen) > 0)
				for _, attempt := range a.attempts {
					if attempt.Operation == a.attempts[0].Operation { // the write, and not a question about it
						require.Equal(t, v.Outlet.Ref("1"), attempt.Order)
					}
				}
				if err != nil {
					require.Empty(t, receipt.Outcome)
				}
				lines := a.lines("result " + string(tc.outcome))
				require.Len(t, lines, 1)
				require.Contains(t, lines[0], "level="+tc.level)
				require.Contains(t, lines[0], string(v.Name))
			})
		})
	}
	t.Run("skipped", func(t *testing.T) {
		a := v.Outlet.dial(t, Answers(200, v.Outlet.Written))
		for _, r := range []assessment.Result{final(noon), interim(noon)} {
			_, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), r)
			require.NoError(t, err)
		}
		require.Len(t, a.results, 2)
		require.Equal(t, assessment.ResultSkipped, a.results[1].Outcome)
		require.Len(t, a.lines("result skipped"), 1)
	})
	t.Run("a panic changes nothing", func(t *testing.T) {
		a := v.Outlet.dialWith(t, func(s *ClientSetup) {
			s.APIKey = "key-0"
			s.Observer.Result = func(context.Context, assessment.ResultReport) { panic(fmt.Sprint(canary)) }
		}, Answers(200, v.Outlet.Written))
		receipt, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), final(noon))
		require.NoError(t, err)
		require.Equal(t, assessment.ResultWritten, receipt.Outcome)
	})
}

// lines are the lines of the log that hold text.
func (w *watch) lines(text string) (all []string) {
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, text) {
			all = append(all, line)
		}
	}
	return all
}
