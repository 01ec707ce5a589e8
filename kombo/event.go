package kombo

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
)

// EventType is the type of a webhook event. Types that this version does not
// know are kept as they are.
type EventType string

// The event types that a provider may see
// (https://docs.kombo.dev/assessment/guides/webhooks). One endpoint may receive
// others, of other Kombo categories too. All without a type of their own come as
// [UnknownEvent]; of the ones listed here these are the last two, which are of no
// use to a provider.
const (
	EventOrderReceived           EventType = "assessment:order-received"
	EventInlineOrderReceived     EventType = "inline-assessment:order-received"
	EventIntegrationCreated      EventType = "integration-created"
	EventIntegrationDeleted      EventType = "integration-deleted"
	EventIntegrationStateChanged EventType = "integration-state-changed"
	EventConnectionFlowFailed    EventType = "connection-flow-failed"
	EventIssueStatusChanged      EventType = "issue-status-changed"
	EventSyncFinished            EventType = "sync-finished"
	EventDataChanged             EventType = "data-changed"
)

// Known reports whether t is one of the types defined here.
func (t EventType) Known() bool {
	_, ok := eventTypes[t]
	return ok || t == EventOrderReceived || t == EventInlineOrderReceived
}

// Event is one webhook delivery, decoded.
type Event struct {
	// ID identifies the event. Delivery is at least once: the same ID may come
	// again.
	ID   string
	Type EventType
	// Data is one of [OrderReceived], [IntegrationCreated],
	// [IntegrationDeleted], [IntegrationStateChanged], [ConnectionFlowFailed],
	// [IssueStatusChanged] and [UnknownEvent].
	Data EventData
	// Raw is the body as received.
	Raw []byte
	// Drift lists what in the body this version does not know.
	Drift []assessment.Drift
}

// EventData is what an [Event] is about.
type EventData interface {
	// account is the integration, empty if the event names none.
	account() string
}

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

// IssueStatusChanged: an issue with a customer's connection was raised or
// resolved (https://docs.kombo.dev/assessment/features/issues). For a provider
// [IssueIncomingWebhookFailing] means that orders do not arrive, and
// [IssueActionFailing] that results do not.
//
// Kombo documents Change and Issue.Type. The other fields are read by the names
// that they have in other events; Raw is all of the data.
type IssueStatusChanged struct {
	// Change is Kombo's word for whether the issue was raised or resolved.
	Change   string
	Issue    Issue
	ID       string // the integration, the account of the customer's orders
	Tool     string
	Category string
	EndUser  EndUser
	Raw      json.RawMessage
}

// Issue is something that is wrong with a customer's connection. Its Type is an
// open set.
type Issue struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// The types of issues that Kombo documents.
const (
	IssueAuthenticationFailed   = "integration.authentication_failed"
	IssueActionFailing          = "integration.action_failing"           // half the calls of one action failed within a day
	IssueIncomingWebhookFailing = "integration.incoming_webhook_failing" // half the ATS's webhooks failed within six hours
)

// UnknownEvent is the data of an event type that this version has no type for,
// or whose data is no object, as raw JSON.
type UnknownEvent struct{ Data json.RawMessage }

// eventTypes says how the data of every event but an order is read. A new event
// needs a type above and a line here.
var eventTypes = map[EventType]func([]byte) (EventData, []lenient.Odd, error){
	EventIntegrationCreated:      dataOf[IntegrationCreated],
	EventIntegrationDeleted:      dataOf[IntegrationDeleted],
	EventIntegrationStateChanged: dataOf[IntegrationStateChanged],
	EventConnectionFlowFailed:    dataOf[ConnectionFlowFailed],
	EventIssueStatusChanged:      issueData,
	EventSyncFinished:            rawData,
	EventDataChanged:             rawData,
}

func (d OrderReceived) account() string           { return d.Order.Ref.Account }
func (d IntegrationCreated) account() string      { return d.ID }
func (d IntegrationDeleted) account() string      { return d.ID }
func (d IntegrationStateChanged) account() string { return d.ID }
func (ConnectionFlowFailed) account() string      { return "" }
func (d IssueStatusChanged) account() string      { return d.ID }

// account is where most events have it.
func (d UnknownEvent) account() string {
	var wire struct {
		ID string `json:"integration_id"`
	}
	_, _ = lenient.Unmarshal(d.Data, &wire)
	return wire.ID
}

// words are the values of documented sets.
func (d IntegrationStateChanged) words() []word {
	return []word{
		{"data.qa_status", d.QAStatus, []string{"PENDING", "FAILED", "PASSED"}},
		{"data.setup_status", d.SetupStatus, []string{"INCOMPLETE", "FINAL_SYNC_PENDING", "COMPLETED"}},
		{"data.state", d.State, []string{"ACTIVE", "INVALID", "INACTIVE"}},
	}
}

// word is a value of a documented set.
type word struct {
	path, value string
	documented  []string
}

func (w *word) odd() bool { return w.value != "" && !slices.Contains(w.documented, w.value) }

var (
	// ErrMalformedEvent: the body is not a JSON object with a type, so it is no
	// Kombo event.
	ErrMalformedEvent = errors.New("kombo: not an event")
	// ErrUnwrappedOrder: the body is an order without the envelope around it, as
	// Kombo sent it in 2024. Nothing in it says whether it is inline. See
	// [ParseUnwrappedOrder].
	ErrUnwrappedOrder = errors.New("kombo: an order without an event envelope, as of 2024")
)

// ParseEvent decodes the body of a webhook delivery whose signature was
// verified. The error is [ErrMalformedEvent] or [ErrUnwrappedOrder]; unknown
// types, unknown values, values of another type, missing fields and nulls are
// none, but reported in [Event.Drift].
func ParseEvent(body []byte) (Event, error) {
	var wire wireEvent
	odd, err := lenient.Unmarshal(body, &wire)
	if err != nil {
		return Event{}, fmt.Errorf("%w: no valid JSON", ErrMalformedEvent)
	}
	event := Event{ID: wire.ID, Type: EventType(wire.Type), Raw: body}
	switch event.Type {
	case "":
		return Event{}, untyped(body)
	case EventOrderReceived, EventInlineOrderReceived:
		event.order(&wire.Data, odd, "data.")
		return event, nil
	}
	read, known := eventTypes[event.Type]
	if !known {
		read = rawData
		event.note("type", string(wire.Type))
	}
	event.Data, odd, err = read(body)
	if err != nil {
		return Event{}, fmt.Errorf("%w: no valid JSON", ErrMalformedEvent)
	}
	event.noteAll(odd)
	if d, ok := event.Data.(interface{ words() []word }); ok {
		for _, w := range d.words() {
			if w.odd() {
				event.note(w.path, w.value)
			}
		}
	}
	return event, nil
}

// ParseUnwrappedOrder decodes the body of an order as Kombo sent it in 2024, with
// no envelope around it; see [ErrUnwrappedOrder]. It comes as an
// [EventOrderReceived] without an id, and the missing type is reported as drift.
func ParseUnwrappedOrder(body []byte) (Event, error) {
	var wire wireOrder
	odd, err := lenient.Unmarshal(body, &wire)
	if err != nil || wire.ID == "" || wire.PackageID == "" {
		return Event{}, fmt.Errorf("%w: no order either", ErrMalformedEvent)
	}
	event := Event{Type: EventOrderReceived, Raw: body}
	event.order(&wire, odd, "")
	event.note("type", "") // which the envelope has
	return event, nil
}

// untyped tells the old, unwrapped order from anything else.
func untyped(body []byte) error {
	if _, err := ParseUnwrappedOrder(body); err == nil {
		return ErrUnwrappedOrder
	}
	return fmt.Errorf("%w: no type", ErrMalformedEvent)
}

// order makes e the event of an order that was found under the path.
func (e *Event) order(wire *wireOrder, odd []lenient.Odd, path string) {
	order := wire.order("")
	order.Inline = e.Type == EventInlineOrderReceived
	order.Raw = e.Raw
	e.Data = OrderReceived{order}
	e.noteAll(odd)
	if order.Status != "" && !order.Status.Known() {
		e.note(path+"status", string(order.Status))
	}
	for i, m := range wire.Job.HiringTeam {
		for j, r := range m.Roles {
			if r != "" && !domainRole(r).Known() {
				e.note(fmt.Sprintf("%sjob.hiring_team[%d].hiring_team_roles[%d]", path, i, j), r)
			}
		}
	}
}

// note reports what this version does not know.
func (e *Event) note(field, value string) {
	var account string
	if e.Data != nil {
		account = e.Data.account()
	}
	e.Drift = append(e.Drift, assessment.Drift{
		Vendor: assessment.Kombo, Account: account, Event: string(e.Type), Field: field, Value: value,
	})
}

func (e *Event) noteAll(odd []lenient.Odd) {
	for _, o := range odd {
		e.note(o.Path, "")
	}
}

// dataOf reads the data of an event as a T. Data that is no object is handed over
// raw, so that the host can still read it.
func dataOf[T EventData](body []byte) (EventData, []lenient.Odd, error) {
	var wire struct {
		Data T `json:"data"`
	}
	odd, err := lenient.Unmarshal(body, &wire)
	for _, o := range odd {
		if o.Path == "data" && o.Why == lenient.WrongShape {
			raw, _, err := rawData(body)
			return raw, odd, err
		}
	}
	return wire.Data, odd, err
}

// rawData hands the data of an event over as it is.
func rawData(body []byte) (EventData, []lenient.Odd, error) {
	var wire struct {
		Data json.RawMessage `json:"data"`
	}
	odd, err := lenient.Unmarshal(body, &wire)
	return UnknownEvent{wire.Data}, odd, err
}

func issueData(body []byte) (EventData, []lenient.Odd, error) {
	data, odd, err := dataOf[wireIssueStatusChanged](body)
	wire, ok := data.(wireIssueStatusChanged)
	if !ok || err != nil {
		return data, odd, err
	}
	raw, _, err := rawData(body)
	return IssueStatusChanged{
		Change: wire.Change, Issue: wire.Issue, ID: wire.ID, Tool: wire.Tool, Category: wire.Category,
		EndUser: wire.EndUser, Raw: raw.(UnknownEvent).Data,
	}, odd, err
}
