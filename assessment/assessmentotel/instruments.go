package assessmentotel

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
)

// buckets reach from a replayed answer to the longest call of a client.
var buckets = metric.WithExplicitBucketBoundaries(
	0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

// instruments may be nil: what a meter provider refused.
type instruments struct {
	delivery, provider, attempt, gate, result metric.Float64Histogram

	drift metric.Int64Counter
}

func newInstruments(m metric.Meter) instruments {
	return instruments{
		delivery: seconds(m, "assessbridge.delivery.duration", "Duration of requests that a vendor made."),
		provider: seconds(m, "assessbridge.provider.call.duration", "Duration of calls of the provider."),
		attempt:  seconds(m, "assessbridge.client.attempt.duration", "Duration of HTTP requests to a vendor."),
		gate:     seconds(m, "assessbridge.client.gate.wait", "Time that HTTP requests to a vendor were held back to keep within its limits."),
		result:   seconds(m, "assessbridge.result.duration", "Duration of results published, retries and waits included."),
		drift:    counter(m, "assessbridge.drift", "{report}", "Things that a vendor sent and this release does not know."),
	}
}

func seconds(m metric.Meter, name, description string) metric.Float64Histogram {
	h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), buckets)
	if err != nil {
		otel.Handle(err)
		return nil
	}
	return h
}

func counter(m metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
		return nil
	}
	return c
}
