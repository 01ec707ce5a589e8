package ashbytest

import "github.com/assessbridge/assessbridge/internal/simkit"

// The ids of the example call, which [StartSpec] uses unless told otherwise.
const (
	DefaultAssessmentTypeID = "e9ed20fd-d45f-4aad-8a00-a19bfba0083e"
	DefaultApplicationID    = "3ae2b801-19f6-41ef-ad28-214bd731948f"
	DefaultCandidateID      = "5b591aed-88e3-4395-b9c6-7d529f93354a"
	DefaultJobID            = "2c6991c5-c9e2-4af8-879e-29c5a9d26509"
)

// StartSpec describes a call of assessment.start. The zero value is a full example:
// Adam Hart, who applied as a Software Engineer, is to take the assessment type
// [DefaultAssessmentTypeID]. Two calls with one StartSpec have the same bytes.
// https://developers.ashbyhq.com/reference/assessmentstart
type StartSpec struct {
	AssessmentTypeID string // empty: [DefaultAssessmentTypeID]
	ApplicationID    string // empty: [DefaultApplicationID]
	CandidateID      string // empty: [DefaultCandidateID]
	JobID            string // empty: [DefaultJobID]
	// HiringTeam is nil for the two people of the example; empty but not nil: there is
	// no such member.
	HiringTeam []TeamMember
	// AdditionalFields are values by the id of the custom field; for a select the key
	// of the option. Nil: there is no such member.
	AdditionalFields map[string]any
	// Fields overrides fields of the body by dotted path, such as "candidate.email"
	// or "job.hiringTeam.0.role". The value nil is null, and [Absent] removes the key.
	// A key that does not exist is added.
	Fields map[string]any
}

// TeamMember is somebody of the hiring team of a job. Its members are camelCase in
// an otherwise snake_case body.
type TeamMember struct {
	UserID    string
	FirstName string
	LastName  string
	Email     string
	Role      string
}

func (m TeamMember) wire() map[string]any {
	return map[string]any{
		"userId": m.UserID, "firstName": m.FirstName, "lastName": m.LastName, "email": m.Email, "role": m.Role,
	}
}

func exampleTeam() []TeamMember {
	return []TeamMember{
		{UserID: DefaultAssessmentTypeID, FirstName: "Joey", LastName: "Joe", Email: "test@ashbyhq.com", Role: "Hiring Manager"},
		{UserID: "a0c1b2d3-1111-4222-8333-444455556666", FirstName: "Robin", LastName: "Ray", Email: "recruiter@example.com", Role: "Recruiter"},
	}
}

func (spec StartSpec) withDefaults() StartSpec {
	spec.AssessmentTypeID = simkit.OrDefault(spec.AssessmentTypeID, DefaultAssessmentTypeID)
	spec.ApplicationID = simkit.OrDefault(spec.ApplicationID, DefaultApplicationID)
	spec.CandidateID = simkit.OrDefault(spec.CandidateID, DefaultCandidateID)
	spec.JobID = simkit.OrDefault(spec.JobID, DefaultJobID)
	if spec.HiringTeam == nil {
		spec.HiringTeam = exampleTeam()
	}
	return spec
}

func (spec StartSpec) ids() startIDs {
	return startIDs{spec.AssessmentTypeID, spec.ApplicationID, spec.CandidateID, spec.JobID}
}

// body builds the request as a JSON tree.
func (spec StartSpec) body() (any, error) {
	spec = spec.withDefaults()
	job := map[string]any{
		"ashby_id":      spec.JobID,
		"name":          "Software Engineer",
		"ashby_job_url": appURL + "/jobs/" + spec.JobID,
		"req_id":        "REQ-1042",
	}
	if len(spec.HiringTeam) > 0 {
		team := []any{}
		for _, member := range spec.HiringTeam {
			team = append(team, member.wire())
		}
		job["hiringTeam"] = team
	}
	body := map[string]any{
		"assessment_type_id": spec.AssessmentTypeID,
		"candidate": map[string]any{
			"ashby_id":          spec.CandidateID,
			"first_name":        "Adam",
			"last_name":         "Hart",
			"email":             "adam.hart@example.com",
			"ashby_profile_url": candidateURL(spec.CandidateID),
		},
		"application": map[string]any{"ashby_id": spec.ApplicationID, "status": "Active"},
		"job":         job,
	}
	if spec.AdditionalFields != nil {
		body["additional_fields"] = spec.AdditionalFields
	}
	tree, err := simkit.ToTree(body)
	if err != nil {
		return nil, err
	}
	return tree, fields(spec.Fields).Set(tree)
}

// sentIDs are those that the body really has, after all overrides.
func sentIDs(body any) startIDs {
	return startIDs{
		typeID:        simkit.TextAt(body, "assessment_type_id"),
		applicationID: simkit.TextAt(body, "application", "ashby_id"),
		candidateID:   simkit.TextAt(body, "candidate", "ashby_id"),
		jobID:         simkit.TextAt(body, "job", "ashby_id"),
	}
}
