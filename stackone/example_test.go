package stackone_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

// acmeTests is a provider of one test.
type acmeTests struct{}

func (acmeTests) Packages(_ context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "typescript_test", Name: "TypeScript", Description: "For " + q.ATS}}, nil
}

func (t acmeTests) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	catalogue, _ := t.Packages(ctx, assessment.PackageQuery{})
	if _, ok := stackone.MatchPackage(o.Package, catalogue); !ok {
		return assessment.Started{}, assessment.Reject("We do not offer this test any more.")
	}
	return assessment.Started{CandidateURL: "https://app.acme.com/assessment/42"}, nil
}

func (acmeTests) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func exampleIntake() *assessment.Intake {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: acmeTests{},
		Store:    assessment.NewMemoryStore(0), // a real service shares a database
	})
	if err != nil {
		log.Fatal(err)
	}
	return intake
}

func exampleVerifier() *webhook.Verifier {
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "2026-01", Key: stackonetest.DefaultWebhookSecret})
	if err != nil {
		log.Fatal(err)
	}
	return verifier
}

// exampleClient returns a client of a simulated StackOne.
func exampleClient(server *stackonetest.Server) *stackone.Client {
	client, err := stackone.New(stackone.Config{APIKey: stackonetest.DefaultAPIKey, HTTPClient: server.Client()})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func exampleServer(config stackonetest.Config) *stackonetest.Server {
	server, err := stackonetest.New(config)
	if err != nil {
		log.Fatal(err)
	}
	return server
}

// The order is stored first and started by a worker, because StackOne documents
// no redelivery.
func ExampleNewWebhookHandler() {
	server := exampleServer(stackonetest.Config{WebhookPath: "/hooks/stackone"})
	defer server.Close()
	client, intake := exampleClient(server), exampleIntake()
	queue := make(chan assessment.Order, 10) // a real service has a durable one

	handler, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: intake, Verifier: exampleVerifier(),
		Queue: func(_ context.Context, o assessment.Order) error { queue <- o; return nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/stackone", handler)

	// In the server: without these two a sender that stops in the middle of its
	// headers or its body holds a connection for ever.
	_ = &http.Server{Addr: ":8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}

	// StackOne, simulated, sends two orders.
	server.Target(mux)
	ctx := context.Background()
	for _, id := range []string{"typescript_test", "cobol_test"} {
		_, delivery, err := server.PlaceOrder(ctx, stackonetest.OrderSpec{PackageID: id})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(delivery.Status, delivery.Outcome)
	}
	close(queue)

	for order := range queue { // the worker
		if err := client.Complete(ctx, &order); err != nil {
			log.Fatal(err)
		}
		if err := intake.Work(ctx, order, client); err != nil {
			log.Fatal(err) // a real worker tries again if assessment.Retryable says so
		}
		got, _ := server.Order(order.Ref.Account, order.Ref.ID)
		fmt.Printf("%s of %s: %q\n", order.Package.RemoteID, order.Candidate.FirstName, got.State.Summary)
	}
	// Output:
	// 200 accepted
	// 200 accepted
	// typescript_test of Romain: ""
	// cobol_test of Romain: "We do not offer this test any more."
}

func ExampleNewPackagesHandler() {
	handler, err := stackone.NewPackagesHandler(stackone.PackagesConfig{
		Intake: exampleIntake(), Kind: assessment.KindAssessment,
		// Which of the two StackOne uses is not documented: start with one, look at
		// what comes, and require both if both do.
		Verifier: exampleVerifier(), BasicKeys: []string{stackonetest.DefaultAPIKey},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/stackone/packages", handler) // POST, and GET is tolerated

	// A recruiter opens the dialog in the ATS.
	server := exampleServer(stackonetest.Config{PackagesPath: "/stackone/packages"})
	defer server.Close()
	server.PackagesTarget(mux)
	answer := server.RequestPackages(context.Background(), stackonetest.PackagesRequest{})
	fmt.Println(answer.Status, answer.View)
	fmt.Println(string(answer.Body))
	// Output:
	// 200 list
	// {"data":[{"id":"typescript_test","name":"TypeScript","description":"For greenhouse"}]}
}

func ExampleClient_PublishResult() {
	server := exampleServer(stackonetest.Config{})
	defer server.Close()
	ctx := context.Background()
	id, _, err := server.PlaceOrder(ctx, stackonetest.OrderSpec{}, stackonetest.Lost())
	if err != nil {
		log.Fatal(err)
	}
	client := exampleClient(server)
	ref := assessment.OrderRef{
		Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: stackonetest.DefaultAccount, ID: id,
	}
	for _, result := range []assessment.Result{
		{Status: assessment.StatusInProgress},
		{
			Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed,
			Score: assessment.ScoreBetween(87.4, 0, 100), Summary: "Well done.",
			ReportURL:  "https://app.acme.com/reports/42",
			Attributes: []assessment.Attribute{{Label: "Role fit", Value: assessment.Text("Excellent")}},
		},
	} {
		receipt, err := client.PublishResult(ctx, ref, result)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("skipped:", receipt.Outcome == assessment.ResultSkipped, "losses:", receipt.Losses)
	}
	order, _ := server.Order(ref.Account, id)
	fmt.Println(order.State.Result.Value, order.State.Score.Value)
	fmt.Println(order.State.Summary)
	// Output:
	// skipped: true losses: []
	// skipped: false losses: [{attributes[0] sent as a line of the summary true}]
	// passed 87.4
	// Well done.
	// Role fit: Excellent
}

func ExampleClient_SyncBackgroundCheckPackages() {
	server := exampleServer(stackonetest.Config{})
	defer server.Close()
	client := exampleClient(server)
	wanted := []assessment.Package{
		{Name: "Standard", Description: "Identity", Tests: []assessment.Test{{Name: "Passport"}}},
		{Name: "Executive", Description: "Identity and credit"},
	}
	for range 2 {
		report, err := client.SyncBackgroundCheckPackages(context.Background(), stackonetest.DefaultAccount, wanted, stackone.SyncOptions{})
		if err != nil {
			log.Fatal(err)
		}
		for _, p := range report.Created {
			fmt.Println("created", p.Name)
		}
		fmt.Println("unchanged", len(report.Unchanged))
	}
	// Output:
	// created Standard
	// created Executive
	// unchanged 0
	// unchanged 2
}

// What a map from jobs to packages is made from, where the customer's ATS has one
// static package for all jobs.
func ExampleClient_Jobs() {
	server := exampleServer(stackonetest.Config{})
	defer server.Close()
	client := exampleClient(server)
	for job, err := range client.Jobs(context.Background(), stackonetest.DefaultAccount, stackone.JobFilter{
		ListOptions: stackone.ListOptions{Fields: []string{"id", "title", "code"}},
	}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.Job.Code, job.Job.Name)
	}
	// Output: 184919 Software Engineer
}

func ExampleClient_Candidate() {
	server := exampleServer(stackonetest.Config{})
	defer server.Close()
	client := exampleClient(server)
	ctx := context.Background()
	for found, err := range client.Candidates(ctx, stackonetest.DefaultAccount, stackone.CandidateFilter{Email: "sestier.romain123@gmail.com"}) {
		if err != nil {
			log.Fatal(err)
		}
		candidate, err := client.Candidate(ctx, stackonetest.DefaultAccount, found.Candidate.ID) // with the custom fields
		if err != nil {
			log.Fatal(err)
		}
		for _, f := range candidate.CustomFields {
			fmt.Printf("%s: %s\n", f.Name, f.Value)
		}
	}
	// Output: Training Completion Status: "Completed"
}

// Which fields of a result reach the recruiters of an ATS.
func ExampleConnector_ResultFields() {
	server := exampleServer(stackonetest.Config{})
	defer server.Close()
	client := exampleClient(server)
	connector, err := client.Connector(context.Background(), "greenhouse")
	if err != nil {
		log.Fatal(err)
	}
	for _, field := range connector.ResultFields(assessment.KindAssessment) {
		fmt.Println(field.Name, field.Type)
	}
	// Output:
	// result_url string
	// score.value string
	// start_date datetime_string
	// submission_date datetime_string
	// summary string
}

func ExampleClient_UpdateAccount() {
	server := exampleServer(stackonetest.Config{})
	defer server.Close()
	label := "Acme, Berlin"
	account, err := exampleClient(server).UpdateAccount(context.Background(), stackonetest.DefaultAccount, stackone.AccountUpdate{Label: &label})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Label)
	// Output: Acme, Berlin
}

// A test of one's own endpoint: what StackOne sends then looks like any other event.
func ExampleClient_TriggerEvents() {
	server := exampleServer(stackonetest.Config{})
	defer server.Close()
	handler, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: exampleIntake(), Verifier: exampleVerifier(),
		OnEvent: func(_ context.Context, e stackone.Event) error { fmt.Println(e.Type, e.RecordID); return nil },
	})
	if err != nil {
		log.Fatal(err)
	}
	server.Target(handler)
	ctx := context.Background()
	made, err := exampleClient(server).TriggerEvents(ctx, stackonetest.DefaultAccount, "1",
		stackone.TestEvent{Event: stackone.EventJobUpdated, RecordID: "42"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(made[0].Status, made[0].Message)
	for _, d := range server.DeliverPending(ctx) {
		fmt.Println(d.Status)
	}
	// Output:
	// 200 The event was created
	// ats_jobs.updated 42
	// 200
}
