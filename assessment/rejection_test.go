package assessment_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestRejection(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want assessment.Rejection
		text string
	}{
		"reject":                    {assessment.Reject("No credits left."), assessment.Rejection{Message: "No credits left."}, "order rejected"},
		"reject, no message":        {assessment.Reject(""), assessment.Rejection{Message: "The order was rejected."}, "order rejected"},
		"already running":           {assessment.AlreadyRunning("Since Monday."), assessment.Rejection{Message: "Since Monday.", AlreadyRunning: true}, "order rejected: already running"},
		"already running, no words": {assessment.AlreadyRunning(""), assessment.Rejection{Message: "The candidate is being assessed already.", AlreadyRunning: true}, "order rejected: already running"},
	} {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, test.err, test.text)
			for _, err := range []error{
				test.err,
				fmt.Errorf("starting: %w", fmt.Errorf("checking: %w", test.err)),
				errors.Join(errors.New("other"), test.err),
			} {
				var r *assessment.Rejection
				require.ErrorAs(t, err, &r)
				require.Equal(t, test.want, *r)
			}
		})
	}
}

func TestRejectionResult(t *testing.T) {
	at := time.Date(2026, 6, 30, 12, 0, 0, 0, time.FixedZone("", 7200))
	for _, err := range []error{assessment.Reject("No credits left."), assessment.AlreadyRunning("No credits left.")} {
		var no *assessment.Rejection
		require.ErrorAs(t, err, &no)
		no.At = at
		result := no.Result()
		domainRequireEqual(t, assessment.Result{
			Status: assessment.StatusCancelled, Reason: "No credits left.", At: at, CompletedAt: at,
		}, result)
		require.NoError(t, result.Validate())
		require.True(t, result.Status.Final())
	}
}
