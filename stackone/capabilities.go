package stackone

import (
	"slices"
	"strings"
)

// Limits is what the ATS behind an account does not take or show and how its
// packages come about, as StackOne's integration guides state it
// (https://hub.stackone.com/integration-guides/ats, 2026). The zero value means
// that nothing is known.
type Limits struct {
	// OneUpdate: only one result per test is taken, so interim updates are
	// skipped.
	OneUpdate bool
	// AlwaysComplete: every result is stored as complete.
	AlwaysComplete bool
	// FullScore: a score needs a value, a minimum and a maximum.
	FullScore bool
	// TypedAttachments: an attachment needs a content type.
	TypedAttachments bool
	// HiddenSummary and HiddenDates: summary, start and end are taken, but not
	// shown. What goes into the summary is not shown either.
	HiddenSummary, HiddenDates bool

	// PackagesEndpoint: the ATS's recruiters see what a [PackagesHandler]
	// answers; a static id in StackOne's dashboard is the alternative.
	PackagesEndpoint bool
	// JobInPackagesRequest: that request names the job.
	JobInPackagesRequest bool
	// ManualAssessments and ManualBackgroundChecks: the customer enters the
	// packages in the ATS by hand.
	ManualAssessments, ManualBackgroundChecks bool
	// SyncedBackgroundChecks: packages written with
	// [Client.SyncBackgroundCheckPackages] are offered.
	SyncedBackgroundChecks bool
	// SyntheticOrders: StackOne polls the ATS, so that orders come up to an hour
	// late and may name nothing but themselves; see [Bare].
	SyntheticOrders bool

	// results are the values of result that the guide lists, if it does.
	results string
}

var limits = map[string]Limits{
	// That the packages of these two come from the endpoint is what the general
	// guide says; there is no guide of their own for it.
	"ashby":                 {PackagesEndpoint: true},
	"lever":                 {PackagesEndpoint: true},
	"bullhorn_ats":          {PackagesEndpoint: true},
	"eploy":                 {ManualBackgroundChecks: true, SyncedBackgroundChecks: true, SyntheticOrders: true},
	"greenhouse":            {PackagesEndpoint: true, OneUpdate: true, AlwaysComplete: true},
	"recruitee":             {PackagesEndpoint: true},
	"sapsuccessfactors_ats": {ManualAssessments: true, ManualBackgroundChecks: true},
	"smartrecruiters": {
		PackagesEndpoint: true, JobInPackagesRequest: true, FullScore: true, TypedAttachments: true,
		HiddenSummary: true, HiddenDates: true,
		results: resultsOfSmartRecruiters,
	},
	"teamtailor": {PackagesEndpoint: true, JobInPackagesRequest: true, results: resultsOfTeamtailor},
	"workdayats": {ManualAssessments: true, ManualBackgroundChecks: true, SyncedBackgroundChecks: true},
}

// The result values that two guides list. For a test that was not begun
// SmartRecruiters' also says pending, which StackOne's schema does not have;
// initiated stands for it.
const (
	resultsOfTeamtailor      = "completed failed"
	resultsOfSmartRecruiters = "initiated in_progress completed failed expired"
)

// Capabilities returns what is known of the ATS with StackOne's key ats, such as
// [assessment.Order.ATS] or [Account.Provider]. Of an unknown one no limit is
// known.
func Capabilities(ats string) Limits { return limits[ats] }

// lists reports whether the guide lists a result value, or lists none at all.
func (l *Limits) lists(value string) bool {
	return l.results == "" || slices.Contains(strings.Fields(l.results), value)
}
