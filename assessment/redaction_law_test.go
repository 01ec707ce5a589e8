package assessment_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
)

func TestNothingPersonalIsPrinted(t *testing.T) {
	store := assessment.NewMemoryStore(0)
	config := assessment.IntakeConfig{Store: store, Provider: secretive{Key: vendortest.Canary}}
	intake, err := assessment.NewIntake(config)
	require.NoError(t, err)
	_, err = intake.Start(t.Context(), assessment.Order{Ref: assessment.OrderRef{ID: "1"}})
	require.NoError(t, err)
	routes := assessment.RouterConfig{Store: store, Publishers: []assessment.Publisher{secretive{Key: vendortest.Canary}}}
	router, err := assessment.NewRouter(routes)
	require.NoError(t, err)
	vendortest.NothingPersonal(t, vendortest.Exposure{
		Made: []any{
			store, intake, config, router, routes,
			assessment.Reject(vendortest.Canary), assessment.AlreadyRunning(vendortest.Canary),
		},
		Filled: []any{
			assessment.Accepted{}, assessment.APIError{}, assessment.Attachment{}, assessment.Attribute{},
			assessment.Candidate{}, assessment.Claim{}, assessment.Job{}, assessment.Order{}, assessment.Result{},
			assessment.PastOrder{}, assessment.Started{}, assessment.TeamMember{},
		},
		Shown: map[string][]string{
			"APIError":  {"Vendor", "Operation", "Account", "Code", "RequestID", "LogURL", "Class", "Cause", "Shown"},
			"Attribute": {"ID", "Label"},
			"Job":       {"ID", "RemoteID", "Code", "Name", "Description", "URL", "Location"},
		},
		Open: []string{
			"Application", "Attempt", "Delivery", "Drift", "Location", "Limit", "Loss", "Observer", "OpenOrders", "OrderRef", "Package", "PackageQuery", "Pacing", "KeyPrint", "Problem", "ProviderCall",
			"Receipt", "ResultReport", "Score", "SubResult", "Test", "ValidationError",
		},
	})
}

// secretive is a host with a secret of its own.
type secretive struct{ Key string }

func (s secretive) StartOrder(context.Context, assessment.Order) (assessment.Started, error) {
	return assessment.Started{CandidateURL: "https://tests.example.com/" + s.Key}, nil
}

func (secretive) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func (secretive) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

func (secretive) Vendor() assessment.Vendor { return assessment.Kombo }

func (secretive) Connection() string { return "" }

func (secretive) PublishResult(context.Context, assessment.OrderRef, assessment.Result) (assessment.Receipt, error) {
	return assessment.Receipt{}, nil
}
