package kombo_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/webhook"
)

// acmeTests is a provider that takes every order for its one package.
type acmeTests struct{}

func (acmeTests) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "typescript_test", Name: "TypeScript", Type: assessment.SkillsTest}}, nil
}

func (acmeTests) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Package.ID != "typescript_test" {
		return assessment.Started{}, assessment.Reject("We do not offer this test any more.")
	}
	return assessment.Started{CandidateURL: "https://app.acme.com/assessment/42"}, nil
}

func (acmeTests) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func ExampleNewWebhookHandler() {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: acmeTests{},
		Store:    assessment.NewMemoryStore(0), // a real service shares a database
	})
	if err != nil {
		log.Fatal(err)
	}
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "2026-01", Key: kombotest.DefaultWebhookSecret})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: verifier})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/kombo", handler)

	// In the server: without these two a sender that stops in the middle of its
	// headers or its body holds a connection for ever.
	_ = &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}

	// Kombo, simulated, sends three orders.
	server, err := kombotest.New(kombotest.Config{WebhookPath: "/hooks/kombo"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Target(mux)
	for _, order := range []kombotest.OrderSpec{{}, {Inline: true}, {PackageID: "cobol_test"}} {
		id, delivery, err := server.PlaceOrder(context.Background(), order)
		if err != nil {
			log.Fatal(err)
		}
		got, _ := server.Order(id)
		fmt.Printf("%d %s %q\n", delivery.Status, delivery.Outcome, got.AssessmentURL+got.RejectionMessage)
	}
	// Output:
	// 200 accepted ""
	// 200 accepted "https://app.acme.com/assessment/42"
	// 422 rejected "We do not offer this test any more."
}

// exampleClient returns a client of a simulated Kombo that has one open order.
func exampleClient() (*kombo.Client, *kombotest.Server, assessment.OrderRef) {
	server, err := kombotest.New(kombotest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	id, _, err := server.PlaceOrder(context.Background(), kombotest.OrderSpec{})
	if err != nil {
		log.Fatal(err)
	}
	client, err := kombo.New(kombo.Config{
		APIKey:     kombotest.DefaultAPIKey,
		HTTPClient: server.Client(), // leave it out to reach Kombo
		ResultURL:  "https://app.acme.com/pending",
	})
	if err != nil {
		log.Fatal(err)
	}
	// In a service the reference comes from the order, and was stored with the test.
	return client, server, assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}
}

func ExampleClient_SetPackages() {
	client, server, _ := exampleClient()
	defer server.Close()

	_, err := client.SetPackages(context.Background(), kombotest.DefaultIntegration, []assessment.Package{
		{ID: "typescript_test", Name: "TypeScript", Description: "Coding skills", Type: assessment.SkillsTest},
		{ID: "references", Name: "Reference check", Type: assessment.ReferenceCheck},
	})
	fmt.Println(err)

	packages, err := client.Packages(context.Background(), kombotest.DefaultIntegration)
	for _, p := range packages {
		fmt.Println(p.ID, p.Type, err)
	}
	// Output:
	// <nil>
	// typescript_test skills_test <nil>
	// references reference_check <nil>
}

func ExampleClient_PublishResult() {
	client, server, ref := exampleClient()
	defer server.Close()

	receipt, err := client.PublishResult(context.Background(), ref, assessment.Result{
		Status:      assessment.StatusCompleted,
		Outcome:     assessment.OutcomePassed,
		Score:       assessment.ScoreOutOf(87.4, 100),
		ReportURL:   "https://app.acme.com/reports/42",
		CompletedAt: time.Date(2026, time.June, 30, 12, 0, 0, 0, time.UTC),
		Attributes: []assessment.Attribute{
			{Label: "Generics", Value: assessment.SubResult{Score: assessment.ScoreOutOf(9, 10)}},
		},
	})
	fmt.Println(receipt.Attempts, err)

	order, _ := server.Order(ref.ID)
	result, _ := order.Final()
	fmt.Println(order.Status, result.Score, "of", result.MaxScore)
	for _, a := range result.Attributes {
		fmt.Println(a.Type, a.Label, a.Value+a.Score.String())
	}
	// Output:
	// 1 <nil>
	// COMPLETED 87.4 of 100
	// TEXT Outcome Passed
	// SUB_RESULT Generics 9
}

func ExampleClient_Preview() {
	client, server, ref := exampleClient()
	defer server.Close()

	receipt, err := client.Preview(ref, assessment.Result{
		Status:    assessment.StatusCompleted,
		Score:     assessment.ScoreBetween(5, 1, 10),
		ReportURL: "https://app.acme.com/reports/42",
	})
	fmt.Println(receipt.Losses[0].Field, receipt.Losses[0].Kept, err)

	_, err = client.Preview(ref, assessment.Result{
		Status: assessment.StatusCompleted,
		Attachments: []assessment.Attachment{
			{Name: "chart.svg", ContentType: "image/svg+xml", URL: "https://app.acme.com/chart.svg"},
		},
	})
	fmt.Println(err)
	// Output:
	// score.min false <nil>
	// invalid: report_url: required for a completed result; attachments[0].content_type: must be exactly type/subtype, without a plus sign or parameters
}
