package assessment

import "strings"

// Status is where an order stands. Inbound values that this version does not
// know are kept verbatim, and [Status.Known] says false.
type Status string

// The states of an order. A provider writes all of them but StatusRejected,
// which is what a vendor shows after the provider said no ([Reject]).
const (
	StatusOpen       Status = "open"
	StatusInProgress Status = "in_progress"
	StatusCompleted  Status = "completed"
	StatusCancelled  Status = "cancelled"
	StatusExpired    Status = "expired"
	StatusRejected   Status = "rejected"
)

// Known reports whether s is one of the states defined here.
func (s Status) Known() bool {
	switch s {
	case StatusOpen, StatusInProgress, StatusCompleted, StatusCancelled, StatusExpired, StatusRejected:
		return true
	}
	return false
}

// Final reports whether nothing comes after s. Besides the states defined here,
// every spelling of an end that a vendor has used is one, whatever its case, such
// as COMPLETE and Canceled.
func (s Status) Final() bool {
	switch Status(strings.ToLower(strings.TrimSpace(string(s)))) {
	case StatusCompleted, StatusCancelled, StatusExpired, StatusRejected,
		"complete", "canceled", "passed", "failed":
		return true
	}
	return false
}

// Outcome is the verdict of a completed test; empty means none was given.
type Outcome string

// The verdicts.
const (
	OutcomePassed Outcome = "passed"
	OutcomeFailed Outcome = "failed"
)

// Known reports whether o is empty or one of the verdicts defined here.
func (o Outcome) Known() bool {
	return o == "" || o == OutcomePassed || o == OutcomeFailed
}

// Role is what a member of the hiring team does. Unknown values are kept
// verbatim.
type Role string

// The roles that Kombo names. StackOne and Ashby send free text, kept as it
// is.
const (
	RoleRecruiter     Role = "recruiter"
	RoleHiringManager Role = "hiring_manager"
)

// Known reports whether r is one of the roles defined here.
func (r Role) Known() bool { return r == RoleRecruiter || r == RoleHiringManager }
