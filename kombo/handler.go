package kombo

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
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
	// A worker then calls [assessment.Intake.Start] and publishes the Result of
	// a [*assessment.Rejection], since the answer can no longer say no. Inline
	// orders always go to Intake.
	Queue func(context.Context, assessment.Order) error
	// OnEvent, if set, gets every other event, and orders that arrive already
	// completed, cancelled or rejected. It is called at least once for each; an
	// error is answered 503, so that Kombo may come again. Without it they are
	// acknowledged.
	OnEvent func(context.Context, Event) error

	// MaxBody is the largest body accepted, in bytes; 1 MiB if zero.
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
	c WebhookConfig
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
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &WebhookHandler{c: c}, nil
}

// reply is what a delivery is answered with, and what is reported of it.
type reply struct {
	status  int
	body    []byte // JSON, or nil for the text
	text    string // short and fixed
	retry   time.Duration
	outcome assessment.DeliveryOutcome
	err     error
}

// ServeHTTP implements [http.Handler].
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	report := assessment.Delivery{Vendor: assessment.Kombo, Connection: h.c.Connection}
	began := time.Now()
	reply := h.receive(w, r, &report)
	reply.write(w)

	report.Duration = time.Since(began)
	report.Outcome, report.StatusCode, report.Err = reply.outcome, reply.status, reply.err
	h.report(r.Context(), report)
}

// receive does the work in the order that keeps strangers cheap: method, size,
// signature, and only then the JSON.
func (h *WebhookHandler) receive(w http.ResponseWriter, r *http.Request, report *assessment.Delivery) reply {
	body, secretID, err := h.c.Verifier.Receive(w, r, h.c.MaxBody)
	if err != nil {
		status, text := webhook.Status(err)
		outcome := assessment.DeliveryRefused
		if status >= http.StatusInternalServerError {
			outcome = assessment.DeliveryFault
		}
		return reply{status: status, text: text, outcome: outcome, err: err}
	}
	report.SecretID = secretID
	event, err := ParseEvent(body)
	if err != nil {
		return refuse("not a Kombo event", err)
	}
	report.Event, report.EventID = string(event.Type), event.ID
	h.drift(r.Context(), event.Drift)
	received, ok := event.Data.(OrderReceived)
	if !ok {
		report.Account = integrationOf(event.Data)
		return h.other(r.Context(), event)
	}
	order := &received.Order
	order.Ref.Connection = h.c.Connection
	order.ReceivedAt = time.Now().UTC()
	report.Account, report.Order = order.Ref.Account, order.Ref
	event.Data = received
	return h.order(r.Context(), event, *order)
}

// errNoOrderID: without its id or integration an order can neither be told from
// another nor be answered with a result.
var errNoOrderID = errors.New("kombo: order without an id or integration_id")

func (h *WebhookHandler) order(ctx context.Context, event Event, order assessment.Order) reply {
	switch {
	case order.Ref.ID == "" || order.Ref.Account == "":
		return refuse("order without an id", errNoOrderID)
	case order.Status.Final():
		return h.other(ctx, event)
	case h.c.Queue != nil && !order.Inline:
		if err := h.c.Queue(ctx, order); err != nil {
			return later(err, 0)
		}
		return accept(assessment.DeliveryQueued)
	}
	return h.start(ctx, order)
}

func (h *WebhookHandler) start(ctx context.Context, order assessment.Order) reply {
	accepted, err := h.c.Intake.Start(ctx, order)
	var no *assessment.Rejection
	switch {
	case errors.As(err, &no):
		return reject(no)
	case err != nil:
		return fault(err)
	}
	outcome := assessment.DeliveryAccepted
	if accepted.Replayed {
		outcome = assessment.DeliveryReplayed
	}
	if order.Inline {
		return inline(accepted.Started.CandidateURL, outcome)
	}
	return accept(outcome)
}

func (h *WebhookHandler) other(ctx context.Context, event Event) reply {
	if h.c.OnEvent != nil {
		if err := h.c.OnEvent(ctx, event); err != nil {
			return later(err, 0)
		}
	}
	return accept(assessment.DeliveryHandled)
}

func (h *WebhookHandler) drift(ctx context.Context, found []assessment.Drift) {
	if h.c.Observer.Drift == nil {
		return
	}
	for _, d := range found {
		d.Connection = h.c.Connection
		h.c.Observer.Drift(ctx, d)
	}
}

func (h *WebhookHandler) report(ctx context.Context, d assessment.Delivery) {
	if d.Err != nil {
		level := slog.LevelWarn
		if d.Outcome == assessment.DeliveryFault {
			level = slog.LevelError
		}
		h.c.Logger.LogAttrs(ctx, level, "kombo delivery not taken",
			slog.String("event", d.Event), slog.String("event_id", d.EventID),
			slog.Any("order", d.Order), slog.Int("status", d.StatusCode), slog.Any("error", d.Err))
	}
	if h.c.Observer.Delivery != nil {
		h.c.Observer.Delivery(ctx, d)
	}
}

func accept(outcome assessment.DeliveryOutcome) reply {
	return reply{status: http.StatusOK, outcome: outcome}
}

// inline answers with the one key that Kombo looks for; see
// https://docs.kombo.dev/assessment/features/inline-assessment.
func inline(url string, outcome assessment.DeliveryOutcome) reply {
	return answerJSON(http.StatusOK, struct {
		AssessmentURL string `json:"assessment_url"`
	}{url}, reply{outcome: outcome})
}

// reject answers with the body that makes a 422 a rejection; with any other the
// order would stay open (https://docs.kombo.dev/assessment/introduction).
func reject(no *assessment.Rejection) reply {
	return answerJSON(http.StatusUnprocessableEntity, struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"ORDER_REJECTED", no.Message}, reply{outcome: assessment.DeliveryRejected})
}

func answerJSON(status int, v any, r reply) reply {
	body, err := json.Marshal(v)
	if err != nil {
		return fault(err)
	}
	r.status, r.body = status, body
	return r
}

func refuse(text string, err error) reply {
	return reply{status: http.StatusBadRequest, text: text, outcome: assessment.DeliveryRefused, err: err}
}

// fault is never a 422: the order stays open at Kombo.
func fault(err error) reply {
	if after, ok := assessment.Retryable(err); ok && !errors.Is(err, assessment.ErrFault) {
		return later(err, after)
	}
	return reply{
		status: http.StatusInternalServerError, text: "internal error",
		outcome: assessment.DeliveryFault, err: err,
	}
}

// leastRetryAfter is what a sender is asked to wait at least.
const leastRetryAfter = 5 * time.Second

func later(err error, after time.Duration) reply {
	return reply{
		status: http.StatusServiceUnavailable, text: "try again later", retry: max(after, leastRetryAfter),
		outcome: assessment.DeliveryFault, err: err,
	}
}

func (r *reply) write(w http.ResponseWriter) {
	if r.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.retry+time.Second-1)/time.Second)))
	}
	switch {
	case r.body != nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(r.status)
		_, _ = w.Write(r.body) // a sender that has gone will come again
	case r.text != "":
		http.Error(w, r.text, r.status)
	default:
		w.WriteHeader(r.status)
	}
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
