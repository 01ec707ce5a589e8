package kombo

// Limits is what the ATS behind an integration does not take or show, as
// Kombo's connector pages state it (https://docs.kombo.dev/assessment/connectors,
// 2026). The zero value means that no limit is known.
type Limits struct {
	// NoInterim: updates of a test that is not finished are not taken; they are
	// skipped.
	NoInterim bool
	// HiddenUntilCompleted: nothing is visible before the test is completed.
	HiddenUntilCompleted bool
	// ScoreOnly: of a result only status, report URL, completion time and score
	// are taken.
	ScoreOnly bool
	// PublicReportURL: nothing is shown unless the report URL can be opened
	// without logging in.
	PublicReportURL bool
	// InlineOnly: orders come as [EventInlineOrderReceived] only.
	InlineOnly bool
	// ManualPackages: the customer enters the packages in the ATS by hand or by
	// CSV import; [Client.SetPackages] does not reach it. For Workday this holds
	// for its Assessment module, not for its Background Check module.
	ManualPackages bool

	// The parts of an order that stay empty.
	NoPhone, NoApplication, NoJob, NoLocation, NoHiringTeam bool

	// Partnership: the provider needs a partnership with the ATS.
	Partnership bool
	// Beta is "open" or "closed" while the connector is in beta.
	Beta string
}

var limits = map[string]Limits{
	"ashby":            {Partnership: true},
	"avature":          {Beta: "open", NoApplication: true, NoHiringTeam: true, ScoreOnly: true},
	"eightfold":        {NoPhone: true},
	"greenhouse":       {Partnership: true, NoInterim: true, PublicReportURL: true},
	"icims":            {Beta: "closed"},
	"jazzhr":           {Beta: "closed", Partnership: true, NoPhone: true, NoJob: true, NoLocation: true, NoHiringTeam: true, NoApplication: true},
	"jobylon":          {NoApplication: true},
	"oraclerecruiting": {NoPhone: true, NoApplication: true},
	"recruitee":        {Partnership: true},
	"smartrecruiters":  {Partnership: true},
	"successfactors":   {ManualPackages: true, HiddenUntilCompleted: true, NoLocation: true},
	"teamtailor":       {Beta: "open", Partnership: true, NoApplication: true},
	"ukgpro":           {Beta: "open", Partnership: true, InlineOnly: true},
	"workday":          {ManualPackages: true},
}

// Capabilities returns what is known of the ATS with Kombo's tool id ats, such
// as [assessment.Order.ATS]. Of an unknown one no limit is known.
func Capabilities(ats string) Limits { return limits[ats] }
