package stackonetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"
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
	EventID string // the simulator's own
	Event   string
	Account string
	OrderID string // empty for events that are not about an order
	Outcome Outcome
	Reason  string      // why an Outcome is Failed; else empty
	Status  int         // HTTP status of the answer; 0: no answer
	Header  http.Header // of the answer
	Body    []byte      // of the answer
	Err     error       // why there was no answer
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
	return s.run(ctx, newPlan(faults), event)
}

// DeliverBody sends arbitrary bytes, signed unless a fault says otherwise. Faults
// that edit an event have no effect.
func (s *Server) DeliverBody(ctx context.Context, body []byte, faults ...DeliveryFault) Delivery {
	p := newPlan(faults)
	p.verbatim = true
	return s.run(ctx, p, Event{Body: body})
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
	shuffled := slices.Clone(events)
	slices.SortFunc(shuffled, func(a, b Event) int {
		x, y := digest(s.cfg.Seed, a.ID, 0), digest(s.cfg.Seed, b.ID, 0)
		return bytes.Compare(x[:], y[:])
	})
	if slices.EqualFunc(shuffled, events, func(a, b Event) bool { return a.ID == b.ID }) {
		slices.Reverse(shuffled)
	}
	return s.DeliverAll(ctx, shuffled...)
}

// DeliverPending sends the events that calls of the API caused: changing or
// deleting an account, triggering events. They wait for this call so that a
// provider is not called back while it is calling.
func (s *Server) DeliverPending(ctx context.Context) []Delivery {
	return s.DeliverAll(ctx, s.takePending()...)
}

// run sends one event as often as the plan says.
func (s *Server) run(ctx context.Context, p *plan, event Event) Delivery {
	first := Delivery{EventID: event.ID, Event: event.Name, Account: event.Account, OrderID: event.OrderID, Outcome: NotSent, Faults: p.names}
	if p.lost || s.webhookTarget().transport == nil {
		return first
	}
	if !s.pause(ctx, p.late) {
		first.Err = context.Cause(ctx)
		return first
	}
	all := make([]Delivery, 1+p.copies)
	send := func(i int) { all[i] = s.attempts(ctx, p, first, event, i > 0) }
	if p.atOnce {
		together(len(all), send)
	} else {
		for i := range all {
			send(i)
		}
	}
	for _, name := range p.alsoAs {
		renamed := first
		renamed.Event = name
		all = append(all, s.attempts(ctx, p.renamed(name), renamed, event, true))
	}
	all[0].Duplicates = all[1:]
	return all[0]
}

func together(n int, work func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { work(i) })
	}
	group.Wait()
}

// attempts sends an event until it is accepted or given up.
func (s *Server) attempts(ctx context.Context, p *plan, d Delivery, event Event, again bool) Delivery {
	first := s.send(ctx, p, d, event, again)
	last := first
	for range s.cfg.Retry.Times {
		if last.Outcome == Accepted || !s.pause(ctx, s.cfg.Retry.Wait) {
			break
		}
		last = s.send(ctx, p.retry(), d, event, true)
		first.Retries = append(first.Retries, last)
	}
	return first
}

func (s *Server) webhookTarget() target {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.webhooks
}

// send makes one request, keeps the exchange and acts on the answer.
func (s *Server) send(ctx context.Context, p *plan, d Delivery, event Event, again bool) Delivery {
	d.Faults = p.names
	sentAt := ""
	if p.newSentAt || again && s.cfg.Quirks.SentAtPerAttempt {
		sentAt = s.nextSentAt(event.ID)
	}
	body := p.render(event, sentAt, s.cfg.PrettyPrint)
	header := s.signedHeader(p, body, "")
	a := s.request(ctx, p, s.webhookTarget(), outgoing{
		op: d.Event, account: d.Account, method: http.MethodPost, header: header, body: body, timeout: s.cfg.WebhookTimeout,
	})
	d.Status, d.Header, d.Body, d.Err = a.status, a.header, a.body, a.err
	d.Outcome, d.Reason = s.judge(p, d)
	s.remember(d)
	return d
}

// judge interprets an answer.
func (s *Server) judge(p *plan, d Delivery) (Outcome, string) {
	switch {
	case p.ignoreAnswer, errors.Is(d.Err, errHungUp):
		return Unread, ""
	case d.Err != nil:
		return Failed, d.Err.Error()
	case d.Status == http.StatusOK, s.cfg.Quirks.Any2xx && d.Status >= 200 && d.Status <= 299:
		return Accepted, ""
	}
	return Failed, fmt.Sprintf("status %d is no acceptance", d.Status)
}

// remember lets the order feel what became of its event.
func (s *Server) remember(d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.findOrder(d.Account, d.OrderID)
	if o == nil || d.OrderID == "" {
		return
	}
	switch d.Outcome {
	case Accepted:
		o.Accepted = true
	case Failed:
		o.DeliveryFaults = append(o.DeliveryFaults, d.Reason)
	}
}

// signedHeader is the header of a call to the provider. An empty secret is the
// active one of the webhooks.
func (s *Server) signedHeader(p *plan, body []byte, secret string) http.Header {
	s.mu.Lock()
	secret = orDefault(secret, s.secret)
	old := orDefault(s.oldSecret, s.secret+"-before-rotation")
	s.mu.Unlock()
	header := http.Header{"Content-Type": {"application/json"}}
	if signature, signed := p.signature(secret, old, body); signed {
		header.Set(SignatureHeader, signature)
	}
	return header
}

// outgoing is one request to an endpoint of the provider.
type outgoing struct {
	op, account, method string
	header              http.Header
	body                []byte
	timeout             time.Duration
}

var errHungUp = errors.New("stackonetest: the sender hung up")

// request makes one request and keeps the exchange.
func (s *Server) request(ctx context.Context, p *plan, t target, out outgoing) answerOf {
	started := s.now()
	ctx, cancel := context.WithTimeout(ctx, out.timeout)
	defer cancel()
	a := t.send(p.watch(ctx, cancel), out.method, out.header, out.body)
	// One that hangs up at once has gone, even if the handler was quicker.
	if p.hangsUp && (a.err != nil || p.hangUpAfter <= 0) {
		a = answerOf{err: errHungUp}
	}
	e := Exchange{
		Direction: FromStackOne, Op: out.op, Account: out.account, Time: started, Method: out.method, URL: t.url,
		RequestHeader: redacted(out.header), RequestBody: out.body,
		Status: a.status, ResponseHeader: a.header, ResponseBody: a.body, Fault: p.name(),
	}
	if a.err != nil {
		e.Err = a.err.Error()
	}
	s.keep(e)
	return a
}

// watch makes the sender hang up after the request was written, if it is planned.
func (p *plan) watch(ctx context.Context, hangUp context.CancelFunc) context.Context {
	if !p.hangsUp {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) {
			if p.hangUpAfter <= 0 {
				hangUp()
				return
			}
			timer := time.AfterFunc(p.hangUpAfter, hangUp)
			context.AfterFunc(ctx, func() { timer.Stop() })
		},
	})
}
