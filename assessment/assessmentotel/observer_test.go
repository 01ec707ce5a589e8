package assessmentotel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/assessmentotel"
)

// ref is the order that everything here is about.
var ref = assessment.OrderRef{Vendor: assessment.Kombo, Connection: "eu", Account: "workday:acme", ID: "o1"}

// canary must not be found in anything that is exported.
const canary = "jane@example.com"

var errHost = errors.New("cannot invite " + canary)

type recording struct {
	spans   *tracetest.SpanRecorder
	reader  *sdkmetric.ManualReader
	tracer  trace.Tracer
	observe assessment.Observer
}

func record(t *testing.T, change func(*assessmentotel.Config)) *recording {
	t.Helper()
	r := &recording{spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans))
	c := assessmentotel.Config{
		TracerProvider: tp,
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.reader)),
	}
	if change != nil {
		change(&c)
	}
	r.tracer, r.observe = tp.Tracer("host"), assessmentotel.New(c)
	return r
}

// play tells the observer of one thing of each kind.
func play(ctx context.Context, o assessment.Observer) {
	o.Delivery(ctx, assessment.Delivery{
		Vendor: ref.Vendor, Connection: ref.Connection, Account: ref.Account, Order: ref, Event: "assessment:order-received",
		EventID: "e1", Outcome: assessment.DeliveryFault, StatusCode: 500, Duration: 2 * time.Second, SecretID: "2026",
		Err: fmt.Errorf("%w: %w", assessment.ErrFault, errHost),
	})
	o.Provider(ctx, assessment.ProviderCall{Operation: "start", Order: ref, Duration: time.Second, Late: true, Err: errHost})
	o.Attempt(ctx, assessment.Attempt{
		Vendor: ref.Vendor, Connection: ref.Connection, Operation: "PUT /assessment/orders/{id}/result", Account: ref.Account, Order: ref,
		Number: 2, StatusCode: 429, Code: "PLATFORM.RATE_LIMIT_EXCEEDED", RequestID: "r1", Duration: 250 * time.Millisecond, GateWait: 3 * time.Second,
	})
	o.Result(ctx, assessment.ResultReport{
		Order: ref, Status: assessment.StatusCompleted, Outcome: assessment.ResultFailed,
		Receipt: assessment.Receipt{Attempts: 2, RequestID: "r1"}, Duration: 4 * time.Second,
		Err: &assessment.APIError{Vendor: ref.Vendor, StatusCode: 429, Message: canary},
	})
	o.Drift(ctx, assessment.Drift{Vendor: ref.Vendor, Connection: ref.Connection, Account: ref.Account, Field: "data.status", Value: "NEW"})
}

func (r *recording) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var got metricdata.ResourceMetrics
	require.NoError(t, r.reader.Collect(t.Context(), &got))
	byName := map[string]metricdata.Metrics{}
	for _, s := range got.ScopeMetrics {
		for _, m := range s.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

func TestMetrics(t *testing.T) {
	r := record(t, nil)
	play(t.Context(), r.observe)
	whose := []attribute.KeyValue{attribute.String("assessbridge.vendor", "kombo"), attribute.String("assessbridge.connection", "eu")}
	with := func(more ...attribute.KeyValue) attribute.Set {
		return attribute.NewSet(append(more, whose...)...)
	}
	want := map[string]struct {
		sum float64
		set attribute.Set
	}{
		"assessbridge.delivery.duration": {2, with(
			attribute.String("assessbridge.outcome", "fault"), attribute.Int("http.response.status_code", 500))},
		"assessbridge.provider.call.duration": {1, with(
			attribute.String("assessbridge.operation", "start"), attribute.String("assessbridge.outcome", "fault"))},
		"assessbridge.client.attempt.duration": {0.25, with(
			attribute.String("assessbridge.operation", "PUT /assessment/orders/{id}/result"),
			attribute.Int("http.response.status_code", 429), attribute.String("error.type", "429"))},
		"assessbridge.client.gate.wait": {3, with()},
		"assessbridge.result.duration": {4, with(
			attribute.String("assessbridge.status", "completed"), attribute.String("assessbridge.outcome", "failed"))},
	}
	got := r.metrics(t)
	require.Len(t, got, len(want)+1)
	for name, w := range want {
		m, found := got[name]
		require.True(t, found, name)
		require.Equal(t, "s", m.Unit, name)
		require.NotEmpty(t, m.Description, name)
		points := m.Data.(metricdata.Histogram[float64]).DataPoints
		require.Len(t, points, 1, name)
		require.Equal(t, uint64(1), points[0].Count, name)
		require.InDelta(t, w.sum, points[0].Sum, 1e-9, name)
		require.Equal(t, w.set, points[0].Attributes, name)
	}
	drift := got["assessbridge.drift"].Data.(metricdata.Sum[int64]).DataPoints
	require.Len(t, drift, 1)
	require.Equal(t, int64(1), drift[0].Value)
	require.Equal(t, with(), drift[0].Attributes)
}

// Accounts are in the metrics only if the host asks for it.
func TestMetricsByAccount(t *testing.T) {
	for _, accounts := range []bool{false, true} {
		r := record(t, func(c *assessmentotel.Config) { c.Accounts = accounts })
		play(t.Context(), r.observe)
		for name, m := range r.metrics(t) {
			set := attributesOf(t, m)
			value, found := set.Value("assessbridge.account")
			require.Equal(t, accounts, found, name)
			if accounts {
				require.Equal(t, ref.Account, value.AsString(), name)
			}
		}
	}
}

func attributesOf(t *testing.T, m metricdata.Metrics) attribute.Set {
	t.Helper()
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		return data.DataPoints[0].Attributes
	case metricdata.Sum[int64]:
		return data.DataPoints[0].Attributes
	}
	t.Fatalf("%s has data of another kind: %T", m.Name, m.Data)
	return attribute.Set{}
}

func TestSpans(t *testing.T) {
	r := record(t, nil)
	ctx, host := r.tracer.Start(t.Context(), "POST /kombo")
	play(ctx, r.observe)
	host.End()

	type span struct {
		kind   trace.SpanKind
		took   time.Duration
		status codes.Code
		set    []attribute.KeyValue
	}
	whose := []attribute.KeyValue{
		attribute.String("assessbridge.vendor", "kombo"), attribute.String("assessbridge.connection", "eu"),
		attribute.String("assessbridge.account", ref.Account), attribute.String("assessbridge.order", ref.String()),
	}
	want := map[string]span{
		"assessbridge delivery": {trace.SpanKindInternal, 2 * time.Second, codes.Error, []attribute.KeyValue{
			attribute.String("assessbridge.outcome", "fault"), attribute.Int("http.response.status_code", 500),
			attribute.String("assessbridge.event", "assessment:order-received"), attribute.String("assessbridge.event_id", "e1"),
			attribute.String("assessbridge.secret_id", "2026"), attribute.String("error.type", "provider_fault"),
		}},
		"assessbridge provider start": {trace.SpanKindInternal, time.Second, codes.Error, []attribute.KeyValue{
			attribute.String("assessbridge.operation", "start"), attribute.String("assessbridge.outcome", "fault"),
			attribute.Bool("assessbridge.late", true), attribute.String("error.type", "_OTHER"),
		}},
		"kombo PUT /assessment/orders/{id}/result": {trace.SpanKindClient, 250 * time.Millisecond, codes.Error, []attribute.KeyValue{
			attribute.String("assessbridge.operation", "PUT /assessment/orders/{id}/result"), attribute.Int("http.response.status_code", 429),
			attribute.String("error.type", "429"), attribute.Int("http.request.resend_count", 1),
			attribute.String("assessbridge.code", "PLATFORM.RATE_LIMIT_EXCEEDED"), attribute.String("assessbridge.request_id", "r1"),
		}},
		"assessbridge result": {trace.SpanKindInternal, 4 * time.Second, codes.Error, []attribute.KeyValue{
			attribute.String("assessbridge.status", "completed"), attribute.String("assessbridge.outcome", "failed"),
			attribute.String("assessbridge.request_id", "r1"), attribute.Int("assessbridge.attempts", 2),
			attribute.String("error.type", "rate_limited"),
		}},
	}
	ended := r.spans.Ended()
	require.Len(t, ended, len(want)+1)
	for _, got := range ended {
		if got.Name() == "POST /kombo" {
			continue
		}
		w, found := want[got.Name()]
		require.True(t, found, got.Name())
		require.Equal(t, host.SpanContext().SpanID(), got.Parent().SpanID(), got.Name())
		require.Equal(t, host.SpanContext().TraceID(), got.SpanContext().TraceID(), got.Name())
		require.Equal(t, w.kind, got.SpanKind(), got.Name())
		require.Equal(t, w.took, got.EndTime().Sub(got.StartTime()), got.Name())
		require.Equal(t, w.status, got.Status().Code, got.Name())
		require.Empty(t, got.Status().Description, got.Name())
		require.ElementsMatch(t, append(w.set, whose...), got.Attributes(), got.Name())
		require.NotContains(t, fmt.Sprint(got.Attributes(), got.Events(), got.Status()), canary)
	}
}

// What went well is no error, and a rejection is the provider's good right.
func TestSpansOfWhatWentWell(t *testing.T) {
	r := record(t, nil)
	ctx := t.Context()
	r.observe.Delivery(ctx, assessment.Delivery{Vendor: assessment.Ashby, Outcome: assessment.DeliveryRejected, StatusCode: 422})
	r.observe.Provider(ctx, assessment.ProviderCall{Operation: "start", Err: assessment.Reject("no")})
	r.observe.Provider(ctx, assessment.ProviderCall{Operation: "cancel"})
	r.observe.Attempt(ctx, assessment.Attempt{Vendor: assessment.Ashby, Operation: "assessment.update", Number: 1, StatusCode: 200})
	r.observe.Result(ctx, assessment.ResultReport{Outcome: assessment.ResultWritten})
	var outcomes []string
	for _, span := range r.spans.Ended() {
		require.Equal(t, codes.Unset, span.Status().Code, span.Name())
		for _, a := range span.Attributes() {
			require.NotEqual(t, attribute.Key("error.type"), a.Key, span.Name())
			require.NotEqual(t, attribute.Key("http.request.resend_count"), a.Key, span.Name())
			if a.Key == "assessbridge.outcome" {
				outcomes = append(outcomes, a.Value.AsString())
			}
		}
	}
	require.Equal(t, []string{"rejected", "rejected", "ok", "written"}, outcomes)
}

func TestErrorTypes(t *testing.T) {
	for name, c := range map[string]struct {
		attempt assessment.Attempt
		want    string
	}{
		"no answer in time":         {assessment.Attempt{Err: context.DeadlineExceeded}, "timeout"},
		"given up":                  {assessment.Attempt{Err: context.Canceled}, "canceled"},
		"connection broken":         {assessment.Attempt{Err: errHost}, "_OTHER"},
		"server error":              {assessment.Attempt{StatusCode: 503}, "503"},
		"an error under a 200":      {assessment.Attempt{StatusCode: 200, Code: "missing_endpoint_permission"}, "missing_endpoint_permission"},
		"a status beats the reason": {assessment.Attempt{StatusCode: 502, Err: errHost}, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			r := record(t, nil)
			r.observe.Attempt(t.Context(), c.attempt)
			var got string
			for _, a := range r.spans.Ended()[0].Attributes() {
				if a.Key == "error.type" {
					got = a.Value.AsString()
				}
			}
			require.Equal(t, c.want, got)
		})
	}
}

// refusing is a meter provider that makes no instrument.
type refusing struct{ embedded.MeterProvider }

func (refusing) Meter(string, ...metric.MeterOption) metric.Meter { return refusingMeter{} }

type refusingMeter struct{ metric.Meter }

func (refusingMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return nil, errors.New("no histograms here")
}

func (refusingMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no counters here")
}

// An order must not suffer from the metrics.
func TestRefusedInstruments(t *testing.T) {
	r := record(t, func(c *assessmentotel.Config) { c.MeterProvider = refusing{} })
	require.NotPanics(t, func() { play(t.Context(), r.observe) })
	require.Len(t, r.spans.Ended(), 4)
}

func TestGlobalProviders(t *testing.T) {
	o := assessmentotel.New(assessmentotel.Config{})
	require.NotPanics(t, func() { play(t.Context(), o) })
}
