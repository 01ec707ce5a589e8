package assessment_test

import (
	"context"
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

// A no stands whatever its text is: with what no vendor takes in it, it could be
// neither stored nor written, and the recruiter would never hear of it.
func TestRejectionOfAnyText(t *testing.T) {
	for message, want := range map[string]string{
		"caf\xc3":   "caf\ufffd",
		"a\x00b":    "ab",
		"\x00":      "The order was rejected.",
		" \n":       "The order was rejected.",
		" a\nb ":    " a\nb ",
		"\xff\x00 ": "\ufffd ",
	} {
		for _, given := range []error{assessment.Reject(message), &assessment.Rejection{Message: message}} {
			p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
				return assessment.Started{}, fmt.Errorf("no: %w", given)
			}}
			in := intakeOf(t, p, assessment.NewMemoryStore(0))
			for range 2 {
				_, err := in.Start(t.Context(), intakeOrder("o1"))
				var no *assessment.Rejection
				require.ErrorAs(t, err, &no)
				require.Equal(t, want, no.Message)
			}
			var made *assessment.Rejection
			require.ErrorAs(t, given, &made)
			require.Equal(t, want, made.Result().Reason)
			require.NoError(t, made.Result().Validate())
		}
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
