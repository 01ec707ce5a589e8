package stackone

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// EventType is the name of a webhook event, "<resource>.<action>". Names that
// this version does not know are kept as they are.
type EventType string

// The events that matter to a provider, as StackOne's guides name them
// (https://docs.stackone.com/guides/webhooks). Orders are also taken under the
// other names that the guides use or that would follow the pattern:
// assessment.*, background_check.*, ats_background_checks.* and
// ats_background_check_order(s).*.
const (
	EventAssessmentCreated      EventType = "ats_assessments.created"
	EventAssessmentUpdated      EventType = "ats_assessments.updated"
	EventAssessmentDeleted      EventType = "ats_assessments.deleted"
	EventBackgroundCheckCreated EventType = "background_check_order.created"
	EventBackgroundCheckUpdated EventType = "background_check_order.updated"
	EventBackgroundCheckDeleted EventType = "background_check_order.deleted"
	EventJobCreated             EventType = "ats_jobs.created"
	EventJobUpdated             EventType = "ats_jobs.updated"
	EventJobDeleted             EventType = "ats_jobs.deleted"
	EventJobPostingCreated      EventType = "ats_job_postings.created"
	EventJobPostingUpdated      EventType = "ats_job_postings.updated"
	EventJobPostingDeleted      EventType = "ats_job_postings.deleted"
	EventAccountCreated         EventType = "account.created"
	EventAccountUpdated         EventType = "account.updated"
	EventAccountDeleted         EventType = "account.deleted"
	EventAccountError           EventType = "account.error"
	EventAccountExpired         EventType = "account.expired"
)

// Resource is the part before the last dot.
func (t EventType) Resource() string {
	resource, _ := t.split()
	return resource
}

// Action is the part behind the last dot: created, updated, deleted, or what
// happened to an account.
func (t EventType) Action() string {
	_, action := t.split()
	return action
}

func (t EventType) split() (resource, action string) {
	at := strings.LastIndexByte(string(t), '.')
	if at < 0 {
		return string(t), ""
	}
	return string(t[:at]), string(t[at+1:])
}

const created = "created"

// orderResources are all names under which orders are known or feared to come.
var orderResources = map[string]assessment.Kind{
	"ats_assessments":             assessment.KindAssessment,
	"assessment":                  assessment.KindAssessment,
	"background_check_order":      assessment.KindBackgroundCheck,
	"background_check":            assessment.KindBackgroundCheck,
	"ats_background_checks":       assessment.KindBackgroundCheck,
	"ats_background_check_order":  assessment.KindBackgroundCheck,
	"ats_background_check_orders": assessment.KindBackgroundCheck,
}

// Event is one webhook delivery, decoded. StackOne gives events no id; a
// redelivery may have another SentAt.
type Event struct {
	Type      EventType
	ProjectID string
	// Account is the linked account: the account of every call.
	Account string
	// Date is when the change happened, or when StackOne saw it.
	Date time.Time
	// SentAt is when this delivery was made. The signature covers it.
	SentAt time.Time
	// RecordID is StackOne's id of what changed, RecordRemoteID the ATS's, where
	// the ATS sent the change itself.
	RecordID       string
	RecordRemoteID string
	// RecordType does not follow a rule; go by Type.
	RecordType string
	// Provider is the key of the ATS, of account events and where StackOne gives
	// it.
	Provider string
	// Data is one of [OrderCreated], [OrderChanged], [AccountChanged],
	// [JobChanged], [JobPostingChanged] and [UnknownEvent].
	Data EventData
	// Raw is the body as received.
	Raw []byte
	// Drift lists what in the body this version does not know.
	Drift []assessment.Drift
}

// EventData is what an [Event] is about.
type EventData interface{ eventData() }

// OrderCreated is a new order.
type OrderCreated struct {
	Order assessment.Order
	// Bare: nothing is known but the order's id; see [Bare].
	Bare bool
}

// OrderChanged is an order that was updated or deleted. StackOne does not say
// what either means; deleted may be the recruiter's cancellation.
type OrderChanged struct {
	Order   assessment.Order
	Deleted bool
}

// AccountChanged: a customer connected (created), disconnected (deleted), or the
// connection changed; [Event.Type] says which, and [Client.Account] how it is
// now.
type AccountChanged struct {
	ID       string // the account of the customer's orders
	Provider string // the key of the ATS
	// The customer as named in [ConnectRequest].
	OriginOwnerID, OriginOwnerName, OriginUsername string
	// SetupInformation is what the customer entered, a JSON object.
	SetupInformation json.RawMessage
}

// JobChanged: a job was created, updated or deleted. Look it up with
// [Client.Job].
type JobChanged struct{ ID, RemoteID string }

// JobPostingChanged: a job posting was created, updated or deleted.
type JobPostingChanged struct{ ID, RemoteID string }

// UnknownEvent is an event that this version has no type for; [Event.Raw] has
// all of it.
type UnknownEvent struct{}

func (OrderCreated) eventData()      {}
func (OrderChanged) eventData()      {}
func (AccountChanged) eventData()    {}
func (JobChanged) eventData()        {}
func (JobPostingChanged) eventData() {}
func (UnknownEvent) eventData()      {}

// String names the event without its data.
func (e Event) String() string {
	return fmt.Sprintf("stackone event %s (account %s, record %s)", e.Type, e.Account, e.RecordID)
}

// Format implements [fmt.Formatter]: every verb prints [Event.String], because
// an order's data is about a candidate.
func (e Event) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, e.String()) }

// LogValue implements [slog.LogValuer] without the event's data.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(slog.String("type", string(e.Type)),
		slog.String("account", e.Account), slog.String("record", e.RecordID))
}

// String names the account without the customer's data.
func (a AccountChanged) String() string {
	return fmt.Sprintf("stackone account %s (%s)", a.ID, a.Provider)
}

// Format implements [fmt.Formatter]: every verb prints [AccountChanged.String].
func (a AccountChanged) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, a.String()) }

// LogValue implements [slog.LogValuer] without the customer's data.
func (a AccountChanged) LogValue() slog.Value { return slog.StringValue(a.String()) }

// ErrMalformedEvent: the body is not a JSON object with an event name, so it is
// no StackOne event.
var ErrMalformedEvent = errors.New("stackone: not an event")

// ParseEvent decodes the body of a webhook delivery whose signature was
// verified. The error is [ErrMalformedEvent]; unknown names, unknown values,
// values of another type, missing fields and nulls are none.
func ParseEvent(body []byte) (Event, error) { return parseEvent(body, nil) }

// parseEvent also takes the host's own names of order events.
func parseEvent(body []byte, more map[EventType]assessment.Kind) (Event, error) {
	var wire wireEvent
	odd, err := lenient.Unmarshal(body, &wire)
	if err != nil {
		return Event{}, fmt.Errorf("%w: no valid JSON", ErrMalformedEvent)
	}
	if wire.Event == "" {
		return Event{}, fmt.Errorf("%w: no event name", ErrMalformedEvent)
	}
	event := Event{
		Type: EventType(wire.Event), ProjectID: wire.ProjectID, Account: string(wire.AccountID),
		Date: wire.EventDate, SentAt: wire.SentAt,
		RecordID: string(wire.RecordID), RecordRemoteID: string(wire.RecordRemoteID), RecordType: wire.RecordType,
		Provider: wire.Provider, Raw: body,
	}
	event.Data = wire.data(event.Type, more)
	event.Drift = wire.drift(event.Data, odd)
	return event, nil
}

func (w *wireEvent) data(t EventType, more map[EventType]assessment.Kind) EventData {
	if kind, ok := more[t]; ok {
		return w.orderCreated(kind)
	}
	resource, action := t.split()
	if kind, ok := orderResources[resource]; ok {
		switch action {
		case created:
			return w.orderCreated(kind)
		case "updated", "deleted":
			order := w.order(kind)
			order.OrderedAt = time.Time{} // the date is that of the change
			return OrderChanged{Order: order, Deleted: action == "deleted"}
		}
		return UnknownEvent{}
	}
	switch resource {
	case "account":
		return AccountChanged{
			ID: string(cmp.Or(w.AccountID, w.RecordID)), Provider: w.Provider, OriginOwnerID: string(w.OriginOwnerID),
			OriginOwnerName: w.OriginOwnerName, OriginUsername: w.OriginUsername, SetupInformation: w.SetupInformation,
		}
	case "ats_jobs":
		return JobChanged{ID: string(w.RecordID), RemoteID: string(w.RecordRemoteID)}
	case "ats_job_postings":
		return JobPostingChanged{ID: string(w.RecordID), RemoteID: string(w.RecordRemoteID)}
	}
	return UnknownEvent{}
}

func (w *wireEvent) orderCreated(kind assessment.Kind) EventData {
	order := w.order(kind)
	return OrderCreated{Order: order, Bare: Bare(order)}
}

// applicationStatuses are the values that StackOne documents.
var applicationStatuses = []string{
	"active", "assessment", "background_check", "converted", "declined_by_candidate", "hired", "interview", "lead",
	"offer", "reference_check", "rejected", "review", "screen", "new", "onboarding", "created", "accepted",
	"short_list", "approved", unmapped,
}

// actions are what an event of a resource other than an order can tell of.
var actions = map[string][]string{
	"account":          {created, "updated", "deleted", "error", "expired"},
	"ats_jobs":         {created, "updated", "deleted"},
	"ats_job_postings": {created, "updated", "deleted"},
}

// drift reports what an event holds that this version does not know.
func (w *wireEvent) drift(data EventData, odd []lenient.Odd) []assessment.Drift {
	var found []assessment.Drift
	note := func(field, value string) {
		found = append(found, assessment.Drift{
			Vendor: assessment.StackOne, Account: string(w.AccountID), Event: string(w.Event), Field: field, Value: value,
		})
	}
	for _, o := range odd {
		note(o.Path, "")
	}
	switch data.(type) {
	case UnknownEvent:
		note("event", string(w.Event))
	case OrderCreated, OrderChanged:
		status := w.EventData.Application.Status.value
		if status != "" && !slices.Contains(applicationStatuses, status) {
			note("event_data.application.application_status", status)
		}
	default:
		if resource, action := EventType(w.Event).split(); !slices.Contains(actions[resource], action) {
			note("event", string(w.Event))
		}
	}
	return found
}
