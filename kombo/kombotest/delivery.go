package kombotest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Outcome is what Kombo makes of the answer to a webhook.
type Outcome string

// The outcomes of a delivery.
const (
	// Accepted: any 2xx; for an inline order only with an assessment_url.
	Accepted Outcome = "accepted"
	// Rejected: 422 with the ORDER_REJECTED body. The order is REJECTED.
	Rejected Outcome = "rejected"
	// Failed: any other answer, or none in time. An order stays OPEN.
	Failed Outcome = "failed"
	// Unread: the provider answered, or was left to, and nobody listened. An order
	// stays OPEN.
	Unread Outcome = "unread"
	// NotSent: no webhook was sent.
	NotSent Outcome = "not sent"
)

// Delivery is one webhook and the provider's answer to it.
type Delivery struct {
	ID        int // of the delivery, which its duplicates share; from 1
	Exchange  int // [Exchange.ID] of the request; 0: none was sent
	EventID   string
	EventType string
	OrderID   string // empty for events that are not about an order
	Outcome   Outcome
	Reason    string      // why an Outcome is Failed; else empty
	Status    int         // HTTP status of the answer; 0: no answer
	Header    http.Header // of the answer
	Body      []byte      // of the answer
	Err       error       // why there was no answer, or why nothing was sent
	// Faults are the names of the faults it was sent with.
	Faults []string
	// Duplicates are the further deliveries of [Duplicate] and [DuplicateAtOnce].
	Duplicates []Delivery
}

// Deliver sends an event, with the faults if any are given, and interprets the
// answer.
func (s *Server) Deliver(ctx context.Context, event Event, faults ...DeliveryFault) Delivery {
	p := planOf(faults)
	body, err := render(p, event, s.cfg.PrettyPrint)
	if err != nil {
		return Delivery{EventID: event.ID, EventType: event.Type, OrderID: event.OrderID, Outcome: NotSent, Reason: err.Error(), Err: err, Faults: p.Names}
	}
	return s.deliver(ctx, p, event, body)
}

// DeliverBody sends arbitrary bytes, signed unless a fault says otherwise. Faults
// that edit an event have no effect.
func (s *Server) DeliverBody(ctx context.Context, body []byte, faults ...DeliveryFault) Delivery {
	p := planOf(faults)
	return s.deliver(ctx, p, Event{}, p.Mangle(body))
}

// DeliverAll sends events one after the other, in the order given, which need not
// be that of their creation.
func (s *Server) DeliverAll(ctx context.Context, events ...Event) []Delivery {
	list := make([]Delivery, len(events))
	for i, event := range events {
		list[i] = s.Deliver(ctx, event)
	}
	return list
}

// DeliverShuffled sends events one after the other in an order that the seed
// determines and that differs from the given one if there are two or more. The
// deliveries are in the order of sending.
func (s *Server) DeliverShuffled(ctx context.Context, events ...Event) []Delivery {
	return s.DeliverAll(ctx, simkit.Shuffled(s.sim.IDs, events, func(e Event) string { return e.ID })...)
}

// DeliverPending sends the events that calls of the API caused: deleting an
// integration, switching it on or off. They wait for this call so that a provider
// is not called back while it is calling.
func (s *Server) DeliverPending(ctx context.Context) []Delivery {
	return s.DeliverAll(ctx, s.takePending()...)
}

// deliver sends one body as often as the plan says.
func (s *Server) deliver(ctx context.Context, p *simkit.Plan, event Event, body []byte) Delivery {
	first := Delivery{EventID: event.ID, EventType: event.Type, OrderID: event.OrderID, Outcome: NotSent, Faults: p.Names}
	target := s.target.Value()
	if first.Err = s.sim.Ready(ctx, p, target); first.Err != nil {
		return first
	}
	first.ID = s.sim.NextDelivery()
	d, copies := simkit.Repeat(p, func(int) Delivery { return s.send(ctx, p, target, first, body) })
	d.Duplicates = copies
	return d
}

// send makes one request and acts on the answer.
func (s *Server) send(ctx context.Context, p *simkit.Plan, target simkit.Target, d Delivery, body []byte) Delivery {
	header := http.Header{"Content-Type": {"application/json"}}
	if signature := s.secrets.Sign(p, Sign, "", body); signature != "" {
		header.Set(SignatureHeader, signature)
	}
	a := s.sim.Send(ctx, p, simkit.Request{
		Op: d.EventType, Order: d.OrderID, Delivery: d.ID, Target: target, Header: header, Body: body,
		Timeout: s.answerTimeout(d.EventType),
	})
	d.Exchange, d.Status, d.Header, d.Body, d.Err = a.Exchange, a.Status, a.Header, a.Body, a.Err
	if a.HungUp || p.IgnoreAnswer {
		d.Outcome = Unread
		return d
	}
	v := s.judge(d)
	d.Outcome, d.Reason = v.outcome, v.reason
	s.decide(d.OrderID, v)
	return d
}

func (s *Server) answerTimeout(eventType string) time.Duration {
	if eventType == EventInlineOrderReceived {
		return s.cfg.InlineTimeout
	}
	return s.cfg.WebhookTimeout
}

// verdict is the meaning of an answer:
// https://docs.kombo.dev/assessment/introduction
type verdict struct {
	outcome Outcome
	reason  string // of a failure
	message string // of a rejection
	url     string // of an inline assessment
}

func (s *Server) judge(d Delivery) verdict {
	inline := d.EventType == EventInlineOrderReceived
	isOrder := d.OrderID != ""
	if d.Err != nil {
		return verdict{outcome: Failed, reason: d.Err.Error()}
	}
	if message, rejected := rejection(d); rejected && isOrder && !(inline && s.cfg.Quirks.InlineRejectionIgnored) {
		return verdict{outcome: Rejected, message: message}
	}
	if d.Status < 200 || d.Status > 299 {
		return verdict{outcome: Failed, reason: fmt.Sprintf("status %d is neither an acceptance nor a rejection", d.Status)}
	}
	if !inline || !isOrder {
		return verdict{outcome: Accepted}
	}
	url := assessmentURL(d.Body)
	if url == "" {
		return verdict{outcome: Failed, reason: "the answer has no usable assessment_url"}
	}
	return verdict{outcome: Accepted, url: url}
}

// rejection recognises the one body that rejects an order. It must have exactly
// this shape.
func rejection(d Delivery) (message string, ok bool) {
	if d.Status != http.StatusUnprocessableEntity {
		return "", false
	}
	members := simkit.DecodeObject(d.Body)
	message, isText := members["message"].(string)
	return message, isText && len(members) == 2 && members["status"] == "ORDER_REJECTED"
}

func assessmentURL(body []byte) string {
	var answer struct {
		AssessmentURL string `json:"assessment_url"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || !simkit.IsURI(answer.AssessmentURL) {
		return ""
	}
	return answer.AssessmentURL
}
