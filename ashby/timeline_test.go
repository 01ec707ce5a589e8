package ashby_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// The first update goes with the answer to a start, and another process writes the
// next one in the same millisecond: it has to come after, or Ashby drops it.
func TestUpdateRightAfterTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, startsWith(assessment.Started{ReportURL: reportURL}), options{})
		w := h.post("assessment.start", minimal(t))
		var first struct {
			Results struct {
				AssessmentID string                    `json:"assessment_id"`
				Update       struct{ Timestamp int64 } `json:"update_request"`
			}
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &first))
		require.NotZero(t, first.Results.Update.Timestamp)

		server := play(answers(200, written))
		ref := assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: first.Results.AssessmentID}
		_, err := newClient(t, server).PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusInProgress})
		require.NoError(t, err)
		require.Greater(t, server.timestamps(t)[0], first.Results.Update.Timestamp)
	})
}
