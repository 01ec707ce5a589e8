package kombo

// Limits is what the ATS behind an integration does not take, show or send, as
// Kombo's page about the connector states it. The zero value means that nothing
// is known.
//
// The pages change: half of an earlier copy of this table was out of date within
// months. AsOf and Source say where to look.
type Limits struct {
	// NoInterim: updates of a test that is not finished are not taken; they are
	// skipped.
	NoInterim bool
	// HiddenUntilCompleted: nothing is visible before the test is completed.
	HiddenUntilCompleted bool
	// ScoreOnly: of a result only status, report URL, completion time and score
	// are taken.
	ScoreOnly bool
	// Missing are the parts of an order that stay empty, such as "candidate.phone"
	// or "application".
	Missing []string
	// Stage is how far the connector is: "open beta", "closed beta", or empty, and
	// Partnership that the provider needs one with the ATS.
	Stage       string
	Partnership bool
	// Notes are what else the page says, in a few words.
	Notes []string
	// AsOf is when the page was read, and Source is its address.
	AsOf, Source string
}

// connector is a row of what Kombo's pages say.
type connector struct {
	tool   string
	limits Limits
}

const (
	openBeta   = "open beta"
	closedBeta = "closed beta"

	noteManual = "the customer enters the packages in the ATS or imports them as CSV; Client.SetPackages does not reach it"
	noteOld    = "the page was not found again"
)

// connectors are the rows, in the order of their tools. A missing row is not the
// same as an ATS without limits.
var connectors = [...]connector{
	{"ashby", Limits{Partnership: true}},
	{"avature", Limits{Stage: openBeta, ScoreOnly: true, Missing: []string{
		"application", "candidate.phone", "job.code", "job.description", "job.location", "job.hiring_team",
	}}},
	{"bullhorn", Limits{Stage: openBeta}},
	{"eightfold", Limits{Stage: openBeta, Missing: []string{"candidate.phone"}}},
	{"greenhouse", Limits{Partnership: true, NoInterim: true, Notes: []string{
		"nothing is shown unless the report URL can be opened without logging in",
	}}},
	{"icims", Limits{Stage: closedBeta}},
	{"jazzhr", Limits{Stage: closedBeta, Partnership: true, Missing: []string{
		"application", "candidate.id", "candidate.phone", "job",
	}, Notes: []string{"texts of more than 50 characters are affected", noteOld}}},
	{"jobvite", Limits{Stage: openBeta}},
	{"jobylon", Limits{Stage: openBeta, Partnership: true, Missing: []string{"application", "job.location"}}},
	{"lever", Limits{Stage: openBeta}},
	{"oraclerecruiting", Limits{Stage: openBeta, Missing: []string{"application", "candidate.phone"}}},
	{"pageup", Limits{Stage: closedBeta, Missing: []string{"application", "job.location"}}},
	{"recruitee", Limits{Partnership: true, Missing: []string{"candidate.phone"}, Notes: []string{
		"takes the remote field recruitee.subtitle",
	}}},
	{"sandbox", Limits{}},
	{"smartrecruiters", Limits{Partnership: true, Notes: []string{"takes the remote field smartrecruiters.scoreLabel"}}},
	{"successfactors", Limits{HiddenUntilCompleted: true, Missing: []string{"job.location"}, Notes: []string{noteManual}}},
	{"teamtailor", Limits{Stage: openBeta, Partnership: true, Missing: []string{"application"}}},
	{"ukgpro", Limits{Stage: openBeta, Partnership: true, Notes: []string{"orders come as inline orders only", noteOld}}},
	{"workday", Limits{Notes: []string{"Assessment module: " + noteManual}}},
}

// Where the rows come from and when they were last compared.
const (
	connectorsAsOf = "2026"
	connectorsBase = "https://docs.kombo.dev/assessment/connectors/"
)

// Capabilities returns what is known of the ATS with Kombo's tool id ats, such
// as [assessment.Order.ATS]. Of an unknown one no limit is known. The slices must
// not be changed.
func Capabilities(ats string) Limits {
	known := limitsOf(ats)
	if known == nil {
		return Limits{}
	}
	limits := *known
	limits.AsOf, limits.Source = connectorsAsOf, connectorsBase+ats
	return limits
}

// limitsOf returns the row of an ATS without its source, or nil.
func limitsOf(ats string) *Limits {
	for i := range connectors {
		if connectors[i].tool == ats {
			return &connectors[i].limits
		}
	}
	return nil
}
