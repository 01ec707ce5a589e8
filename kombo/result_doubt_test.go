package kombo_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// A write of unknown fate may still arrive while the order reads OPEN, so that the
// answer to the repetition takes the doubt away only if it is a success, whatever
// it refuses the repetition for.
func TestFailureAfterDoubt(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 503} {
		for _, result := range []assessment.Result{completed(), {Status: assessment.StatusInProgress, ReportURL: reportURL}} {
			t.Run(fmt.Sprintf("%d/%s", status, result.Status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := play(breaks(errReset), orderIn("OPEN"),
						answers(status, envelope("PLATFORM.NEW"), "Retry-After", "300"), orderIn("OPEN"))
					receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), result)
					api := apiError(t, err)
					require.True(t, api.Uncertain)
					require.True(t, api.SafeToRepeat, "the next one reads the order")
					require.Equal(t, 2, api.Attempts)
					require.Equal(t, 2, receipt.Attempts)
					_, ok := assessment.Retryable(err)
					require.True(t, ok)
					class := assessment.ErrUnavailable
					if status == 429 || status == 503 {
						class = assessment.ErrRateLimited // it asks for a wait
					}
					requireClass(t, err, class)
				})
			})
		}
	}
}

// Where the status of the order proves nothing, doing the same again does not
// either.
func TestFailureAfterDoubtOfACorrection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, play(answers(200, written), breaks(errReset), orderIn("OPEN"), answers(403, envelope("PLATFORM.NEW"))))
		_, err := client.PublishResult(t.Context(), refTo("workday"), completed())
		require.NoError(t, err)
		corrected := completed()
		corrected.Score = assessment.ScoreOutOf(9, 10)
		_, err = client.PublishResult(t.Context(), refTo("workday"), corrected)
		require.True(t, apiError(t, err).Uncertain)
		require.False(t, apiError(t, err).SafeToRepeat)
		_, ok := assessment.Retryable(err)
		require.False(t, ok)
	})
}

// The question what became of a result is about its order, for observers.
func TestAttemptsThatReadAnOrderBackNameIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refs []assessment.OrderRef
		client := newClient(t, play(breaks(errReset), orderIn("COMPLETED")), func(c *kombo.Config) {
			c.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { refs = append(refs, a.Order) }
		})
		ref := refTo("workday")
		_, err := client.PublishResult(t.Context(), ref, completed())
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{ref, ref}, refs)
	})
}
