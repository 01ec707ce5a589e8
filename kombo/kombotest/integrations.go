package kombotest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is whether an integration works:
// https://docs.kombo.dev/assessment/guides/integration-states
type State string

// The states of an integration.
const (
	StateActive   State = "ACTIVE"
	StateInvalid  State = "INVALID"  // its credentials failed for three days
	StateInactive State = "INACTIVE" // switched off
)

// EndUser is the customer behind an integration.
type EndUser struct {
	OrganizationName string // empty: "Acme, Inc."
	CreatorEmail     string // empty: null
	OriginID         string // the provider's own id of the customer; empty: null
}

// IntegrationSpec describes an integration. The zero value is an active Workday
// integration of category ASSESSMENT with a generated id.
type IntegrationSpec struct {
	ID          string // "tool:id"; empty: generated
	Tool        string // empty: the part of ID before the colon, else "workday"
	Category    string // HRIS, ATS, ASSESSMENT or LMS; empty: ASSESSMENT
	EndUser     EndUser
	State       State  // empty: [StateActive]
	SetupStatus string // INCOMPLETE, FINAL_SYNC_PENDING or COMPLETED; empty: COMPLETED
	QAStatus    string // PENDING, FAILED or PASSED; empty: PASSED
	// HasSetup is true for integrations with a setup step, whose completed setup
	// can be opened again with a setup link.
	HasSetup bool
}

type integration struct {
	spec      IntegrationSpec
	createdAt time.Time
	syncID    string // of the queued sync; empty: none
}

// Integration creates an integration without the connection flow and without an
// event, and returns its id. It fails if the id is taken or without a colon.
func (s *Server) Integration(spec IntegrationSpec) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	spec = s.completeSpec(spec)
	if !strings.Contains(spec.ID, ":") {
		return "", fmt.Errorf("kombotest: integration id %q is not of the form tool:id", spec.ID)
	}
	if _, taken := s.integrations[spec.ID]; taken {
		return "", fmt.Errorf("kombotest: integration %q exists already", spec.ID)
	}
	s.integrations[spec.ID] = &integration{spec: spec, createdAt: s.now()}
	return spec.ID, nil
}

func (s *Server) completeSpec(spec IntegrationSpec) IntegrationSpec {
	if spec.Tool == "" {
		tool, _, _ := strings.Cut(spec.ID, ":")
		spec.Tool = orDefault(tool, "workday")
	}
	if spec.ID == "" {
		spec.ID = spec.Tool + ":" + s.nextID("integration")
	}
	spec.Category = orDefault(spec.Category, "ASSESSMENT")
	spec.EndUser.OrganizationName = orDefault(spec.EndUser.OrganizationName, "Acme, Inc.")
	spec.State = orDefault(spec.State, StateActive)
	spec.SetupStatus = orDefault(spec.SetupStatus, "COMPLETED")
	spec.QAStatus = orDefault(spec.QAStatus, "PASSED")
	return spec
}

// IntegrationState returns an integration as it is now, and false if it does not
// exist (any more).
func (s *Server) IntegrationState(id string) (IntegrationSpec, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, found := s.integrations[id]; found {
		return i.spec, true
	}
	return IntegrationSpec{}, false
}

// StateChange is what [Server.ChangeState] changes; an empty field stays.
type StateChange struct {
	State       State
	SetupStatus string
	QAStatus    string
}

// ChangeState changes an integration from the outside (credentials expire, the
// setup is completed) and sends integration-state-changed.
func (s *Server) ChangeState(ctx context.Context, id string, change StateChange, faults ...DeliveryFault) (Delivery, error) {
	if err := s.changeState(id, change); err != nil {
		return Delivery{}, err
	}
	event, err := s.StateChangedEvent(id)
	if err != nil {
		return Delivery{}, err
	}
	return s.Deliver(ctx, event, faults...), nil
}

func (s *Server) changeState(id string, change StateChange) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.integrations[id]
	if !found {
		return unknownIntegration(id)
	}
	i.spec.State = orDefault(change.State, i.spec.State)
	i.spec.SetupStatus = orDefault(change.SetupStatus, i.spec.SetupStatus)
	i.spec.QAStatus = orDefault(change.QAStatus, i.spec.QAStatus)
	return nil
}

// DeleteIntegration deletes an integration, as from the dashboard, and sends
// integration-deleted. Its orders can no longer be reached through the API.
func (s *Server) DeleteIntegration(ctx context.Context, id string, faults ...DeliveryFault) (Delivery, error) {
	event, err := s.IntegrationDeletedEvent(id)
	if err != nil {
		return Delivery{}, err
	}
	s.removeIntegration(id)
	return s.Deliver(ctx, event, faults...), nil
}

func (s *Server) removeIntegration(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.integrations, id)
}

func unknownIntegration(id string) error {
	return fmt.Errorf("kombotest: unknown integration %q", id)
}

// selected returns the integration named in the path.
func (s *Server) selected(c *call) (integration, *refusal) {
	c.integration = c.params["integration_id"]
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, found := s.integrations[c.integration]; found {
		return *i, nil
	}
	return integration{}, refuse(codeIntegrationNotFound, "")
}

func (s *Server) getIntegration(_ context.Context, c *call) (answer, *refusal) {
	i, problem := s.selected(c)
	if problem != nil {
		return answer{}, problem
	}
	return answer{data: i.wire()}, nil
}

func (i integration) wire() map[string]any {
	return map[string]any{
		"id":              i.spec.ID,
		"tool":            wireToolOf(i.spec.Tool),
		"category":        i.spec.Category,
		"status":          i.spec.State,
		"setup_status":    i.spec.SetupStatus,
		"end_user":        i.spec.EndUser.wire(),
		"scope_config":    map[string]any{"id": "B1hu5NGyhdjSq5X3hxEz4bAN", "name": "Default"},
		"data_expired_at": nil,
		"created_at":      timestamp(i.createdAt),
		"beta":            false,
		"read_models":     []any{},
		"write_actions":   []any{},
	}
}

func (u EndUser) wire() wireEndUser {
	return wireEndUser{
		OrganizationName: u.OrganizationName,
		CreatorEmail:     nullable(u.CreatorEmail),
		OriginID:         nullable(u.OriginID),
	}
}

// deleteIntegration leaves its event pending: see [Server.DeliverPending].
func (s *Server) deleteIntegration(_ context.Context, c *call) (answer, *refusal) {
	if _, problem := s.selected(c); problem != nil {
		return answer{}, problem
	}
	event, err := s.IntegrationDeletedEvent(c.integration)
	if err != nil { // deleted by a concurrent call
		return answer{}, refuse(codeIntegrationNotFound, "")
	}
	s.removeIntegration(c.integration)
	s.markPending(event.ID)
	return answer{data: empty{}}, nil
}

func (s *Server) setEnabled(_ context.Context, c *call) (answer, *refusal) {
	if _, problem := s.selected(c); problem != nil {
		return answer{}, problem
	}
	check := &checker{}
	state := StateInactive
	if body := c.bodyObject(check); body != nil {
		if body.flag("value", required) {
			state = StateActive
		}
		body.done()
	}
	c.noteUnknown(check)
	if problem := check.refusal(); problem != nil {
		return answer{}, problem
	}
	if err := s.changeState(c.integration, StateChange{State: state}); err != nil {
		return answer{}, refuse(codeIntegrationNotFound, "")
	}
	if event, err := s.StateChangedEvent(c.integration); err == nil {
		s.markPending(event.ID)
	}
	return answer{data: empty{}}, nil
}

// forceSync queues a sync, which [Server.SyncFinishedEvent] ends.
func (s *Server) forceSync(_ context.Context, c *call) (answer, *refusal) {
	check := &checker{}
	kind := "FULL"
	if body := c.bodyObject(check); body != nil {
		kind = orDefault(body.enum("type", optional, "FULL", "DELTA"), kind)
		body.done()
	}
	c.noteUnknown(check)
	if problem := check.refusal(); problem != nil {
		return answer{}, problem
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.integrations[c.integration]
	if !found {
		return answer{}, refuse(codeIntegrationNotFound, "")
	}
	queued := i.syncID != ""
	if !queued {
		i.syncID = s.nextID("sync")
	}
	return answer{data: map[string]any{"already_queued": queued, "sync_id": i.syncID, "type": kind}}, nil
}

var linkTypes = []string{"EMBEDDED", "MAGIC_LINK"}
var languages = []string{"en", "de", "fr", "it", "es"}
var categories = []string{"HRIS", "ATS", "ASSESSMENT", "LMS"}

func isCategory(lowerCase string) bool {
	return lowerCase == strings.ToLower(lowerCase) && slices.Contains(categories, strings.ToUpper(lowerCase))
}
