package assessmenttest_test

import (
	"context"
	"testing"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/assessmenttest"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// provider is the service under test, as small as it can be.
type provider struct{}

func (provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "go_test", Name: "Go", Description: "An hour of Go", Type: assessment.SkillsTest}}, nil
}

func (provider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Package.ID != "go_test" {
		return assessment.Started{}, assessment.Reject("We do not offer this test.")
	}
	return assessment.Started{CandidateURL: "https://tests.example.com/" + o.Ref.ID}, nil
}

func (provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

// conformance is to be called TestConformance in a test file of your own.
func conformance(t *testing.T) {
	vendors := assessmenttest.Start(t)

	// The service, made as for production, but with the addresses and secrets of vendors.
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: provider{}, Store: assessment.NewMemoryStore(0)})
	if err != nil {
		t.Fatal(err)
	}
	client, err := kombo.New(kombo.Config{BaseURL: vendors.Kombo.BaseURL, APIKey: vendors.Kombo.APIKey})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "current", Key: vendors.Kombo.WebhookSecret})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: verifier})
	if err != nil {
		t.Fatal(err)
	}

	assessmenttest.Run(t, assessmenttest.Target{
		Vendors: vendors,
		Kombo:   assessmenttest.Kombo{Webhook: assessmenttest.Handler(handler, "/kombo")},
		Package: "go_test",
		Finish: func(ctx context.Context, order assessment.OrderRef, result assessment.Result) error {
			_, err := client.PublishResult(ctx, order, result)
			return err
		},
	})
}

// A whole test of a provider that serves Kombo. Handlers or addresses for StackOne and
// Ashby are named in the same way.
func Example() {
	_ = conformance // go test runs it
}
