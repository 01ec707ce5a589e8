package stackonetest_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// dateless removes what depends on the clock: the examples have other formats.
func dateless(accounts ...any) []any {
	for _, a := range accounts {
		delete(a.(object), "created_at")
		delete(a.(object), "updated_at")
	}
	return accounts
}

func twoAccounts(c *stackonetest.Config) {
	setup := object{"domain": "companytest"}
	c.Accounts = []stackonetest.AccountSpec{
		{ID: account, SetupInformation: setup},
		{ID: "45355976281015164505", SetupInformation: setup, Status: "error", StatusReasons: []stackonetest.StatusReason{{
			Code: "401", Description: "Credentials rejected by provider", At: time.Date(2024, 1, 21, 9, 0, 0, 0, time.UTC),
		}}},
	}
}

func TestAccountsMatchTheExamples(t *testing.T) {
	s := stackonetest.Start(t, twoAccounts)
	a := newAPI(t, s).with(stackonetest.AccountHeader)
	want := tree[[]any](t, fixture(t, "constructed.accounts_list.response.json"))
	require.Empty(t, cmp.Diff(dateless(want...), dateless(tree[[]any](t, a.call(200, "GET /accounts", nil))...)))
	require.Empty(t, cmp.Diff(dateless(tree[object](t, fixture(t, "constructed.account_get.response.json"))),
		dateless(a.object(200, "GET /accounts/"+account, nil))))
	a.call(404, "GET /accounts/nobody", nil)
	require.Empty(t, s.Exchanges()[0].Notes)
	require.Equal(t, "ats", a.object(200, "GET /accounts/"+account+"/meta", nil)["category"])
}

func TestAccountsWrapped(t *testing.T) {
	s := stackonetest.Start(t, at("2024-01-15T10:30:00Z"), quirk(func(q *stackonetest.Quirks) { q.WrapAccounts = true }), func(c *stackonetest.Config) {
		c.Accounts = []stackonetest.AccountSpec{
			{ID: "acct_abc123", Provider: "bamboohr"}, {ID: "acct_def456", Provider: "salesforce"},
		}
	})
	got := newAPI(t, s).object(200, "GET /accounts", nil)["data"].([]any)
	want := tree[object](t, fixture(t, "accounts_list.guide_variant_wrapped.response.json"))["data"].([]any)
	require.Len(t, got, len(want))
	for i := range dateless(want...) {
		require.Subset(t, got[i], want[i])
	}
}

func TestAccountFilters(t *testing.T) {
	s := stackonetest.Start(t, func(c *stackonetest.Config) {
		c.Accounts = []stackonetest.AccountSpec{
			{ID: "1", Provider: "a", OriginOwnerID: "x"}, {ID: "2", Provider: "b", Status: "expired"}, {ID: "3", Provider: "b", OriginOwnerID: "x"},
		}
	})
	a := newAPI(t, s)
	for query, want := range map[string][]string{
		"":                              {"1", "2", "3"},
		"?provider=a":                   {"1"},
		"?providers=a&providers=b":      {"1", "2", "3"},
		"?providers=a,b":                nil,
		"?account_ids=3&account_ids=9":  {"3"},
		"?status=expired":               {"2"},
		"?origin_owner_id=x&provider=b": {"3"},
		"?origin_owner_ids=x":           {"1", "3"},
		"?page_size=2":                  {"1", "2"},
		"?page_size=2&page=2":           {"3"},
		"?page_size=2&page=9":           nil,
	} {
		var ids []string
		for _, found := range tree[[]object](t, a.call(200, "GET /accounts"+query, nil)) {
			ids = append(ids, found["id"].(string))
		}
		require.Equal(t, want, ids, query)
	}
	a.call(400, "GET /accounts?page_size=x", nil)
	a.call(400, "GET /accounts?page=0", nil)
}

func TestAccountsAreChangedThroughTheAPI(t *testing.T) {
	s := stackonetest.Start(t)
	s.Target(always(200, ""))
	a := newAPI(t, s)
	got := a.object(200, "PATCH /accounts/"+account, []byte(`{"label":"L","type":"test","shared":true,"setup_information":{"a":1},"secrets":{"key":"x"}}`))
	require.Subset(t, got, object{"label": "L", "type": "test", "shared": true, "setup_information": object{"a": json.Number("1")}})
	require.NotContains(t, got, "secrets")
	for _, body := range []string{`{"type":"TEST"}`, `{"label":1}`, `{"shared":"yes"}`, `{"secrets":[]}`} {
		a.call(400, "PATCH /accounts/"+account, []byte(body))
	}
	a.call(404, "PATCH /accounts/nobody", []byte(`{}`))
	require.Equal(t, account, a.object(200, "DELETE /accounts/"+account, nil)["id"])
	a.call(404, "DELETE /accounts/"+account, nil)
	var sent []string
	for _, d := range s.DeliverPending(t.Context()) {
		sent = append(sent, d.Event)
	}
	require.Equal(t, []string{stackonetest.EventAccountUpdated, stackonetest.EventAccountDeleted}, sent)
	require.Empty(t, s.DeliverPending(t.Context()))
}

func TestUnusableAccounts(t *testing.T) {
	for status, c := range map[string]struct {
		http  int
		code  any
		event string
	}{
		"active":    {200, nil, stackonetest.EventAccountUpdated},
		"novel":     {200, nil, stackonetest.EventAccountUpdated},
		"inactive":  {412, "AccountIntegrationInactiveError", stackonetest.EventAccountUpdated},
		"suspended": {412, "AccountIntegrationInactiveError", stackonetest.EventAccountUpdated},
		"expired":   {412, "AccountIntegrationInactiveError", stackonetest.EventAccountExpired},
		"error":     {401, "AccountInvalidCredentialsError", stackonetest.EventAccountError},
		"archived":  {409, nil, stackonetest.EventAccountUpdated},
	} {
		s := stackonetest.Start(t, func(c *stackonetest.Config) {
			c.AccountFailures = map[string]stackonetest.Failure{"archived": {Status: 409}}
		})
		s.Target(always(200, ""))
		d, err := s.ChangeAccount(t.Context(), account, status, nil)
		require.NoError(t, err)
		require.Equal(t, c.event, d.Event)
		require.Equal(t, c.code, newAPI(t, s).object(c.http, "GET "+assessmentPackages, nil)["errorCode"], status)
	}
	s := stackonetest.Start(t)
	_, err := s.ChangeAccount(t.Context(), "nobody", "active", nil)
	require.Error(t, err)
	_, err = s.DeleteAccount(t.Context(), account)
	require.NoError(t, err)
	newAPI(t, s).call(404, "GET "+assessmentPackages, nil)
	_, found := s.AccountState(account)
	require.False(t, found)
}

func TestHeadersThatEveryCallNeeds(t *testing.T) {
	s := stackonetest.Start(t)
	a := newAPI(t, s)
	op := "GET " + assessmentPackages
	a.with("User-Agent", "").call(403, op, nil)
	a.with(stackonetest.AccountHeader).call(400, op, nil)
	a.with(stackonetest.AccountHeader, "nobody").call(404, op, nil)
	for _, credentials := range []string{"", "Bearer " + stackonetest.DefaultAPIKey, basic(stackonetest.DefaultAPIKey), basic("wrong:"), basic(stackonetest.DefaultAPIKey + ":secret"), "Basic %%%"} {
		a.with("Authorization", credentials).call(401, op, nil)
	}
	s.AddKey("second")
	a.with("Authorization", basic("second:")).call(200, op, nil)
	s.RevokeKey("second")
	a.with("Authorization", basic("second:")).call(401, op, nil)
	require.Equal(t, "[redacted]", s.Exchanges()[0].RequestHeader.Get("Authorization"))
	a.call(400, op+"?a=%zz", nil)
	a.call(404, "GET /ats/assessments/packages", nil)
	a.call(404, "PUT "+assessmentPackages, nil)

	bare := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.AcceptBareKey = true }))
	newAPI(t, bare).with("Authorization", basic(stackonetest.DefaultAPIKey)).call(200, op, nil)
}

func TestConnectSession(t *testing.T) {
	s := stackonetest.Start(t, func(c *stackonetest.Config) { c.Accounts = []stackonetest.AccountSpec{{ID: "<string>"}} })
	a := newAPI(t, s)
	documented := tree[object](t, fixture(t, "connect_session_create.response_201.json"))
	answer := a.object(201, "POST /connect_sessions", fixture(t, "connect_session_create.request.json"))
	for name, value := range answer {
		require.Contains(t, documented, name)
		require.IsType(t, documented[name], value, name)
	}
	for _, required := range []string{"id", "organization_id", "project_id", "origin_owner_id", "origin_owner_name", "created_at", "token", "auth_link_url"} {
		require.Contains(t, answer, required)
	}
	for _, body := range []string{
		`{}`, `{"origin_owner_id":"1"}`, `{"origin_owner_id":1,"origin_owner_name":"A"}`,
		`{"origin_owner_id":"1","origin_owner_name":"A","type":"PRODUCTION"}`,
		`{"origin_owner_id":"1","origin_owner_name":"A","categories":["hrisLegacy"]}`,
		`{"origin_owner_id":"1","origin_owner_name":"A","expires_in":"1800"}`,
		`{"origin_owner_id":"1","origin_owner_name":"A","multiple":"no"}`,
		`{"origin_owner_id":"1","origin_owner_name":"A","metadata":"x"}`,
		`{"origin_owner_id":"1","origin_owner_name":"A","provider_version":"2"}`,
	} {
		a.call(400, "POST /connect_sessions", []byte(body))
	}
	a.call(404, "POST /connect_sessions", []byte(`{"origin_owner_id":"1","origin_owner_name":"A","account_id":"nobody"}`))
	numeric := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.NumericOrganizationID = true }))
	answer = newAPI(t, numeric).object(201, "POST /connect_sessions", []byte(`{"origin_owner_id":"1","origin_owner_name":"A"}`))
	require.IsType(t, json.Number(""), answer["organization_id"])
}

func TestCustomerConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stackonetest.Start(t, func(c *stackonetest.Config) { c.Accounts = []stackonetest.AccountSpec{} })
		s.Target(always(200, ""))
		session := func(more string) string {
			answer := newAPI(t, s).object(201, "POST /connect_sessions", []byte(`{"origin_owner_id":"1","origin_owner_name":"A"`+more+`}`))
			return answer["token"].(string)
		}
		first, err := s.Connect(t.Context(), session(""), stackonetest.AccountSpec{Provider: stackonetest.Ashby})
		require.NoError(t, err)
		require.Equal(t, stackonetest.EventAccountCreated, first.Delivery.Event)
		again, err := s.Connect(t.Context(), session(""), stackonetest.AccountSpec{Provider: stackonetest.Ashby})
		require.NoError(t, err)
		require.Equal(t, first.Account, again.Account)
		require.Equal(t, stackonetest.EventAccountUpdated, again.Delivery.Event)
		other, err := s.Connect(t.Context(), session(`,"multiple":true`), stackonetest.AccountSpec{Provider: stackonetest.Ashby})
		require.NoError(t, err)
		require.NotEqual(t, first.Account, other.Account)
		edited, err := s.Connect(t.Context(), session(`,"account_id":"`+other.Account+`"`), stackonetest.AccountSpec{})
		require.NoError(t, err)
		require.Equal(t, other.Account, edited.Account)
		late := session(`,"expires_in":60`)
		<-time.After(time.Minute)
		_, err = s.Connect(t.Context(), late, stackonetest.AccountSpec{})
		require.Error(t, err)
	})
}

func TestConnectorMeta(t *testing.T) {
	hibob := fixture(t, "connector_meta.response.json")
	s := stackonetest.Start(t, func(c *stackonetest.Config) { c.ConnectorMeta = map[string]json.RawMessage{"hibob": hibob} })
	a := newAPI(t, s).with(stackonetest.AccountHeader)
	require.JSONEq(t, string(hibob), string(a.call(200, "GET /connectors/meta/hibob", nil)))
	got := a.object(200, "GET /connectors/meta/smartrecruiters", nil)
	update := got["models"].(object)["assessments/results"].(object)["update"].(object)
	require.Equal(t, "/unified/ats/assessments/orders/:id/result", update["apiPath"])
	require.Len(t, tree[[]object](t, a.call(200, "GET /connectors/meta", nil)), 10)
	a.call(404, "GET /connectors/meta/nobody", nil)
}

func TestTriggeredEvents(t *testing.T) {
	s := stackonetest.Start(t)
	s.Target(always(200, ""))
	a := newAPI(t, s)
	op := "POST /webhooks/1/events"
	require.JSONEq(t, string(fixture(t, "webhook_events_trigger.response_207.json")), string(a.call(207, op, fixture(t, "webhook_events_trigger.request.json"))))
	id, _ := place(t, s, stackonetest.OrderSpec{ID: "order-1"})
	a.call(207, op, []byte(`[{"event":"ats_assessments.updated","record_id":"order-1"}]`))
	deliveries := s.DeliverPending(t.Context())
	require.Equal(t, []string{"", id}, []string{deliveries[0].OrderID, deliveries[1].OrderID})
	require.Equal(t, "ats_assessments.updated", sentBody(t, s)["event"])
	for _, body := range []string{`{}`, `[1]`, `[{"event":"x"}]`, `[{"event":1,"record_id":"1"}]`} {
		a.call(400, op, []byte(body))
	}
	a.call(400, "POST /webhooks/x/events", []byte(`[]`))
}
