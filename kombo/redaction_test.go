package kombo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNothingPersonalIsPrinted(t *testing.T) {
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "s", Key: vendortest.Canary})
	require.NoError(t, err)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: &provider{}, Store: assessment.NewMemoryStore(0)})
	require.NoError(t, err)
	hooks := kombo.WebhookConfig{Intake: intake, Verifier: verifier}
	handler, err := kombo.NewWebhookHandler(hooks)
	require.NoError(t, err)
	vendortest.NothingPersonal(t, vendortest.Exposure{
		Made: []any{
			newClient(t, play(), func(c *kombo.Config) { c.APIKey = vendortest.Canary }), handler, hooks,
			kombo.ReconcileConfig{Intake: intake},
		},
		Filled: []any{
			kombo.Config{}, kombo.ConnectedIntegration{}, kombo.ConnectionFlowFailed{}, kombo.EndUser{}, kombo.Event{},
			kombo.Integration{}, kombo.IntegrationCreated{}, kombo.IntegrationDeleted{}, kombo.IntegrationStateChanged{},
			kombo.IssueStatusChanged{}, kombo.LinkRequest{}, kombo.OrderReceived{}, kombo.PassthroughAnswer{}, kombo.PassthroughRequest{},
			kombo.Request{}, kombo.UnknownEvent{},
		},
		Shown: map[string][]string{
			"Config":                  {"Region", "Connection"},
			"ConnectedIntegration":    {"ID", "Tool", "SetupStatus"},
			"ConnectionFlowFailed":    {"Tool", "Category", "LogURL"},
			"EndUser":                 {"OriginID"},
			"Event":                   {"ID", "Type"},
			"Integration":             {"ID", "Status", "SetupStatus", "Category", "Tool", "ScopeConfig", "ReadModels", "WriteActions"},
			"IntegrationCreated":      {"ID", "Tool", "Category"},
			"IntegrationDeleted":      {"ID", "Tool", "Category"},
			"IntegrationStateChanged": {"ID", "Tool", "Category", "QAStatus", "SetupStatus", "State"},
			"IssueStatusChanged":      {"ID", "Tool", "Category", "Change", "Issue"},
			"LinkRequest":             {"Tool", "RemoteEnvironment", "Language", "ScopeConfigID", "LinkType"},
			"PassthroughRequest":      {"Tool", "API", "Method"},
			"Request":                 {"Method"},
		},
		Open: []string{
			"Capability", "Coverage", "Issue", "Limits", "OrderFilter", "ReconcileFailure", "ReconcileReport", "RelinkRequest", "Tool",
		},
	})
}
