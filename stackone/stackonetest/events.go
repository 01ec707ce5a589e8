package stackonetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
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
	pending bool
	sent    time.Time // sent_at of the latest attempt
}

// addEvent. The caller holds s.mu.
func (s *Server) addEvent(e Event) *storedEvent {
	e.ID = s.nextUUID("event")
	stored := &storedEvent{Event: e, sent: s.now()}
	s.events = append(s.events, stored)
	return stored
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
func (s *Server) OrderEvent(account, orderID string) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.findOrder(account, orderID)
	if o == nil || o.event == nil {
		return Event{}, unknownOrder(account, orderID)
	}
	return o.event.Event, nil
}

// OrderChangedEvent is an event about an order under another name, such as
// [EventAssessmentUpdated] or [EventAssessmentDeleted]: StackOne names them and
// does not say what they mean. It has the date of now.
func (s *Server) OrderChangedEvent(account, orderID, name string) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.findOrder(account, orderID)
	if o == nil || o.event == nil {
		return Event{}, unknownOrder(account, orderID)
	}
	return s.changedEvent(o, name), nil
}

func (s *Server) changedEvent(o *order, name string) Event {
	body := decodeObject(o.event.Body)
	body["event"], body["record_type"] = name, recordType(name)
	body["event_date"], body["sent_at"] = timestamp(s.now()), timestamp(s.now())
	return s.addEvent(Event{Name: name, Account: o.Account, OrderID: o.ID, Body: encode(body)}).Event
}

// AccountEvent tells of an account, under one of the EventAccount names or any
// other.
func (s *Server) AccountEvent(account, name string) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAccount(account)
	if a == nil {
		return Event{}, unknownAccount(account)
	}
	return s.addAccountEvent(a, name).Event, nil
}

func (s *Server) addAccountEvent(a *account, name string) *storedEvent {
	now := timestamp(s.now())
	body := map[string]any{
		"project_id": s.cfg.ProjectID, "account_id": a.spec.ID, "event": name, "event_date": now,
		"record_type": "account", "record_id": a.spec.ID, "sent_at": now, "provider": a.spec.Provider,
		"origin_owner_id": a.spec.OriginOwnerID, "origin_owner_name": a.spec.OriginOwnerName,
	}
	if a.spec.OriginUsername != "" {
		body["origin_username"] = a.spec.OriginUsername
	}
	if a.spec.SetupInformation != nil {
		body["setup_information"] = a.spec.SetupInformation
	}
	return s.addEvent(Event{Name: name, Account: a.spec.ID, Body: encode(body)})
}

// NewEvent makes an event of any name. It fails if a field cannot be set or
// written as JSON. The account need not exist.
func (s *Server) NewEvent(spec EventSpec) (Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := orDefault(spec.Account, DefaultAccount)
	date := spec.Date
	if date.IsZero() {
		date = s.now()
	}
	body := map[string]any{
		"project_id": s.cfg.ProjectID, "account_id": account, "event": spec.Name, "event_date": timestamp(date),
		"record_type": recordType(spec.Name), "record_id": spec.RecordID, "sent_at": timestamp(s.now()),
	}
	if spec.RecordID == nil {
		body["record_id"] = s.nextID("record")
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
	tree, err := toTree(body)
	if err != nil {
		return Event{}, fmt.Errorf("stackonetest: event %q: %w", spec.Name, err)
	}
	envelope, _ := tree.(map[string]any)
	if err := setFields(envelope, spec.Envelope); err != nil {
		return Event{}, err
	}
	return s.addEvent(Event{Name: spec.Name, Account: account, Body: encode(envelope)}).Event, nil
}

// recordType follows the documented examples, which do not agree with each other:
// "employees" for hris_employees.updated, "ats_job_postings" for
// ats_job_postings.updated.
func recordType(event string) string {
	resource, _, _ := strings.Cut(event, ".")
	return strings.TrimPrefix(resource, "hris_")
}

// takePending returns the events that wait for [Server.DeliverPending].
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

// nextSentAt is a sent_at later than that of the attempt before.
func (s *Server) nextSentAt(eventID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.now()
	for _, e := range s.events {
		if e.ID != eventID {
			continue
		}
		if earliest := e.sent.Add(time.Millisecond); at.Before(earliest) {
			at = earliest
		}
		e.sent = at
	}
	return timestamp(at)
}
