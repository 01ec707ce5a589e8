package stackone_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// An order may name its candidate and job by the ATS's ids only, which the lookups
// take too.
func TestCompleteByRemoteIDs(t *testing.T) {
	server := play(
		answers(200, `{"data":{"id":"c","remote_id":"rc","first_name":"Ada","last_name":"Lovelace"}}`),
		answers(200, `{"data":{"id":"j","remote_id":"rj","title":"Analyst"}}`),
	)
	order := assessment.Order{
		Ref: ref, Candidate: assessment.Candidate{RemoteID: "rc"}, Job: assessment.Job{RemoteID: "rj"},
	}
	require.NoError(t, newClient(t, server, behind("eploy")).Complete(t.Context(), &order))
	require.Equal(t, "https://api.stackone.com/unified/ats/candidates/rc", server.seen[0].URL)
	require.Equal(t, "https://api.stackone.com/unified/ats/jobs/rj", server.seen[1].URL)
	requireEqual(t, assessment.Candidate{ID: "c", RemoteID: "rc", FirstName: "Ada", LastName: "Lovelace"}, order.Candidate)
	requireEqual(t, assessment.Job{ID: "j", RemoteID: "rj", Name: "Analyst"}, order.Job)
}
