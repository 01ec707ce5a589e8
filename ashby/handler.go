package ashby

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/transport"
	"github.com/assessbridge/assessbridge/webhook"
)

// The operations that Ashby calls. Of the listing of custom fields two names are
// public, and of the newer one no path.
const (
	opList   = "assessment.list"
	opStart  = "assessment.start"
	opCancel = "assessment.cancel"
)

var opFields = []string{
	"assessment.customField.list", "assessment.customFields.fetch", "customField.list", "customFields.fetch",
}

// HandlerConfig configures [NewHandler].
type HandlerConfig struct {
	// Intake takes the orders; required.
	Intake *assessment.Intake
	// Authenticate returns the account that a key was issued to, the host's own
	// name of the customer; required. It must be safe for concurrent use and
	// compare in constant time, or look up a hash of the key.
	//
	// An error that matches [assessment.ErrUnauthorized] and an empty account are
	// answered 401, any other error 503. It is called before the body is read, on a
	// context that Ashby cannot cancel. Ashby does not document which half of the
	// Basic credentials holds the key: the user name is tried first, and if it is
	// refused the password. Issue keys without a colon: in Basic credentials it
	// ends the user name (https://www.rfc-editor.org/rfc/rfc7617#section-2).
	Authenticate func(ctx context.Context, key string) (account string, err error)
	// Connection becomes [assessment.OrderRef.Connection] of the orders. Leave it
	// empty if there is a Client, or unless there are several.
	Connection string
	// Fields are the custom fields that every customer is offered, FieldsFor those
	// of one. At most one of them can be set. Without either the listing of custom
	// fields is answered 404.
	Fields    []FieldSpec
	FieldsFor func(ctx context.Context, account string) ([]FieldSpec, error)
	// Client, if set, writes the later updates of these orders; it gives Connection.
	// The first update, which goes with the answer to a start, then has its Labels
	// and Descriptions,
	// and the timestamps of the others come after it for certain.
	Client *Client

	// Deadline is how long Authenticate may take for a call, and so FieldsFor: the
	// Intake's if zero. Then the call is answered as after an error, whether or not
	// they heed their context. Of the other operations it is the Intake's.
	Deadline time.Duration
	// Shadow, if set, has the deliveries of accounts that are not cut over to this
	// service yet looked at only; see [inbound.Shadow].
	Shadow *inbound.Shadow

	// MaxBody is the largest body accepted, in bytes; [webhook.DefaultMaxBody] if
	// zero.
	MaxBody int64
	// Logger gets a line per call, see package [inbound]; nil is silent.
	Logger *slog.Logger
	// Observer is told of every call and of everything unknown in it.
	Observer assessment.Observer
}

// Handler answers Ashby's calls of a provider
// (https://developers.ashbyhq.com/docs/creating-an-assessments-integration):
// assessment.list, assessment.start, assessment.cancel and, if there are any, the
// listing of custom fields. Mount it under any pattern: of the path it looks at
// the last element only.
//
// Agree on a base URL with Ashby that has no slash at its end. Joined with one of
// Ashby's own that makes a path with two slashes in a row, which [http.ServeMux]
// answers itself, with a redirect; nothing says that Ashby follows one with a
// POST. Mounted without a ServeMux, the Handler answers such a path as any other.
//
// All answers are JSON, errors in Ashby's envelope:
//
//	405, 404, 415, 401, 413    not a call that can be answered
//	400                   not the body of one, or without what there is to start or cancel
//	200                   done; also, with success:false, a fault of list, cancel and fields
//	409, 422              the provider said no to a start
//	410                   a start of an order whose data was erased
//	503, 500              a fault of a start, or the key cannot be checked now
//
// A 422 has a message only, as documented. A panic of the host's is a fault of the
// operation; only [http.ErrAbortHandler] goes on to the server. The reason of a
// failure goes to logger and observer, never to the sender.
//
// The first update, in the answer to a start, comes from Update and ReportURL of
// [assessment.Started]; its time is when the provider answered. If it is not
// valid, it is left out and logged, and the start stands. Publish a final result
// through an [assessment.Router] instead: that also frees the order.
//
// Set ReadHeaderTimeout and ReadTimeout of the [http.Server]: a handler cannot end a
// sender that never goes on.
type Handler struct {
	c       HandlerConfig
	fields  []wireField // of every customer
	wording wording
	inbound *inbound.Handler
}

// NewHandler returns a handler. It refuses a missing Intake or Authenticate,
// Fields that Ashby would refuse, a Client of another connection, and a negative
// MaxBody or Deadline.
func NewHandler(c HandlerConfig) (*Handler, error) {
	if c.Client != nil {
		var err error
		if c.Connection, err = inbound.Connection(c.Connection, c.Client); err != nil {
			return nil, fmt.Errorf("ashby: handler: %w", err)
		}
	}
	switch {
	case c.Intake == nil:
		return nil, errors.New("ashby: handler needs an Intake")
	case c.Authenticate == nil:
		return nil, errors.New("ashby: handler needs Authenticate")
	case c.Fields != nil && c.FieldsFor != nil:
		return nil, errors.New("ashby: either Fields or FieldsFor, not both")
	case c.Deadline < 0:
		return nil, errors.New("ashby: negative Deadline")
	}
	fields, err := wireFields(c.Fields)
	if err != nil {
		return nil, err
	}
	shared, err := inbound.New(inbound.Config{
		Vendor: assessment.Ashby, Connection: c.Connection, MaxBody: c.MaxBody, Logger: c.Logger, Observer: c.Observer,
	})
	if err != nil {
		return nil, fmt.Errorf("ashby: handler: %w", err)
	}
	c.Logger = shared.Logger()
	h := &Handler{c: c, fields: fields, inbound: shared}
	if c.Client != nil {
		h.wording = c.Client.wording
	}
	return h, nil
}

// String names the handler by its connection.
func (h Handler) String() string { return fmt.Sprintf("ashby handler (connection %q)", h.c.Connection) }

// Format implements [fmt.Formatter]: every verb prints [Handler.String].
func (h Handler) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, h.String()) }

// LogValue implements [slog.LogValuer] with the connection only.
func (h Handler) LogValue() slog.Value { return slog.StringValue(h.String()) }

// call is one call of Ashby's, authenticated.
type call struct {
	ctx     context.Context
	account string
	body    []byte
	d       *assessment.Delivery
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.inbound.Serve(w, r, func(d *assessment.Delivery) inbound.Reply {
		name := lastElement(r.URL.Path)
		serve := h.operation(name)
		if serve == nil {
			inbound.CloseUnread(w, r)
			return refused(http.StatusNotFound, codeNoOperation, errNoOperation)
		}
		d.Event = name
		if err := h.inbound.Open(w, r, http.MethodPost); err != nil {
			return unreceived(err)
		}
		account, reply, ok := h.authenticate(w, r)
		if !ok {
			inbound.CloseUnread(w, r)
			return reply
		}
		d.Account = account
		body, err := h.inbound.Read(w, r)
		if err == nil && len(body) == 0 && r.ContentLength < 0 && (name == opStart || name == opCancel) {
			// Ashby always says what to start or cancel: a middleware has read it.
			err = webhook.ErrBodyConsumed
		}
		if err != nil {
			return unreceived(err)
		}
		return h.guarded(call{ctx: r.Context(), account: account, body: body, d: d}, name, serve)
	})
}

// lastElement returns the name of the operation: the base URL that the provider
// agreed with Ashby may have a path, and a slash at its end.
func lastElement(path string) string {
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// operation returns nil for a name that is not served.
func (h *Handler) operation(name string) func(call) inbound.Reply {
	switch name {
	case opList:
		return h.list
	case opStart:
		return h.start
	case opCancel:
		return h.cancel
	}
	if (h.c.Fields != nil || h.c.FieldsFor != nil) && slices.Contains(opFields, name) {
		return h.customFields
	}
	return nil
}

// hostContext is for functions that are asked before there is an order: like that
// of the intake, but with the handler's own deadline.
func (h *Handler) hostContext(request context.Context) (context.Context, context.CancelFunc) {
	base, cancelBase := h.c.Intake.HostContext(request)
	if h.c.Deadline == 0 {
		return base, cancelBase
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(base), h.c.Deadline)
	return ctx, func() { cancel(); cancelBase() }
}

// authenticate finds out whose key was presented, before the body is read.
func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) (account string, reply inbound.Reply, ok bool) {
	ctx, cancel := h.hostContext(r.Context())
	defer cancel()
	keys, err := inbound.BasicKeys(r)
	for _, key := range keys {
		account, err = inbound.Call(ctx, h.inbound, "Authenticate", func(ctx context.Context) (string, error) {
			return h.c.Authenticate(ctx, key)
		})
		switch {
		case err == nil && account != "":
			return account, inbound.Reply{}, true
		case err == nil:
			err = errNobody
		case !errors.Is(err, assessment.ErrUnauthorized):
			return "", later(err), false
		}
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="assessments", charset="UTF-8"`)
	return "", refused(http.StatusUnauthorized, codeUnauthorized, err), false
}

var errNobody = errors.New("ashby: the key belongs to nobody")

// list answers what a customer may pick. Whatever the body is, it asks for all.
func (h *Handler) list(c call) inbound.Reply {
	packages, err := h.c.Intake.Packages(c.ctx, assessment.PackageQuery{
		Vendor: assessment.Ashby, Connection: h.c.Connection, Account: c.account, ATS: toolName,
	})
	if err != nil {
		return failed(err)
	}
	packages = h.inbound.Listed(c.ctx, c.account, packages)
	wire := make([]wirePackage, 0, len(packages))
	for _, p := range packages {
		wire = append(wire, wirePackage{ID: p.ID, Name: p.Name, Description: p.Description})
	}
	return inbound.JSON(http.StatusOK, succeeded[[]wirePackage]{true, wire}, assessment.DeliveryHandled)
}

func (h *Handler) drift(c call, found []assessment.Drift) {
	for i := range found {
		found[i].Account = c.account
	}
	h.inbound.Drift(c.ctx, found)
}

func (h *Handler) start(c call) inbound.Reply {
	order, drift, err := decodeStart(c.body)
	h.drift(c, drift)
	if err != nil {
		return refused(http.StatusBadRequest, codeInvalidInput, err)
	}
	order.Ref.Connection, order.Ref.Account = h.c.Connection, c.account
	order.ReceivedAt = time.Now().UTC()
	var known bool
	if order.Dedupe, known = dedupe(&order); !known {
		h.c.Logger.WarnContext(c.ctx, "start names neither application nor candidate: a repetition will start again",
			"vendor", assessment.Ashby, "account", c.account)
	}
	c.d.Order = order.Ref
	if reply, only := h.shadowed(c, inbound.WouldStart); only {
		return reply
	}
	accepted, err := h.c.Intake.Start(c.ctx, order)
	if ref, known := assessment.RefOf(err); known {
		c.d.Order = ref
	}
	if err != nil {
		return failedStart(err)
	}
	c.d.Order = accepted.Ref
	return inbound.JSON(http.StatusOK, succeeded[wireStarted]{true, wireStarted{
		AssessmentID:  accepted.Ref.ID,
		UpdateRequest: h.firstUpdate(c.ctx, accepted),
	}}, inbound.Taken(accepted))
}

// shadowed answers a call that is only to be looked at with Ashby's envelope.
func (h *Handler) shadowed(c call, v inbound.Verdict) (inbound.Reply, bool) {
	if h.c.Shadow == nil {
		return inbound.Reply{}, false
	}
	ctx, cancel := h.hostContext(c.ctx)
	defer cancel()
	reply, only := h.inbound.Shadowed(ctx, h.c.Shadow, c.d, v, true)
	if !only {
		return reply, false
	}
	return enveloped(reply, codeLater), true
}

// cancel frees the order and tells the provider. The account is part of the
// reference, so that the id of another customer's assessment is an unknown one.
func (h *Handler) cancel(c call) inbound.Reply {
	id, drift, err := decodeCancel(c.body)
	h.drift(c, drift)
	if err != nil {
		return refused(http.StatusBadRequest, codeInvalidInput, err)
	}
	c.d.Order = assessment.OrderRef{
		Vendor: assessment.Ashby, Connection: h.c.Connection, Account: c.account, ID: id,
	}
	if reply, only := h.shadowed(c, inbound.WouldCancel); only {
		return reply
	}
	if err := h.c.Intake.Cancel(c.ctx, c.d.Order); err != nil {
		return failed(err)
	}
	return inbound.JSON(http.StatusOK, succeeded[wireStarted]{true, wireStarted{AssessmentID: id}}, assessment.DeliveryHandled)
}

func (h *Handler) fieldsFor(c call) ([]FieldSpec, error) {
	ctx, cancel := h.hostContext(c.ctx)
	defer cancel()
	return inbound.Call(ctx, h.inbound, "FieldsFor", func(ctx context.Context) ([]FieldSpec, error) {
		return h.c.FieldsFor(ctx, c.account)
	})
}

// customFields answers under "fields" and not, like all others, under "results".
func (h *Handler) customFields(c call) inbound.Reply {
	fields := h.fields
	if h.c.FieldsFor != nil {
		given, err := h.fieldsFor(c)
		if err == nil {
			fields, err = wireFields(given)
		}
		if err != nil {
			return failed(err)
		}
	}
	return inbound.JSON(http.StatusOK, struct {
		Success bool        `json:"success"`
		Fields  []wireField `json:"fields"`
	}{true, fields}, assessment.DeliveryHandled)
}
