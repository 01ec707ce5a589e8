package ashbytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// State is where an assessment is in its life.
type State string

// The states of an assessment. Only a result completes and only a
// cancelled_reason, or Ashby itself, cancels: a status text never does.
// https://developers.ashbyhq.com/docs/creating-an-assessments-integration
const (
	StateLive      State = "live"
	StateCompleted State = "completed"
	StateCancelled State = "cancelled"
)

// Assessment is an assessment as Ashby knows it now.
type Assessment struct {
	ID           string // made by the provider
	Organization string
	TypeID       string
	// Name is known of an assessment that was added as completed; else empty.
	Name          string
	ApplicationID string
	CandidateID   string
	JobID         string
	State         State
	// Status is the text of the last assessment_status; empty: none came yet.
	Status    string
	CreatedAt time.Time
	// StartedAt is the timestamp of the first update with the status "Started".
	StartedAt   time.Time
	CompletedAt time.Time
	CancelledAt time.Time
	// CancelledByAshby tells that the recruiter cancelled, not the provider.
	CancelledByAshby bool
	// CancelReason is the text that the provider gave.
	CancelReason string
	ProfileURL   string
	Result       *DataValue // nil: none
	// Metadata is the last datum of each identifier, in order of first appearance:
	// a later update replaces what it names again.
	Metadata []DataValue
	// Updates are all that were accepted, in order.
	Updates []Update
}

// Update is an accepted assessment.update, or one that came with the answer to
// assessment.start: https://developers.ashbyhq.com/docs/assessmentupdate
type Update struct {
	AssessmentID    string
	Timestamp       time.Time // as sent
	Status          *DataValue
	ProfileURL      *DataValue
	Result          *DataValue
	CancelledReason *DataValue
	Metadata        []DataValue
	// WithStart tells that it came with the answer to assessment.start.
	WithStart bool
	// UnknownKeys are the paths of members that Ashby's schema does not name.
	UnknownKeys []string
	Body        json.RawMessage // the update as JSON, as it was written
	ReceivedAt  time.Time
}

// slot is what can hold one live assessment at a time.
type slot struct{ application, typeID string }

// assessment is the state behind an Assessment.
type assessment struct {
	Assessment
	// cancelling counts the cancels under way, or whose fate is unknown; cancellation
	// is the number of the one that ended it: an answer may be older than the state
	// that it meets.
	cancelling   int
	cancellation int
	added        []byte // body of assessment.addCompletedToCandidate
}

// startIDs are the ids that a start is about.
type startIDs struct{ typeID, applicationID, candidateID, jobID string }

func (i startIDs) slot() slot { return slot{i.applicationID, i.typeID} }

func (a *assessment) slot() slot { return slot{a.ApplicationID, a.TypeID} }

func (a *assessment) snapshot() Assessment {
	c := a.Assessment
	c.Metadata = slices.Clone(c.Metadata)
	c.Updates = slices.Clone(c.Updates)
	return c
}

// apply lets an accepted update take effect.
func (a *assessment) apply(u Update) {
	a.Updates = simkit.Latest(append(a.Updates, u))
	if u.Status != nil {
		a.Status = u.Status.text()
		if a.Status == statusStarted && a.StartedAt.IsZero() {
			a.StartedAt = u.Timestamp
		}
	}
	if u.ProfileURL != nil {
		a.ProfileURL = u.ProfileURL.text()
	}
	for _, v := range u.Metadata {
		a.setMetadata(v)
	}
	if u.Result != nil {
		a.Result, a.State, a.CompletedAt = u.Result, StateCompleted, u.Timestamp
	}
	if u.CancelledReason != nil {
		a.CancelReason, a.State = u.CancelledReason.text(), StateCancelled
		if a.CancelledAt.IsZero() {
			a.CancelledAt = u.Timestamp
		}
	}
}

// statusStarted is the one status text with a meaning: Ashby stores the time.
const statusStarted = "Started"

func (a *assessment) setMetadata(v DataValue) {
	same := func(old DataValue) bool { return old.Identifier == v.Identifier }
	if i := slices.IndexFunc(a.Metadata, same); i >= 0 {
		a.Metadata[i] = v
		return
	}
	a.Metadata = append(a.Metadata, v)
}

// text is a value as Ashby would show it.
func (v DataValue) text() string {
	if text, ok := v.Value.(string); ok {
		return text
	}
	return fmt.Sprint(v.Value)
}
