package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/assessbridge/assessbridge/assessment"
)

// metrics count what this process does; collect adds what the database says.
type metrics struct {
	registry                                *prometheus.Registry
	deliveries, attempts, results, provider *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	vec := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assessbridge_" + name + "_duration_seconds", Help: help, Buckets: []float64{.01, .05, .25, 1, 5, 15, 60},
		}, labels)
		m.registry.MustRegister(v)
		return v
	}
	m.deliveries = vec("delivery", "Deliveries of vendors that were answered.", "vendor", "outcome")
	m.attempts = vec("attempt", "HTTP requests to vendors; status 0 is no answer.", "vendor", "status")
	m.results = vec("result", "Results given to the vendors' clients.", "vendor", "outcome")
	m.provider = vec("provider_call", "Calls of the provider.", "operation", "error")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observer() assessment.Observer {
	return assessment.Observer{
		Delivery: func(_ context.Context, d assessment.Delivery) {
			m.deliveries.WithLabelValues(string(d.Vendor), string(d.Outcome)).Observe(d.Duration.Seconds())
		},
		Attempt: func(_ context.Context, a assessment.Attempt) {
			m.attempts.WithLabelValues(string(a.Vendor), strconv.Itoa(a.StatusCode)).Observe(a.Duration.Seconds())
		},
		Result: func(_ context.Context, r assessment.ResultReport) {
			m.results.WithLabelValues(string(r.Order.Vendor), string(r.Outcome)).Observe(r.Duration.Seconds())
		},
		Provider: func(_ context.Context, c assessment.ProviderCall) {
			m.provider.WithLabelValues(c.Operation, strconv.FormatBool(c.Err != nil)).Observe(c.Duration.Seconds())
		},
	}
}

// The gauges that the database answers for are the same in every process.
func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("assessbridge_"+name, help, labels, nil)
}

var (
	databaseUp    = gauge("database_up", "Whether the database answers.")
	resultsWait   = gauge("results_pending", "Results that wait to be written.", "route")
	resultsOldest = gauge("results_oldest_seconds", "Age of the oldest of them.", "route")
	ordersWait    = gauge("orders_pending", "Orders that wait to be started.")
	ordersOldest  = gauge("orders_oldest_seconds", "Age of the oldest of them.")
	attention     = gauge("attention", "What somebody has to deal with, at most 1000.", "what")
	gatesClosed   = gauge("gates_closed", "Routes and accounts that are held back.", "cause")
)

// collector asks the database when it is scraped.
type collector struct{ v *service }

// Describe implements prometheus.Collector: the gauges depend on what there is.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	set := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s, err := c.v.look(ctx)
	if err != nil {
		set(databaseUp, 0)
		return
	}
	set(databaseUp, 1)
	for _, l := range s.Lag {
		set(resultsWait, float64(l.Pending), l.Route)
		set(resultsOldest, l.Oldest.Seconds(), l.Route)
	}
	set(ordersWait, float64(s.Waiting))
	set(ordersOldest, s.Oldest.Seconds())
	set(attention, float64(len(s.Results)), "results")
	set(attention, float64(len(s.Orders)), "orders")
	causes := make(map[string]int)
	for _, g := range s.Gates {
		causes[g.Cause]++
	}
	for cause, n := range causes {
		set(gatesClosed, float64(n), cause)
	}
}

func (m *metrics) handler(v *service) http.Handler {
	m.registry.MustRegister(collector{v})
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
