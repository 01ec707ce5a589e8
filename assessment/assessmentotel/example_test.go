package assessmentotel_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/assessmentotel"
)

// The metrics as Prometheus reads them: mount the handler as /metrics.
func Example_prometheus() {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		fmt.Println(err)
		return
	}
	observer := assessmentotel.New(assessmentotel.Config{
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter)),
	})
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})

	// Set it in the configuration of the intake, the handlers and the clients. They
	// call it, as here:
	observer.Delivery(context.Background(), assessment.Delivery{
		Vendor: assessment.Kombo, Outcome: assessment.DeliveryAccepted, StatusCode: 200, Duration: 40 * time.Millisecond,
	})

	w := httptest.NewRecorder()
	metrics.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "assessbridge_delivery_duration_seconds_count") {
			fmt.Print(line)
		}
	}
	// Output:
	// assessbridge_delivery_duration_seconds_count{assessbridge_outcome="accepted",assessbridge_vendor="kombo",http_response_status_code="200"} 1
}
