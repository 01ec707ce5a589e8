package ashby

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/transport"
	"github.com/assessbridge/assessbridge/webhook"
)

// WebhookConfig configures [NewWebhookHandler].
type WebhookConfig struct {
	// Verifier checks signatures; required. See [NewVerifier].
	Verifier *webhook.Verifier
	// Connection tells one of several configurations from another in what is
	// observed.
	Connection string
	// OnEvent, if set, gets every event but a ping. It is called at least once for
	// each; an error is answered 503, upon which Ashby comes again, ten times at
	// most. Without it events are acknowledged.
	OnEvent func(context.Context, Event) error

	// MaxBody is the largest body accepted, in bytes; 8 MiB if zero.
	MaxBody int64
	// Logger is told why a delivery was refused or failed; nil is silent.
	Logger *slog.Logger
	// Observer is told of every delivery and of everything unknown in it.
	Observer assessment.Observer
}

// WebhookHandler receives Ashby's own webhooks, which the assessments framework
// does not need. Mount it under any pattern; it does not look at its path.
//
// A signature that is missing or bad is answered 400 and not 401, because a 401
// ends Ashby's retries: with a secret that is wrong for an hour, its events would
// be gone for good (https://developers.ashbyhq.com/docs/retries).
//
// A ping is answered 200 whoever signed it, since one that fails leaves the
// webhook disabled (https://developers.ashbyhq.com/docs/setting-up-webhooks). It
// starts nothing. A ping with another signature is logged: the secret is not the
// one that Ashby has.
type WebhookHandler struct {
	c       WebhookConfig
	inbound inbound.Handler
}

// NewWebhookHandler returns a handler. It refuses a missing Verifier and a
// negative MaxBody.
func NewWebhookHandler(c WebhookConfig) (*WebhookHandler, error) {
	switch {
	case c.Verifier == nil:
		return nil, errors.New("ashby: webhook handler needs a Verifier")
	case c.MaxBody < 0:
		return nil, errors.New("ashby: negative MaxBody")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &WebhookHandler{c: c, inbound: inbound.Handler{
		Vendor: assessment.Ashby, Connection: c.Connection, Logger: c.Logger, Observer: c.Observer,
	}}, nil
}

// String names the handler by its connection.
func (h WebhookHandler) String() string {
	return fmt.Sprintf("ashby webhook handler (connection %q)", h.c.Connection)
}

// Format implements [fmt.Formatter]: every verb prints [WebhookHandler.String].
func (h WebhookHandler) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, h.String()) }

// LogValue implements [slog.LogValuer] with the connection only.
func (h WebhookHandler) LogValue() slog.Value { return slog.StringValue(h.String()) }

// ServeHTTP implements [http.Handler].
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
		body, err := receive(w, r, h.c.MaxBody)
		if err != nil {
			return inbound.Unreceived(err)
		}
		secretID, unsigned := h.c.Verifier.Verify(r.Header, body)
		event, err := ParseEvent(body)
		if err == nil && event.Action == ActionPing {
			return h.ping(r.Context(), d, secretID, unsigned)
		}
		switch {
		case unsigned != nil:
			_, text := webhook.Status(unsigned)
			return inbound.Refuse(text, unsigned)
		case err != nil:
			return inbound.Refuse("not an Ashby event", err)
		}
		event.SecretID = secretID
		return h.event(r.Context(), event, d)
	})
}

// receive reads what was posted.
func receive(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if err := webhook.CheckMethod(w, r, http.MethodPost); err != nil {
		return nil, err
	}
	return webhook.Read(w, r, limit)
}

func (h *WebhookHandler) ping(ctx context.Context, d *assessment.Delivery, secretID string, unsigned error) inbound.Reply {
	d.Event, d.SecretID = string(ActionPing), secretID
	if unsigned != nil {
		h.c.Logger.WarnContext(ctx, "ping answered although it is not signed as it should be: events will be refused",
			"vendor", assessment.Ashby, "connection", h.c.Connection, "error", unsigned)
	}
	return inbound.OK(assessment.DeliveryHandled)
}

func (h *WebhookHandler) event(ctx context.Context, event Event, d *assessment.Delivery) inbound.Reply {
	d.Event, d.EventID, d.SecretID = string(event.Action), event.ID, event.SecretID
	h.inbound.Drift(ctx, event.Drift)
	if h.c.OnEvent != nil {
		if err := h.c.OnEvent(ctx, event); err != nil {
			return inbound.Later(err, 0)
		}
	}
	return inbound.OK(assessment.DeliveryHandled)
}
