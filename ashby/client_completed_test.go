package ashby_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

// added is the documented assessment that was not started from Ashby.
var added = ashby.Completed{
	CandidateID: "5b591aed-88e3-4395-b9c6-7d529f93354a", PartnerID: "7c1f8f3a-2d4b-4a55-8f0e-1b2c3d4e5f60",
	AssessmentID: assessmentID, Package: assessment.Package{ID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e", Name: "Node Assessment"},
	Result: assessment.Result{Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(8, 10), At: at(1665680638489)},
}

func TestAddCompleted(t *testing.T) {
	server := play(answers(200, string(example(t, "assessment-add-completed-to-candidate.response.json")), "X-Ashby-Request-Id", "r1"))
	got, err := newClient(t, server).AddCompleted(t.Context(), account, added)
	require.NoError(t, err)
	requireEqual(t, ashby.Added{
		ApplicationID: "3ae2b801-19f6-41ef-ad28-214bd731948f", Receipt: assessment.Receipt{Outcome: assessment.ResultWritten, Attempts: 1, RequestID: "r1"},
	}, got)
	requireSameJSON(t, example(t, "assessment-add-completed-to-candidate.request.json"), []byte(server.seen[0].Body))

	t.Run("everything", func(t *testing.T) {
		server := play(answers(200, ""))
		full := added
		full.PartnerID = ""
		full.Result.ReportURL, full.Result.StatusText, full.Result.CompletedAt = reportURL, "Done", at(moment)
		full.Result.Attachments = []assessment.Attachment{{Name: "x", ContentType: "a/b", Data: []byte("x")}}
		got, err := newClient(t, server, func(c *ashby.Config) { c.PartnerID = "p" }).AddCompleted(t.Context(), account, full)
		require.NoError(t, err)
		require.Equal(t, "result.attachments[0]", got.Receipt.Losses[0].Field)
		requireSameJSON(t, []byte(`{"candidateId":"5b591aed-88e3-4395-b9c6-7d529f93354a","partnerId":"p","timestamp":1665686038489,"assessment":{
			"assessmentTypeId":"e9ed20fd-d45f-4aad-8a00-a19bfba0083e","assessmentId":"`+assessmentID+`","assessmentName":"Node Assessment",
			"result":`+datum("result", "Score", "numeric_score", "8")+`,"metadata":[`+strings.Join([]string{
			datum("status", "Status", "string", `"Done"`), datum("profile-url", "Report", "url", `"`+reportURL+`"`),
			maxScore("10"), datum("completed-at", "Completed at", "string", `"2022-10-13T18:33:58.489Z"`),
		}, ",")+`]}}`), []byte(server.seen[0].Body))
	})
	t.Run("metadata is never missing", func(t *testing.T) {
		server := play(answers(200, written))
		bare := added
		bare.Result.Score = nil
		_, err := newClient(t, server).AddCompleted(t.Context(), account, bare)
		require.NoError(t, err)
		require.Contains(t, server.seen[0].Body, `"metadata":[]`)
	})
	t.Run("refused before the network", func(t *testing.T) {
		server := play(answers(200, written))
		client := newClient(t, server)
		_, err := client.AddCompleted(t.Context(), account, ashby.Completed{})
		require.Equal(t, []string{
			"partner_id", "candidate_id", "assessment_id", "package.id", "package.name", "result.status", "result.status",
		}, paths(t, err))
		wrong := added
		wrong.Result.ReportURL, wrong.Result.CompletedAt = "x", time.Unix(-1, 0)
		wrong.Result.Attributes = []assessment.Attribute{{ID: "result", Label: "l", Value: assessment.Text("")}}
		_, err = client.AddCompleted(t.Context(), account, wrong)
		require.Equal(t, []string{"result.completed_at", "result.report_url", "result.attributes[0].id"}, paths(t, err))
		require.Empty(t, server.seen)
	})
	t.Run("not repeated blindly", func(t *testing.T) {
		server := play(breaks(errReset), answers(200, written))
		_, err := newClient(t, server).AddCompleted(t.Context(), account, added)
		failure := apiError(t, err)
		require.True(t, failure.Uncertain)
		require.False(t, failure.SafeToRepeat)
		require.Len(t, server.seen, 1)
	})
	t.Run("simulated", func(t *testing.T) {
		sim := ashbytest.Start(t)
		_, err := sim.AddCandidate("", ashbytest.Candidate{ID: added.CandidateID})
		require.NoError(t, err)
		_, err = newClient(t, sim.Client().Transport).AddCompleted(t.Context(), account, added)
		require.NoError(t, err)
		kept, ok := sim.Assessment(assessmentID)
		require.True(t, ok)
		require.Equal(t, ashbytest.StateCompleted, kept.State)
		require.Equal(t, int64(1665680638489), kept.CompletedAt.UnixMilli())
	})
}
