package kombotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"time"
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
	EventID   string
	EventType string
	OrderID   string // empty for events that are not about an order
	Outcome   Outcome
	Reason    string      // why an Outcome is Failed; else empty
	Status    int         // HTTP status of the answer; 0: no answer
	Header    http.Header // of the answer
	Body      []byte      // of the answer
	Err       error       // why there was no answer
	// Faults are the names of the faults it was sent with.
	Faults []string
	// Duplicates are the further deliveries of [Duplicate] and [DuplicateAtOnce].
	Duplicates []Delivery
}

// Deliver sends an event, with the faults if any are given, and interprets the
// answer.
func (s *Server) Deliver(ctx context.Context, event Event, faults ...DeliveryFault) Delivery {
	p := newPlan(faults)
	body, err := p.render(event, s.cfg.PrettyPrint)
	if err != nil {
		return Delivery{EventID: event.ID, EventType: event.Type, OrderID: event.OrderID, Outcome: NotSent, Reason: err.Error(), Err: err, Faults: p.names}
	}
	return s.run(ctx, p, event, body)
}

// DeliverBody sends arbitrary bytes, signed unless a fault says otherwise. Faults
// that edit an event have no effect.
func (s *Server) DeliverBody(ctx context.Context, body []byte, faults ...DeliveryFault) Delivery {
	p := newPlan(faults)
	return s.run(ctx, p, Event{}, p.mangle(body))
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
		return bytes.Compare([]byte(makeID(s.cfg.Seed, a.ID, 0)), []byte(makeID(s.cfg.Seed, b.ID, 0)))
	})
	if slices.EqualFunc(shuffled, events, func(a, b Event) bool { return a.ID == b.ID }) {
		slices.Reverse(shuffled)
	}
	return s.DeliverAll(ctx, shuffled...)
}

// DeliverPending sends the events that calls of the API caused: deleting an
// integration, switching it on or off. They wait for this call so that a provider
// is not called back while it is calling.
func (s *Server) DeliverPending(ctx context.Context) []Delivery {
	return s.DeliverAll(ctx, s.takePending()...)
}

// run sends one body as often as the plan says.
func (s *Server) run(ctx context.Context, p *plan, event Event, body []byte) Delivery {
	first := Delivery{EventID: event.ID, EventType: event.Type, OrderID: event.OrderID, Outcome: NotSent, Faults: p.names}
	if p.lost || !s.hasTarget() {
		return first
	}
	if !s.pause(ctx, p.late) {
		first.Err = context.Cause(ctx)
		return first
	}
	all := make([]Delivery, 1+p.copies)
	send := func(i int) { all[i] = s.send(ctx, p, first, body) }
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

func together(n int, work func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { work(i) })
	}
	group.Wait()
}

func (s *Server) hasTarget() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target.transport != nil
}

// send makes one request, keeps the exchange and acts on the answer.
func (s *Server) send(ctx context.Context, p *plan, d Delivery, body []byte) Delivery {
	started := s.now()
	header := s.webhookHeader(p, body)
	t := s.currentTarget()
	ctx, cancel := context.WithTimeout(ctx, s.answerTimeout(d.EventType))
	defer cancel()
	d.Status, d.Header, d.Body, d.Err = t.post(p.watch(ctx, cancel), header, body)
	s.keep(webhookExchange(d, t.url, header, body, started))
	switch {
	case p.ignoreAnswer:
		d.Outcome = Unread
		return d
	case p.hungUp(d):
		return d.withoutAnswer()
	}
	return s.settleDelivery(d)
}

// hungUp tells whether the sender has gone before the answer. One that goes at
// once has, even if the handler was quicker.
func (p *plan) hungUp(d Delivery) bool {
	return p.hangsUp && (d.Err != nil || p.hangUpAfter <= 0)
}

var errHungUp = errors.New("kombotest: the sender hung up")

func (d Delivery) withoutAnswer() Delivery {
	d.Outcome, d.Err = Unread, errHungUp
	d.Status, d.Header, d.Body = 0, nil, nil
	return d
}

func (s *Server) currentTarget() target {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target
}

func (s *Server) answerTimeout(eventType string) time.Duration {
	if eventType == EventInlineOrderReceived {
		return s.cfg.InlineTimeout
	}
	return s.cfg.WebhookTimeout
}

func (s *Server) webhookHeader(p *plan, body []byte) http.Header {
	s.mu.Lock()
	secret, old := s.secret, orDefault(s.oldSecret, s.secret+"-before-rotation")
	s.mu.Unlock()
	header := http.Header{"Content-Type": {"application/json"}}
	if signature, signed := p.signature(secret, old, body); signed {
		header.Set(SignatureHeader, signature)
	}
	return header
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

func (t target) post(ctx context.Context, header http.Header, body []byte) (int, http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("kombotest: webhook: %w", err)
	}
	r.Header = header.Clone()
	response, err := t.webhookClient().Do(r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("kombotest: webhook: %w", err)
	}
	answer, err := readAnswer(response)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("kombotest: webhook: %w", err)
	}
	return response.StatusCode, response.Header, answer, nil
}

// settleDelivery interprets an answer and lets the order feel it:
// https://docs.kombo.dev/assessment/introduction
func (s *Server) settleDelivery(d Delivery) Delivery {
	v := s.judge(d)
	d.Outcome, d.Reason = v.outcome, v.reason
	if d.OrderID != "" {
		s.applyVerdict(d.OrderID, v)
	}
	return d
}

// verdict is the meaning of an answer.
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
	tree, err := decode(d.Body)
	if err != nil {
		return "", false
	}
	members, _ := tree.(map[string]any)
	message, isText := members["message"].(string)
	return message, isText && len(members) == 2 && members["status"] == "ORDER_REJECTED"
}

func assessmentURL(body []byte) string {
	var answer struct {
		AssessmentURL string `json:"assessment_url"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || !isURI(answer.AssessmentURL) {
		return ""
	}
	return answer.AssessmentURL
}

func (s *Server) applyVerdict(orderID string, v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.findOrder(orderID)
	if o == nil {
		return
	}
	switch v.outcome {
	case Rejected:
		// Only an open order can still be rejected.
		if o.Status == StatusOpen {
			o.Status, o.RejectionMessage = StatusRejected, v.message
		}
	case Accepted:
		o.AssessmentURL = orDefault(v.url, o.AssessmentURL)
	case Failed:
		o.DeliveryFaults = append(o.DeliveryFaults, v.reason)
	}
}
