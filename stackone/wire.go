package stackone

import "encoding/json"

// The wire format of StackOne's unified ATS API
// (https://docs.stackone.com/ats/api-reference). Inbound, every member may be
// missing, null or of another form; see text, enum, date and loose.

// wireEvent is the envelope of every webhook. Order events have the order as
// event_data, or only some ids beside the envelope.
type wireEvent struct {
	ProjectID      string    `json:"project_id"`
	AccountID      idText    `json:"account_id"`
	Event          string    `json:"event"`
	EventDate      date      `json:"event_date"`
	RecordType     string    `json:"record_type"`
	RecordID       idText    `json:"record_id"`
	RecordRemoteID idText    `json:"record_remote_id"`
	SentAt         date      `json:"sent_at"`
	Provider       string    `json:"provider"`
	EventData      wireOrder `json:"event_data"`
	wireIDs

	OriginOwnerID    idText          `json:"origin_owner_id"`
	OriginOwnerName  string          `json:"origin_owner_name"`
	OriginUsername   string          `json:"origin_username"`
	SetupInformation json.RawMessage `json:"setup_information"`
}

// wireIDs are the references that StackOne's guide promises of an order event,
// without saying where: https://docs.stackone.com/ats/use-cases/assessment-flow.
type wireIDs struct {
	ApplicationID       idText `json:"application_id"`
	RemoteApplicationID idText `json:"remote_application_id"`
	CandidateID         idText `json:"candidate_id"`
	RemoteCandidateID   idText `json:"remote_candidate_id"`
	JobID               idText `json:"job_id"`
	RemoteJobID         idText `json:"remote_job_id"`
	PackageID           idText `json:"package_id"`
	RemotePackageID     idText `json:"remote_package_id"`
}

type wireOrder struct {
	ID          idText               `json:"id"`
	RemoteID    idText               `json:"remote_id"`
	Package     wirePackage          `json:"package"`
	Application wireOrderApplication `json:"application"`
	Job         wireJob              `json:"job"`
	Candidate   wireCandidate        `json:"candidate"`
	Requester   wireTeamMember       `json:"requester"`
	wireIDs
}

type wireOrderApplication struct {
	ID       idText `json:"id"`
	RemoteID idText `json:"remote_id"`
	Status   enum   `json:"application_status"`
}

type wirePackage struct {
	ID          idText     `json:"id"`
	RemoteID    idText     `json:"remote_id"`
	Name        text       `json:"name"`
	Description text       `json:"description"`
	Tests       []wireTest `json:"tests"`
}

type wireTest struct {
	ID          idText `json:"id"`
	RemoteID    idText `json:"remote_id"`
	Name        text   `json:"name"`
	Description text   `json:"description"`
}

type wireTeamMember struct {
	ID        idText `json:"user_id"`
	RemoteID  idText `json:"remote_user_id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
	Role      string `json:"role"`
}

type wireEmail struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type wirePhone struct {
	Type  string `json:"type"`
	Phone text   `json:"phone"`
}

// wireCandidate is a candidate in an order, in an application and on its own.
type wireCandidate struct {
	ID         idText      `json:"id"`
	RemoteID   idText      `json:"remote_id"`
	Name       string      `json:"name"`
	FirstName  string      `json:"first_name"`
	LastName   string      `json:"last_name"`
	Email      string      `json:"email"`
	Emails     []wireEmail `json:"emails"`
	Phone      text        `json:"phone"`
	Phones     []wirePhone `json:"phone_numbers"`
	ProfileURL string      `json:"profile_url"`
}

// wireJob is a job in an order and on its own.
type wireJob struct {
	ID           idText           `json:"id"`
	RemoteID     idText           `json:"remote_id"`
	Code         text             `json:"code"`
	Title        string           `json:"title"`
	Description  string           `json:"description"`
	Status       enum             `json:"job_status"`
	LegacyStatus text             `json:"status"`
	Confidential text             `json:"confidential"`
	HiringTeam   []wireTeamMember `json:"hiring_team"`
	UpdatedAt    date             `json:"updated_at"`
}

// The values of result.value that a provider writes.
const (
	wireInitiated  = "initiated"
	wireInProgress = "in_progress"
	wireCompleted  = "completed"
	wirePassed     = "passed"
	wireFailed     = "failed"
	wireCancelled  = "cancelled"
	wireExpired    = "expired"
)

// wireResult is the body of PATCH …/orders/{id}/result. What is not known is
// left out: what an explicit null does is not documented.
type wireResult struct {
	Score          *wireScore       `json:"score,omitempty"`
	StartDate      string           `json:"start_date,omitempty"`
	SubmissionDate string           `json:"submission_date,omitempty"`
	Summary        string           `json:"summary,omitempty"`
	Result         wireEnum         `json:"result"`
	ResultURL      string           `json:"result_url,omitempty"`
	Attachments    []wireAttachment `json:"attachments,omitempty"`
	Passthrough    json.RawMessage  `json:"passthrough,omitempty"`
}

// wireScore is all text.
type wireScore struct {
	Label string `json:"label,omitempty"`
	Value string `json:"value"`
	Min   string `json:"min,omitempty"`
	Max   string `json:"max,omitempty"`
}

type wireEnum struct {
	Value  string `json:"value"`
	Source string `json:"source_value,omitempty"`
}

type wireAttachment struct {
	URL         string   `json:"url"`
	ContentType wireEnum `json:"content_type"`
}

// wireWritten is the answer to a write that has no data.
type wireWritten struct {
	StatusCode statusCode `json:"statusCode"`
}
