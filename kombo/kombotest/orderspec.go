package kombotest

import (
	"context"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// named says whose error it is.
func named(err error) error { return fmt.Errorf("kombotest: %w", err) }

// OrderSpec describes an order. The zero value is Kombo's documented example:
// John Doe, who applied as a Bottle Opener and is to take the package
// [DefaultPackageID], ordered through [DefaultIntegration].
type OrderSpec struct {
	ID          string // empty: generated
	Integration string // empty: [DefaultIntegration]
	PackageID   string // empty: [DefaultPackageID]
	// Inline makes it the order of a candidate who waits for the URL of the
	// assessment: https://docs.kombo.dev/assessment/features/inline-assessment
	Inline    bool
	CreatedAt time.Time // zero: now
	// Fields overrides fields of the order object by dotted path, such as
	// "candidate.phone" or "job.hiring_team.0.email". The value nil is null, and
	// [Absent] removes the key. A key that does not exist is added.
	Fields map[string]any
}

// Absence is the type of [Absent].
type Absence string

// Absent as the value of a field removes its key.
const Absent Absence = "absent"

// exampleOrder is the order object of Kombo's documented webhook, without its ids:
// https://docs.kombo.dev/assessment/introduction
const exampleOrder = `{
  "candidate": {
    "remote_id": "12345", "email": "john.doe@gmail.com", "first_name": "John", "last_name": "Doe",
    "phone": "+1 123 456 7890"
  },
  "application": {"remote_id": "54321"},
  "job": {
    "remote_id": "67890", "name": "Bottle Opener", "job_code": "BO-2024-01",
    "description": "<p>We are looking for a skilled and energetic individual to join our team as the chief bottle open officer. This unique role requires precision, attention to detail, and the ability to handle a high volume of beverage bottles in a fast-paced environment. The ideal candidate will ensure bottles are opened swiftly and safely while maintaining hygiene standards.</p>",
    "location": {
      "street_1": "Lohmühlenstraße 65", "city": "Berlin", "state": "Berlin", "zip_code": "12435",
      "country": "DE", "raw": "Berlin, Germany"
    },
    "hiring_team": [
      {
        "first_name": "Jane", "last_name": "Doe", "remote_id": "78901", "email": "jane.doe@gmail.com",
        "hiring_team_roles": ["RECRUITER"]
      }
    ]
  }
}`

// PlaceOrder plays a recruiter ordering an assessment: the order is stored as
// OPEN and its webhook is delivered. It returns the id of the order and the
// answer of the provider. The error is about the call itself (an unknown
// integration, a taken id, a path that cannot be set); what happened on the way
// to the provider is in the Delivery.
//
// With [Lost], or without a target, the order exists and no webhook is sent.
func (s *Server) PlaceOrder(ctx context.Context, spec OrderSpec, faults ...DeliveryFault) (string, Delivery, error) {
	event, err := s.place(spec)
	if err != nil {
		return "", Delivery{}, err
	}
	return event.OrderID, s.Deliver(ctx, event, faults...), nil
}

// Redeliver sends the webhook of an order once more: the same event id, the same
// bytes, whatever has become of the order.
func (s *Server) Redeliver(ctx context.Context, orderID string, faults ...DeliveryFault) (Delivery, error) {
	event, err := s.OrderEvent(orderID)
	if err != nil {
		return Delivery{}, err
	}
	return s.Deliver(ctx, event, faults...), nil
}

// data builds the order object.
func (spec OrderSpec) data() (map[string]any, error) {
	data := simkit.DecodeObject([]byte(exampleOrder))
	data["id"] = spec.ID
	data["integration_id"] = spec.Integration
	data["package_id"] = spec.PackageID
	data["status"] = StatusOpen
	return data, simkit.Fields{Values: spec.Fields, Absent: Absent}.Set(data)
}
