package ashbytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
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

// Assessment returns an assessment by its id, the oldest if several organizations
// have it.
func (s *Server) Assessment(id string) (Assessment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.organizations {
		if a := o.assessment(id); a != nil {
			return a.snapshot(), true
		}
	}
	return Assessment{}, false
}

// Assessments returns all assessments of an organization in the order in which
// Ashby learned of them; the empty name is the first organization.
func (s *Server) Assessments(organization string) []Assessment {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	if err != nil {
		return nil
	}
	list := make([]Assessment, len(o.assessments))
	for i, a := range o.assessments {
		list[i] = a.snapshot()
	}
	return list
}

// AddAssessment puts a live assessment in place without a call of the provider,
// for a test of updates alone, and returns its id. Of the given one it takes ID,
// Organization, TypeID, ApplicationID, CandidateID and JobID; an empty ID is
// generated, the others are those of the example call. It fails if the
// organization is unknown or the id is taken.
func (s *Server) AddAssessment(a Assessment) (string, error) {
	created := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(a.Organization)
	if err != nil {
		return "", err
	}
	id := a.ID
	if id == "" {
		id = s.nextID("assessment")
	}
	if o.assessment(id) != nil {
		return "", fmt.Errorf("ashbytest: assessment %q exists already", id)
	}
	spec := StartSpec{AssessmentTypeID: a.TypeID, ApplicationID: a.ApplicationID, CandidateID: a.CandidateID, JobID: a.JobID}.withDefaults()
	o.addAssessment(id, spec.ids(), created)
	return id, nil
}

// startIDs are the ids that a start is about.
type startIDs struct{ typeID, applicationID, candidateID, jobID string }

func (i startIDs) slot() slot { return slot{i.applicationID, i.typeID} }

// addAssessment keeps a new live one. The caller holds s.mu.
func (o *organization) addAssessment(id string, ids startIDs, created time.Time) *assessment {
	a := &assessment{Assessment: Assessment{
		ID:            id,
		Organization:  o.Name,
		TypeID:        ids.typeID,
		ApplicationID: ids.applicationID,
		CandidateID:   ids.candidateID,
		JobID:         ids.jobID,
		State:         StateLive,
		CreatedAt:     created,
	}}
	o.assessments = append(o.assessments, a)
	return a
}

func (o *organization) assessment(id string) *assessment {
	for _, a := range o.assessments {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// live returns the live assessment of a slot, and nil if there is none.
func (o *organization) live(where slot) *assessment {
	for _, a := range o.assessments {
		if a.State == StateLive && a.slot() == where {
			return a
		}
	}
	return nil
}

func (a *assessment) slot() slot { return slot{a.ApplicationID, a.TypeID} }

func (a *assessment) snapshot() Assessment {
	c := a.Assessment
	c.Metadata = slices.Clone(c.Metadata)
	c.Updates = slices.Clone(c.Updates)
	return c
}

// apply lets an accepted update take effect.
func (a *assessment) apply(u Update) {
	a.Updates = append(a.Updates, u)
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
