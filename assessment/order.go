package assessment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Order asks the provider to examine one candidate with one package. An empty
// string means that the vendor did not say; no vendor fills every field, and
// what the ATS behind it shows differs again.
//
// Order has a stable JSON form (snake_case, without Raw) and can be the
// argument of a job in any queue. It prints and logs as its reference, package
// and status only: everything about people stays out.
type Order struct {
	// Ref identifies the order; see [OrderRef].
	Ref OrderRef `json:"ref"`
	// Dedupe holds the parts that are the same in a repetition of this order, for
	// a vendor that gives its orders no id. The vendor's adapter sets them, such as
	// the application's id and the package's; [Intake] then mints the id. They may
	// be about a person: no store gets to see them, see [OrderKey].
	Dedupe []string `json:"dedupe,omitempty"`
	// RemoteID is the ATS's own id of the order, where the vendor names it
	// (StackOne).
	RemoteID string `json:"remote_id,omitempty"`
	// Package is what was ordered. Kombo and Ashby give only its ID. StackOne
	// may give the provider's id as ID or as RemoteID.
	Package Package `json:"package"`
	// Status is where the order stands at the vendor, empty if it did not say.
	Status Status `json:"status,omitempty"`
	// ATS is the tool behind the vendor where known, such as "workday" or
	// "greenhouse".
	ATS string `json:"ats,omitempty"`
	// Inline: the candidate is waiting in the ATS for [Started.CandidateURL], so
	// no e-mail is to be sent.
	Inline bool `json:"inline,omitempty"`

	Candidate   Candidate   `json:"candidate"`
	Application Application `json:"application"`
	Job         Job         `json:"job"`
	// Requester is the recruiter who ordered, where the vendor says so.
	Requester TeamMember `json:"requester,omitzero"`
	// Fields holds the customer's custom fields by id, as raw JSON (Ashby's
	// additional_fields).
	Fields map[string]json.RawMessage `json:"fields,omitempty"`

	// OrderedAt is when the order was made, as the vendor says; for an ATS that
	// StackOne polls it is when StackOne saw it.
	OrderedAt time.Time `json:"ordered_at,omitzero"`
	// ReceivedAt is when the delivery came in.
	ReceivedAt time.Time `json:"received_at,omitzero"`
	// Raw is the body exactly as received and signed. It is kept in memory only
	// and must not be changed.
	Raw []byte `json:"-"`
}

// Candidate is the person to be examined.
type Candidate struct {
	// ID is the vendor's id of the candidate, RemoteID the ATS's. Kombo gives
	// only the latter; Ashby is both vendor and ATS and gives RemoteID.
	ID        string `json:"id,omitempty"`
	RemoteID  string `json:"remote_id,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	// Email is the address to invite. Kombo and Ashby always give one.
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
	// ProfileURL leads to the candidate in the ATS and is for the recruiter.
	ProfileURL string `json:"profile_url,omitempty"`
}

// Application is the candidate's application for the job.
type Application struct {
	ID       string `json:"id,omitempty"`
	RemoteID string `json:"remote_id,omitempty"`
	// Status is the vendor's own word for where the application stands.
	Status string `json:"status,omitempty"`
}

// Job is the position that the candidate applied for.
type Job struct {
	ID       string `json:"id,omitempty"`
	RemoteID string `json:"remote_id,omitempty"`
	// Code is the customer's requisition id.
	Code string `json:"code,omitempty"`
	Name string `json:"name,omitempty"`
	// Description usually is HTML that somebody else wrote: escape or sanitise
	// it before it is shown.
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Location    Location     `json:"location,omitzero"`
	HiringTeam  []TeamMember `json:"hiring_team,omitempty"`
}

// Location is where the job is.
type Location struct {
	Street1 string `json:"street_1,omitempty"`
	Street2 string `json:"street_2,omitempty"`
	City    string `json:"city,omitempty"`
	State   string `json:"state,omitempty"`
	ZipCode string `json:"zip_code,omitempty"`
	// Country is an ISO 3166 alpha-2 code where the vendor could tell, else the
	// ATS's own text.
	Country string `json:"country,omitempty"`
	// Raw is the ATS's text for the whole location.
	Raw string `json:"raw,omitempty"`
}

// TeamMember is a recruiter or hiring manager.
type TeamMember struct {
	ID        string `json:"id,omitempty"`
	RemoteID  string `json:"remote_id,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty"`
	Roles     []Role `json:"roles,omitempty"`
}

// IsZero reports whether nothing is known of m.
func (m TeamMember) IsZero() bool {
	return m.ID == "" && m.RemoteID == "" && m.FirstName == "" && m.LastName == "" &&
		m.Email == "" && len(m.Roles) == 0
}

// String names the order without anything about people.
func (o Order) String() string {
	return fmt.Sprintf("order %s (package %q, status %q)", o.Ref, o.Package.ID, o.Status)
}

// Format implements [fmt.Formatter]: every verb prints [Order.String].
func (o Order) Format(f fmt.State, verb rune) { formatText(f, verb, o.String()) }

// LogValue implements [slog.LogValuer] without anything about people.
func (o Order) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("ref", o.Ref.String()),
		slog.String("package", o.Package.ID),
		slog.String("status", string(o.Status)),
	)
}

// String names the job without its hiring team and its description.
func (j Job) String() string { return fmt.Sprintf("job %q", cmp.Or(j.ID, j.RemoteID)) }

// Format implements [fmt.Formatter]: every verb prints [Job.String].
func (j Job) Format(f fmt.State, verb rune) { formatText(f, verb, j.String()) }

// LogValue implements [slog.LogValuer] without anything about people.
func (j Job) LogValue() slog.Value { return slog.StringValue(j.String()) }

// redactedCandidate and redactedMember are all that a person prints as.
const (
	redactedCandidate = "candidate [redacted]"
	redactedMember    = "team member [redacted]"
)

// String hides the candidate.
func (c Candidate) String() string { return redactedCandidate }

// Format implements [fmt.Formatter]: no verb shows the candidate.
func (c Candidate) Format(f fmt.State, verb rune) { formatText(f, verb, redactedCandidate) }

// LogValue implements [slog.LogValuer] and hides the candidate.
func (c Candidate) LogValue() slog.Value { return slog.StringValue(redactedCandidate) }

// String hides the person.
func (m TeamMember) String() string { return redactedMember }

// Format implements [fmt.Formatter]: no verb shows the person.
func (m TeamMember) Format(f fmt.State, verb rune) { formatText(f, verb, redactedMember) }

// LogValue implements [slog.LogValuer] and hides the person.
func (m TeamMember) LogValue() slog.Value { return slog.StringValue(redactedMember) }

// CandidateID is the vendor's id of the candidate, or the ATS's where the vendor
// gives none: what tells orders of one person apart from those of others.
func (o *Order) CandidateID() string { return cmp.Or(o.Candidate.ID, o.Candidate.RemoteID) }
