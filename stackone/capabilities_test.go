package stackone_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone"
)

// As in the integration guides (https://hub.stackone.com/integration-guides/ats).
func TestCapabilities(t *testing.T) {
	type facts struct{ endpoint, job, one, complete, score, typed, summary, dates, byHand, checksByHand, synced, synthetic bool }
	for ats, want := range map[string]facts{
		"greenhouse":            {endpoint: true, one: true, complete: true},
		"teamtailor":            {endpoint: true, job: true},
		"smartrecruiters":       {endpoint: true, job: true, score: true, typed: true, summary: true, dates: true},
		"recruitee":             {endpoint: true},
		"bullhorn_ats":          {endpoint: true},
		"workdayats":            {byHand: true, checksByHand: true, synced: true},
		"sapsuccessfactors_ats": {byHand: true, checksByHand: true},
		"eploy":                 {checksByHand: true, synced: true, synthetic: true},
		"ashby":                 {endpoint: true},
		"lever":                 {endpoint: true},
		"unheard-of":            {},
		"":                      {},
		"Greenhouse":            {}, // keys are in lower case
	} {
		l := stackone.Capabilities(ats)
		require.Equal(t, want, facts{
			l.PackagesEndpoint, l.JobInPackagesRequest, l.OneUpdate, l.AlwaysComplete, l.FullScore, l.TypedAttachments,
			l.HiddenSummary, l.HiddenDates, l.ManualAssessments, l.ManualBackgroundChecks, l.SyncedBackgroundChecks, l.SyntheticOrders,
		}, ats)
	}
}
