package stackonetest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Shape is how much of an order its event carries.
type Shape int

// The shapes of order events: https://docs.stackone.com/guides/webhooks
const (
	// ShapeOfATS is what the ATS has: synthetic for background checks of Eploy, whose
	// orders are polled, native for everything else.
	ShapeOfATS Shape = iota
	// ShapeNative carries the order as event_data, and the ATS's payload as raw_event.
	ShapeNative
	// ShapeSynthetic carries ids only.
	ShapeSynthetic
	// ShapeRecordOnly carries nothing but event, account_id and record_id.
	ShapeRecordOnly
)

// References says where an event names the application, the candidate and the
// job. StackOne's guide only says that it does.
type References int

// The places of the references.
const (
	// Nested are objects in event_data, as in the order model of StackOne's
	// reference: event_data.application.id.
	Nested References = iota
	// Flat are members of event_data: event_data.application_id.
	Flat
	// TopLevel are members of the envelope: application_id.
	TopLevel
)

// PackageRole says which id of the order's package is the provider's own.
// StackOne does not document it.
type PackageRole int

// The roles of the provider's package id.
const (
	PackageRemoteID PackageRole = iota // package.remote_id; package.id is StackOne's
	PackageOwnID                       // package.id; package.remote_id is the ATS's
	PackageBothIDs                     // both
)

// OrderSpec describes an order. The zero value is the example order of StackOne's
// reference, ordered through [DefaultAccount]: Romain Sestier is to take the
// assessment [DefaultPackageID] for the job of a Software Engineer.
type OrderSpec struct {
	// ID is the record_id of the event and the id in the path of results; empty:
	// generated. StackOne's ids are opaque.
	ID string
	// RemoteID is the ATS's own id of the order; empty: generated.
	RemoteID string
	Account  string // empty: [DefaultAccount]
	Kind     Kind   // empty: [Assessment]
	// PackageID is the provider's package; empty: [DefaultPackageID].
	PackageID string
	PackageIn PackageRole
	// Event is the name of the event; empty: [EventAssessmentCreated] or
	// [EventBackgroundOrderCreated].
	Event      string
	Shape      Shape
	References References
	// NumericRecordID writes record_id as a number, of as many digits as the id has.
	// An id that is not a number is an error; one is generated if ID is empty.
	NumericRecordID bool
	// Provider adds the key of the ATS to the envelope, which is documented for
	// account events only.
	Provider  bool
	CreatedAt time.Time // event_date; zero: now
	// Fields overrides fields of event_data by dotted path, such as
	// "candidate.emails.0.value". The value nil is null, and [Absent] removes the
	// key. A key that does not exist is added.
	Fields map[string]any
	// Envelope overrides fields of the whole event in the same way, after Fields.
	Envelope map[string]any
}

// PlaceOrder plays a recruiter ordering a test: the order is stored and its event
// is delivered. It returns the id of the order and the answer of the provider. The
// error is about the call itself (an unknown account, a taken id, a path that
// cannot be set); what happened on the way to the provider is in the Delivery.
//
// With [Lost], or without a target, the order exists and no event is sent.
func (s *Server) PlaceOrder(ctx context.Context, spec OrderSpec, faults ...DeliveryFault) (string, Delivery, error) {
	event, err := s.place(spec)
	if err != nil {
		return "", Delivery{}, err
	}
	return event.OrderID, s.Deliver(ctx, event, faults...), nil
}

// Redeliver sends the event of an order once more: the same bytes, but for a new
// sent_at with [NewSentAt] or [Quirks.SentAtPerAttempt].
func (s *Server) Redeliver(ctx context.Context, account, orderID string, faults ...DeliveryFault) (Delivery, error) {
	event, err := s.OrderEvent(account, orderID)
	if err != nil {
		return Delivery{}, err
	}
	return s.Deliver(ctx, event, faults...), nil
}

// completed fills in what the spec leaves open.
func (w *world) completed(spec OrderSpec, a *account) (OrderSpec, error) {
	spec.Kind = simkit.OrDefault(spec.Kind, Assessment)
	if !spec.Kind.valid() {
		return spec, badKind(spec.Kind)
	}
	if spec.ID != "" && w.order(spec.Account, spec.ID) != nil {
		return spec, fmt.Errorf("stackonetest: order %q exists already", spec.ID)
	}
	switch {
	case spec.ID == "" && spec.NumericRecordID:
		spec.ID = w.newNumber("order")
	case spec.ID == "":
		spec.ID = w.newID("order")
	case spec.NumericRecordID && !isInteger(spec.ID):
		return spec, fmt.Errorf("stackonetest: the order id %q is not a number", spec.ID)
	}
	if spec.RemoteID == "" {
		spec.RemoteID = w.ids.UUID("remote order")
	}
	spec.PackageID = simkit.OrDefault(spec.PackageID, DefaultPackageID)
	if spec.Event == "" {
		spec.Event = EventAssessmentCreated
		if spec.Kind == BackgroundCheck {
			spec.Event = EventBackgroundOrderCreated
		}
	}
	if spec.CreatedAt.IsZero() {
		spec.CreatedAt = w.now()
	}
	if spec.Shape == ShapeOfATS {
		spec.Shape = ShapeNative
		if spec.Kind == BackgroundCheck && atsOf(a.spec.Provider).polled {
			spec.Shape = ShapeSynthetic
		}
	}
	return spec, nil
}

func isInteger(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return text != "" && (text == "0" || text[0] != '0')
}

// data builds the order object.
func (spec OrderSpec) data(a *account) (map[string]any, error) {
	example := exampleAssessmentEvent
	if spec.Kind == BackgroundCheck {
		example = exampleBackgroundEvent
	}
	data, _ := simkit.DecodeObject(example)["event_data"].(map[string]any)
	data["id"], data["remote_id"] = spec.ID, spec.RemoteID
	if err := spec.setPackage(data); err != nil {
		return nil, err
	}
	if a.spec.PartnerAPI {
		if err := fields(map[string]any{"job.hiring_team": Absent}).Set(data); err != nil {
			return nil, err
		}
	}
	return data, fields(spec.Fields).Set(data)
}

func (spec OrderSpec) setPackage(data map[string]any) error {
	ids := map[string]any{}
	if spec.PackageIn != PackageOwnID {
		ids["package.remote_id"] = spec.PackageID
	}
	if spec.PackageIn != PackageRemoteID {
		ids["package.id"] = spec.PackageID
	}
	return fields(ids).Set(data)
}

// envelope builds the event around the order:
// https://docs.stackone.com/guides/webhooks
func (spec OrderSpec) envelope(w *world, a *account, data map[string]any) (map[string]any, error) {
	e := map[string]any{"account_id": a.spec.ID, "event": spec.Event, "record_id": spec.recordID()}
	if spec.Shape != ShapeRecordOnly {
		e["project_id"] = w.cfg.ProjectID
		e["event_date"] = timestamp(spec.CreatedAt)
		e["sent_at"] = timestamp(w.now())
		e["record_type"] = recordType(spec.Event)
	}
	if spec.Provider {
		e["provider"] = a.spec.Provider
	}
	if spec.Shape == ShapeNative {
		e["record_remote_id"] = spec.RemoteID
		e["event_data"] = simkit.Cloned(data)
		e["raw_event"] = rawEvent(spec.PackageID)
	}
	spec.References.move(e)
	return e, fields(spec.Envelope).Set(e)
}

func (spec OrderSpec) recordID() any {
	if spec.NumericRecordID {
		return json.Number(spec.ID)
	}
	return spec.ID
}

func rawEvent(packageID string) map[string]any {
	return map[string]any{
		"headers": map[string]any{"content-type": "application/json"},
		"body":    map[string]any{"packageId": packageID},
	}
}

// move puts the references where they belong, in place of the objects.
func (r References) move(envelope map[string]any) {
	data, native := envelope["event_data"].(map[string]any)
	if r == Nested || !native {
		return
	}
	place := data
	if r == TopLevel {
		place = envelope
	}
	for _, name := range []string{"application", "candidate", "job"} {
		object, _ := data[name].(map[string]any)
		if id, ok := object["id"]; ok {
			place[name+"_id"] = id
		}
		if id, ok := object["remote_id"]; ok && r == Flat {
			place["remote_"+name+"_id"] = id
		}
		delete(data, name)
	}
}
