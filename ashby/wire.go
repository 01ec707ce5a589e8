package ashby

import (
	"encoding/json"

	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// The wire format. The assessments framework is in snake_case, but for
// job.hiringTeam and what is inside it; all the rest of Ashby's API is in
// camelCase, assessment.addCompletedToCandidate included. Inbound, a missing key
// and null are the same, and unknown keys are ignored.

type wireStart struct {
	AssessmentTypeID lenient.Text               `json:"assessment_type_id"`
	Candidate        wireCandidate              `json:"candidate"`
	Application      wireApplication            `json:"application"`
	Job              wireJob                    `json:"job"`
	AdditionalFields map[string]json.RawMessage `json:"additional_fields"`
}

type wireCandidate struct {
	AshbyID    lenient.Text `json:"ashby_id"`
	FirstName  string       `json:"first_name"`
	LastName   string       `json:"last_name"`
	Email      string       `json:"email"`
	ProfileURL string       `json:"ashby_profile_url"`
}

type wireApplication struct {
	AshbyID lenient.Text `json:"ashby_id"`
	Status  string       `json:"status"`
}

type wireJob struct {
	AshbyID    lenient.Text     `json:"ashby_id"`
	Name       string           `json:"name"`
	URL        string           `json:"ashby_job_url"`
	ReqID      lenient.Text     `json:"req_id"`
	HiringTeam []wireTeamMember `json:"hiringTeam"`
}

type wireTeamMember struct {
	UserID    lenient.Text `json:"userId"`
	FirstName string       `json:"firstName"`
	LastName  string       `json:"lastName"`
	Email     string       `json:"email"`
	Role      string       `json:"role"`
}

type wireCancel struct {
	AssessmentID lenient.Text `json:"assessment_id"`
}

// The types of a datum. They are all there are.
const (
	typeString  = "string"
	typeURL     = "url"
	typeScore   = "numeric_score"
	typeMinutes = "numeric_duration_minutes"
	typeSuccess = "boolean_success"
)

// wireDatum is what Ashby calls an AssessmentDataValue. Value is a string, a
// float64 or a bool, and always written.
type wireDatum struct {
	Identifier  string `json:"identifier"`
	Label       string `json:"label"`
	Description string `json:"description,omitempty"`
	Type        string `json:"type"`
	Value       any    `json:"value"`
}

// wireUpdate is the body of assessment.update without its timestamp. What is
// absent is left out: not every rendering of the reference allows null.
type wireUpdate struct {
	AssessmentID    string      `json:"assessment_id"`
	Status          *wireDatum  `json:"assessment_status,omitempty"`
	ProfileURL      *wireDatum  `json:"assessment_profile_url,omitempty"`
	Result          *wireDatum  `json:"assessment_result,omitempty"`
	CancelledReason *wireDatum  `json:"cancelled_reason,omitempty"`
	Metadata        []wireDatum `json:"metadata,omitempty"`
}

// wireUpdateRequest is the update inside the answer to assessment.start.
type wireUpdateRequest struct {
	Timestamp int64 `json:"timestamp"`
	wireUpdate
}

type wireCompleted struct {
	CandidateID string                  `json:"candidateId"`
	PartnerID   string                  `json:"partnerId"`
	Assessment  wireCompletedAssessment `json:"assessment"`
	Timestamp   int64                   `json:"timestamp"`
}

// wireCompletedAssessment has its metadata always, since the schema wants it.
type wireCompletedAssessment struct {
	TypeID   string      `json:"assessmentTypeId"`
	ID       string      `json:"assessmentId"`
	Name     string      `json:"assessmentName"`
	Result   *wireDatum  `json:"result"`
	Metadata []wireDatum `json:"metadata"`
}

// envelope is what Ashby answers to a call that succeeded.
type envelope[T any] struct {
	Results T `json:"results"`
}

// wireFailure is the error envelope, in both directions. Ashby leaves the
// deprecated errors out in places; who writes it includes them, because the
// schema requires them.
type wireFailure struct {
	Success bool            `json:"success"`
	Errors  transport.Words `json:"errors"`
	Info    wireErrorInfo   `json:"errorInfo"`
	// Message is what gateways in front of the API write; Ashby does not.
	Message transport.Words `json:"message,omitempty"`
}

// wireVerdict is what tells a success from a failure.
type wireVerdict struct {
	Success lenient.Flag    `json:"success"`
	Errors  any             `json:"errors"`
	Info    json.RawMessage `json:"errorInfo"`
}

type wireErrorInfo struct {
	Code      string `json:"code"`
	Message   string `json:"message,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

// succeeded wraps what the provider's endpoints answer.
type succeeded[T any] struct {
	Success bool `json:"success"`
	Results T    `json:"results"`
}

type wireStarted struct {
	AssessmentID  string             `json:"assessment_id"`
	UpdateRequest *wireUpdateRequest `json:"update_request,omitempty"`
}

type wirePackage struct {
	ID          string `json:"assessment_type_id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

type wireEvent struct {
	ID     string          `json:"webhookActionId"`
	Action lenient.Name    `json:"action"`
	Data   json.RawMessage `json:"data"`
}
