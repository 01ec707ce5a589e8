package ashbytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Outcome is what Ashby makes of the answer to a call or a webhook.
type Outcome string

// The outcomes of a request that Ashby sends.
const (
	// Succeeded: the documented success; for a webhook any 2xx.
	Succeeded Outcome = "succeeded"
	// Declined: a documented refusal, which a recruiter gets to see: 409 or 422 to a
	// start, the error envelope elsewhere. For a wrong key any refusal.
	Declined Outcome = "declined"
	// Failed: any other answer, or none in time.
	Failed Outcome = "failed"
	// Unread: the provider answered, or was left to, and nobody listened.
	Unread Outcome = "unread"
	// NotSent: nothing was sent.
	NotSent Outcome = "not sent"
)

// Delivery is one webhook and the answer to it.
type Delivery struct {
	ID           int // of the delivery, which its duplicates share; from 1
	Exchange     int // [Exchange.ID] of the request; 0: none was sent
	ActionID     string
	Action       string
	Organization string
	Outcome      Outcome     // Succeeded, Failed, Unread or NotSent
	Status       int         // HTTP status of the answer; 0: no answer
	Header       http.Header // of the answer
	Body         []byte      // of the answer
	Err          error       // why there was no answer, or why nothing was sent
	// Retryable tells that Ashby would send it again.
	Retryable bool
	// Faults are the names of the faults that it was sent with.
	Faults []string
	// Duplicates are the further deliveries of [Duplicate] and [DuplicateAtOnce].
	Duplicates []Delivery
}

// errDisabled is why a webhook is not sent after a failed ping.
var errDisabled = errors.New("ashbytest: the webhook is disabled")

// finalStatuses end the retries: https://developers.ashbyhq.com/docs/retries
var finalStatuses = []int{
	http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone,
}

// Deliver sends a webhook once. Success is any 2xx. A ping that gets no answer or an
// error disables the webhook of the organization: nothing but a ping is sent until
// one succeeds. Retries are made by [Server.Retries].
// https://developers.ashbyhq.com/docs/setting-up-webhooks
func (s *Server) Deliver(ctx context.Context, event Event, faults ...DeliveryFault) Delivery {
	p := planOf(faults)
	body, err := render(p, event)
	if err != nil {
		err = fmt.Errorf("ashbytest: data of the event: %w", err)
		return Delivery{ActionID: event.ActionID, Action: event.Action, Outcome: NotSent, Err: err, Faults: p.Names}
	}
	return s.deliver(ctx, p, event, body)
}

// DeliverBody sends arbitrary bytes, signed unless a fault says otherwise. Faults
// that edit an event have no effect.
func (s *Server) DeliverBody(ctx context.Context, body []byte, faults ...DeliveryFault) Delivery {
	p := planOf(faults)
	return s.deliver(ctx, p, Event{}, p.Mangle(body))
}

// deliver sends one body as often as the plan says.
func (s *Server) deliver(ctx context.Context, p *simkit.Plan, event Event, body []byte) Delivery {
	first := Delivery{ActionID: event.ActionID, Action: event.Action, Outcome: NotSent, Faults: p.Names}
	var o *organization
	first.Err = s.with(p.Account, func(subscriber *organization) error {
		o, first.Organization = subscriber, subscriber.Name
		if o.webhookDisabled && event.Action != ActionPing {
			return errDisabled
		}
		return nil
	})
	target := s.webhook.Value()
	if first.Err == nil {
		first.Err = s.sim.Ready(ctx, p, target)
	}
	if first.Err != nil {
		return first
	}
	first.ID = s.sim.NextDelivery()
	d, copies := simkit.Repeat(p, func(int) Delivery { return s.send(ctx, p, o, target, first, body) })
	d.Duplicates = copies
	return d
}

// send makes one request and acts on the answer.
func (s *Server) send(ctx context.Context, p *simkit.Plan, o *organization, target simkit.Target, d Delivery, body []byte) Delivery {
	header := http.Header{"Content-Type": {"application/json"}}
	p.SetHeaders(header)
	if signature := o.secrets.Sign(p, Sign, "", body); signature != "" {
		header.Set(SignatureHeader, signature)
	}
	a := s.sim.Send(ctx, p, simkit.Request{
		Op: d.Action, Account: d.Organization, Delivery: d.ID, Target: target, Header: header, Body: body, Timeout: s.cfg.Timeout,
	})
	d.Exchange, d.Status, d.Header, d.Body, d.Err = a.Exchange, a.Status, a.Header, a.Body, a.Err
	d.judge(a.HungUp || p.IgnoreAnswer)
	if d.Action == ActionPing {
		s.pinged(o, d.Outcome != Unread && d.Err == nil && d.Status < http.StatusBadRequest)
	}
	return d
}

// pinged lets the webhook of an organization feel the answer to a ping.
func (w *world) pinged(o *organization, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o.webhookDisabled = !ok
}

func (d *Delivery) judge(unread bool) {
	ok := d.Err == nil && d.Status >= 200 && d.Status <= 299
	d.Outcome = Failed
	switch {
	case unread:
		d.Outcome = Unread
	case ok:
		d.Outcome = Succeeded
		return
	}
	isFinal := d.Outcome == Failed && slices.Contains(finalStatuses, d.Status)
	d.Retryable = d.Action != ActionPing && !isFinal
}
