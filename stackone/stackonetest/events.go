package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// The names of events that concern a provider. The first two are the primary ones
// of orders; the guides of single ATSs have the aliases:
// https://docs.stackone.com/guides/webhooks
const (
	EventAssessmentCreated      = "ats_assessments.created"
	EventBackgroundOrderCreated = "background_check_order.created"

	EventAssessmentAlias      = "assessment.created"
	EventBackgroundAlias      = "background_check.created"
	EventBackgroundByPattern  = "ats_background_checks.created"
	EventBackgroundsByPattern = "ats_background_check_orders.created"
	EventAssessmentUpdated    = "ats_assessments.updated"
	EventAssessmentDeleted    = "ats_assessments.deleted"

	EventAccountCreated = "account.created"
	EventAccountUpdated = "account.updated"
	EventAccountDeleted = "account.deleted"
	EventAccountError   = "account.error"
	EventAccountExpired = "account.expired"

	EventJobsUpdated        = "ats_jobs.updated"
	EventJobPostingsUpdated = "ats_job_postings.updated"
)

// Event is a webhook to be sent with [Server.Deliver], once or several times.
type Event struct {
	// ID is the simulator's own: StackOne's events have none.
	ID   string
	Name string
	// Account is the account_id.
	Account string
	// OrderID is the order of an order event; empty for other events.
	OrderID string
	// Body is the whole event as it is sent, with the sent_at of the first attempt.
	Body json.RawMessage
}

// EventSpec describes an event that is about no order: jobs, job postings, other
// products of StackOne, unknown names.
type EventSpec struct {
	Name    string
	Account string // empty: [DefaultAccount]
	// RecordID is a text or a json.Number; nil: generated.
	RecordID any
	// RemoteID, Data and RawEvent make the event a native one.
	RemoteID string
	Data     map[string]any
	RawEvent map[string]any
	Date     time.Time // event_date; zero: now
	// Envelope overrides fields of the event by dotted path, as in [OrderSpec].
	Envelope map[string]any
}

type storedEvent struct {
	Event
	sent time.Time // sent_at of the latest attempt
}

// addEvent. The caller holds s.mu.
func (w *world) addEvent(e Event) *storedEvent {
	e.ID = w.ids.UUID("event")
	stored := &storedEvent{Event: e, sent: w.now()}
	w.events.Add(stored, e.ID)
	return stored
}

// Events returns every event made so far, delivered or not, in order.
func (w *world) Events() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return simkit.Map(w.events.Values(), func(e *storedEvent) Event { return e.Event })
}

// OrderEvent returns the event that announced an order.
func (w *world) OrderEvent(account, orderID string) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.order(account, orderID)
	if o == nil || o.event == nil {
		return Event{}, unknownOrder(account, orderID)
	}
	return o.event.Event, nil
}

// OrderChangedEvent is an event about an order under another name, such as
// [EventAssessmentUpdated] or [EventAssessmentDeleted]: StackOne names them and
// does not say what they mean. It has the date of now.
func (w *world) OrderChangedEvent(account, orderID, name string) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.order(account, orderID)
	if o == nil || o.event == nil {
		return Event{}, unknownOrder(account, orderID)
	}
	return w.changedEvent(o, name).Event, nil
}

func (w *world) changedEvent(o *order, name string) *storedEvent {
	body := simkit.DecodeObject(o.event.Body)
	body["event"], body["record_type"] = name, recordType(name)
	body["event_date"], body["sent_at"] = timestamp(w.now()), timestamp(w.now())
	return w.addEvent(Event{Name: name, Account: o.Account, OrderID: o.ID, Body: simkit.Encode(body)})
}

// AccountEvent tells of an account, under one of the EventAccount names or any
// other.
func (w *world) AccountEvent(account, name string) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.account(account)
	if a == nil {
		return Event{}, unknownAccount(account)
	}
	return w.addAccountEvent(a, name).Event, nil
}

func (w *world) addAccountEvent(a *account, name string) *storedEvent {
	now := timestamp(w.now())
	body := map[string]any{
		"project_id": w.cfg.ProjectID, "account_id": a.spec.ID, "event": name, "event_date": now,
		"record_type": "account", "record_id": a.spec.ID, "sent_at": now, "provider": a.spec.Provider,
		"origin_owner_id": a.spec.OriginOwnerID, "origin_owner_name": a.spec.OriginOwnerName,
	}
	if a.spec.OriginUsername != "" {
		body["origin_username"] = a.spec.OriginUsername
	}
	if a.spec.SetupInformation != nil {
		body["setup_information"] = a.spec.SetupInformation
	}
	return w.addEvent(Event{Name: name, Account: a.spec.ID, Body: simkit.Encode(body)})
}

// NewEvent makes an event of any name. It fails if a field cannot be set or
// written as JSON. The account need not exist.
func (w *world) NewEvent(spec EventSpec) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	account := simkit.OrDefault(spec.Account, DefaultAccount)
	date := spec.Date
	if date.IsZero() {
		date = w.now()
	}
	body := map[string]any{
		"project_id": w.cfg.ProjectID, "account_id": account, "event": spec.Name, "event_date": timestamp(date),
		"record_type": recordType(spec.Name), "record_id": spec.RecordID, "sent_at": timestamp(w.now()),
	}
	if spec.RecordID == nil {
		body["record_id"] = w.newID("record")
	}
	if spec.RemoteID != "" {
		body["record_remote_id"] = spec.RemoteID
	}
	if spec.Data != nil {
		body["event_data"] = spec.Data
	}
	if spec.RawEvent != nil {
		body["raw_event"] = spec.RawEvent
	}
	tree, err := simkit.ToTree(body)
	if err != nil {
		return Event{}, fmt.Errorf("stackonetest: event %q: %w", spec.Name, err)
	}
	envelope, _ := tree.(map[string]any)
	if err := fields(spec.Envelope).Set(envelope); err != nil {
		return Event{}, named(err)
	}
	return w.addEvent(Event{Name: spec.Name, Account: account, Body: simkit.Encode(envelope)}).Event, nil
}

// recordType follows the documented examples, which do not agree with each other:
// "employees" for hris_employees.updated, "ats_job_postings" for
// ats_job_postings.updated.
func recordType(event string) string {
	resource, _, _ := strings.Cut(event, ".")
	return strings.TrimPrefix(resource, "hris_")
}

// leavePending keeps an event for [Server.DeliverPending]. The caller holds w.mu.
func (w *world) leavePending(e *storedEvent) { w.pending = append(w.pending, e.Event) }

// takePending returns the events that wait for [Server.DeliverPending].
func (w *world) takePending() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.pending
	w.pending = nil
	return list
}

// nextSentAt is a sent_at later than that of the attempt before.
func (w *world) nextSentAt(eventID string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.now()
	if e, found := w.events.Find(eventID); found {
		if earliest := e.sent.Add(time.Millisecond); at.Before(earliest) {
			at = earliest
		}
		e.sent = at
	}
	return timestamp(at)
}

// named says whose error it is.
func named(err error) error { return fmt.Errorf("stackonetest: %w", err) }

// triggerEvents makes events for tests, which wait for [Server.DeliverPending]:
// https://stackone-60.mintlify.app/platform/api-reference/webhooks/post-webhooks-events
func (s *Server) triggerEvents(c *simkit.Call) (simkit.Reply, *Failure) {
	if !isInteger(c.Params["id"]) {
		return simkit.Reply{}, invalid("id must be a number")
	}
	check := &simkit.Checker{}
	tree, _ := check.JSON(c.Header, c.Body)
	if failure := refused(check); failure != nil {
		return simkit.Reply{}, failure
	}
	list, ok := tree.([]any)
	if !ok {
		return simkit.Reply{}, invalid("body must be an array")
	}
	type trigger struct{ event, recordID string }
	var triggers []trigger
	for i, item := range list {
		if o := check.Object(fmt.Sprintf("[%d]", i), item); o != nil {
			demand(o, "event", "record_id")
			triggers = append(triggers, trigger{o.Text("event", nullable), o.Text("record_id", nullable)})
		}
	}
	if failure := refused(check); failure != nil {
		return simkit.Reply{}, failure
	}
	answers := []map[string]any{}
	for _, t := range triggers {
		s.trigger(c.Account, t.event, t.recordID)
		answers = append(answers, map[string]any{"event": t.event, "record_id": t.recordID, "status": http.StatusOK, "message": "The event was created"})
	}
	return simkit.JSONReply(http.StatusMultiStatus, answers), nil
}

func (w *world) trigger(account, name, recordID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o := w.order(account, recordID); o != nil && o.event != nil {
		w.leavePending(w.changedEvent(o, name))
		return
	}
	now := timestamp(w.now())
	w.leavePending(w.addEvent(Event{Name: name, Account: account, Body: simkit.Encode(map[string]any{
		"project_id": w.cfg.ProjectID, "account_id": account, "event": name, "event_date": now,
		"record_type": recordType(name), "record_id": recordID, "sent_at": now,
	})}))
}
