package kombo_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// closedRefusals are ways in which Kombo may refuse a result for an order that
// is over; it does not say which one it takes.
var closedRefusals = map[string]step{
	"400 input invalid":  answers(400, envelope("PLATFORM.INPUT_INVALID")),
	"400 of the tool":    answers(400, envelope("REMOTE.INPUT_INVALID")),
	"400 job closed":     answers(400, envelope("ATS.JOB_CLOSED")),
	"409 already exists": answers(409, envelope("ATS.APPLICATION_ALREADY_EXISTS")),
	"409 without a code": answers(409, ""),
	"422 of an unknown":  answers(422, envelope("PLATFORM.CODE_OF_TOMORROW")),
	"500 job closed":     answers(500, envelope("ATS.JOB_CLOSED")),
}

// A result that was written before is no failure, whoever wrote it; but a host
// that meant to correct it has to see that the correction was not taken.
func TestRefusedResultOfAnOrderThatHasIt(t *testing.T) {
	words := map[assessment.Status]string{
		assessment.StatusCompleted: "COMPLETED", assessment.StatusCancelled: "CANCELLED", assessment.StatusExpired: "CANCELLED",
	}
	for name, refused := range closedRefusals {
		for status, word := range words {
			t.Run(fmt.Sprintf("%s/%s", name, status), func(t *testing.T) {
				server := play(refused, orderIn(word))
				result := completed()
				result.Status = status
				receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), result)
				require.NoError(t, err)
				require.True(t, receipt.Outcome == assessment.ResultAlreadyFinal)
				require.False(t, receipt.Uncertain)
				require.Len(t, receipt.Warnings, 1)
				require.Equal(t, 1, receipt.Attempts)
				require.Equal(t, []string{"PUT", "GET"}, server.methods())
			})
		}
	}
}

// The same refusal after an attempt of unknown fate says that this attempt was
// the one that was applied: nothing was lost.
func TestRefusedResultAfterAnUncertainAttempt(t *testing.T) {
	for name, refused := range closedRefusals {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := play(answers(504, ""), orderIn("OPEN"), refused, orderIn("COMPLETED"))
				receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
				require.NoError(t, err)
				require.True(t, receipt.Uncertain)
				require.False(t, receipt.Outcome == assessment.ResultAlreadyFinal)
				require.Len(t, receipt.Warnings, 1)
				require.Equal(t, 2, receipt.Attempts)
				require.Equal(t, []string{"PUT", "GET", "PUT", "GET"}, server.methods())
			})
		})
	}
}

// A repetition that is answered with a success leaves nothing open, so that the
// receipt is that of any other write.
func TestResultWrittenAfterAnUncertainAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(504, ""), orderIn("OPEN"), answers(200, written))
		receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
		require.NoError(t, err)
		requireEqual(t, assessment.Receipt{Outcome: assessment.ResultWritten, Attempts: 2}, receipt)
	})
}

func TestCorrectionAtTheSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, client, ref := simulated(t)
		first, corrected := completed(), completed()
		first.Score, corrected.Score = assessment.ScoreOutOf(1, 10), assessment.ScoreOutOf(9, 10)
		receipt, err := client.PublishResult(t.Context(), ref, first)
		require.NoError(t, err)
		require.False(t, receipt.Outcome == assessment.ResultAlreadyFinal)
		receipt, err = client.PublishResult(t.Context(), ref, corrected)
		require.NoError(t, err)
		require.True(t, receipt.Outcome == assessment.ResultAlreadyFinal)
		order, _ := server.Order(ref.ID)
		require.Len(t, order.Results, 1)
		require.Equal(t, "1", order.Results[0].Score.String())
		require.Len(t, server.Calls(kombotest.OpUpdateResult), 2)
	})
}

// Kombo refuses an interim update of an order that is over. There is nothing that
// a host could do about it.
func TestInterimUpdateOfAFinalOrder(t *testing.T) {
	interim := assessment.Result{Status: assessment.StatusInProgress, ReportURL: reportURL}
	for name, refused := range closedRefusals {
		for _, status := range []string{"COMPLETED", "CANCELLED", "REJECTED"} {
			t.Run(name+"/"+status, func(t *testing.T) {
				server := play(refused, orderIn(status))
				receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), interim)
				require.NoError(t, err)
				require.Equal(t, assessment.ResultSkipped, receipt.Outcome)
				require.False(t, receipt.Uncertain)
				require.Len(t, receipt.Warnings, 1)
				require.Equal(t, 1, receipt.Attempts)
				require.Equal(t, []string{"PUT", "GET"}, server.methods())
			})
		}
	}
	t.Run("at the simulator", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server, client, ref := simulated(t)
			_, err := client.PublishResult(t.Context(), ref, completed())
			require.NoError(t, err)
			another, err := kombo.New(kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: server.Client(), ResultURL: standIn})
			require.NoError(t, err)
			receipt, err := another.PublishResult(t.Context(), ref, interim)
			require.NoError(t, err, "another process wrote the end")
			require.Equal(t, assessment.ResultSkipped, receipt.Outcome)
			_, err = another.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusCancelled})
			require.ErrorIs(t, err, assessment.ErrConflict, "a different end is a conflict")
		})
	})
}

// After a final result that this client wrote, the status of the order says
// nothing about the next one: it had that status before.
func TestUncertainCorrection(t *testing.T) {
	refused := answers(400, envelope("PLATFORM.INPUT_INVALID"))
	corrected := completed()
	corrected.Score = assessment.ScoreOutOf(9, 10)
	for name, tc := range map[string]struct {
		first []step // what happens to the first final result
		steps []step
		class error // nil: success
	}{
		"no answer":               {[]step{answers(200, written)}, []step{answers(504, ""), orderIn("COMPLETED")}, assessment.ErrUnavailable},
		"broken connection":       {[]step{answers(200, written)}, []step{breaks(errReset), orderIn("COMPLETED")}, assessment.ErrUnavailable},
		"order cannot be read":    {[]step{answers(200, written)}, []step{answers(504, ""), answers(403, "")}, assessment.ErrUnavailable},
		"refused after doubt":     {[]step{answers(200, written)}, []step{answers(504, ""), orderIn("OPEN"), refused, orderIn("COMPLETED")}, assessment.ErrUnavailable},
		"first one uncertain too": {[]step{answers(504, ""), answers(403, "")}, []step{answers(504, ""), orderIn("COMPLETED")}, assessment.ErrUnavailable},
		"refused at once":         {[]step{answers(200, written)}, []step{refused, orderIn("COMPLETED")}, nil},
		"written":                 {[]step{answers(200, written)}, []step{answers(200, written)}, nil},
		"first one was refused":   {[]step{answers(403, "")}, []step{answers(504, ""), orderIn("COMPLETED")}, nil},
		"ended otherwise":         {[]step{answers(200, written)}, []step{answers(504, ""), orderIn("CANCELLED")}, assessment.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, play(append(tc.first, tc.steps...)...))
				_, _ = client.PublishResult(t.Context(), refTo("workday"), completed())
				receipt, err := client.PublishResult(t.Context(), refTo("workday"), corrected)
				if tc.class == nil {
					require.NoError(t, err)
					require.NotEmpty(t, receipt.Outcome)
					return
				}
				requireClass(t, err, tc.class)
				require.Empty(t, receipt.Outcome)
				if tc.class == assessment.ErrUnavailable {
					require.True(t, apiError(t, err).Uncertain)
					_, again := assessment.Retryable(err)
					require.False(t, again, "nobody can tell afterwards either")
				}
			})
		})
	}
	t.Run("the same one again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			same := completed()
			same.At = utc(2026, 6, 30, 12, 0)
			client := newClient(t, play(answers(504, ""), answers(403, ""), answers(504, ""), orderIn("COMPLETED")))
			_, err := client.PublishResult(t.Context(), refTo("workday"), same)
			require.True(t, apiError(t, err).SafeToRepeat)
			receipt, err := client.PublishResult(t.Context(), refTo("workday"), same)
			require.NoError(t, err, "whichever of the two arrived")
			require.True(t, receipt.Uncertain)
		})
	})
}
