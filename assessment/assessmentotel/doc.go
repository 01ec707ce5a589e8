// Package assessmentotel turns what an [assessment.Observer] is told into
// OpenTelemetry metrics and spans. It is a module of its own, so that only those
// who import it depend on OpenTelemetry.
//
//	observer := assessmentotel.New(assessmentotel.Config{
//		TracerProvider: tracerProvider,
//		MeterProvider:  meterProvider,
//	})
//
// Set the observer in the configuration of the intake, of every handler and of
// every client. To hear of the same things elsewhere too, write an Observer whose
// functions call this one's.
//
// # Metrics
//
// All durations are histograms in seconds; the count of a histogram is the number
// of events.
//
//	assessbridge.delivery.duration        requests of a vendor, by outcome and HTTP status
//	assessbridge.provider.call.duration   calls of the provider, by operation and outcome
//	assessbridge.client.attempt.duration  HTTP requests to a vendor, by operation and HTTP status
//	assessbridge.client.gate.wait         how long attempts were held back to keep within limits
//	assessbridge.result.duration          results published, by status and outcome
//	assessbridge.drift                    things that a vendor sent and this release does not know
//
// Every data point has the attributes assessbridge.vendor and, where there is more
// than one configuration of a vendor, assessbridge.connection. Accounts are not
// attributes of metrics unless [Config.Accounts] is set: a provider with thousands
// of customers would have as many time series.
//
// # Spans
//
// A delivery, a call of the provider, an attempt and a result are a span each. They
// are made when the thing has ended, with its own beginning, as children of the
// span in the context that the observer is called with: that of the host's own
// HTTP middleware for a delivery, that of the caller for a result. Spans carry the
// account and the reference of the order.
//
// Nothing in metrics or spans is about a candidate: the text of an error is never
// recorded, only its kind.
package assessmentotel
