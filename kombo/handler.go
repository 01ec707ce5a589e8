package kombo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
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
	// Connection becomes [assessment.OrderRef.Connection] of the orders. Leave it
	// empty unless there are several Kombo accounts or regions.
	Connection string

	// Queue, if set, takes the orders that nobody waits for, in place of Intake:
	// nil says that the order is stored for good, and Kombo is answered at once.
	// A worker then calls [assessment.Intake.Work], which also publishes a
	// rejection, since the answer can no longer say no; the client needs
	// [Config.ResultURL] for it. Inline orders always go to Intake.
	Queue func(context.Context, assessment.Order) error
	// OnEvent, if set, gets every other event, and orders that arrive already
	// completed, cancelled or rejected. It is called at least once for each; an
	// error is answered 503, so that Kombo may come again. Without it they are
	// acknowledged.
	OnEvent func(context.Context, Event) error

	// MaxBody is the largest body accepted, in bytes; 8 MiB if zero.
	MaxBody int64
	// Logger is told why a delivery was refused or failed; nil is silent.
	Logger *slog.Logger
	// Observer is told of every delivery and of everything unknown in it.
	Observer assessment.Observer
}

// WebhookHandler receives Kombo's webhooks. Mount it under any pattern; it does
// not look at its path.
//
// It answers 405, 413, 401 and 400 to what is not a signed Kombo event; 200 to
// an order that was taken, with the assessment_url if it is inline; 422 with
// Kombo's rejection body to one that the provider rejected; and 503 or 500 to a
// fault, which leaves the order open at Kombo. The reason of a failure goes to
// logger and observer, never to the sender.
type WebhookHandler struct {
	c       WebhookConfig
	inbound inbound.Handler
}

// NewWebhookHandler returns a handler. It refuses a missing Intake or Verifier
// and a negative MaxBody.
func NewWebhookHandler(c WebhookConfig) (*WebhookHandler, error) {
	switch {
	case c.Intake == nil:
		return nil, errors.New("kombo: webhook handler needs an Intake")
	case c.Verifier == nil:
		return nil, errors.New("kombo: webhook handler needs a Verifier")
	case c.MaxBody < 0:
		return nil, errors.New("kombo: negative MaxBody")
	}
	return &WebhookHandler{c: c, inbound: inbound.Handler{
		Vendor: assessment.Kombo, Connection: c.Connection, Logger: c.Logger, Observer: c.Observer,
	}}, nil
}

// ServeHTTP implements [http.Handler].
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
		body, reply, ok := inbound.Receive(h.c.Verifier, w, r, h.c.MaxBody, d)
		if !ok {
			return reply
		}
		return h.event(r.Context(), body, d)
	})
}

func (h *WebhookHandler) event(ctx context.Context, body []byte, d *assessment.Delivery) inbound.Reply {
	event, err := ParseEvent(body)
	if err != nil {
		return inbound.Refuse("not a Kombo event", err)
	}
	d.Event, d.EventID = string(event.Type), event.ID
	h.inbound.Drift(ctx, event.Drift)
	received, ok := event.Data.(OrderReceived)
	if !ok {
		d.Account = integrationOf(event.Data)
		return h.other(ctx, event)
	}
	order := &received.Order
	order.Ref.Connection = h.c.Connection
	order.ReceivedAt = time.Now().UTC()
	event.Data = received
	d.Account, d.Order = order.Ref.Account, order.Ref
	return h.order(ctx, event, *order)
}

// errNoOrderID: without its id or integration an order can neither be told from
// another nor be answered with a result.
var errNoOrderID = errors.New("kombo: order without an id or integration_id")

func (h *WebhookHandler) order(ctx context.Context, event Event, order assessment.Order) inbound.Reply {
	switch {
	case order.Ref.ID == "" || order.Ref.Account == "":
		return inbound.Refuse("order without an id", errNoOrderID)
	case order.Status.Final():
		return h.other(ctx, event)
	case h.c.Queue != nil && !order.Inline:
		if err := h.c.Queue(ctx, order); err != nil {
			return inbound.Later(err, 0)
		}
		return inbound.OK(assessment.DeliveryQueued)
	}
	return h.start(ctx, order)
}

func (h *WebhookHandler) start(ctx context.Context, order assessment.Order) inbound.Reply {
	accepted, err := h.c.Intake.Start(ctx, order)
	var no *assessment.Rejection
	switch {
	case errors.As(err, &no):
		return reject(no)
	case err != nil:
		return inbound.Fault(err)
	case order.Inline:
		return inline(accepted)
	}
	return inbound.OK(inbound.Taken(accepted))
}

func (h *WebhookHandler) other(ctx context.Context, event Event) inbound.Reply {
	if h.c.OnEvent != nil {
		if err := h.c.OnEvent(ctx, event); err != nil {
			return inbound.Later(err, 0)
		}
	}
	return inbound.OK(assessment.DeliveryHandled)
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
	return inbound.JSON(http.StatusUnprocessableEntity, struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"ORDER_REJECTED", no.Message}, assessment.DeliveryRejected)
}

// integrationOf returns the integration that an event is about, if it names
// one.
func integrationOf(data EventData) string {
	switch d := data.(type) {
	case IntegrationCreated:
		return d.ID
	case IntegrationDeleted:
		return d.ID
	case IntegrationStateChanged:
		return d.ID
	case SyncFinished:
		return d.ID
	case DataChanged:
		return d.ID
	}
	return ""
}
