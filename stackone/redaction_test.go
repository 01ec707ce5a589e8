package stackone_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNothingPersonalIsPrinted(t *testing.T) {
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "s", Key: vendortest.Canary})
	require.NoError(t, err)
	intake := intakeOf(t, &provider{}, vendortest.Setup{})
	client := newClient(t, play(), func(c *stackone.Config) { c.APIKey = vendortest.Canary })
	hooks := stackone.WebhookConfig{Intake: intake, Verifier: verifier, Publisher: client}
	handler, err := stackone.NewWebhookHandler(hooks)
	require.NoError(t, err)
	list := stackone.PackagesConfig{Intake: intake, Verifier: verifier, BasicKeys: []string{vendortest.Canary}}
	packages, err := stackone.NewPackagesHandler(list)
	require.NoError(t, err)
	vendortest.NothingPersonal(t, vendortest.Exposure{
		Made: []any{client, handler, hooks, packages, list},
		Filled: []any{
			stackone.Account{}, stackone.AccountChanged{}, stackone.ApplicationRecord{}, stackone.CandidateRecord{},
			stackone.Config{}, stackone.ConnectRequest{}, stackone.ConnectSession{}, stackone.Event{}, stackone.JobRecord{},
			stackone.ListOptions{}, stackone.ReadOptions{}, stackone.CandidateFilter{}, stackone.ApplicationFilter{}, stackone.JobFilter{}, stackone.JobPosting{}, stackone.CustomField{}, stackone.AccountUpdate{},
			stackone.OrderChanged{}, stackone.OrderCreated{}, stackone.ProviderError{}, stackone.Request{}, stackone.ResultCandidate{},
			stackone.StatusReason{}, stackone.UnknownEvent{},
		},
		Shown: map[string][]string{
			"Account":           {"ID", "Provider", "Status"},
			"AccountChanged":    {"ID", "Provider"},
			"ApplicationRecord": {"Application.ID"},
			"CandidateRecord":   {"Candidate.ID"},
			"Config":            {"Connection"},
			"ConnectRequest":    {"Provider", "AccountID"},
			"JobRecord":         {"Job.ID"},
			"JobPosting":        {"ID"},
			"CustomField":       {"ID"},
			"StatusReason":      {"Code"},
			"ConnectSession":    {"ID", "Provider"},
			"Event":             {"Type", "Account", "RecordID"},
			"Request":           {"Method"},
		},
		Open: []string{
			"AccountFilter", "JobChanged", "JobPostingChanged", "Limits", "Connector", "ConnectorField", "TestEvent", "TriggeredEvent", "PackageUpdate", "RecordID", "SyncOptions", "SyncReport", "SyncedPackage",
		},
	})
}
