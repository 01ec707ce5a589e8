package assessment_test

import (
	"context"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
)

// exampleProvider is a host that invites candidates.
type exampleProvider struct{}

func (exampleProvider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "go", Name: "Go for backend engineers", Type: assessment.SkillsTest}}, nil
}

func (exampleProvider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Package.ID != "go" {
		return assessment.Started{}, assessment.Reject("We have no such test.")
	}
	fmt.Println("inviting the candidate of", o.Ref)
	return assessment.Started{CandidateURL: "https://tests.example.com/take/" + o.Ref.ID}, nil
}

func (exampleProvider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

// A vendor delivers an order until it sees an answer, so an order comes twice
// now and then. The provider is asked once, and both deliveries get its answer.
func ExampleIntake() {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: exampleProvider{},
		Store:    assessment.NewMemoryStore(0), // a database where there are replicas
	})
	if err != nil {
		panic(err)
	}
	order := assessment.Order{
		Ref:     assessment.OrderRef{Vendor: assessment.Kombo, Account: "workday:acme", ID: "4711"},
		Package: assessment.Package{ID: "go"},
	}
	for range 2 {
		accepted, err := intake.Start(context.Background(), order)
		if err != nil {
			panic(err)
		}
		fmt.Println(accepted.Started.CandidateURL, "replayed:", accepted.Replayed)
	}

	// Output:
	// inviting the candidate of kombo///workday:acme/4711
	// https://tests.example.com/take/4711 replayed: false
	// https://tests.example.com/take/4711 replayed: true
}
