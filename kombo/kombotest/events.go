package kombotest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// The types of Kombo's webhooks: https://docs.kombo.dev/assessment/guides/webhooks
const (
	EventOrderReceived        = "assessment:order-received"
	EventInlineOrderReceived  = "inline-assessment:order-received"
	EventIntegrationCreated   = "integration-created"
	EventIntegrationDeleted   = "integration-deleted"
	EventStateChanged         = "integration-state-changed"
	EventConnectionFlowFailed = "connection-flow-failed"
	EventSyncFinished         = "sync-finished" // deprecated by Kombo
	EventDataChanged          = "data-changed"
)

const logBase = "https://app.kombo.dev/env/production/logs/"

// Event is a webhook to be sent with [Server.Deliver], once or several times: its
// id and its data stay the same.
type Event struct {
	ID   string
	Type string
	// OrderID is the order of an order event, whose fate the answer decides; empty
	// for other events.
	OrderID string
	Data    json.RawMessage
}

type storedEvent struct {
	Event
	pending bool
}

// Events returns every event made so far, delivered or not, in order.
func (s *Server) Events() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Event, len(s.events))
	for i, e := range s.events {
		list[i] = e.Event
	}
	return list
}

// OrderEvent returns the event that announced an order.
func (s *Server) OrderEvent(orderID string) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.findOrder(orderID)
	if o == nil {
		return Event{}, fmt.Errorf("kombotest: unknown order %q", orderID)
	}
	return o.event.Event, nil
}

// IntegrationCreatedEvent tells that a customer finished the connection flow.
func (s *Server) IntegrationCreatedEvent(integration string) (Event, error) {
	return s.integrationEvent(EventIntegrationCreated, integration, integrationIdentity)
}

// IntegrationDeletedEvent tells that an integration is gone. It is made before
// the deletion, for the data of the integration.
func (s *Server) IntegrationDeletedEvent(integration string) (Event, error) {
	return s.integrationEvent(EventIntegrationDeleted, integration, func(i IntegrationSpec, now time.Time) map[string]any {
		data := integrationIdentity(i, now)
		data["deleted_at"] = timestamp(now)
		return data
	})
}

// StateChangedEvent tells the present state of an integration.
func (s *Server) StateChangedEvent(integration string) (Event, error) {
	return s.integrationEvent(EventStateChanged, integration, func(i IntegrationSpec, now time.Time) map[string]any {
		data := integrationReference(i)
		data["end_user"] = i.EndUser.wire()
		data["qa_status"] = i.QAStatus
		data["setup_status"] = i.SetupStatus
		data["state"] = i.State
		data["updated_at"] = timestamp(now)
		return data
	})
}

// SyncFinishedEvent ends a sync. The state is a free string, such as SUCCEEDED or
// AUTHENTICATION_FAILED.
func (s *Server) SyncFinishedEvent(integration, syncState string) (Event, error) {
	syncID := s.takeSync(integration)
	return s.integrationEvent(EventSyncFinished, integration, func(i IntegrationSpec, now time.Time) map[string]any {
		const duration = 30 * time.Minute
		data := integrationReference(i)
		data["end_user"] = i.EndUser.wire()
		data["sync_id"] = syncID
		data["sync_state"] = syncState
		data["sync_started_at"] = timestamp(now.Add(-duration))
		data["sync_ended_at"] = timestamp(now)
		data["sync_duration_seconds"] = int(duration.Seconds())
		data["log_url"] = logBase + syncID
		return data
	})
}

func (s *Server) takeSync(integration string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, found := s.integrations[integration]; found && i.syncID != "" {
		id := i.syncID
		i.syncID = ""
		return id
	}
	return s.nextID("sync")
}

// DataChangedEvent tells that models such as "ats_candidates" changed. Kombo has
// no model for assessments in it.
func (s *Server) DataChangedEvent(integration string, models ...string) (Event, error) {
	return s.integrationEvent(EventDataChanged, integration, func(i IntegrationSpec, _ time.Time) map[string]any {
		changed := []any{}
		for _, model := range models {
			changed = append(changed, map[string]string{"name": model})
		}
		data := integrationReference(i)
		data["changed_models"] = changed
		return data
	})
}

// ConnectionFlowFailedEvent tells that a customer got stuck in the connection
// flow. It names a tool but no integration, because there is none.
func (s *Server) ConnectionFlowFailedEvent(tool string, user EndUser) Event {
	user.OrganizationName = orDefault(user.OrganizationName, "Acme, Inc.")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addEvent(EventConnectionFlowFailed, "", map[string]any{
		"integration_tool":     tool,
		"integration_category": "ASSESSMENT",
		"end_user":             user.wire(),
		"log_url":              logBase + s.nextID("log"),
	})
}

// CustomEvent is an event of any type with any data, for types that a receiver
// does not know. It fails if the data cannot be written as JSON.
func (s *Server) CustomEvent(eventType string, data any) (Event, error) {
	tree, err := toTree(data)
	if err != nil {
		return Event{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addEvent(eventType, "", tree), nil
}

func (s *Server) integrationEvent(eventType, id string, data func(IntegrationSpec, time.Time) map[string]any) (Event, error) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.integrations[id]
	if !found {
		return Event{}, unknownIntegration(id)
	}
	return s.addEvent(eventType, "", data(i.spec, now)), nil
}

// integrationIdentity is how the events about creation and deletion name an
// integration; all others use integrationReference.
func integrationIdentity(i IntegrationSpec, _ time.Time) map[string]any {
	return map[string]any{"id": i.ID, "tool": i.Tool, "category": i.Category, "end_user": i.EndUser.wire()}
}

func integrationReference(i IntegrationSpec) map[string]any {
	return map[string]any{
		"integration_id":       i.ID,
		"integration_tool":     i.Tool,
		"integration_category": i.Category,
	}
}

// addEvent keeps a new event. The caller holds s.mu.
func (s *Server) addEvent(eventType, orderID string, data any) Event {
	e := &storedEvent{Event: Event{ID: s.nextID("event"), Type: eventType, OrderID: orderID, Data: encode(data)}}
	s.events = append(s.events, e)
	return e.Event
}

func (s *Server) markPending(eventID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.eventIndex(eventID); i >= 0 {
		s.events[i].pending = true
	}
}

func (s *Server) eventIndex(id string) int {
	return slices.IndexFunc(s.events, func(e *storedEvent) bool { return e.ID == id })
}

// takePending returns the events that calls of the API caused and forgets that
// they are pending.
func (s *Server) takePending() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Event
	for _, e := range s.events {
		if e.pending {
			e.pending = false
			list = append(list, e.Event)
		}
	}
	return list
}
