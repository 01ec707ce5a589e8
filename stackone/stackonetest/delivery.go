package stackonetest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Outcome is what StackOne makes of the answer to a webhook.
type Outcome string

// The outcomes of a delivery.
const (
	// Accepted: 200, or any 2xx with [Quirks.Any2xx].
	Accepted Outcome = "accepted"
	// Failed: any other answer, or none in time.
	Failed Outcome = "failed"
	// Unread: the provider answered, or was left to, and nobody listened.
	Unread Outcome = "unread"
	// NotSent: no webhook was sent.
	NotSent Outcome = "not sent"
)

// Delivery is one webhook and the provider's answer to it. The answer's body means
// nothing to StackOne.
type Delivery struct {
	ID       int    // of the delivery, which its retries and duplicates share; from 1
	Exchange int    // [Exchange.ID] of the request; 0: none was sent
	EventID  string // the simulator's own
	Event    string
	Account  string
	OrderID  string // empty for events that are not about an order
	Outcome  Outcome
	Reason   string      // why an Outcome is Failed; else empty
	Status   int         // HTTP status of the answer; 0: no answer
	Header   http.Header // of the answer
	Body     []byte      // of the answer
	Err      error       // why there was no answer, or why nothing was sent
	// Faults are the names of the faults it was sent with.
	Faults []string
	// Retries are the repetitions of [Config.Retry].
	Retries []Delivery
	// Duplicates are the further deliveries of [Duplicate], [DuplicateAtOnce] and
	// [AlsoAs].
	Duplicates []Delivery
}

// Last returns the last attempt of the delivery: the last retry, or itself.
func (d Delivery) Last() Delivery {
	if len(d.Retries) == 0 {
		return d
	}
	return d.Retries[len(d.Retries)-1]
}

// Deliver sends an event, with the faults if any are given. What the faults do to
// the body holds for every attempt; the others hit the first one only, and
// retries are as they should be.
func (s *Server) Deliver(ctx context.Context, event Event, faults ...DeliveryFault) Delivery {
	return s.deliver(ctx, planOf(faults), event)
}

// DeliverBody sends arbitrary bytes, signed unless a fault says otherwise. Faults
// that edit an event have no effect.
func (s *Server) DeliverBody(ctx context.Context, body []byte, faults ...DeliveryFault) Delivery {
	p := planOf(faults)
	p.Verbatim = true
	return s.deliver(ctx, p, Event{Body: body})
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

// DeliverPending sends the events that calls of the API caused: changing or
// deleting an account, triggering events. They wait for this call so that a
// provider is not called back while it is calling.
func (s *Server) DeliverPending(ctx context.Context) []Delivery {
	return s.DeliverAll(ctx, s.takePending()...)
}

// deliver sends one event as often as the plan says.
func (s *Server) deliver(ctx context.Context, p *simkit.Plan, event Event) Delivery {
	first := Delivery{EventID: event.ID, Event: event.Name, Account: event.Account, OrderID: event.OrderID, Outcome: NotSent, Faults: p.Names}
	if first.Err = s.sim.Ready(ctx, p, s.webhooks.Value()); first.Err != nil {
		return first
	}
	first.ID = s.sim.NextDelivery()
	d, copies := simkit.Repeat(p, func(i int) Delivery { return s.attempts(ctx, p, first, event, i > 0) })
	for _, name := range p.AlsoAs {
		renamed := first
		renamed.Event = name
		copies = append(copies, s.attempts(ctx, renamedPlan(p, name), renamed, event, true))
	}
	d.Duplicates = copies
	return d
}

// attempts sends an event until it is accepted or given up.
func (s *Server) attempts(ctx context.Context, p *simkit.Plan, d Delivery, event Event, again bool) Delivery {
	first := s.send(ctx, p, d, event, again)
	last := first
	for range s.cfg.Retry.Times {
		if last.Outcome == Accepted || !s.sim.Pause(ctx, s.cfg.Retry.Wait) {
			break
		}
		last = s.send(ctx, p.Retry(), d, event, true)
		first.Retries = append(first.Retries, last)
	}
	return first
}

// send makes one request and acts on the answer.
func (s *Server) send(ctx context.Context, p *simkit.Plan, d Delivery, event Event, again bool) Delivery {
	d.Faults = p.Names
	sentAt := ""
	if p.Renewed || again && s.cfg.Quirks.SentAtPerAttempt {
		sentAt = s.nextSentAt(event.ID)
	}
	body := render(p, event, sentAt, s.cfg.PrettyPrint)
	a := s.sim.Send(ctx, p, simkit.Request{
		Op: d.Event, Account: d.Account, Order: d.OrderID, Delivery: d.ID, Target: s.webhooks.Value(),
		Header: s.signedHeader(p, body, ""), Body: body, Timeout: s.cfg.WebhookTimeout,
	})
	d.Exchange, d.Status, d.Header, d.Body, d.Err = a.Exchange, a.Status, a.Header, a.Body, a.Err
	d.Outcome, d.Reason = s.judge(a, p.IgnoreAnswer)
	s.decide(d)
	return d
}

// judge interprets an answer.
func (s *Server) judge(a simkit.Answer, ignored bool) (Outcome, string) {
	switch {
	case ignored, a.HungUp:
		return Unread, ""
	case a.Err != nil:
		return Failed, a.Err.Error()
	case a.Status == http.StatusOK, s.cfg.Quirks.Any2xx && a.Status >= 200 && a.Status <= 299:
		return Accepted, ""
	}
	return Failed, fmt.Sprintf("status %d is no acceptance", a.Status)
}

// signedHeader is the header of a call to the provider. An empty secret is the
// active one of the webhooks.
func (s *Server) signedHeader(p *simkit.Plan, body []byte, secret string) http.Header {
	header := http.Header{"Content-Type": {"application/json"}}
	if signature := s.secrets.Sign(p, Sign, secret, body); signature != "" {
		header.Set(SignatureHeader, signature)
	}
	return header
}
