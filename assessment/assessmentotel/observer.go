package assessmentotel

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/assessbridge/assessbridge/assessment"
)

// scope is the name of the instrumentation.
const scope = "github.com/assessbridge/assessbridge/assessment/assessmentotel"

// Config says where metrics and spans go.
type Config struct {
	// TracerProvider makes the spans; the global one if nil.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the metrics; the global one if nil.
	MeterProvider metric.MeterProvider
	// Accounts adds the customer's account to the metrics. Set it only if there
	// are few customers: each has time series of its own.
	Accounts bool
}

// New returns an observer that records metrics and spans. An instrument that the
// meter provider refuses is reported to [otel.Handle] and stays silent.
func New(c Config) assessment.Observer {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	r := &recorder{
		tracer:      c.TracerProvider.Tracer(scope),
		instruments: newInstruments(c.MeterProvider.Meter(scope)),
		accounts:    c.Accounts,
	}
	return assessment.Observer{
		Delivery: r.delivery,
		Provider: r.provider,
		Attempt:  r.attempt,
		Result:   r.result,
		Drift:    r.drift,
	}
}

type recorder struct {
	tracer      trace.Tracer
	instruments instruments
	accounts    bool
}

func (r *recorder) delivery(ctx context.Context, d assessment.Delivery) {
	whose := source(d.Vendor, d.Connection)
	outcome := []attribute.KeyValue{
		keyOutcome.String(string(d.Outcome)),
		keyHTTPStatus.Int(d.StatusCode),
	}
	r.measure(ctx, r.instruments.delivery, d.Duration, d.Account, whose, outcome)

	span := r.span(ctx, "assessbridge delivery", trace.SpanKindInternal, d.Duration, whose, outcome,
		orderOf(d.Order, d.Account), optional(keyEvent, d.Event), optional(keyEventID, d.EventID), optional(keySecret, d.SecretID))
	if d.Outcome == assessment.DeliveryFault {
		span.fail(errorType(d.Err, d.StatusCode))
	}
	span.end()
}

func (r *recorder) provider(ctx context.Context, p assessment.ProviderCall) {
	whose := source(p.Order.Vendor, p.Order.Connection)
	outcome := []attribute.KeyValue{
		keyOperation.String(p.Operation),
		keyOutcome.String(providerOutcome(p.Err)),
	}
	r.measure(ctx, r.instruments.provider, p.Duration, p.Order.Account, whose, outcome)

	span := r.span(ctx, "assessbridge provider "+p.Operation, trace.SpanKindInternal, p.Duration, whose, outcome,
		orderOf(p.Order, p.Order.Account), []attribute.KeyValue{keyLate.Bool(p.Late)})
	if faulty(p.Err) {
		span.fail(errorType(p.Err, 0))
	}
	span.end()
}

func (r *recorder) attempt(ctx context.Context, a assessment.Attempt) {
	whose := source(a.Vendor, a.Connection)
	outcome := []attribute.KeyValue{keyOperation.String(a.Operation)}
	if a.StatusCode != 0 {
		outcome = append(outcome, keyHTTPStatus.Int(a.StatusCode))
	}
	failure := attemptFailure(a)
	if failure != "" {
		outcome = append(outcome, keyErrorType.String(failure))
	}
	r.measure(ctx, r.instruments.attempt, a.Duration, a.Account, whose, outcome)
	r.measure(ctx, r.instruments.gate, a.GateWait, a.Account, whose, nil)

	span := r.span(ctx, string(a.Vendor)+" "+a.Operation, trace.SpanKindClient, a.Duration, whose, outcome,
		orderOf(a.Order, a.Account), resend(a.Number), optional(keyCode, a.Code), optional(keyRequestID, a.RequestID))
	if failure != "" {
		span.fail("")
	}
	span.end()
}

func (r *recorder) result(ctx context.Context, p assessment.ResultReport) {
	whose := source(p.Order.Vendor, p.Order.Connection)
	outcome := []attribute.KeyValue{
		keyStatus.String(string(p.Status)),
		keyOutcome.String(string(p.Outcome)),
	}
	r.measure(ctx, r.instruments.result, p.Duration, p.Order.Account, whose, outcome)

	span := r.span(ctx, "assessbridge result", trace.SpanKindInternal, p.Duration, whose, outcome,
		orderOf(p.Order, p.Order.Account), optional(keyRequestID, p.Receipt.RequestID),
		[]attribute.KeyValue{keyAttempts.Int(p.Receipt.Attempts)})
	if p.Err != nil {
		span.fail(errorType(p.Err, 0))
	}
	span.end()
}

func (r *recorder) drift(ctx context.Context, d assessment.Drift) {
	if r.instruments.drift == nil {
		return
	}
	all := r.attributes(d.Account, source(d.Vendor, d.Connection), nil)
	r.instruments.drift.Add(ctx, 1, metric.WithAttributes(all...))
}

// measure records one duration.
func (r *recorder) measure(ctx context.Context, h metric.Float64Histogram, took time.Duration, account string, groups ...[]attribute.KeyValue) {
	if h == nil {
		return
	}
	h.Record(ctx, took.Seconds(), metric.WithAttributes(r.attributes(account, groups...)...))
}

// attributes joins groups, with the account if metrics are to carry it.
func (r *recorder) attributes(account string, groups ...[]attribute.KeyValue) []attribute.KeyValue {
	all := joined(groups)
	if r.accounts {
		all = append(all, optional(keyAccount, account)...)
	}
	return all
}

// ended is a span of something that is over.
type ended struct {
	trace.Span
	at time.Time
}

// span makes a span that ends now and began as long ago as it took.
func (r *recorder) span(ctx context.Context, name string, kind trace.SpanKind, took time.Duration, groups ...[]attribute.KeyValue) ended {
	at := time.Now()
	_, span := r.tracer.Start(ctx, name,
		trace.WithTimestamp(at.Add(-took)), trace.WithSpanKind(kind), trace.WithAttributes(joined(groups)...))
	return ended{span, at}
}

// fail marks the span. The text of an error may hold what its author put there,
// so only its kind is recorded.
func (s ended) fail(kind string) {
	s.SetStatus(codes.Error, "")
	if kind != "" {
		s.SetAttributes(keyErrorType.String(kind))
	}
}

func (s ended) end() { s.End(trace.WithTimestamp(s.at)) }
