package kombo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo"
)

// The limits are those of the connector pages
// (https://docs.kombo.dev/assessment/connectors).
func TestCapabilities(t *testing.T) {
	for tool, want := range map[string]kombo.Limits{
		"ashby":            {Partnership: true},
		"avature":          {Beta: "open", NoApplication: true, NoHiringTeam: true, ScoreOnly: true},
		"bullhorn":         {},
		"eightfold":        {NoPhone: true},
		"greenhouse":       {Partnership: true, NoInterim: true, PublicReportURL: true},
		"icims":            {Beta: "closed"},
		"jobvite":          {},
		"jobylon":          {NoApplication: true},
		"lever":            {},
		"oraclerecruiting": {NoPhone: true, NoApplication: true},
		"pageup":           {},
		"recruitee":        {Partnership: true},
		"sandbox":          {},
		"smartrecruiters":  {Partnership: true},
		"successfactors":   {ManualPackages: true, HiddenUntilCompleted: true, NoLocation: true},
		"teamtailor":       {Beta: "open", Partnership: true, NoApplication: true},
		"ukgpro":           {Beta: "open", Partnership: true, InlineOnly: true},
		"workday":          {ManualPackages: true},
		"unheard-of":       {},
		"":                 {},
		"Greenhouse":       {}, // tool ids are in lower case
	} {
		t.Run(tool, func(t *testing.T) { requireEqual(t, want, kombo.Capabilities(tool)) })
	}
	t.Run("jazzhr", func(t *testing.T) {
		got := kombo.Capabilities("jazzhr") // the candidate has only names and e-mail
		require.True(t, got.NoPhone && got.NoJob && got.NoApplication && got.Partnership)
		require.Equal(t, "closed", got.Beta)
	})
}
