package stackone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/webhook"
)

// WebhookConfig configures [NewWebhookHandler].
type WebhookConfig struct {
	// Intake takes the orders; required.
	Intake *assessment.Intake
	// Verifier checks signatures; required. See [NewVerifier].
	Verifier *webhook.Verifier
	// Client, if set, is the one that writes the results of these orders; it gives
	// Connection.
	Client *Client
	// Connection becomes [assessment.OrderRef.Connection] of the orders. Leave it
	// empty if there is a Client, or unless there are several StackOne projects.
	Connection string

	// Queue, if set, takes the orders in place of Intake: nil says that the order
	// is stored for good, and StackOne is answered at once. A worker then calls
	// [Client.Complete] and [assessment.Intake.Work].
	//
	// It is recommended: StackOne documents no redelivery, and an order cannot be
	// read back, so one that is answered with a fault may never be seen again.
	// Without it a warning is logged when the handler is made.
	//
	// This and the other functions run on [assessment.Intake.HostContext], which
	// StackOne cannot cancel. One that has not returned by its deadline is answered
	// 503.
	Queue func(context.Context, assessment.Order) error
	// Publisher, if set, writes the cancelled result of an order that the provider
	// rejected; the answer to a webhook says nothing to the recruiter. It is the
	// Client, or an outbox in its place. See [assessment.Intake.PublishRejection].
	Publisher assessment.Publisher
	// OnRejected, if set, is told of a rejection where there is no Publisher, and
	// where the Publisher failed. Its error is answered 503. Neither is called for
	// what went to Queue: there the worker learns of the rejection, and
	// [assessment.Intake.Work] publishes it.
	OnRejected func(context.Context, assessment.Order, *assessment.Rejection) error
	// OnBareOrder, if set, gets the orders that name nothing but themselves, see
	// [Bare], in place of Queue and Intake; nil is a 200. Without it they go the
	// way of all orders.
	OnBareOrder func(context.Context, assessment.Order) error
	// OnEvent, if set, gets every other event, orders that are decoded as already
	// completed, cancelled or rejected, and those that the intake holds
	// ([assessment.IntakeConfig.UnknownStatus]). It is called at least once for
	// each; an error is answered 503, so that StackOne may come again. Without it
	// they are acknowledged.
	OnEvent func(context.Context, Event) error

	// OrderEvents are further event names that start an order, with its kind, for
	// the day that StackOne has another name than those that this package knows.
	OrderEvents map[EventType]assessment.Kind
	// DecodeOrder, if set, makes the order of an event in place of this package:
	// [Event.Raw] is the body, and Data is an [OrderCreated] with the order as
	// this package reads it. StackOne publishes no sample of an order event. An
	// error is answered 503. What the reference lacks is filled in.
	DecodeOrder func(Event) (assessment.Order, error)

	// MaxAge, if not zero, refuses deliveries whose signed sent_at is further from
	// now than that, in either direction, or that have none: somebody may have
	// recorded them. StackOne documents no redelivery and no clock, so leave hours.
	MaxAge time.Duration
	// Shadow, if set, has the deliveries of accounts that are not cut over to this
	// service yet looked at only; see [inbound.Shadow].
	Shadow *inbound.Shadow

	// MaxBody is the largest body accepted, in bytes; [webhook.DefaultMaxBody] if
	// zero.
	MaxBody int64
	// Budget bounds the memory of bodies whose signature is not checked yet;
	// [webhook.SharedBudget] if nil.
	Budget *webhook.Budget
	// Logger gets a line per delivery, see package [inbound]; nil is silent.
	Logger *slog.Logger
	// Observer is told of every delivery and of everything unknown in it.
	Observer assessment.Observer
}

// WebhookHandler receives StackOne's webhooks. Mount it under any pattern; it
// does not look at its path.
//
// It answers 405, 415, 413, 401 and 400 to what is not a signed StackOne event; 200
// to an order that was taken, queued or rejected, and to every other event; 410 to
// an order whose data was erased; and 503 or 500 to a fault. The reason of a failure
// goes to logger and observer, never to the sender.
//
// Set ReadHeaderTimeout and ReadTimeout of the [http.Server]: a handler cannot end a
// sender that never goes on.
type WebhookHandler struct {
	c       WebhookConfig
	inbound *inbound.Handler
}

// NewWebhookHandler returns a handler. It refuses a missing Intake or Verifier, a
// Client of another connection, a Publisher of another vendor or connection, an
// unknown kind in OrderEvents and a negative MaxAge or MaxBody.
func NewWebhookHandler(c WebhookConfig) (*WebhookHandler, error) {
	h, err := newWebhookHandler(c)
	if err != nil {
		return nil, fmt.Errorf("stackone: webhook handler: %w", err)
	}
	if c.Queue == nil {
		h.inbound.Logger().Warn("webhook handler without a Queue: StackOne documents no redelivery, so an order that fails may be lost",
			"vendor", string(assessment.StackOne), "connection", h.c.Connection)
	}
	return h, nil
}

func newWebhookHandler(c WebhookConfig) (*WebhookHandler, error) {
	if c.Client != nil {
		var err error
		if c.Connection, err = inbound.Connection(c.Connection, c.Client); err != nil {
			return nil, err
		}
	}
	switch unusable := c.Verifier.Usable(); {
	case c.Intake == nil:
		return nil, errors.New("needs an Intake")
	case unusable != nil:
		return nil, fmt.Errorf("needs a Verifier: %w", unusable)
	case c.Publisher != nil && isNil(c.Publisher):
		return nil, errors.New("the Publisher is a nil pointer")
	case c.Publisher != nil && (c.Publisher.Vendor() != assessment.StackOne || c.Publisher.Connection() != c.Connection):
		return nil, errors.New("the Publisher is for another vendor or connection")
	case c.MaxAge < 0:
		return nil, errors.New("negative MaxAge")
	}
	for name, kind := range c.OrderEvents {
		if resultPaths[kind] == "" {
			return nil, fmt.Errorf("order event %q needs a kind", name)
		}
	}
	shared, err := inbound.New(inbound.Config{
		Vendor: assessment.StackOne, Connection: c.Connection, MaxBody: c.MaxBody, Budget: c.Budget,
		Logger: c.Logger, Observer: c.Observer,
	})
	if err != nil {
		return nil, err
	}
	return &WebhookHandler{c: c, inbound: shared}, nil
}

// isNil reports whether p holds a nil pointer, such as a client that was declared
// and never made.
func isNil(p assessment.Publisher) bool {
	v := reflect.ValueOf(p)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// ServeHTTP implements [http.Handler].
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
		body, reply, ok := h.inbound.Signed(h.c.Verifier, w, r, d)
		if !ok {
			return reply
		}
		return h.event(r.Context(), body, d)
	})
}

func (h *WebhookHandler) event(ctx context.Context, body []byte, d *assessment.Delivery) inbound.Reply {
	event, err := parseEvent(body, h.c.OrderEvents)
	if err != nil {
		return inbound.Refuse("not a StackOne event", err)
	}
	d.Event, d.Account = string(event.Type), event.Account
	if h.c.MaxAge > 0 && time.Since(event.SentAt).Abs() > h.c.MaxAge {
		return inbound.Unreceived(webhook.ErrStale)
	}
	h.inbound.Drift(ctx, event.Drift)
	switch data := event.Data.(type) {
	case OrderCreated:
		return h.created(ctx, event, data, d)
	case OrderChanged:
		h.receive(&data.Order, body)
		event.Data, d.Order = data, data.Order.Ref
	}
	if reply, only := h.shadowed(ctx, d, inbound.WouldHandOver, false); only {
		return reply
	}
	return h.other(ctx, event)
}

// receive completes an order with what only the handler knows.
func (h *WebhookHandler) receive(o *assessment.Order, body []byte) {
	o.Ref.Vendor, o.Ref.Connection = assessment.StackOne, h.c.Connection
	o.ReceivedAt = time.Now().UTC()
	o.Raw = body
}

// errNoOrderID: without its id or account an order can neither be told from
// another nor be answered with a result.
var errNoOrderID = errors.New("stackone: order without a usable record_id or account_id")

func (h *WebhookHandler) created(ctx context.Context, event Event, data OrderCreated, d *assessment.Delivery) inbound.Reply {
	h.receive(&data.Order, event.Raw)
	d.Order = data.Order.Ref
	order := data.Order
	if h.c.DecodeOrder != nil {
		event.Data = data
		var err error
		if order, err = h.decode(ctx, event); err != nil {
			return inbound.Later(fmt.Errorf("stackone: DecodeOrder: %w", err), 0)
		}
		h.receive(&order, event.Raw)
		fillRef(&order.Ref, data.Order.Ref)
	}
	d.Account, d.Order = order.Ref.Account, order.Ref
	switch strings.TrimSpace(order.Ref.ID) {
	case "", ".", "..": // no result could be written: dots are steps in a path
		return inbound.Refuse("order without an id", errNoOrderID)
	}
	if strings.TrimSpace(order.Ref.Account) == "" {
		return inbound.Refuse("order without an id", errNoOrderID)
	}
	event.Data = OrderCreated{Order: order, Bare: Bare(order)}
	way := h.way(order)
	if reply, only := h.shadowed(ctx, d, way, false); only {
		return reply
	}
	switch {
	case order.Status.Final(), h.c.Intake.Holds(order):
		return h.other(ctx, event)
	case way == inbound.WouldHandOver:
		return h.give(ctx, "OnBareOrder", assessment.DeliveryHandled, func(ctx context.Context) error {
			return h.c.OnBareOrder(ctx, order)
		})
	case way == inbound.WouldQueue:
		return h.give(ctx, "Queue", assessment.DeliveryQueued, func(ctx context.Context) error {
			return h.c.Queue(ctx, order)
		})
	}
	return h.start(ctx, order)
}

// way is what becomes of an order.
func (h *WebhookHandler) way(order assessment.Order) inbound.Verdict {
	switch {
	case order.Status.Final(), h.c.Intake.Holds(order), h.c.OnBareOrder != nil && Bare(order):
		return inbound.WouldHandOver
	case h.c.Queue != nil:
		return inbound.WouldQueue
	}
	return inbound.WouldStart
}

// decode asks the host. A panic or a function that never returns must not be the
// sender's.
func (h *WebhookHandler) decode(ctx context.Context, event Event) (assessment.Order, error) {
	ctx, cancel := h.c.Intake.HostContext(ctx)
	defer cancel()
	return inbound.Call(ctx, h.inbound, "DecodeOrder", func(context.Context) (assessment.Order, error) {
		return h.c.DecodeOrder(event)
	})
}

func fillRef(ref *assessment.OrderRef, read assessment.OrderRef) {
	fill(&ref.Account, read.Account)
	fill(&ref.ID, read.ID)
	if ref.Kind == "" {
		ref.Kind = read.Kind
	}
}

// shadowed asks whether the delivery is only to be looked at.
func (h *WebhookHandler) shadowed(ctx context.Context, d *assessment.Delivery, v inbound.Verdict, waits bool) (inbound.Reply, bool) {
	if h.c.Shadow == nil {
		return inbound.Reply{}, false
	}
	ctx, cancel := h.c.Intake.HostContext(ctx)
	defer cancel()
	return h.inbound.Shadowed(ctx, h.c.Shadow, d, v, waits)
}

// give hands something to the host, which has it when fn returns nil.
func (h *WebhookHandler) give(ctx context.Context, name string, outcome assessment.DeliveryOutcome, fn func(context.Context) error) inbound.Reply {
	ctx, cancel := h.c.Intake.HostContext(ctx)
	defer cancel()
	return inbound.Given(h.inbound.Do(ctx, name, fn), outcome)
}

func (h *WebhookHandler) start(ctx context.Context, order assessment.Order) inbound.Reply {
	accepted, err := h.c.Intake.Start(ctx, order)
	if err != nil {
		return inbound.Failed(err, func(no *assessment.Rejection) inbound.Reply { return h.reject(ctx, order, no) })
	}
	return inbound.OK(inbound.Taken(accepted))
}

func (h *WebhookHandler) other(ctx context.Context, event Event) inbound.Reply {
	if h.c.OnEvent == nil {
		return inbound.OK(assessment.DeliveryHandled)
	}
	return h.give(ctx, "OnEvent", assessment.DeliveryHandled, func(ctx context.Context) error {
		return h.c.OnEvent(ctx, event)
	})
}
