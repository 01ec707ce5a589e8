package inbound

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

// Handler answers deliveries of one vendor and reports each of them once.
type Handler struct {
	Vendor     assessment.Vendor
	Connection string
	Logger     *slog.Logger // nil is silent
	Observer   assessment.Observer
}

// Serve answers a delivery with what work returns. Work fills in what it learns
// of the delivery; outcome, status, duration and error are filled in here.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, work func(*assessment.Delivery) Reply) {
	d := assessment.Delivery{Vendor: h.Vendor, Connection: h.Connection}
	began := time.Now()
	reply := h.guarded(r.Context(), &d, work)
	reply.write(w)
	d.Duration = time.Since(began)
	d.Outcome, d.StatusCode, d.Err = reply.Outcome, reply.Status, reply.Err
	h.report(r.Context(), d)
}

// errPanic is the fault of a host's function that panicked.
var errPanic = errors.New("panic while a delivery was taken")

// guarded turns a panic of the host's into a fault, so that the sender comes
// again and the report is made. The value may be about the candidate and is not
// logged.
func (h *Handler) guarded(ctx context.Context, d *assessment.Delivery, work func(*assessment.Delivery) Reply) (reply Reply) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler {
			panic(p)
		}
		if h.Logger != nil {
			h.Logger.ErrorContext(ctx, "panic while a delivery was taken",
				"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		}
		reply = Fault(errPanic)
	}()
	return work(d)
}

// Receive takes in a signed delivery; see [webhook.Verifier.Receive]. If it is
// not a good one, ok is false and the reply is the answer.
func Receive(v *webhook.Verifier, w http.ResponseWriter, r *http.Request, limit int64, d *assessment.Delivery) (body []byte, reply Reply, ok bool) {
	body, secretID, err := v.Receive(w, r, limit)
	if err != nil {
		return nil, Unreceived(err), false
	}
	d.SecretID = secretID
	return body, Reply{}, true
}

// Drift reports what a delivery held that this version does not know.
func (h *Handler) Drift(ctx context.Context, found []assessment.Drift) {
	if h.Observer.Drift == nil {
		return
	}
	for _, d := range found {
		d.Connection = h.Connection
		h.Observer.Drift(ctx, d)
	}
}

func (h *Handler) report(ctx context.Context, d assessment.Delivery) {
	if d.Err != nil && h.Logger != nil {
		level := slog.LevelWarn
		if d.Outcome == assessment.DeliveryFault {
			level = slog.LevelError
		}
		h.Logger.LogAttrs(ctx, level, "delivery not taken",
			slog.String("vendor", string(d.Vendor)), slog.String("connection", d.Connection),
			slog.String("account", d.Account), slog.String("event", d.Event), slog.String("event_id", d.EventID),
			slog.Any("order", d.Order), slog.Int("status", d.StatusCode), slog.Any("error", d.Err))
	}
	if h.Observer.Delivery != nil {
		h.Observer.Delivery(ctx, d)
	}
}
