package ashbytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Delivery is one webhook and the answer to it.
type Delivery struct {
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
	// Options are the names of the options that it was sent with.
	Options []string
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
func (s *Server) Deliver(ctx context.Context, event Event, options ...DeliveryOption) Delivery {
	p := newPlan(options)
	body, err := p.render(event)
	if err != nil {
		err = fmt.Errorf("ashbytest: data of the event: %w", err)
		return Delivery{ActionID: event.ActionID, Action: event.Action, Outcome: NotSent, Err: err, Options: p.names}
	}
	return s.run(ctx, p, event, body)
}

// DeliverBody sends arbitrary bytes, signed unless an option says otherwise. Options
// that edit an event have no effect.
func (s *Server) DeliverBody(ctx context.Context, body []byte, options ...DeliveryOption) Delivery {
	p := newPlan(options)
	return s.run(ctx, p, Event{}, p.mangle(body))
}

// WebhookEnabled tells whether webhooks of an organization are sent. They are until
// a ping fails.
func (s *Server) WebhookEnabled(organization string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	return err == nil && !o.webhookDisabled
}

// run sends one body as often as the plan says.
func (s *Server) run(ctx context.Context, p *plan, event Event, body []byte) Delivery {
	first := Delivery{ActionID: event.ActionID, Action: event.Action, Outcome: NotSent, Options: p.names}
	o, t, err := s.subscriber(p, event)
	if err == nil {
		first.Organization = o.Name
		err = s.ready(ctx, p, t)
	}
	if err != nil {
		first.Err = err
		return first
	}
	all := make([]Delivery, 1+p.copies)
	send := func(i int) { all[i] = s.send(ctx, p, o, t, first, body) }
	if p.atOnce {
		together(len(all), send)
	} else {
		for i := range all {
			send(i)
		}
	}
	all[0].Duplicates = all[1:]
	return all[0]
}

func (s *Server) subscriber(p *plan, event Event) (*organization, target, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(p.organization)
	if err != nil {
		return nil, target{}, err
	}
	if o.webhookDisabled && event.Action != ActionPing {
		return nil, target{}, errDisabled
	}
	return o, s.webhook, nil
}

// send makes one request, keeps the exchange and acts on the answer.
func (s *Server) send(ctx context.Context, p *plan, o *organization, t target, d Delivery, body []byte) Delivery {
	started := s.now()
	header := s.webhookHeader(p, o, body)
	r := s.transmit(ctx, p, t, header, body)
	d.Status, d.Header, d.Body, d.Err = r.status, r.header, r.body, r.err
	d.judge(r.hungUp || p.ignoreAnswer)
	s.keep(Exchange{
		Direction: FromAshby, Op: d.Action, Organization: o.Name, Time: started, Method: http.MethodPost, URL: t.url,
		RequestHeader: header, RequestBody: body, Status: d.Status, ResponseHeader: d.Header, ResponseBody: d.Body,
		Err: errorText(d.Err), Fault: p.fault(),
	})
	if d.Action == ActionPing {
		s.mu.Lock()
		o.webhookDisabled = d.Outcome == Unread || d.Err != nil || d.Status >= http.StatusBadRequest
		s.mu.Unlock()
	}
	return d
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

func (s *Server) webhookHeader(p *plan, o *organization, body []byte) http.Header {
	s.mu.Lock()
	secret := o.WebhookSecret
	old := orDefault(o.oldSecret, secret+"-before-rotation")
	s.mu.Unlock()
	signature := Sign(secret, body)
	if p.sign != nil {
		signature = p.sign(secret, old, body)
	}
	header := p.header.Clone()
	if signature != "" {
		header.Set(SignatureHeader, signature)
	}
	return header
}
