package main

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
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

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("assessbridge_"+name, help, labels, nil)
}

// What every process tells. An order at risk is not stored while the database is
// away.
var (
	databaseUp = gauge("database_up", "Whether the database answers.")
	leader     = gauge("leader", "Whether this process tells of what all processes share.")
	lostRisk   = gauge("order_lost_risk", "Orders that were answered with a fault and are not taken yet.", "stored")
)

// shared are the numbers that the database answers for. One process tells them.
var shared = []struct {
	desc   *prometheus.Desc
	labels []string
	of     func(sqlstore.Metrics) float64
}{
	{lostRisk, []string{"yes"}, func(m sqlstore.Metrics) float64 { return float64(m.LostRisk) }},
	{gauge("orders_waiting", "Orders that wait to be started."), nil, func(m sqlstore.Metrics) float64 { return float64(m.OrdersWaiting) }},
	{gauge("orders_oldest_seconds", "Age of the oldest of them that no switch holds."), nil, func(m sqlstore.Metrics) float64 { return m.OldestOrder.Seconds() }},
	{gauge("results_pending", "Results that wait to be written."), nil, func(m sqlstore.Metrics) float64 { return float64(m.ResultsPending) }},
	{gauge("results_oldest_final_seconds", "How long a final result could have been written and was not, at most."), nil, func(m sqlstore.Metrics) float64 { return m.OldestFinal.Seconds() }},
	{gauge("results_without_key", "Results that wait because your key store gives no key."), nil, func(m sqlstore.Metrics) float64 { return float64(m.NoKey) }},
	{attention, []string{"orders"}, func(m sqlstore.Metrics) float64 { return float64(m.OrdersAttention) }},
	{attention, []string{"refused"}, func(m sqlstore.Metrics) float64 { return float64(m.Refused) }},
	{attention, []string{"uncertain"}, func(m sqlstore.Metrics) float64 { return float64(m.Uncertain) }},
	{attention, []string{"late"}, func(m sqlstore.Metrics) float64 { return float64(m.Late) }},
	{gauge("attention_oldest_seconds", "Since when the oldest refused or uncertain result waits for somebody."), nil, func(m sqlstore.Metrics) float64 { return m.OldestAttention.Seconds() }},
	{gauge("gates_closed", "Routes and accounts that are held back, for whatever cause."), nil, func(m sqlstore.Metrics) float64 { return float64(m.GatesClosed) }},
	{gates, []string{"key"}, func(m sqlstore.Metrics) float64 { return float64(m.GatesKey) }},
	{gates, []string{"access"}, func(m sqlstore.Metrics) float64 { return float64(m.GatesAccess) }},
	{gates, []string{"paused"}, func(m sqlstore.Metrics) float64 { return float64(m.GatesPaused) }},
	{gates, []string{"surge"}, func(m sqlstore.Metrics) float64 { return float64(m.GatesSurge) }},
	{gauge("integrations_overdue", "Integrations that should have been asked for lost orders."), nil, func(m sqlstore.Metrics) float64 { return float64(m.ReconcileOverdue) }},
	{gauge("integrations_overdue_seconds", "For how long, at most."), nil, func(m sqlstore.Metrics) float64 { return m.OldestReconcile.Seconds() }},
	{gauge("signatures_refused", "Deliveries of one vendor, the most, with a bad signature within five minutes."), nil, func(m sqlstore.Metrics) float64 { return float64(m.SignaturesRefused) }},
	{gauge("accounts_silent", "Customers who used to order and do not."), nil, func(m sqlstore.Metrics) float64 { return float64(m.AccountsSilent) }},
}

var (
	attention = gauge("attention", "What somebody has to deal with.", "what")
	gates     = gauge("gates_held", "Routes and accounts that are held back until something is done.", "cause")
)

// collector asks the database when it is scraped, and for the shared numbers once in
// a while, however many scrape.
type collector struct {
	v     *service
	every time.Duration

	mu   sync.Mutex
	at   time.Time
	read sqlstore.Metrics
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	to <- databaseUp
	to <- leader
	for _, s := range shared {
		to <- s.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	set := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	set(lostRisk, float64(c.v.durable.AtRisk()), "no")
	m, leads, err := c.look(ctx)
	if err != nil {
		set(databaseUp, 0)
		set(leader, 0)
		return
	}
	set(databaseUp, 1)
	if !leads {
		set(leader, 0)
		return
	}
	set(leader, 1)
	for _, s := range shared {
		set(s.desc, s.of(m), s.labels...)
	}
}

// look returns the shared numbers if this process leads.
func (c *collector) look(ctx context.Context) (sqlstore.Metrics, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.v.durable.DB().Now(ctx); err != nil || !c.v.durable.Leads() {
		c.at = time.Time{}
		return sqlstore.Metrics{}, false, err
	}
	if !c.at.IsZero() && time.Since(c.at) < c.every {
		return c.read, true, nil
	}
	var err error
	c.read, err = c.v.durable.DB().Metrics(ctx)
	if c.at = time.Now(); err != nil {
		c.at = time.Time{}
	}
	return c.read, err == nil, err
}

func (m *metrics) handler(v *service) http.Handler {
	m.registry.MustRegister(&collector{v: v, every: v.settings.MetricsEvery})
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
