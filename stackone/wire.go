package stackone

import (
	"encoding/json"
	"time"

	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// The wire format of StackOne's unified ATS API
// (https://docs.stackone.com/ats/api-reference). Inbound, every member may be
// missing, null or of another form; see the package lenient, and enum.

// wireEvent is the envelope of every webhook. Order events have the order as
// event_data, or only some ids beside the envelope.
type wireEvent struct {
	ProjectID      string       `json:"project_id"`
	AccountID      lenient.Text `json:"account_id"`
	Event          lenient.Name `json:"event"`
	EventDate      time.Time    `json:"event_date"`
	RecordType     string       `json:"record_type"`
	RecordID       lenient.Text `json:"record_id"`
	RecordRemoteID lenient.Text `json:"record_remote_id"`
	SentAt         time.Time    `json:"sent_at"`
	Provider       string       `json:"provider"`
	EventData      wireOrder    `json:"event_data"`
	wireIDs

	OriginOwnerID    lenient.Text    `json:"origin_owner_id"`
	OriginOwnerName  string          `json:"origin_owner_name"`
	OriginUsername   string          `json:"origin_username"`
	SetupInformation json.RawMessage `json:"setup_information"`
}

// wireIDs are the references that StackOne's guide promises of an order event,
// without saying where: https://docs.stackone.com/ats/use-cases/assessment-flow.
type wireIDs struct {
	ApplicationID       lenient.Text `json:"application_id"`
	RemoteApplicationID lenient.Text `json:"remote_application_id"`
	CandidateID         lenient.Text `json:"candidate_id"`
	RemoteCandidateID   lenient.Text `json:"remote_candidate_id"`
	JobID               lenient.Text `json:"job_id"`
	RemoteJobID         lenient.Text `json:"remote_job_id"`
	PackageID           lenient.Text `json:"package_id"`
	RemotePackageID     lenient.Text `json:"remote_package_id"`
}

type wireOrder struct {
	ID          lenient.Text         `json:"id"`
	RemoteID    lenient.Text         `json:"remote_id"`
	Package     wirePackage          `json:"package"`
	Application wireOrderApplication `json:"application"`
	Job         wireJob              `json:"job"`
	Candidate   wireCandidate        `json:"candidate"`
	Requester   wireTeamMember       `json:"requester"`
	wireIDs
}

type wireOrderApplication struct {
	ID       lenient.Text `json:"id"`
	RemoteID lenient.Text `json:"remote_id"`
	Status   enum         `json:"application_status"`
}

type wirePackage struct {
	ID          lenient.Text   `json:"id"`
	RemoteID    lenient.Text   `json:"remote_id"`
	Name        lenient.Scalar `json:"name"`
	Description lenient.Scalar `json:"description"`
	Tests       []wireTest     `json:"tests"`
}

type wireTest struct {
	ID          lenient.Text   `json:"id"`
	RemoteID    lenient.Text   `json:"remote_id"`
	Name        lenient.Scalar `json:"name"`
	Description lenient.Scalar `json:"description"`
}

type wireTeamMember struct {
	ID        lenient.Text `json:"user_id"`
	RemoteID  lenient.Text `json:"remote_user_id"`
	FirstName string       `json:"first_name"`
	LastName  string       `json:"last_name"`
	Email     string       `json:"email"`
	Role      string       `json:"role"`
}

type wireEmail struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

type wirePhone struct {
	Type  string         `json:"type"`
	Phone lenient.Scalar `json:"phone"`
}

// wireCandidate is a candidate in an order, in an application and on its own.
type wireCandidate struct {
	ID         lenient.Text   `json:"id"`
	RemoteID   lenient.Text   `json:"remote_id"`
	Name       string         `json:"name"`
	FirstName  string         `json:"first_name"`
	LastName   string         `json:"last_name"`
	Email      string         `json:"email"`
	Emails     []wireEmail    `json:"emails"`
	Phone      lenient.Scalar `json:"phone"`
	Phones     []wirePhone    `json:"phone_numbers"`
	ProfileURL string         `json:"profile_url"`
}

// wireJob is a job in an order and on its own.
type wireJob struct {
	ID           lenient.Text     `json:"id"`
	RemoteID     lenient.Text     `json:"remote_id"`
	Code         lenient.Scalar   `json:"code"`
	Title        string           `json:"title"`
	Description  string           `json:"description"`
	Status       enum             `json:"job_status"`
	LegacyStatus lenient.Scalar   `json:"status"`
	Confidential lenient.Scalar   `json:"confidential"`
	HiringTeam   []wireTeamMember `json:"hiring_team"`
	UpdatedAt    time.Time        `json:"updated_at"`
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
	Candidate      *wireAbout       `json:"candidate,omitempty"`
	Passthrough    json.RawMessage  `json:"passthrough,omitempty"`
}

// wireAbout is the candidate of a result.
type wireAbout struct {
	ID         string `json:"id,omitempty"`
	ProfileURL string `json:"profile_url,omitempty"`
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
	transport.Written
	StatusCode statusCode `json:"statusCode"`
}
