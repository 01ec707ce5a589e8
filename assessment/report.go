package assessment

import (
	"encoding/json"
	"errors"
	"log/slog"
)

// group returns a group of those fields that are known: no line shows an empty
// one.
func group(fields ...slog.Attr) slog.Value {
	known := fields[:0]
	for _, f := range fields {
		if !f.Value.Equal(zeroOf(f.Value)) {
			known = append(known, f)
		}
	}
	return slog.GroupValue(known...)
}

func zeroOf(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue("")
	case slog.KindInt64:
		return slog.IntValue(0)
	case slog.KindDuration:
		return slog.DurationValue(0)
	case slog.KindBool:
		return slog.BoolValue(false)
	}
	return slog.Value{}
}

// asJSON is the JSON form of what is made for logs: the same fields. By itself
// encoding/json would write all that an error holds, such as an answer's body.
func asJSON(v slog.LogValuer) ([]byte, error) {
	fields := make(map[string]any)
	for _, f := range v.LogValue().Group() {
		fields[f.Key] = f.Value.Any()
	}
	return json.Marshal(fields)
}

// MarshalJSON implements [json.Marshaler] with the fields of [APIError.LogValue],
// so without the body.
func (e APIError) MarshalJSON() ([]byte, error) { return asJSON(e) }

// MarshalJSON implements [json.Marshaler] with the fields of [Delivery.LogValue].
func (d Delivery) MarshalJSON() ([]byte, error) { return asJSON(d) }

// MarshalJSON implements [json.Marshaler] with the fields of
// [ProviderCall.LogValue].
func (c ProviderCall) MarshalJSON() ([]byte, error) { return asJSON(c) }

// MarshalJSON implements [json.Marshaler] with the fields of [Attempt.LogValue].
func (a Attempt) MarshalJSON() ([]byte, error) { return asJSON(a) }

// MarshalJSON implements [json.Marshaler] with the fields of
// [ResultReport.LogValue].
func (r ResultReport) MarshalJSON() ([]byte, error) { return asJSON(r) }

// orderText is empty for a reference without an id, which is no order's.
func orderText(ref OrderRef) string {
	if ref.ID == "" {
		return ""
	}
	return ref.String()
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// about is what every line about an order begins with.
func about(ref OrderRef, more ...slog.Attr) slog.Value {
	return group(append([]slog.Attr{
		slog.String("vendor", string(ref.Vendor)),
		slog.String("connection", ref.Connection),
		slog.String("account", ref.Account),
		slog.String("order", orderText(ref)),
	}, more...)...)
}

// LogValue implements [slog.LogValuer]. The keys of all log lines of this module
// are stable: vendor, connection, account, order, event, outcome, status (of HTTP,
// but of a result its own), attempts, request_id, code, duration and error, where
// they are known; here also event_id, path and secret_id.
func (d Delivery) LogValue() slog.Value {
	return group(
		slog.String("vendor", string(d.Vendor)),
		slog.String("connection", d.Connection),
		slog.String("account", d.Account),
		slog.String("order", orderText(d.Order)),
		slog.String("event", d.Event),
		slog.String("event_id", d.EventID),
		slog.String("path", d.Path),
		slog.String("outcome", string(d.Outcome)),
		slog.Int("status", d.StatusCode),
		slog.String("secret_id", d.SecretID),
		slog.Duration("duration", d.Duration),
		slog.String("error", errorText(d.Err)),
	)
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// operation, late and abandoned.
func (c ProviderCall) LogValue() slog.Value {
	return about(c.Order,
		slog.String("operation", c.Operation),
		slog.Bool("late", c.Late),
		slog.Bool("abandoned", c.Abandoned),
		slog.Duration("duration", c.Duration),
		slog.String("error", errorText(c.Err)),
	)
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// operation, gate_wait and wait. Its attempts count the requests so far.
func (a Attempt) LogValue() slog.Value {
	return group(
		slog.String("vendor", string(a.Vendor)),
		slog.String("connection", a.Connection),
		slog.String("account", a.Account),
		slog.String("order", orderText(a.Order)),
		slog.String("operation", a.Operation),
		slog.Int("attempts", a.Number),
		slog.Int("status", a.StatusCode),
		slog.String("code", a.Code),
		slog.String("request_id", a.RequestID),
		slog.Duration("duration", a.Duration),
		slog.Duration("gate_wait", a.GateWait),
		slog.Duration("wait", a.Wait),
		slog.String("error", errorText(a.Err)),
	)
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// uncertain, warnings and losses, which are counts, and http_status, which is that
// of a failure. Its status is the result's, such as completed.
func (r ResultReport) LogValue() slog.Value {
	var failure *APIError
	if !errors.As(r.Err, &failure) || failure == nil {
		failure = &APIError{Attempts: r.Receipt.Attempts, RequestID: r.Receipt.RequestID, Uncertain: r.Receipt.Uncertain}
	}
	return about(r.Order,
		slog.String("status", string(r.Status)),
		slog.String("outcome", string(r.Outcome)),
		slog.Int("attempts", failure.Attempts),
		slog.Int("http_status", failure.StatusCode),
		slog.String("code", failure.Code),
		slog.String("request_id", failure.RequestID),
		slog.Bool("uncertain", failure.Uncertain),
		slog.Int("warnings", len(r.Receipt.Warnings)),
		slog.Int("losses", len(r.Receipt.Losses)),
		slog.Duration("duration", r.Duration),
		slog.String("error", errorText(r.Err)),
	)
}

// LogValue implements [slog.LogValuer] with the keys of [Delivery.LogValue] and
// field and value.
func (d Drift) LogValue() slog.Value {
	return group(
		slog.String("vendor", string(d.Vendor)),
		slog.String("connection", d.Connection),
		slog.String("account", d.Account),
		slog.String("event", d.Event),
		slog.String("field", d.Field),
		slog.String("value", d.Value),
	)
}
