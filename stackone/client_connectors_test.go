package stackone_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestConnectorExample(t *testing.T) {
	body := example(t, "connector_meta.response.json")
	server := play(answers(200, string(body)), answers(200, "["+string(body)+`,null,{"provider":""},7]`))
	client := newClient(t, server)
	got, err := client.Connector(t.Context(), "hi/bob", stackone.ConnectorFieldPaths, stackone.ConnectorInactive)
	require.NoError(t, err)
	require.Equal(t, "https://api.stackone.com/connectors/meta/hi%2Fbob?include=field_path%2Cinactive", server.seen[0].URL)
	require.Empty(t, server.seen[0].Header.Get("X-Account-Id"))
	requireSameJSON(t, body, got.Raw)
	require.Contains(t, string(got.Models), "time_off")
	got.Raw, got.Models = nil, nil
	requireEqual(t, stackone.Connector{Provider: "hibob", ProviderName: "Hibob", Category: "hris", Active: true}, got)
	require.Nil(t, got.ResultFields(assessment.KindAssessment))

	list, err := collect(client.Connectors(t.Context()))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "hibob", list[0].Provider)

	_, err = client.Connector(t.Context(), "greenhouse", "everything")
	requireProblem(t, err, "include[0]")
	_, err = client.Connector(t.Context(), "")
	requireProblem(t, err, "provider")
	_, err = collect(client.Connectors(t.Context(), "a,b"))
	requireProblem(t, err, "include[0]")
	_, err = client.AccountConnector(t.Context(), "")
	requireProblem(t, err, "account")
	require.Len(t, server.seen, 2)
	for _, body := range []string{`{}`, `[]`, `{"provider":null}`, ``} {
		_, err = newClient(t, play(answers(200, body)), once).Connector(t.Context(), "greenhouse")
		require.Error(t, err, body)
	}
}

// Which fields of a result each kind of order takes.
func TestResultFields(t *testing.T) {
	_, client, _ := simulated(t, stackonetest.Workday)
	byKey, err := client.Connector(t.Context(), stackonetest.Workday)
	require.NoError(t, err)
	byAccount, err := client.AccountConnector(t.Context(), account)
	require.NoError(t, err)
	for _, c := range []stackone.Connector{byKey, byAccount} {
		requireEqual(t, []stackone.ConnectorField{
			{Name: "result", Type: "enum"}, {Name: "summary", Type: "string"},
			{Name: "submission_date", Type: "datetime_string"}, {Name: "start_date", Type: "datetime_string"},
		}, c.ResultFields(assessment.KindAssessment))
		require.Len(t, c.ResultFields(assessment.KindBackgroundCheck), 3)
	}
	for _, models := range []string{``, `null`, `7`, `{"assessments/results":7}`, `{"assessments/results":{"update":{"input":{"defaultFields":[null,{"name":""}]}}}}`} {
		require.Nil(t, stackone.Connector{Models: json.RawMessage(models)}.ResultFields(assessment.KindAssessment), models)
	}
	_, err = client.Connector(t.Context(), "nobody")
	require.ErrorIs(t, err, assessment.ErrNotFound)
}

// Only what is set goes out.
func TestUpdateAccount(t *testing.T) {
	body := string(example(t, "constructed.account_get.response.json"))
	for want, u := range map[string]stackone.AccountUpdate{
		`{"label":"Acme"}`:                             {Label: ptr("Acme")},
		`{"label":""}`:                                 {Label: ptr("")},
		`{"shared":false}`:                             {Shared: ptr(false)},
		`{"metadata":{"a":[1]},"type":"test"}`:         {Type: ptr("test"), Metadata: json.RawMessage(`{"a":[1]}`)},
		`{"secrets":{},"setup_information":{"d":"x"}}`: {Secrets: json.RawMessage(`{}`), SetupInformation: json.RawMessage(`{"d":"x"}`)},
		`{"credentials":{"k":"v"},"origin_owner_id":"o","origin_owner_name":"n","origin_username":"","provider":"lever","environment":"e","authentication_config_key":"a","integration_id":"i"}`: {
			Credentials: json.RawMessage(`{"k":"v"}`), OriginOwnerID: ptr("o"), OriginOwnerName: ptr("n"), OriginUsername: ptr(""), Provider: ptr("lever"),
			Environment: ptr("e"), AuthenticationConfigKey: ptr("a"), IntegrationID: ptr("i"),
		},
	} {
		server := play(answers(200, body))
		got, err := newClient(t, server).UpdateAccount(t.Context(), "a/b", u)
		require.NoError(t, err)
		requireEqual(t, exampleAccount(), withoutSetup(t, got))
		require.JSONEq(t, want, server.seen[0].Body)
		require.Equal(t, http.MethodPatch, server.seen[0].Method)
		require.Equal(t, "https://api.stackone.com/accounts/a%2Fb", server.seen[0].URL)
	}
	server := play(answers(200, body))
	client := newClient(t, server)
	for path, u := range map[string]stackone.AccountUpdate{
		"update":          {},
		"provider":        {Provider: ptr("")},
		"origin_owner_id": {OriginOwnerID: ptr(" ")},
		"type":            {Type: ptr("PRODUCTION")},
		"label":           {Label: ptr("\xff")},
		"credentials":     {Credentials: json.RawMessage(`[]`)},
	} {
		_, err := client.UpdateAccount(t.Context(), account, u)
		requireProblem(t, err, path)
	}
	_, err := client.UpdateAccount(t.Context(), "", stackone.AccountUpdate{Label: ptr("x")})
	requireProblem(t, err, "account")
	require.Empty(t, server.seen)
}

// An account that is behind another ATS now is looked up again, so that a result
// follows the rules of that one.
func TestUpdateAccountForgetsTheATS(t *testing.T) {
	server, client, ref := simulated(t, stackonetest.Greenhouse)
	interim := assessment.Result{Status: assessment.StatusInProgress}
	receipt, err := client.PublishResult(t.Context(), ref, interim)
	require.NoError(t, err)
	require.Equal(t, assessment.ResultSkipped, receipt.Outcome)
	got, err := client.UpdateAccount(t.Context(), account, stackone.AccountUpdate{Provider: ptr(stackonetest.Bullhorn), Label: ptr("Second")})
	require.NoError(t, err)
	require.Equal(t, "Second", got.Label)
	receipt, err = client.PublishResult(t.Context(), ref, interim)
	require.NoError(t, err)
	require.NotEqual(t, assessment.ResultSkipped, receipt.Outcome)
	state, _ := server.AccountState(account)
	require.Equal(t, "Second", state.Label)
}

func TestTriggerEvents(t *testing.T) {
	body := string(example(t, "webhook_events_trigger.response_207.json"))
	server := play(answers(207, body))
	got, err := newClient(t, server).TriggerEvents(t.Context(), account, "12", stackone.TestEvent{Event: "hris_employees.created", RecordID: "<string>"})
	require.NoError(t, err)
	requireEqual(t, []stackone.TriggeredEvent{{
		TestEvent: stackone.TestEvent{Event: "hris_employees.created", RecordID: "<string>"}, Status: 200, Message: "The event was created",
	}}, got)
	requireSameJSON(t, example(t, "webhook_events_trigger.request.json"), []byte(server.seen[0].Body))
	require.Equal(t, "https://api.stackone.com/webhooks/12/events", server.seen[0].URL)
	require.Equal(t, account, server.seen[0].Header.Get("X-Account-Id"))

	server = play(answers(207, `[null,{"event":"a.b","record_id":7,"status":"404","message":null}]`))
	client := newClient(t, server)
	event := stackone.TestEvent{Event: "a.b", RecordID: "7"}
	got, err = client.TriggerEvents(t.Context(), account, "1", event)
	require.NoError(t, err)
	requireEqual(t, []stackone.TriggeredEvent{{TestEvent: event, Status: 404}}, got)
	for path, call := range map[string]func() error{
		"account": func() error { _, err := client.TriggerEvents(t.Context(), "", "1", event); return err },
		"webhook": func() error { _, err := client.TriggerEvents(t.Context(), account, "1/x", event); return err },
		"events":  func() error { _, err := client.TriggerEvents(t.Context(), account, "1"); return err },
		"events[1].event": func() error {
			_, err := client.TriggerEvents(t.Context(), account, "1", event, stackone.TestEvent{RecordID: "r"})
			return err
		},
		"events[0].record_id": func() error {
			_, err := client.TriggerEvents(t.Context(), account, "1", stackone.TestEvent{Event: "a.b"})
			return err
		},
	} {
		requireProblem(t, call(), path)
	}
	require.Len(t, server.seen, 1)
}

// A triggered event of an order that was taken is that order once more, and one of
// an unknown record has nothing to start.
func TestTriggeredOrderEvents(t *testing.T) {
	server, client, ref := simulated(t, stackonetest.Bullhorn)
	host := &provider{}
	var bare []assessment.OrderRef
	handler, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake: intakeOf(t, host, vendortest.Setup{}), Verifier: exampleVerifier(),
		OnBareOrder: func(_ context.Context, o assessment.Order) error { bare = append(bare, o.Ref); return nil },
	})
	require.NoError(t, err)
	server.Target(handler)
	event, err := server.OrderEvent(account, ref.ID)
	require.NoError(t, err)
	require.Equal(t, 200, server.Deliver(t.Context(), event).Status)
	_, err = client.TriggerEvents(t.Context(), account, "1",
		stackone.TestEvent{Event: stackone.EventAssessmentCreated, RecordID: ref.ID},
		stackone.TestEvent{Event: stackone.EventAssessmentCreated, RecordID: "made up"},
		stackone.TestEvent{Event: "hris_employees.created", RecordID: "1"})
	require.NoError(t, err)
	deliveries := server.DeliverPending(t.Context())
	require.Len(t, deliveries, 3)
	for _, d := range deliveries {
		require.Equal(t, 200, d.Status)
	}
	require.Equal(t, 1, host.calls())
	require.Len(t, bare, 1)
	require.Equal(t, "made up", bare[0].ID)
}
