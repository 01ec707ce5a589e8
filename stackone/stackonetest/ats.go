package stackonetest

// The keys of the ATSs whose particularities the simulator knows, as in an
// account's provider: integration-guides/ats in github.com/StackOneHQ/hub-docs
const (
	Greenhouse      = "greenhouse"
	Teamtailor      = "teamtailor"
	SmartRecruiters = "smartrecruiters"
	Recruitee       = "recruitee"
	Bullhorn        = "bullhorn_ats"
	Workday         = "workdayats"
	SuccessFactors  = "sapsuccessfactors_ats"
	Eploy           = "eploy"
	Ashby           = "ashby"
)

// ats is what StackOne's guides say about one ATS.
type ats struct {
	name string
	// shown are the fields of a result that reach the recruiter, by dotted path.
	shown []string
	// shownBackground are those of background checks, if they differ.
	shownBackground []string
	// results are the values that its guide lists; nil: all.
	results []string
	// jobID: the call of the packages endpoint names the job.
	jobID bool
	// oneResult: the ATS takes one result per order and stores it as complete.
	oneResult bool
	// wholeScore: a score needs value, min and max, and attachments need both members.
	wholeScore bool
	// polled: orders of background checks are found by polling, so that their events
	// carry ids only.
	polled bool
}

func atsOf(provider string) ats {
	switch provider {
	case Greenhouse:
		return ats{name: "Greenhouse", shown: []string{"result_url", "score.value", "start_date", "submission_date", "summary"}, oneResult: true}
	case Teamtailor:
		return ats{name: "Teamtailor", shown: []string{"result", "score", "result_url", "attachments"}, results: []string{"completed", "failed"}, jobID: true}
	case SmartRecruiters:
		return ats{
			name: "SmartRecruiters", shown: []string{"result", "score", "result_url", "attachments"},
			results: []string{"pending", "in_progress", "completed", "failed", "expired"}, jobID: true, wholeScore: true,
		}
	case Recruitee:
		return ats{name: "Recruitee", shown: []string{"result_url", "score.value", "result"}}
	case Bullhorn:
		return ats{name: "Bullhorn", shown: []string{"score.value", "result", "submission_date", "result_url"}}
	case Workday:
		return ats{
			name: "Workday", shown: []string{"result", "summary", "submission_date", "start_date"},
			shownBackground: []string{"result", "submission_date", "result_url"},
		}
	case SuccessFactors:
		return ats{name: "SAP SuccessFactors", shown: []string{"result", "result_url"}}
	case Eploy:
		return ats{name: "Eploy", shown: []string{"score.label", "score.value", "submission_date", "summary", "result_url"}, polled: true}
	case Ashby:
		return ats{name: "Ashby", shown: []string{"result", "result_url"}}
	}
	return ats{name: provider, shown: []string{"score", "start_date", "submission_date", "summary", "result", "result_url", "attachments"}}
}

func (a ats) fields(kind Kind) []string {
	if kind == BackgroundCheck && a.shownBackground != nil {
		return a.shownBackground
	}
	return a.shown
}
