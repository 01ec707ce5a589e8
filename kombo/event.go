package kombo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// EventType is the type of a webhook event. Types that this version does not
// know are kept as they are.
type EventType string

// The event types that matter to a provider
// (https://docs.kombo.dev/assessment/guides/webhooks). One endpoint may receive
// others, of other Kombo categories too; they come as [UnknownEvent].
const (
	EventOrderReceived           EventType = "assessment:order-received"
	EventInlineOrderReceived     EventType = "inline-assessment:order-received"
	EventIntegrationCreated      EventType = "integration-created"
	EventIntegrationDeleted      EventType = "integration-deleted"
	EventIntegrationStateChanged EventType = "integration-state-changed"
	EventConnectionFlowFailed    EventType = "connection-flow-failed"
	EventSyncFinished            EventType = "sync-finished"
	EventDataChanged             EventType = "data-changed"
)

// Known reports whether t is one of the types defined here.
func (t EventType) Known() bool {
	switch t {
	case EventOrderReceived, EventInlineOrderReceived, EventIntegrationCreated, EventIntegrationDeleted,
		EventIntegrationStateChanged, EventConnectionFlowFailed, EventSyncFinished, EventDataChanged:
		return true
	}
	return false
}

// Event is one webhook delivery, decoded.
type Event struct {
	// ID identifies the event. Delivery is at least once: the same ID may come
	// again.
	ID   string
	Type EventType
	// Data is one of [OrderReceived], [IntegrationCreated],
	// [IntegrationDeleted], [IntegrationStateChanged], [ConnectionFlowFailed],
	// [SyncFinished], [DataChanged] and [UnknownEvent].
	Data EventData
	// Raw is the body as received.
	Raw []byte
	// Drift lists what in the body this version does not know.
	Drift []assessment.Drift
}

// EventData is what an [Event] is about.
type EventData interface{ eventData() }

// OrderReceived is a new order. With [EventInlineOrderReceived] its Inline is
// set.
type OrderReceived struct{ Order assessment.Order }

// EndUser is the customer whose connection an event is about.
type EndUser struct {
	OrganizationName string `json:"organization_name"`
	CreatorEmail     string `json:"creator_email"`
	// OriginID is the end_user_origin_id given to [Client.CreateLink].
	OriginID string `json:"origin_id"`
}

// IntegrationCreated: a customer connected. Submit the packages now.
type IntegrationCreated struct {
	ID       string  `json:"id"` // the account of the customer's orders
	Tool     string  `json:"tool"`
	Category string  `json:"category"`
	EndUser  EndUser `json:"end_user"`
}

// IntegrationDeleted: a customer's connection is gone for good.
type IntegrationDeleted struct {
	ID        string    `json:"id"`
	Tool      string    `json:"tool"`
	Category  string    `json:"category"`
	EndUser   EndUser   `json:"end_user"`
	DeletedAt time.Time `json:"deleted_at"`
}

// IntegrationStateChanged: a connection was checked, set up, switched off or
// lost its credentials. The fields' values are open sets: QAStatus PENDING,
// FAILED, PASSED; SetupStatus INCOMPLETE, FINAL_SYNC_PENDING, COMPLETED; State
// ACTIVE, INVALID (credentials failed for three days), INACTIVE.
type IntegrationStateChanged struct {
	ID          string    `json:"integration_id"`
	Tool        string    `json:"integration_tool"`
	Category    string    `json:"integration_category"`
	EndUser     EndUser   `json:"end_user"`
	QAStatus    string    `json:"qa_status"`
	SetupStatus string    `json:"setup_status"`
	State       string    `json:"state"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// ConnectionFlowFailed: a customer tried to connect and did not get to the end,
// so there is no integration to name.
type ConnectionFlowFailed struct {
	Tool     string  `json:"integration_tool"`
	Category string  `json:"integration_category"`
	EndUser  EndUser `json:"end_user"`
	LogURL   string  `json:"log_url"`
}

// SyncFinished is deprecated by Kombo and of no use to a provider.
type SyncFinished struct {
	SyncID          string    `json:"sync_id"`
	State           string    `json:"sync_state"`
	StartedAt       time.Time `json:"sync_started_at"`
	EndedAt         time.Time `json:"sync_ended_at"`
	DurationSeconds float64   `json:"sync_duration_seconds"`
	ID              string    `json:"integration_id"`
	Tool            string    `json:"integration_tool"`
	Category        string    `json:"integration_category"`
	EndUser         EndUser   `json:"end_user"`
	LogURL          string    `json:"log_url"`
}

// DataChanged: records of another Kombo category changed; there is none for
// assessments.
type DataChanged struct {
	ID            string         `json:"integration_id"`
	Tool          string         `json:"integration_tool"`
	Category      string         `json:"integration_category"`
	ChangedModels []ChangedModel `json:"changed_models"`
}

// ChangedModel names a kind of record in [DataChanged].
type ChangedModel struct {
	Name string `json:"name"`
}

// UnknownEvent is the data of an event type that this version has no type for,
// or whose data has another shape than documented, as raw JSON.
type UnknownEvent struct{ Data json.RawMessage }

// String names the event without its data.
func (e Event) String() string { return fmt.Sprintf("kombo event %s (%s)", e.ID, e.Type) }

// Format implements [fmt.Formatter]: every verb prints [Event.String], because
// an order's data is about a candidate.
func (e Event) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, e.String()) }

// LogValue implements [slog.LogValuer] without the event's data.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", e.ID), slog.String("type", string(e.Type)))
}

// String names the order without anything about people.
func (d OrderReceived) String() string { return d.Order.String() }

// Format implements [fmt.Formatter]: every verb prints [OrderReceived.String].
func (d OrderReceived) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue implements [slog.LogValuer] without anything about people.
func (d OrderReceived) LogValue() slog.Value { return d.Order.LogValue() }

// String tells the size of the data only: nobody knows what it is about.
func (d UnknownEvent) String() string { return fmt.Sprintf("unknown data (%d bytes)", len(d.Data)) }

// Format implements [fmt.Formatter]: every verb prints [UnknownEvent.String].
func (d UnknownEvent) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue implements [slog.LogValuer] without the data.
func (d UnknownEvent) LogValue() slog.Value { return slog.StringValue(d.String()) }

func (OrderReceived) eventData()           {}
func (IntegrationCreated) eventData()      {}
func (IntegrationDeleted) eventData()      {}
func (IntegrationStateChanged) eventData() {}
func (ConnectionFlowFailed) eventData()    {}
func (SyncFinished) eventData()            {}
func (DataChanged) eventData()             {}
func (UnknownEvent) eventData()            {}

var (
	// ErrMalformedEvent: the body is not a JSON object with a type, so it is no
	// Kombo event.
	ErrMalformedEvent = errors.New("kombo: not an event")
	// ErrUnwrappedOrder: the body is an order without the envelope around it, as
	// Kombo sent it in 2024. Nothing in it says whether it is inline.
	ErrUnwrappedOrder = errors.New("kombo: order without an event envelope")
)

// ParseEvent decodes the body of a webhook delivery whose signature was
// verified. The error is [ErrMalformedEvent] or [ErrUnwrappedOrder]; unknown
// types, unknown values, missing fields and nulls are none.
func ParseEvent(body []byte) (Event, error) {
	var wire wireEvent
	err := json.Unmarshal(body, &wire)
	var drifted *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &drifted) {
		// Not the decoder's own words: they quote the body.
		return Event{}, fmt.Errorf("%w: no valid JSON", ErrMalformedEvent)
	}
	event := Event{ID: wire.ID, Type: EventType(wire.Type), Raw: body}
	switch event.Type {
	case "":
		return Event{}, untyped(body)
	case EventOrderReceived, EventInlineOrderReceived:
		order := wire.Data.order("")
		order.Inline = event.Type == EventInlineOrderReceived
		order.Raw = body
		event.Data = OrderReceived{order}
		event.Drift = orderDrift(wire.Type, &order, drifted)
		return event, nil
	}
	var odd string
	event.Data, odd, err = decodeData(event.Type, body)
	if err != nil {
		return Event{}, fmt.Errorf("%w: no valid JSON", ErrMalformedEvent)
	}
	if odd != "" {
		event.Drift = []assessment.Drift{{Vendor: assessment.Kombo, Event: wire.Type, Field: odd}}
	}
	if _, unknown := event.Data.(UnknownEvent); unknown {
		event.Drift = []assessment.Drift{unknownDrift(event.Type)}
	}
	return event, nil
}

// untyped tells the old, unwrapped order from anything else.
func untyped(body []byte) error {
	var bare wireOrder
	if err := json.Unmarshal(body, &bare); err == nil && bare.ID != "" && bare.PackageID != "" {
		return ErrUnwrappedOrder
	}
	return fmt.Errorf("%w: no type", ErrMalformedEvent)
}

func decodeData(t EventType, body []byte) (data EventData, drift string, err error) {
	switch t {
	case EventIntegrationCreated:
		var w struct {
			Data IntegrationCreated `json:"data"`
		}
		return decodeAs(body, &w, func() EventData { return w.Data })
	case EventIntegrationDeleted:
		var w struct {
			Data wireIntegrationDeleted `json:"data"`
		}
		return decodeAs(body, &w, func() EventData { return w.Data.data() })
	case EventIntegrationStateChanged:
		var w struct {
			Data wireIntegrationStateChanged `json:"data"`
		}
		return decodeAs(body, &w, func() EventData { return w.Data.data() })
	case EventConnectionFlowFailed:
		var w struct {
			Data ConnectionFlowFailed `json:"data"`
		}
		return decodeAs(body, &w, func() EventData { return w.Data })
	case EventSyncFinished:
		var w struct {
			Data wireSyncFinished `json:"data"`
		}
		return decodeAs(body, &w, func() EventData { return w.Data.data() })
	case EventDataChanged:
		var w struct {
			Data DataChanged `json:"data"`
		}
		return decodeAs(body, &w, func() EventData { return w.Data })
	}
	data, err = decodeUnknown(body)
	return data, "", err
}

// decodeAs reads the data of an event into wire. A text or number of another type
// than documented is left out and reported; data of another shape is handed over
// raw, so that the host can still read it.
func decodeAs(body []byte, wire any, data func() EventData) (EventData, string, error) {
	err := json.Unmarshal(body, wire)
	var odd *json.UnmarshalTypeError
	switch {
	case err == nil:
		return data(), "", nil
	case !errors.As(err, &odd):
	case odd.Type.Kind() != reflect.Struct && odd.Type.Kind() != reflect.Slice:
		return data(), transport.WirePath(odd.Field), nil
	}
	unknown, err := decodeUnknown(body)
	return unknown, "", err
}

func decodeUnknown(body []byte) (EventData, error) {
	var wire struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, err
	}
	return UnknownEvent{bytes.Clone(wire.Data)}, nil
}

// unknownDrift reports a type without a Go type, or one whose data has another
// shape than documented.
func unknownDrift(t EventType) assessment.Drift {
	d := assessment.Drift{Vendor: assessment.Kombo, Event: string(t), Field: "data"}
	if !t.Known() {
		d.Field, d.Value = "type", string(t)
	}
	return d
}

// orderDrift reports what an order holds that this version does not know.
func orderDrift(event string, o *assessment.Order, wrong *json.UnmarshalTypeError) []assessment.Drift {
	var found []assessment.Drift
	note := func(field, value string) {
		found = append(found, assessment.Drift{
			Vendor: assessment.Kombo, Account: o.Ref.Account, Event: event, Field: field, Value: value,
		})
	}
	if wrong != nil {
		note(wrong.Field, "")
	}
	if o.Status != "" && !o.Status.Known() {
		note("data.status", string(o.Status))
	}
	for i, m := range o.Job.HiringTeam {
		for j, r := range m.Roles {
			if !r.Known() {
				note(fmt.Sprintf("data.job.hiring_team[%d].hiring_team_roles[%d]", i, j), string(r))
			}
		}
	}
	return found
}
