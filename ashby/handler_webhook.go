package ashby

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/transport"
	"github.com/assessbridge/assessbridge/webhook"
)

// WebhookConfig configures [NewWebhookHandler].
type WebhookConfig struct {
	// Verifier checks signatures; required. See [NewVerifier].
	Verifier *webhook.Verifier
	// Client, if set, gives Connection.
	Client *Client
	// Connection tells one of several configurations from another in what is
	// observed.
	Connection string
	// OnEvent, if set, gets every event but a ping. It is called at least once for
	// each; an error is answered 503, upon which Ashby comes again, ten times at
	// most. Without it events are acknowledged. It runs on a context that Ashby
	// cannot cancel; see Deadline and BaseContext.
	OnEvent func(context.Context, Event) error
	// Subjects, if set, erases the candidates that Ashby has deleted and merges those
	// that it has merged, before OnEvent is told: the durable service, or its
	// database. If it fails Ashby is answered 503 and comes again.
	Subjects Subjects
	// Account returns the account that an event is of, the name that the Handler's
	// Authenticate gives the same customer; required with Subjects. The event does
	// not say; give each customer a secret of its own and go by Event.SecretID.
	Account func(Event) (string, error)
	// Deadline is how long OnEvent may take, whether or not it heeds its context:
	// ten seconds if zero. After it Ashby is answered 503.
	Deadline time.Duration
	// BaseContext returns the context that OnEvent runs on, without the deadline;
	// see [assessment.IntakeConfig.BaseContext].
	BaseContext func(request context.Context) context.Context

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
// one that Ashby has. Nothing else unsigned is looked at, and a body that is longer
// than a ping not even for that.
type WebhookHandler struct {
	c       WebhookConfig
	inbound *inbound.Handler
}

// NewWebhookHandler returns a handler. It refuses a missing Verifier, a Client of
// another connection and a negative MaxBody or Deadline.
func NewWebhookHandler(c WebhookConfig) (*WebhookHandler, error) {
	if err := c.Verifier.Usable(); err != nil {
		return nil, fmt.Errorf("ashby: webhook handler needs a Verifier: %w", err)
	}
	if c.Client != nil {
		var err error
		if c.Connection, err = inbound.Connection(c.Connection, c.Client); err != nil {
			return nil, fmt.Errorf("ashby: webhook handler: %w", err)
		}
	}
	if c.Subjects != nil && c.Account == nil {
		return nil, errors.New("ashby: webhook handler: Subjects need Account")
	}
	if c.Deadline < 0 {
		return nil, errors.New("ashby: negative Deadline")
	}
	c.Deadline = cmp.Or(c.Deadline, assessment.DefaultDeadline)
	shared, err := inbound.New(inbound.Config{
		Vendor: assessment.Ashby, Connection: c.Connection, MaxBody: c.MaxBody, Budget: c.Budget,
		Logger: c.Logger, Observer: c.Observer,
	})
	if err != nil {
		return nil, fmt.Errorf("ashby: webhook handler: %w", err)
	}
	return &WebhookHandler{c: c, inbound: shared}, nil
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
		if err := h.inbound.Open(w, r, http.MethodPost); err != nil {
			return inbound.Unreceived(err)
		}
		if err := h.c.Verifier.Check(r.Header); err != nil {
			return h.unsigned(w, r, d, err)
		}
		body, err := h.inbound.ReadUnproved(w, r)
		if err != nil {
			return inbound.Unreceived(err)
		}
		defer body.Release()
		secretID, err := body.Verify(h.c.Verifier, r.Header)
		switch {
		case errors.Is(err, webhook.ErrBodyConsumed):
			return inbound.Unreceived(err)
		case err != nil && body.Len() <= pingLimit:
			return h.ping(r.Context(), d, body.Bytes(), err)
		case err != nil:
			return unproved(err)
		}
		d.SecretID = secretID
		return h.event(r.Context(), body.Bytes(), d)
	})
}

// pingLimit is more than a ping is long, which has 110 bytes.
const pingLimit = 1 << 10

// unsigned answers what cannot be signed by Ashby, whatever its body is: a ping of a
// webhook without a secret, or nothing.
func (h *WebhookHandler) unsigned(w http.ResponseWriter, r *http.Request, d *assessment.Delivery, unsigned error) inbound.Reply {
	if r.ContentLength > pingLimit {
		inbound.CloseUnread(w, r)
		return unproved(unsigned)
	}
	body, err := webhook.Read(w, r, pingLimit)
	if err != nil {
		return unproved(unsigned)
	}
	return h.ping(r.Context(), d, body, unsigned)
}

// ping answers a short body with a wrong signature or none: only a ping is taken.
func (h *WebhookHandler) ping(ctx context.Context, d *assessment.Delivery, body []byte, unsigned error) inbound.Reply {
	event, err := ParseEvent(body)
	if err != nil || event.Action != ActionPing {
		return unproved(unsigned)
	}
	d.Event = string(ActionPing)
	h.inbound.Logger().WarnContext(ctx, "ping answered although it is not signed as it should be: events will be refused",
		"vendor", string(assessment.Ashby), "connection", h.c.Connection, "error", unsigned)
	return inbound.OK(assessment.DeliveryHandled)
}

// unproved is a 400: a 401 would end Ashby's retries.
func unproved(err error) inbound.Reply {
	_, text := webhook.Status(err)
	return inbound.Refuse(text, err)
}

func (h *WebhookHandler) event(ctx context.Context, body []byte, d *assessment.Delivery) inbound.Reply {
	event, err := ParseEvent(body)
	if err != nil {
		return inbound.Refuse("not an Ashby event", err)
	}
	event.SecretID = d.SecretID
	d.Event, d.EventID = string(event.Action), event.ID
	if event.Action == ActionPing {
		return inbound.OK(assessment.DeliveryHandled)
	}
	h.inbound.Drift(ctx, event.Drift)
	if h.c.OnEvent == nil && h.c.Subjects == nil {
		return inbound.OK(assessment.DeliveryHandled)
	}
	ctx, cancel := inbound.HostContext(ctx, h.c.BaseContext, h.c.Deadline)
	defer cancel()
	return inbound.Given(h.inbound.Do(ctx, "OnEvent", func(ctx context.Context) error {
		if err := h.people(ctx, event); err != nil || h.c.OnEvent == nil {
			return err
		}
		return h.c.OnEvent(ctx, event)
	}), assessment.DeliveryHandled)
}

// Subjects finds the orders of a candidate; sqlstore.DB and durable.Service do.
type Subjects interface {
	// EraseSubject erases every order of the candidate and returns their references.
	EraseSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate string) ([]assessment.OrderRef, error)
	// MergeSubject has the orders of candidate found under the id into.
	MergeSubject(ctx context.Context, vendor assessment.Vendor, connection, account, candidate, into string) error
}

var errNoAccount = errors.New("ashby: webhook handler: Account does not know whose event this is")

// people does what an event about candidates asks for.
func (h *WebhookHandler) people(ctx context.Context, event Event) error {
	deleted, isDeleted := event.Data.(CandidateDeleted)
	merged, isMerged := event.Data.(CandidateMerged)
	if h.c.Subjects == nil || !isDeleted && !isMerged {
		return nil
	}
	account, err := h.c.Account(event)
	switch {
	case err != nil:
		return err
	case account == "":
		return errNoAccount
	case isDeleted:
		_, err = h.c.Subjects.EraseSubject(ctx, assessment.Ashby, h.c.Connection, account, deleted.CandidateID)
		return err
	}
	return h.c.Subjects.MergeSubject(ctx, assessment.Ashby, h.c.Connection, account, merged.DeletedID, merged.MergedID)
}
