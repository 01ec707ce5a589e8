package assessment

import (
	"errors"
	"log/slog"
	"time"
)

// fields collects the fields of a log line. What is not known is left out.
type fields []slog.Attr

func (f *fields) text(key, value string) {
	if value != "" {
		*f = append(*f, slog.String(key, value))
	}
}

func (f *fields) number(key string, value int) {
	if value != 0 {
		*f = append(*f, slog.Int(key, value))
	}
}

func (f *fields) flag(key string, value bool) {
	if value {
		*f = append(*f, slog.Bool(key, true))
	}
}

func (f *fields) duration(key string, value time.Duration) {
	if value != 0 {
		*f = append(*f, slog.Duration(key, value))
	}
}

// party says who a line is about. A reference without an id is no order's.
func (f *fields) party(vendor Vendor, connection, account string, order OrderRef) {
	f.text("vendor", string(vendor))
	f.text("connection", connection)
	f.text("account", account)
	if order.ID != "" {
		f.text("order", order.String())
	}
}

func (f *fields) order(ref OrderRef) { f.party(ref.Vendor, ref.Connection, ref.Account, ref) }

func (f *fields) failure(err error) {
	if err != nil {
		f.text("error", err.Error())
	}
}

func (f fields) value() slog.Value { return slog.GroupValue(f...) }

// LogValue implements [slog.LogValuer]. The keys of all log lines of this module
// are stable: vendor, connection, account, order, event, outcome, status (of HTTP,
// but of a result its own), attempts, request_id, code, duration and error, where
// they are known; here also event_id, path and secret_id.
func (d Delivery) LogValue() slog.Value {
	var f fields
	f.party(d.Vendor, d.Connection, d.Account, d.Order)
	f.text("event", d.Event)
	f.text("event_id", d.EventID)
	f.text("path", d.Path)
	f.text("outcome", string(d.Outcome))
	f.number("status", d.StatusCode)
	f.text("secret_id", d.SecretID)
	f.duration("duration", d.Duration)
	f.failure(d.Err)
	return f.value()
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// operation, late and abandoned.
func (c ProviderCall) LogValue() slog.Value {
	var f fields
	f.order(c.Order)
	f.text("operation", c.Operation)
	f.flag("late", c.Late)
	f.flag("abandoned", c.Abandoned)
	f.duration("duration", c.Duration)
	f.failure(c.Err)
	return f.value()
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// operation, gate_wait and wait. Its attempts count the requests so far.
func (a Attempt) LogValue() slog.Value {
	var f fields
	f.party(a.Vendor, a.Connection, a.Account, a.Order)
	f.text("operation", a.Operation)
	f.number("attempts", a.Number)
	f.number("status", a.StatusCode)
	f.text("code", a.Code)
	f.text("request_id", a.RequestID)
	f.duration("duration", a.Duration)
	f.duration("gate_wait", a.GateWait)
	f.duration("wait", a.Wait)
	f.failure(a.Err)
	return f.value()
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// uncertain, warnings and losses, which are counts, and http_status, which is that
// of a failure. Its status is the result's, such as completed.
func (r ResultReport) LogValue() slog.Value {
	attempts, requestID := r.Receipt.Attempts, r.Receipt.RequestID
	uncertain := r.Receipt.Uncertain
	var f fields
	f.order(r.Order)
	f.text("status", string(r.Status))
	f.text("outcome", string(r.Outcome))
	var api *APIError
	if errors.As(r.Err, &api) && api != nil {
		attempts, requestID, uncertain = max(attempts, api.Attempts), api.RequestID, uncertain || api.Uncertain
		f.number("http_status", api.StatusCode)
		f.text("code", api.Code)
	}
	f.number("attempts", attempts)
	f.text("request_id", requestID)
	f.flag("uncertain", uncertain)
	f.number("warnings", len(r.Receipt.Warnings))
	f.number("losses", len(r.Receipt.Losses))
	f.duration("duration", r.Duration)
	f.failure(r.Err)
	return f.value()
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// field and value.
func (d Drift) LogValue() slog.Value {
	var f fields
	f.party(d.Vendor, d.Connection, d.Account, OrderRef{})
	f.text("event", d.Event)
	f.text("field", d.Field)
	f.text("value", d.Value)
	return f.value()
}
