package kombo

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// The wire format as Kombo's OpenAPI document and guides have it. Inbound, a
// missing key and null are the same, unknown keys are ignored, and enums are
// plain strings (https://docs.kombo.dev/assessment/introduction).

type wireEvent struct {
	ID   string       `json:"id"`
	Type lenient.Name `json:"type"`
	Data wireOrder    `json:"data"`
}

type wireOrder struct {
	ID            string          `json:"id"`
	IntegrationID string          `json:"integration_id"`
	PackageID     string          `json:"package_id"`
	Status        string          `json:"status"`
	Candidate     wireCandidate   `json:"candidate"`
	Application   wireApplication `json:"application"`
	Job           wireJob         `json:"job"`
}

type wireCandidate struct {
	RemoteID  string `json:"remote_id"`
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Phone     string `json:"phone"`
}

type wireApplication struct {
	RemoteID string `json:"remote_id"`
}

type wireJob struct {
	RemoteID    string           `json:"remote_id"`
	Name        string           `json:"name"`
	JobCode     string           `json:"job_code"`
	Description string           `json:"description"`
	Location    wireLocation     `json:"location"`
	HiringTeam  []wireTeamMember `json:"hiring_team"`
}

type wireLocation struct {
	Street1 string `json:"street_1"`
	Street2 string `json:"street_2"`
	City    string `json:"city"`
	State   string `json:"state"`
	ZipCode string `json:"zip_code"`
	Country string `json:"country"`
	Raw     string `json:"raw"`
}

type wireTeamMember struct {
	RemoteID  string   `json:"remote_id"`
	Email     string   `json:"email"`
	FirstName string   `json:"first_name"`
	LastName  string   `json:"last_name"`
	Roles     []string `json:"hiring_team_roles"`
}

// wireIssueStatusChanged is the data of an issue event; see [IssueStatusChanged].
type wireIssueStatusChanged struct {
	Change   string  `json:"change"`
	Issue    Issue   `json:"issue"`
	ID       string  `json:"integration_id"`
	Tool     string  `json:"integration_tool"`
	Category string  `json:"integration_category"`
	EndUser  EndUser `json:"end_user"`
}

func (d wireIssueStatusChanged) account() string { return d.ID }

type wirePackage struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// wireListedPackage is a package that Kombo has.
type wireListedPackage struct {
	ID          string    `json:"id"`
	Type        string    `json:"type"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// The statuses of PUT /assessment/orders/{id}/result; an order can also be
// REJECTED, which no one writes.
const (
	wireOpen      = "OPEN"
	wireCompleted = "COMPLETED"
	wireCancelled = "CANCELLED"
	wireRejected  = "REJECTED"
)

// wireResult is the body of PUT /assessment/orders/{id}/result without the
// attachments, which [appendResult] writes. Optional fields are left out, since
// the schema allows null for none of them.
type wireResult struct {
	Status       string          `json:"status"`
	ResultURL    string          `json:"result_url"`
	CompletedAt  string          `json:"completed_at,omitempty"`
	Score        *float64        `json:"score,omitempty"`
	MaxScore     *float64        `json:"max_score,omitempty"`
	Attributes   []wireAttribute `json:"attributes,omitempty"`
	RemoteFields json.RawMessage `json:"remote_fields,omitempty"`
}

// wireAttribute is a TEXT (label, value) or a SUB_RESULT (id, label, score,
// status).
type wireAttribute struct {
	Type   string     `json:"type"`
	ID     *string    `json:"id,omitempty"`
	Label  string     `json:"label"`
	Value  *string    `json:"value,omitempty"`
	Score  *wireScore `json:"score,omitempty"`
	Status string     `json:"status,omitempty"`
}

type wireScore struct {
	Value float64 `json:"value"`
	Max   float64 `json:"max"`
}

// wireAttachment is an attachment without its data.
type wireAttachment struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type,omitempty"`
	DataURL     string `json:"data_url,omitempty"`
}

// envelope is what every read answers.
type envelope[T any] struct {
	Data *T `json:"data"`
}

// Tolerates implements [transport.Tolerant] for the data.
func (e *envelope[T]) Tolerates(path string) bool {
	data, ok := any(e.Data).(transport.Tolerant)
	return ok && data.Tolerates(path)
}

// orderPage is one page of orders; Next is null on the last.
type orderPage struct {
	Next    json.RawMessage `json:"next"`
	Results []wireOrder     `json:"results"`
}

// Tolerates implements [transport.Tolerant]: an odd order does not hide the
// others, or a reconciler would never get past it.
func (*orderPage) Tolerates(path string) bool { return strings.HasPrefix(path, "data.results[") }
