// Command quickstart is the program of the README: a provider that takes orders
// through Kombo and reports a result.
package main

import (
	"context"
	"expvar"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// provider is your company: the one interface to implement.
type provider struct{}

func (provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "go", Name: "Go", Type: assessment.SkillsTest}}, nil
}

func (provider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Package.ID != "go" {
		return assessment.Started{}, assessment.Reject("We do not offer this test.") // the recruiter reads it
	}
	return assessment.Started{CandidateURL: "https://tests.example.com/" + o.Ref.ID}, nil // record it under o.Ref, invite
}

func (provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

// orders is the handler to mount in the mux that you have.
func orders(secret string) (http.Handler, error) {
	store := assessment.NewMemoryStore(10_000) // several replicas share a database instead
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: provider{}, Store: store})
	if err != nil {
		return nil, err
	}
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "2026", Key: secret})
	if err != nil {
		return nil, err
	}
	return kombo.NewWebhookHandler(kombo.WebhookConfig{
		Intake: intake, Verifier: verifier, Logger: slog.Default(), Observer: observer,
	})
}

// observer hears what became of everything: metrics and traces hang there.
var observer = assessment.Observer{
	Delivery: func(_ context.Context, d assessment.Delivery) { counts.Add("delivery "+string(d.Outcome), 1) },
	Result:   func(_ context.Context, r assessment.ResultReport) { counts.Add("result "+string(r.Outcome), 1) },
}

var counts = expvar.NewMap("orders")

// finish reports that the candidate of an order is done.
func finish(ctx context.Context, client assessment.Publisher, ref assessment.OrderRef, points float64) error {
	_, err := client.PublishResult(ctx, ref, assessment.Result{
		Status:    assessment.StatusCompleted,
		Score:     assessment.ScoreOutOf(points, 100),
		ReportURL: "https://tests.example.com/reports/" + ref.ID,
	})
	return err // worth another try later? assessment.Retryable(err)
}

func main() {
	handler, err := orders(os.Getenv("KOMBO_WEBHOOK_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /kombo", handler)
	server := &http.Server{
		Addr: ":8080",
		// A sender that stops in the middle must not hold a connection for ever.
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
