package kombotest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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
func (w *world) Integration(spec IntegrationSpec) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	spec = w.completeSpec(spec)
	if !strings.Contains(spec.ID, ":") {
		return "", fmt.Errorf("kombotest: integration id %q is not of the form tool:id", spec.ID)
	}
	if _, taken := w.integrations[spec.ID]; taken {
		return "", fmt.Errorf("kombotest: integration %q exists already", spec.ID)
	}
	w.integrations[spec.ID] = &integration{spec: spec, createdAt: w.now()}
	return spec.ID, nil
}

func (w *world) completeSpec(spec IntegrationSpec) IntegrationSpec {
	if spec.Tool == "" {
		tool, _, _ := strings.Cut(spec.ID, ":")
		spec.Tool = simkit.OrDefault(tool, "workday")
	}
	if spec.ID == "" {
		spec.ID = spec.Tool + ":" + w.newID("integration")
	}
	spec.Category = simkit.OrDefault(spec.Category, "ASSESSMENT")
	spec.EndUser.OrganizationName = simkit.OrDefault(spec.EndUser.OrganizationName, "Acme, Inc.")
	spec.State = simkit.OrDefault(spec.State, StateActive)
	spec.SetupStatus = simkit.OrDefault(spec.SetupStatus, "COMPLETED")
	spec.QAStatus = simkit.OrDefault(spec.QAStatus, "PASSED")
	return spec
}

// IntegrationState returns an integration as it is now, and false if it does not
// exist (any more).
func (w *world) IntegrationState(id string) (IntegrationSpec, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, found := w.integrations[id]; found {
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

func (w *world) changeState(id string, change StateChange) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, found := w.integrations[id]
	if !found {
		return unknownIntegration(id)
	}
	i.spec.State = simkit.OrDefault(change.State, i.spec.State)
	i.spec.SetupStatus = simkit.OrDefault(change.SetupStatus, i.spec.SetupStatus)
	i.spec.QAStatus = simkit.OrDefault(change.QAStatus, i.spec.QAStatus)
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

func (w *world) removeIntegration(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.integrations, id)
}

func (w *world) integration(id string) (integration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, found := w.integrations[id]; found {
		return *i, true
	}
	return integration{}, false
}

func unknownIntegration(id string) error {
	return fmt.Errorf("kombotest: unknown integration %q", id)
}

// selected returns the integration named in the path.
func (s *Server) selected(c *simkit.Call) (integration, *refusal) {
	c.Account = c.Params["integration_id"]
	if i, found := s.integration(c.Account); found {
		return i, nil
	}
	return integration{}, refuse(codeIntegrationNotFound, "")
}

func (s *Server) getIntegration(c *simkit.Call) (answer, *refusal) {
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
		CreatorEmail:     simkit.Nullable(u.CreatorEmail),
		OriginID:         simkit.Nullable(u.OriginID),
	}
}

// deleteIntegration leaves its event pending: see [Server.DeliverPending].
func (s *Server) deleteIntegration(c *simkit.Call) (answer, *refusal) {
	if _, problem := s.selected(c); problem != nil {
		return answer{}, problem
	}
	event, err := s.IntegrationDeletedEvent(c.Account)
	if err != nil { // deleted by a concurrent call
		return answer{}, refuse(codeIntegrationNotFound, "")
	}
	s.removeIntegration(c.Account)
	s.markPending(event.ID)
	return answer{data: empty{}}, nil
}

func (s *Server) setEnabled(c *simkit.Call) (answer, *refusal) {
	if _, problem := s.selected(c); problem != nil {
		return answer{}, problem
	}
	state := StateInactive
	if problem := checked(c, func(body *simkit.Object) {
		if body.Flag("value", simkit.Required) {
			state = StateActive
		}
	}); problem != nil {
		return answer{}, problem
	}
	if err := s.changeState(c.Account, StateChange{State: state}); err != nil {
		return answer{}, refuse(codeIntegrationNotFound, "")
	}
	if event, err := s.StateChangedEvent(c.Account); err == nil {
		s.markPending(event.ID)
	}
	return answer{data: empty{}}, nil
}

// forceSync queues a sync, which [Server.SyncFinishedEvent] ends.
func (s *Server) forceSync(c *simkit.Call) (answer, *refusal) {
	kind := "FULL"
	if problem := checked(c, func(body *simkit.Object) {
		kind = simkit.OrDefault(body.Enum("type", simkit.Optional, "FULL", "DELTA"), kind)
	}); problem != nil {
		return answer{}, problem
	}
	id, queued, problem := s.queueSync(c.Account)
	if problem != nil {
		return answer{}, problem
	}
	return answer{data: map[string]any{"already_queued": queued, "sync_id": id, "type": kind}}, nil
}

func (w *world) queueSync(integration string) (id string, queued bool, problem *refusal) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, found := w.integrations[integration]
	if !found {
		return "", false, refuse(codeIntegrationNotFound, "")
	}
	queued = i.syncID != ""
	if !queued {
		i.syncID = w.newID("sync")
	}
	return i.syncID, queued, nil
}

var linkTypes = []string{"EMBEDDED", "MAGIC_LINK"}
var languages = []string{"en", "de", "fr", "it", "es"}
var categories = []string{"HRIS", "ATS", "ASSESSMENT", "LMS"}

func isCategory(lowerCase string) bool {
	return lowerCase == strings.ToLower(lowerCase) && slices.Contains(categories, strings.ToUpper(lowerCase))
}

// usable tells why an integration cannot be used; nil: it can.
func (w *world) usable(id string) *refusal {
	i, found := w.integration(id)
	if !found {
		return refuse(codeIntegrationNotFound, "")
	}
	return i.unusable()
}

// unusable translates the state of an integration into the error of a call for
// it: https://docs.kombo.dev/assessment/guides/integration-states
func (i integration) unusable() *refusal {
	switch {
	case i.spec.State == StateInactive:
		return refuse(codeInactive, "")
	case i.spec.State == StateInvalid:
		return refuse(codeCredentialsInvalid, "")
	case i.spec.QAStatus == "FAILED":
		return refuse(codeQAFailed, "")
	case i.spec.SetupStatus == "INCOMPLETE":
		return refuse(codeSetupIncomplete, "")
	case i.spec.SetupStatus == "FINAL_SYNC_PENDING":
		return refuse(codeSyncPending, "")
	}
	return nil
}

// isPause tells whether an integration is refused for its state, not its setup.
func (r *refusal) isPause() bool { return r.code == codeInactive || r.code == codeCredentialsInvalid }
