package kombo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
	// empty if there is a Client, or unless there are several Kombo accounts or
	// regions.
	Connection string

	// Queue, if set, takes the orders that nobody waits for, in place of Intake:
	// nil says that the order is stored for good, and Kombo is answered at once.
	// A worker then calls [assessment.Intake.Work], which also publishes a
	// rejection, since the answer can no longer say no; the client needs
	// [Config.ResultURL] for it. Inline orders always go to Intake.
	//
	// Queue and OnEvent run on [assessment.Intake.HostContext], which Kombo cannot
	// cancel. One that has not returned by its deadline is answered 503.
	Queue func(context.Context, assessment.Order) error
	// OnEvent, if set, gets every other event, orders that arrive already
	// completed, cancelled or rejected, and those that the intake holds
	// ([assessment.IntakeConfig.UnknownStatus]). It is called at least once for
	// each; an error is answered 503, so that Kombo may come again. Without it they
	// are acknowledged.
	OnEvent func(context.Context, Event) error

	// AcceptUnwrapped also takes an order without the event around it, as Kombo
	// sent it in 2024, as an order that is not inline. Without it such a body is
	// refused.
	AcceptUnwrapped bool

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

// WebhookHandler receives Kombo's webhooks. Mount it under any pattern; it does
// not look at its path.
//
// It answers 405, 415, 413, 401 and 400 to what is not a signed Kombo event; 200 to
// an order that was taken, with the assessment_url if it is inline and has not ended
// long ago (see [assessment.Claim.Settled]); 422 with Kombo's rejection body to one
// that the provider rejected; 410 to one whose data was erased; and 503 or 500 to a
// fault, which leaves the order open at Kombo. The reason of a failure goes to logger
// and observer, never to the sender.
//
// Set ReadHeaderTimeout and ReadTimeout of the [http.Server]: a handler cannot end a
// sender that never goes on.
type WebhookHandler struct {
	c       WebhookConfig
	inbound *inbound.Handler
}

// NewWebhookHandler returns a handler. It refuses a missing Intake or Verifier, a
// Client of another connection and a negative MaxBody.
func NewWebhookHandler(c WebhookConfig) (*WebhookHandler, error) {
	if c.Intake == nil {
		return nil, errors.New("kombo: webhook handler needs an Intake")
	}
	if err := c.Verifier.Usable(); err != nil {
		return nil, fmt.Errorf("kombo: webhook handler needs a Verifier: %w", err)
	}
	if c.Client != nil {
		var err error
		if c.Connection, err = inbound.Connection(c.Connection, c.Client); err != nil {
			return nil, fmt.Errorf("kombo: webhook handler: %w", err)
		}
	}
	shared, err := inbound.New(inbound.Config{
		Vendor: assessment.Kombo, Connection: c.Connection, MaxBody: c.MaxBody, Budget: c.Budget,
		Logger: c.Logger, Observer: c.Observer,
	})
	if err != nil {
		return nil, fmt.Errorf("kombo: webhook handler: %w", err)
	}
	return &WebhookHandler{c: c, inbound: shared}, nil
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
	event, err := h.parse(body)
	switch {
	case errors.Is(err, ErrUnwrappedOrder):
		return inbound.Refuse("order without an event around it", err)
	case err != nil:
		return inbound.Refuse("not a Kombo event", err)
	}
	d.Event, d.EventID = string(event.Type), event.ID
	received, isOrder := event.Data.(OrderReceived)
	if !isOrder {
		d.Account = event.Data.account()
		h.inbound.Drift(ctx, event.Drift)
		if reply, only := h.shadowed(ctx, d, inbound.WouldHandOver, false); only {
			return reply
		}
		return h.other(ctx, event)
	}
	order := &received.Order
	order.Ref.Connection = h.c.Connection
	order.ReceivedAt = time.Now().UTC()
	event.Data = received
	d.Account, d.Order = order.Ref.Account, order.Ref
	h.inbound.Drift(ctx, event.Drift)
	return h.order(ctx, event, *order, d)
}

// parse also reads the order of 2024, if that is asked for.
func (h *WebhookHandler) parse(body []byte) (Event, error) {
	event, err := ParseEvent(body)
	if !h.c.AcceptUnwrapped || !errors.Is(err, ErrUnwrappedOrder) {
		return event, err
	}
	return ParseUnwrappedOrder(body)
}

// errNoOrderID: without its id or integration an order can neither be told from
// another nor be answered with a result.
var errNoOrderID = errors.New("kombo: order without an id or integration_id")

// nameable reports whether an id can name an order. Blank ids would be those of
// different orders, and dots are steps in the path that a result is written to.
func nameable(id string) bool {
	switch strings.TrimSpace(id) {
	case "", ".", "..":
		return false
	}
	return true
}

func (h *WebhookHandler) order(ctx context.Context, event Event, order assessment.Order, d *assessment.Delivery) inbound.Reply {
	if !nameable(order.Ref.ID) || !nameable(order.Ref.Account) {
		return inbound.Refuse("order without an id", errNoOrderID)
	}
	way := h.way(order)
	if reply, only := h.shadowed(ctx, d, way, order.Inline && way == inbound.WouldStart); only {
		return reply
	}
	switch way {
	case inbound.WouldHandOver:
		return h.other(ctx, event)
	case inbound.WouldQueue:
		return h.give(ctx, "Queue", assessment.DeliveryQueued, func(ctx context.Context) error {
			return h.c.Queue(ctx, order)
		})
	}
	return h.start(ctx, order)
}

// way is what becomes of an order.
func (h *WebhookHandler) way(order assessment.Order) inbound.Verdict {
	switch {
	case order.Status.Final(), h.c.Intake.Holds(order):
		return inbound.WouldHandOver
	case h.c.Queue != nil && !order.Inline:
		return inbound.WouldQueue
	}
	return inbound.WouldStart
}

func (h *WebhookHandler) start(ctx context.Context, order assessment.Order) inbound.Reply {
	accepted, err := h.c.Intake.Start(ctx, order)
	switch {
	case err != nil:
		return inbound.Failed(err, reject)
	case order.Inline && accepted.Started.CandidateURL != "":
		return inline(accepted)
	}
	return inbound.OK(inbound.Taken(accepted)) // an inline order that ended long ago has no URL any more
}

func (h *WebhookHandler) other(ctx context.Context, event Event) inbound.Reply {
	if h.c.OnEvent == nil {
		return inbound.OK(assessment.DeliveryHandled)
	}
	return h.give(ctx, "OnEvent", assessment.DeliveryHandled, func(ctx context.Context) error {
		return h.c.OnEvent(ctx, event)
	})
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

// inline answers with the one key that Kombo looks for; see
// https://docs.kombo.dev/assessment/features/inline-assessment.
func inline(a assessment.Accepted) inbound.Reply {
	return inbound.JSON(http.StatusOK, struct {
		AssessmentURL string `json:"assessment_url"`
	}{a.Started.CandidateURL}, inbound.Taken(a))
}

// reject answers with the body that makes a 422 a rejection; with any other the
// order would stay open (https://docs.kombo.dev/assessment/introduction).
func reject(no *assessment.Rejection) inbound.Reply {
	return inbound.Rejected(http.StatusUnprocessableEntity, struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"ORDER_REJECTED", no.Message}, no)
}
