package inbound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

// Config configures [New].
type Config struct {
	// Vendor is whose deliveries are handled; required. It may be one that this
	// module does not know.
	Vendor assessment.Vendor
	// Connection tells one of several configurations of a vendor from another.
	Connection string
	// MaxBody is the largest body accepted, in bytes; [webhook.DefaultMaxBody] if
	// zero.
	MaxBody int64
	// Budget bounds the memory of bodies that nothing has proved yet;
	// [webhook.SharedBudget] if nil.
	Budget *webhook.Budget
	// Logger gets a line per delivery; nil is silent.
	Logger *slog.Logger
	// Observer is told of every delivery and of drift.
	Observer assessment.Observer
}

// Handler answers deliveries of one vendor and reports each of them once. Make one
// with [New]; it is safe for concurrent use.
type Handler struct {
	vendor     assessment.Vendor
	connection string
	maxBody    int64
	budget     *webhook.Budget
	logger     *slog.Logger
	observer   assessment.Observer
	drift      driftLog
}

// New returns a handler. It refuses a missing Vendor and a negative MaxBody.
func New(c Config) (*Handler, error) {
	switch {
	case c.Vendor == "":
		return nil, errors.New("inbound: handler needs a Vendor")
	case c.MaxBody < 0:
		return nil, errors.New("negative MaxBody")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{
		vendor: c.Vendor, connection: c.Connection, maxBody: c.MaxBody, budget: c.Budget,
		logger: c.Logger, observer: c.Observer.Contained(c.Logger),
	}, nil
}

// Connection returns the connection of a handler with a client: the client's. It
// refuses another one that was given as well.
func Connection(given string, client interface{ Connection() string }) (string, error) {
	own := client.Connection()
	if given != "" && given != own {
		return "", fmt.Errorf("the Client is for connection %q, not for %q", own, given)
	}
	return own, nil
}

// discard takes the lines of a handler that was not made with [New].
var discard = slog.New(slog.DiscardHandler)

// Logger returns the logger of the handler; it is never nil.
func (h *Handler) Logger() *slog.Logger {
	if h == nil || h.logger == nil {
		return discard
	}
	return h.logger
}

// Serve answers a delivery with what work returns. Work fills in what it learns
// of the delivery; vendor, connection, path, outcome, status, duration and error
// are filled in here.
//
// A handler that was not made with [New] answers everything with 500.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, work func(*assessment.Delivery) Reply) {
	if h == nil || h.vendor == "" {
		reply := Fault(errNotMade)
		reply.write(w)
		return
	}
	d := assessment.Delivery{Vendor: h.vendor, Connection: h.connection, Path: pathOf(r)}
	began := time.Now()
	reply := h.guarded(r.Context(), &d, work)
	reply.write(w)
	d.Duration = time.Since(began)
	d.Outcome, d.StatusCode, d.Err = reply.Outcome, reply.Status, reply.Err
	h.report(r.Context(), d, reply)
}

var errNotMade = errors.New("inbound: the Handler was not made with New")

// maxPath is how much of a path is reported, in bytes: anybody may send any.
const maxPath = 256

// pathOf returns the path for the report.
func pathOf(r *http.Request) string {
	if r.URL == nil {
		return ""
	}
	path := r.URL.Path
	if len(path) > maxPath {
		path = strings.ToValidUTF8(path[:maxPath], "") + "…"
	}
	return path
}

// ErrPanic is the fault of a function of the host's that panicked.
var ErrPanic = errors.New("a function of the host's panicked")

// guarded turns a panic into a fault, so that the sender comes again and the
// report is made.
func (h *Handler) guarded(ctx context.Context, d *assessment.Delivery, work func(*assessment.Delivery) Reply) (reply Reply) {
	defer func() {
		if p := recover(); p != nil {
			reply = Fault(h.Panicked(ctx, p))
		}
	}()
	return work(d)
}

// Panicked logs a recovered panic and returns [ErrPanic]. Its value may be about
// the candidate, so only its type is logged. [http.ErrAbortHandler] goes on to the
// server.
func (h *Handler) Panicked(ctx context.Context, p any) error {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	h.Logger().LogAttrs(ctx, slog.LevelError, "panic while a delivery was taken",
		slog.String("vendor", string(h.vendor)), slog.String("connection", h.connection),
		slog.String("type", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
	return ErrPanic
}

// levels are those of the outcomes that are not taken; any other is at Info.
var levels = map[assessment.DeliveryOutcome]slog.Level{
	assessment.DeliveryRefused: slog.LevelWarn,
	assessment.DeliveryFault:   slog.LevelError,
}

func (h *Handler) report(ctx context.Context, d assessment.Delivery, reply Reply) {
	if h.observer.Delivery != nil {
		// An observer may keep it, and a server that uses its buffers again, as
		// fasthttp does, changes the request's texts later.
		d.Path = strings.Clone(d.Path)
		h.observer.Delivery(ctx, d)
	}
	level := levels[d.Outcome]
	switch {
	case assessment.Logged(d.Err), errors.Is(d.Err, ErrPanic):
		// The reason stands in the log already; a fault is reported there once.
		level, d.Err = slog.LevelInfo, nil
	case errors.Is(d.Err, webhook.ErrOverBudget):
		level = slog.LevelWarn // a flood must not look like a fault of the host's
	}
	if h.logger.Enabled(ctx, level) {
		h.logger.LogAttrs(ctx, level, "delivery", attrs(d, reply.Reason)...)
	}
}

// errUnprintable stands for an error of the host's that panics when it is printed,
// as a nil pointer of an error type mostly does.
var errUnprintable = errors.New("an error that cannot be printed")

func attrs(d assessment.Delivery, reason string) (all []slog.Attr) {
	defer func() {
		if recover() != nil {
			d.Err = errUnprintable
			all = attrs(d, reason)
		}
	}()
	all = d.LogValue().Group()
	if reason != "" {
		all = append(all, slog.String("reason", reason))
	}
	return all
}
