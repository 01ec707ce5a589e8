package ashby_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

// acmeTests is a provider with one package.
type acmeTests struct{}

func (acmeTests) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: ashbytest.DefaultAssessmentTypeID, Name: "Node Assessment"}}, nil
}

func (acmeTests) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Package.ID != ashbytest.DefaultAssessmentTypeID {
		return assessment.Started{}, assessment.Reject("This test is retired. Pick another assessment for this stage.")
	}
	return assessment.Started{
		ReportURL: "https://app.example.com/reports/42",
		Update:    &assessment.Result{Status: assessment.StatusOpen, StatusText: "Invitation sent"},
	}, nil
}

func (acmeTests) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func ExampleNewHandler() {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: acmeTests{},
		Store:    assessment.NewMemoryStore(0), // a real service shares a database
	})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake: intake,
		Authenticate: func(_ context.Context, key string) (string, error) {
			if key != ashbytest.DefaultPartnerKey { // look a hash of the key up instead
				return "", assessment.ErrUnauthorized
			}
			return "acme", nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /ashby/", handler)

	// In the server: without these two a sender that stops in the middle of its
	// headers or its body holds a connection for ever.
	_ = &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}

	// Ashby, simulated, plays the recruiter.
	server, err := ashbytest.New(ashbytest.Config{PartnerPath: "/ashby"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	server.Target(mux)
	ctx := context.Background()
	fmt.Println(server.List(ctx).Types[0].Name)

	first := server.StartAssessment(ctx, ashbytest.StartSpec{})
	fmt.Println(first.Outcome, first.Update.Status.Value, first.Update.ProfileURL.Value)

	again := server.StartAssessment(ctx, ashbytest.StartSpec{})
	fmt.Println(again.Outcome, again.AssessmentID == first.AssessmentID)

	fmt.Println(server.Cancel(ctx, first.AssessmentID).Outcome)
	anew := server.StartAssessment(ctx, ashbytest.StartSpec{})
	fmt.Println(anew.Outcome, anew.AssessmentID == first.AssessmentID)

	no := server.StartAssessment(ctx, ashbytest.StartSpec{AssessmentTypeID: "cobol"})
	fmt.Println(no.Status, no.Message)
	// Output:
	// Node Assessment
	// succeeded Invitation sent https://app.example.com/reports/42
	// succeeded true
	// succeeded
	// succeeded false
	// 422 This test is retired. Pick another assessment for this stage.
}

// exampleClient returns a client of a simulated Ashby that has one live assessment.
func exampleClient() (*ashby.Client, *ashbytest.Server, assessment.OrderRef) {
	server, err := ashbytest.New(ashbytest.Config{})
	if err != nil {
		log.Fatal(err)
	}
	id, err := server.AddAssessment(ashbytest.Assessment{})
	if err != nil {
		log.Fatal(err)
	}
	client, err := ashby.New(ashby.Config{
		Keys: func(_ context.Context, account string) (string, error) {
			return map[string]string{"acme": ashbytest.DefaultAPIKey}[account], nil
		},
		Labels:     map[string]string{ashby.IDReportURL: "Open in Acme Tests"},
		HTTPClient: server.Client(), // leave it out to reach Ashby
	})
	if err != nil {
		log.Fatal(err)
	}
	// In a service the reference comes from the order, and was stored with the test.
	return client, server, assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: id}
}

func ExampleClient_PublishResult() {
	client, server, ref := exampleClient()
	defer server.Close()

	finished := time.Date(2026, time.June, 30, 12, 0, 0, 0, time.UTC)
	receipt, err := client.PublishResult(context.Background(), ref, assessment.Result{
		Status:    assessment.StatusCompleted,
		Outcome:   assessment.OutcomePassed,
		Score:     assessment.ScoreOutOf(87.4, 100),
		ReportURL: "https://app.example.com/reports/42",
		At:        finished, // the same on every attempt
		Attributes: []assessment.Attribute{
			{ID: "time-taken", Label: "Time taken", Value: assessment.Elapsed(72 * time.Minute)},
		},
	})
	fmt.Println(receipt.Attempts, err)

	got, _ := server.Assessment(ref.ID)
	fmt.Println(got.State, got.Status, got.Result.Value)
	for _, d := range got.Metadata {
		fmt.Println(d.Label, d.Value)
	}
	// Output:
	// 1 <nil>
	// completed Completed 87.4
	// Max Score 100
	// Passed true
	// Time taken 72
}

func ExampleClient_Preview() {
	client, server, ref := exampleClient()
	defer server.Close()

	_, err := client.Preview(ref, assessment.Result{
		Status: assessment.StatusCompleted,
		Attributes: []assessment.Attribute{
			{ID: "fit", Label: "Role fit", Value: assessment.Text("Good")},
			{ID: "fit", Label: "Team fit", Value: assessment.Text("Good")},
		},
	})
	fmt.Println(err)
	// Output:
	// invalid: attributes[1].id: already the one of attributes[0]; report_url: required for a completed result
}

func ExampleClient_APIKeyInfo() {
	client, server, _ := exampleClient()
	defer server.Close()

	key, err := client.APIKeyInfo(context.Background(), "acme")
	switch {
	case errors.Is(err, ashby.ErrKeyUnknown):
		fmt.Println("the key may be good")
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(key.Allows("candidatesWrite"))
	}
	// Output:
	// true
}

func ExampleNewWebhookHandler() {
	verifier, err := ashby.NewVerifier(webhook.Secret{ID: "acme", Key: ashbytest.DefaultWebhookSecret})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := ashby.NewWebhookHandler(ashby.WebhookConfig{
		Verifier: verifier,
		OnEvent: func(_ context.Context, e ashby.Event) error {
			switch data := e.Data.(type) {
			case ashby.CandidateDeleted:
				fmt.Println(e.SecretID, "deleted", data.CandidateID)
			case ashby.CandidateMerged:
				fmt.Println(e.SecretID, "merged", data.DeletedID, "into", data.MergedID)
			}
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	server, err := ashbytest.New(ashbytest.Config{WebhookPath: "/hooks/ashby"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/ashby", handler)
	server.WebhookTarget(mux)
	ctx := context.Background()
	fmt.Println(server.Deliver(ctx, server.PingEvent()).Status)
	fmt.Println(server.Deliver(ctx, server.CandidateDeleteEvent(ashbytest.DefaultCandidateID)).Status)
	fmt.Println(server.Deliver(ctx, server.CandidateDeleteEvent(ashbytest.DefaultCandidateID), ashbytest.BadSignature()).Status)
	// Output:
	// 200
	// acme deleted 5b591aed-88e3-4395-b9c6-7d529f93354a
	// 200
	// 400
}
