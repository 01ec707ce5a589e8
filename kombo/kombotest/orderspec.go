package kombotest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

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
	event, err := s.createOrder(spec)
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

func (s *Server) createOrder(spec OrderSpec) (Event, error) {
	spec.Integration = orDefault(spec.Integration, DefaultIntegration)
	spec.PackageID = orDefault(spec.PackageID, DefaultPackageID)
	if spec.CreatedAt.IsZero() {
		spec.CreatedAt = s.now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.orderable(spec); err != nil {
		return Event{}, err
	}
	if spec.ID == "" {
		spec.ID = s.nextID("order")
	}
	data, err := spec.data()
	if err != nil {
		return Event{}, err
	}
	return s.addOrder(spec, data), nil
}

func (s *Server) orderable(spec OrderSpec) error {
	if _, found := s.integrations[spec.Integration]; !found {
		return unknownIntegration(spec.Integration)
	}
	if spec.ID != "" && s.findOrder(spec.ID) != nil {
		return fmt.Errorf("kombotest: order %q exists already", spec.ID)
	}
	if !s.cfg.Quirks.RequirePackage {
		return nil
	}
	for _, p := range s.packages[spec.Integration] {
		if p.ID == spec.PackageID {
			return nil
		}
	}
	return fmt.Errorf("kombotest: package %q was not submitted for %q", spec.PackageID, spec.Integration)
}

func (s *Server) addOrder(spec OrderSpec, data map[string]any) Event {
	eventType := EventOrderReceived
	if spec.Inline {
		eventType = EventInlineOrderReceived
	}
	event := s.addEvent(eventType, spec.ID, data)
	s.orders = append(s.orders, &order{
		Order: Order{
			ID:          spec.ID,
			Integration: spec.Integration,
			PackageID:   spec.PackageID,
			Inline:      spec.Inline,
			Status:      StatusOpen,
			CreatedAt:   spec.CreatedAt,
		},
		data:  data,
		event: s.events[len(s.events)-1],
	})
	return event
}

// data builds the order object.
func (spec OrderSpec) data() (map[string]any, error) {
	tree, err := decode([]byte(exampleOrder))
	if err != nil {
		return nil, err
	}
	data, _ := tree.(map[string]any)
	data["id"] = spec.ID
	data["integration_id"] = spec.Integration
	data["package_id"] = spec.PackageID
	data["status"] = StatusOpen
	for _, path := range sortedPaths(spec.Fields) {
		if err := setPath(data, path, spec.Fields[path]); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// setPath sets, nulls or removes one value of a JSON tree.
func setPath(tree any, path string, value any) error {
	head, rest, nested := strings.Cut(path, ".")
	if nested {
		child, err := member(tree, head)
		if err != nil {
			return err
		}
		return setPath(child, rest, value)
	}
	switch parent := tree.(type) {
	case map[string]any:
		return setMember(parent, head, value)
	case []any:
		return setItem(parent, head, value)
	}
	return fmt.Errorf("kombotest: no object or array to hold the field %q", path)
}

func setMember(parent map[string]any, name string, value any) error {
	if value == Absent {
		delete(parent, name)
		return nil
	}
	v, err := toTree(value)
	parent[name] = v
	return err
}

func setItem(parent []any, index string, value any) error {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(parent) {
		return fmt.Errorf("kombotest: no item %q in an array of %d", index, len(parent))
	}
	parent[i], err = toTree(value)
	return err
}

func member(tree any, name string) (any, error) {
	switch parent := tree.(type) {
	case map[string]any:
		return parent[name], nil
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(parent) {
			return parent[i], nil
		}
	}
	return nil, fmt.Errorf("kombotest: no field %q", name)
}

// toTree turns any value into the form that decoded JSON has, as a copy.
func toTree(value any) (any, error) {
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("kombotest: value of a field: %w", err)
	}
	return decode(body)
}
