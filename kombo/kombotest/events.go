package kombotest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
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

// Events returns every event made so far, delivered or not, in order.
func (w *world) Events() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events.Values()
}

// OrderEvent returns the event that announced an order.
func (w *world) OrderEvent(orderID string) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.orders[orderID]
	if o == nil {
		return Event{}, fmt.Errorf("kombotest: unknown order %q", orderID)
	}
	return o.event, nil
}

// IntegrationCreatedEvent tells that a customer finished the connection flow.
func (w *world) IntegrationCreatedEvent(integration string) (Event, error) {
	return w.integrationEvent(EventIntegrationCreated, integration, integrationIdentity)
}

// IntegrationDeletedEvent tells that an integration is gone. It is made before
// the deletion, for the data of the integration.
func (w *world) IntegrationDeletedEvent(integration string) (Event, error) {
	return w.integrationEvent(EventIntegrationDeleted, integration, func(i IntegrationSpec, now time.Time) map[string]any {
		data := integrationIdentity(i, now)
		data["deleted_at"] = timestamp(now)
		return data
	})
}

// StateChangedEvent tells the present state of an integration.
func (w *world) StateChangedEvent(integration string) (Event, error) {
	return w.integrationEvent(EventStateChanged, integration, func(i IntegrationSpec, now time.Time) map[string]any {
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
func (w *world) SyncFinishedEvent(integration, syncState string) (Event, error) {
	syncID := w.takeSync(integration)
	return w.integrationEvent(EventSyncFinished, integration, func(i IntegrationSpec, now time.Time) map[string]any {
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

func (w *world) takeSync(integration string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i, found := w.integrations[integration]; found && i.syncID != "" {
		id := i.syncID
		i.syncID = ""
		return id
	}
	return w.newID("sync")
}

// DataChangedEvent tells that models such as "ats_candidates" changed. Kombo has
// no model for assessments in it.
func (w *world) DataChangedEvent(integration string, models ...string) (Event, error) {
	return w.integrationEvent(EventDataChanged, integration, func(i IntegrationSpec, _ time.Time) map[string]any {
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
func (w *world) ConnectionFlowFailedEvent(tool string, user EndUser) Event {
	user.OrganizationName = simkit.OrDefault(user.OrganizationName, "Acme, Inc.")
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.addEvent(EventConnectionFlowFailed, "", map[string]any{
		"integration_tool":     tool,
		"integration_category": "ASSESSMENT",
		"end_user":             user.wire(),
		"log_url":              logBase + w.newID("log"),
	})
}

// CustomEvent is an event of any type with any data, for types that a receiver
// does not know. It fails if the data cannot be written as JSON.
func (w *world) CustomEvent(eventType string, data any) (Event, error) {
	tree, err := simkit.ToTree(data)
	if err != nil {
		return Event{}, named(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.addEvent(eventType, "", tree), nil
}

func (w *world) integrationEvent(eventType, id string, data func(IntegrationSpec, time.Time) map[string]any) (Event, error) {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	i, found := w.integrations[id]
	if !found {
		return Event{}, unknownIntegration(id)
	}
	return w.addEvent(eventType, "", data(i.spec, now)), nil
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

// addEvent keeps a new event. The caller holds w.mu.
func (w *world) addEvent(eventType, orderID string, data any) Event {
	e := Event{ID: w.newID("event"), Type: eventType, OrderID: orderID, Data: simkit.Encode(data)}
	w.events.Add(e, e.ID)
	return e
}

func (w *world) markPending(eventID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e, found := w.events.Find(eventID); found {
		w.pending = append(w.pending, e)
	}
}

// takePending returns the events that calls of the API caused and forgets that
// they are pending.
func (w *world) takePending() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.pending
	w.pending = nil
	return list
}
