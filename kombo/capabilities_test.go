package kombo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo"
)

// The limits are those of the connector pages
// (https://docs.kombo.dev/assessment/connectors).
func TestCapabilities(t *testing.T) {
	for _, tc := range []struct {
		tool, stage, missing string
		partnership          bool
		rules                string // of those that change what is sent
	}{
		{"ashby", "", "", true, ""},
		{"avature", "open beta", "application candidate.phone job.code job.description job.location job.hiring_team", false, "score only"},
		{"bullhorn", "open beta", "", false, ""},
		{"eightfold", "open beta", "candidate.phone", false, ""},
		{"greenhouse", "", "", true, "no interim"},
		{"icims", "closed beta", "", false, ""},
		{"jazzhr", "closed beta", "application candidate.id candidate.phone job", true, ""},
		{"jobvite", "open beta", "", false, ""},
		{"jobylon", "open beta", "application job.location", true, ""},
		{"lever", "open beta", "", false, ""},
		{"oraclerecruiting", "open beta", "application candidate.phone", false, ""},
		{"pageup", "closed beta", "application job.location", false, ""},
		{"recruitee", "", "candidate.phone", true, ""},
		{"sandbox", "", "", false, ""},
		{"smartrecruiters", "", "", true, ""},
		{"successfactors", "", "job.location", false, "hidden"},
		{"teamtailor", "open beta", "application", true, ""},
		{"ukgpro", "open beta", "", true, ""},
		{"workday", "", "", false, ""},
	} {
		t.Run(tc.tool, func(t *testing.T) {
			got := kombo.Capabilities(tc.tool)
			require.Equal(t, tc.stage, got.Stage)
			require.Equal(t, tc.missing, strings.Join(got.Missing, " "))
			require.Equal(t, tc.partnership, got.Partnership)
			require.Equal(t, []bool{tc.rules == "no interim", tc.rules == "hidden", tc.rules == "score only"},
				[]bool{got.NoInterim, got.HiddenUntilCompleted, got.ScoreOnly})
			require.Equal(t, "https://docs.kombo.dev/assessment/connectors/"+tc.tool, got.Source)
			require.NotEmpty(t, got.AsOf)
		})
	}
	for _, tool := range []string{"unheard-of", "", "Greenhouse"} { // tool ids are in lower case
		requireEqual(t, kombo.Limits{}, kombo.Capabilities(tool))
	}
	require.Contains(t, strings.Join(kombo.Capabilities("greenhouse").Notes, " "), "without logging in")
	require.Contains(t, strings.Join(kombo.Capabilities("workday").Notes, " "), "CSV")
	require.Contains(t, strings.Join(kombo.Capabilities("ukgpro").Notes, " "), "inline")
}
