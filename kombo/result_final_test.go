package kombo_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
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
