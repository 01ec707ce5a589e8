package kombotest_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func TestPackages(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	for name, want := range map[string]int{"set-packages-request.json": 4, "set-packages-request-reference.json": 2} {
		got := a.call(200, kombotest.OpSetPackages, fixture(t, name))
		require.Equal(t, tree(t, fixture(t, "set-packages-response.json")), got)
		require.Len(t, s.Packages(kombotest.DefaultIntegration), want)
	}
	sameShape(t, "packages", tree(t, fixture(t, "get-packages-response.json")), a.call(200, kombotest.OpGetPackages, nil))
	a.call(200, kombotest.OpSetPackages, []byte(`{"packages":[]}`))
	require.Empty(t, s.Packages(kombotest.DefaultIntegration))

	s.SetPackages(kombotest.DefaultIntegration, []kombotest.Package{{ID: "1"}})
	_, body, err := a.send(kombotest.OpGetPackages, nil)
	require.NoError(t, err)
	require.Contains(t, string(body), `"type":null`)
	require.Contains(t, string(body), `"updated_at":null`)
}

func TestInvalidPackagesAreRefused(t *testing.T) {
	const good = `{"id":"1","type":"SKILLS_TEST","name":"n","description":"d"}`
	s := kombotest.Start(t)
	a := newAPI(t, s)
	for _, body := range []string{
		`{}`, `{"packages":null}`, `{"packages":{}}`, `{"packages":[1]}`, `[]`, ``,
		`{"packages":[{"type":"SKILLS_TEST","name":"n","description":"d"}]}`,
		`{"packages":[{"id":1,"type":"SKILLS_TEST","name":"n","description":"d"}]}`,
		`{"packages":[{"id":"1","name":"n","description":"d"}]}`,
		`{"packages":[{"id":"1","type":null,"name":"n","description":"d"}]}`,
		`{"packages":[{"id":"1","type":"skills_test","name":"n","description":"d"}]}`,
		`{"packages":[{"id":"1","type":"SKILLS_TEST","description":"d"}]}`,
		`{"packages":[{"id":"1","type":"SKILLS_TEST","name":"n","description":null}]}`,
		`{"packages":[{"id":"1","type":"SKILLS_TEST","name":"n"}]}`,
		`{"packages":[` + good + `,` + good + `]}`,
		`{"packages":[{"id":"","type":"SKILLS_TEST","name":"n","description":"d"}]}`,
		`{"packages":[{"id":"1","type":"SKILLS_TEST","name":" ","description":"d"}]}`,
	} {
		a.refused(400, "PLATFORM.INPUT_INVALID", kombotest.OpSetPackages, []byte(body))
	}
	require.Empty(t, s.Packages(kombotest.DefaultIntegration))

	s = kombotest.Start(t, func(c *kombotest.Config) { c.Quirks.AllowDuplicatePackages = true })
	newAPI(t, s).call(200, kombotest.OpSetPackages, []byte(`{"packages":[`+good+`,`+good+`]}`))
	require.Len(t, s.Packages(kombotest.DefaultIntegration), 1)
}

func TestAuthentication(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	require.Equal(t, tree(t, fixture(t, "check-api-key-response.json")), a.call(200, kombotest.OpCheckAPIKey, nil))
	a.key = "ks_dev_wrong"
	want := tree(t, fixture(t, "error-401-authentication-invalid.json"))
	got := a.call(401, kombotest.OpCheckAPIKey, nil)
	sameShape(t, "401", want, got)
	require.Equal(t, message(want), message(got))

	s.AddKey("ks_dev_wrong")
	a.call(200, kombotest.OpCheckAPIKey, nil)
	s.RevokeKey("ks_dev_wrong")
	a.call(401, kombotest.OpCheckAPIKey, nil)
}

func message(envelope map[string]any) any {
	failure, _ := envelope["error"].(map[string]any)
	return failure["message"]
}

func TestRegionsAreIsolated(t *testing.T) {
	for region, statuses := range map[kombotest.Region][2]int{kombotest.EU: {200, 401}, kombotest.US: {401, 200}} {
		a := newAPI(t, kombotest.Start(t, func(c *kombotest.Config) { c.Region = region }))
		for i, base := range []string{kombotest.BaseURLEU, kombotest.BaseURLUS} {
			a.base = base
			a.call(statuses[i], kombotest.OpCheckAPIKey, nil)
		}
	}
}

func TestIntegrationSelection(t *testing.T) {
	s := kombotest.Start(t, func(c *kombotest.Config) { c.Statuses = map[string]int{"INTEGRATION.SETUP_INCOMPLETE": 503} })
	a := newAPI(t, s)
	a.header.Del(kombotest.IntegrationHeader)
	a.refused(400, "PLATFORM.INPUT_INVALID", kombotest.OpGetOrders, nil)
	a.header.Set(kombotest.IntegrationHeader, "workday:nobody")
	a.refused(404, "PLATFORM.INTEGRATION_NOT_FOUND", kombotest.OpGetOrders, nil)

	for code, c := range map[string]struct {
		status int
		spec   kombotest.IntegrationSpec
	}{
		"INTEGRATION.INACTIVE":               {403, kombotest.IntegrationSpec{State: kombotest.StateInactive}},
		"INTEGRATION.AUTHENTICATION_INVALID": {403, kombotest.IntegrationSpec{State: kombotest.StateInvalid}},
		"INTEGRATION.QA_FAILED":              {409, kombotest.IntegrationSpec{QAStatus: "FAILED"}},
		"INTEGRATION.SETUP_SYNC_PENDING":     {409, kombotest.IntegrationSpec{SetupStatus: "FINAL_SYNC_PENDING"}},
		"INTEGRATION.SETUP_INCOMPLETE":       {503, kombotest.IntegrationSpec{SetupStatus: "INCOMPLETE"}},
	} {
		id, err := s.Integration(c.spec)
		require.NoError(t, err)
		a.header.Set(kombotest.IntegrationHeader, id)
		for _, op := range []string{kombotest.OpGetOrders, kombotest.OpGetPackages, kombotest.OpSetPackages, resultOp("x")} {
			a.refused(c.status, code, op, []byte(`{}`))
		}
	}
}

func TestUnknownEndpoints(t *testing.T) {
	a := newAPI(t, kombotest.Start(t))
	for _, op := range []string{"GET /", "GET /nothing", "POST /assessment/packages", "GET /assessment/orders/", "DELETE /integrations/"} {
		got := a.call(404, op, nil)
		sameShape(t, op, tree(t, fixture(t, "error-response-minimal.json")), got)
	}
	a.base = "https://api.kombo.dev"
	a.call(404, kombotest.OpGetOrders, nil)
}

func createLink(t *testing.T, a api, body []byte) string {
	t.Helper()
	answer := a.call(200, kombotest.OpCreateLink, body)
	sameShape(t, "link", tree(t, fixture(t, "create-link-response.json")), answer)
	data, _ := answer["data"].(map[string]any)
	link, _ := data["link"].(string)
	return link
}

func TestConnectionFlow(t *testing.T) {
	s, r := kombotest.Start(t), &received{}
	s.Target(r)
	a := newAPI(t, s)
	link := createLink(t, a, fixture(t, "create-link-request-assessment.json"))
	require.True(t, strings.HasPrefix(link, "https://connect.kombo.dev/v1?token="))
	c, err := s.Connect(t.Context(), kombotest.ConnectSpec{Link: link})
	require.NoError(t, err)
	require.Equal(t, kombotest.Accepted, c.Delivery.Outcome)
	require.Contains(t, r.bodies[0], `"type":"integration-created"`)
	require.Contains(t, r.bodies[0], c.Integration)

	got := a.call(200, "GET /connect/integration-by-token/"+c.Token, nil)
	sameShape(t, "token", tree(t, fixture(t, "integration-by-token-response.json")), got)
	require.Equal(t, map[string]any{
		"tool": "greenhouse", "id": c.Integration, "end_user_origin_id": "123",
		"end_user_organization_name": "Test Inc.", "end_user_email": "test@example.com", "setup_status": "COMPLETED",
	}, got["data"])
	a.refused(400, "PLATFORM.INPUT_INVALID", "GET /connect/integration-by-token/nothing", nil)

	second, err := s.Connect(t.Context(), kombotest.ConnectSpec{Link: createLink(t, a, fixture(t, "create-link-request.json"))})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(second.Integration, "personio:"))
	spec, found := s.IntegrationState(second.Integration)
	require.True(t, found)
	require.Equal(t, "HRIS", spec.Category)
	_, err = s.Connect(t.Context(), kombotest.ConnectSpec{Link: "https://connect.kombo.dev/v1?token=x"})
	require.ErrorContains(t, err, "unknown link")
}

func TestLinksExpire(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := kombotest.Start(t, func(c *kombotest.Config) { c.Clock = func() time.Time { return now } })
	a := newAPI(t, s)
	embedded := createLink(t, a, fixture(t, "create-link-request.json"))
	magic := createLink(t, a, []byte(`{"end_user_email":"a@b.c","end_user_organization_name":"A","link_type":"MAGIC_LINK"}`))
	now = now.Add(61 * time.Minute)
	_, err := s.Connect(t.Context(), kombotest.ConnectSpec{Link: embedded})
	require.ErrorContains(t, err, "expired")
	_, err = s.Connect(t.Context(), kombotest.ConnectSpec{Link: magic})
	require.NoError(t, err)
}

func TestInvalidLinkRequestsAreRefused(t *testing.T) {
	a := newAPI(t, kombotest.Start(t))
	for name, value := range map[string]any{
		"end_user_email": "nobody", "end_user_organization_name": "", "end_user_origin_id": "", "remote_environment": "test",
		"integration_category": "assessment", "language": "xx", "link_type": "FOREVER", "enable_filtering": "yes",
		"integration_tool": 1, "scope_config_id": 1,
	} {
		body := map[string]any{"end_user_email": "a@b.c", "end_user_organization_name": "A", name: value}
		encoded, err := json.Marshal(body)
		require.NoError(t, err)
		a.refused(400, "PLATFORM.INPUT_INVALID", kombotest.OpCreateLink, encoded)
	}
	a.refused(400, "PLATFORM.INPUT_INVALID", kombotest.OpCreateLink, []byte(`{}`))
	a.call(200, kombotest.OpCreateLink, []byte(`{"end_user_email":"a@b.c","end_user_organization_name":"A","language":null,"integration_tool":null,"end_user_origin_id":null}`))
}

func TestIntegrationEndpoints(t *testing.T) {
	const path = "/integrations/workday%3ACBNMt7dSNCzBdnRTx87dev4E"
	s, r := kombotest.Start(t), &received{}
	s.Target(r)
	a := newAPI(t, s)
	sameShape(t, "integration", tree(t, fixture(t, "get-integration-response.json")), a.call(200, "GET "+path, nil))

	a.refused(400, "PLATFORM.INPUT_INVALID", "PUT "+path+"/enabled", []byte(`{"value":"no"}`))
	a.call(200, "PUT "+path+"/enabled", []byte(`{"value":false}`))
	a.refused(403, "INTEGRATION.INACTIVE", kombotest.OpGetOrders, nil)
	require.Empty(t, r.bodies)
	require.Equal(t, kombotest.EventStateChanged, s.DeliverPending(t.Context())[0].EventType)
	require.Empty(t, s.DeliverPending(t.Context()))

	_, err := s.ChangeState(t.Context(), kombotest.DefaultIntegration, kombotest.StateChange{State: kombotest.StateInvalid})
	require.NoError(t, err)
	answer, _ := a.call(200, "POST "+path+"/relink", fixture(t, "relink-request.json"))["data"].(map[string]any)
	link, _ := answer["link"].(string)
	c, err := s.Connect(t.Context(), kombotest.ConnectSpec{Link: link})
	require.NoError(t, err)
	require.Equal(t, kombotest.DefaultIntegration, c.Integration)
	a.call(200, kombotest.OpGetOrders, nil)

	a.refused(400, "PLATFORM.INPUT_INVALID", "POST "+path+"/setup-link", []byte(`{"link_type":"EMBEDDED"}`))
	_, err = s.ChangeState(t.Context(), kombotest.DefaultIntegration, kombotest.StateChange{SetupStatus: "INCOMPLETE"})
	require.NoError(t, err)
	a.refused(400, "PLATFORM.INPUT_INVALID", "POST "+path+"/setup-link", []byte(`{}`))
	a.call(200, "POST "+path+"/setup-link", []byte(`{"link_type":"EMBEDDED"}`))

	require.Equal(t, tree(t, fixture(t, "delete-integration-response.json")), a.call(200, "DELETE "+path, []byte(`{}`)))
	a.refused(404, "PLATFORM.INTEGRATION_NOT_FOUND", "GET "+path, nil)
	require.Equal(t, kombotest.EventIntegrationDeleted, s.DeliverPending(t.Context())[0].EventType)
}

func TestDeleteFromTheDashboard(t *testing.T) {
	s, r := kombotest.Start(t), &received{}
	s.Target(r)
	d, err := s.DeleteIntegration(t.Context(), kombotest.DefaultIntegration)
	require.NoError(t, err)
	require.Equal(t, kombotest.EventIntegrationDeleted, d.EventType)
	_, err = s.DeleteIntegration(t.Context(), kombotest.DefaultIntegration)
	require.ErrorContains(t, err, "unknown integration")
}

func TestForceSync(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	first := a.call(200, kombotest.OpForceSync, []byte(`{"type":"DELTA"}`))
	sameShape(t, "sync", tree(t, fixture(t, "force-sync-response.json")), first)
	again, _ := a.call(200, kombotest.OpForceSync, []byte(`{}`))["data"].(map[string]any)
	require.Equal(t, true, again["already_queued"])
	require.Equal(t, "FULL", again["type"])
	a.refused(400, "PLATFORM.INPUT_INVALID", kombotest.OpForceSync, []byte(`{"type":"HALF"}`))
}

func TestTools(t *testing.T) {
	a := newAPI(t, kombotest.Start(t))
	_, body, err := a.send("GET /tools/assessment", nil)
	require.NoError(t, err)
	require.Contains(t, string(body), `"id":"workday","label":"Workday","internal_label":null`)
	tool, _ := tree(t, body)["data"].(map[string]any)["tools"].([]any)[0].(map[string]any)
	for _, name := range []string{ // all that the OpenAPI document requires
		"id", "label", "internal_label", "assets", "paid_api_details_markdown", "fast_track_details_markdown",
		"partner_only_details_markdown", "connection_guide_url", "coverage",
	} {
		require.Contains(t, tool, name)
	}
	for _, name := range []string{"read_models", "write_actions", "features"} {
		require.IsType(t, []any{}, tool["coverage"].(map[string]any)[name])
	}
	a.call(200, "GET /tools/lms", nil)
	a.refused(400, "PLATFORM.INPUT_INVALID", "GET /tools/ASSESSMENT", nil)
}

func TestPassthrough(t *testing.T) {
	const op = "POST /passthrough/workday/rest"
	s := kombotest.Start(t)
	a := newAPI(t, s)
	var got kombotest.PassthroughCall
	s.HandlePassthrough(func(c kombotest.PassthroughCall) kombotest.PassthroughAnswer {
		got = c
		return kombotest.PassthroughAnswer{Data: map[string]any{"success": true, "data": []any{}}}
	})
	s.Fail(kombotest.OpPassthrough, kombotest.Warning("This is an example warning!"))
	answer := a.call(200, op, []byte(`{"method":"GET","path":"/employees","params":{"a":"b"},"data":{"x":1}}`))
	sameShape(t, "passthrough", tree(t, fixture(t, "passthrough-response.json")), answer)
	require.Equal(t, "/employees", got.Path)
	require.JSONEq(t, `{"x":1}`, string(got.Data))
	a.refused(400, "PLATFORM.INPUT_INVALID", op, []byte(`{"method":"TRACE","path":"/"}`))
	a.refused(400, "PLATFORM.INPUT_INVALID", op, []byte(`{"method":"GET","path":"/","headers":{"a":1}}`))
	a.refused(400, "PLATFORM.INPUT_INVALID", "POST /passthrough/ashby/v1", []byte(`{"method":"GET","path":"/"}`))
}

func TestConfigErrors(t *testing.T) {
	for want, cfg := range map[string]kombotest.Config{
		"unknown region":      {Region: "MARS"},
		"start with a slash":  {WebhookPath: "hooks"},
		"negative":            {InlineTimeout: -1},
		"not an error status": {Statuses: map[string]int{"X": 200}},
		"exists already":      {Integrations: []kombotest.IntegrationSpec{{ID: "a:b"}, {ID: "a:b"}}},
		"tool:id":             {Integrations: []kombotest.IntegrationSpec{{ID: "nocolon"}}},
	} {
		_, err := kombotest.New(cfg)
		require.ErrorContains(t, err, want)
	}
}

func TestPausedIntegrationsMayServeReads(t *testing.T) {
	for _, state := range []kombotest.State{kombotest.StateInactive, kombotest.StateInvalid} {
		s := kombotest.Start(t, func(c *kombotest.Config) { c.Quirks.ServePausedReads = true })
		id, _ := place(t, s, kombotest.OrderSpec{})
		_, err := s.ChangeState(t.Context(), kombotest.DefaultIntegration, kombotest.StateChange{State: state})
		require.NoError(t, err)
		a := newAPI(t, s)
		a.call(200, kombotest.OpGetOrders, nil)
		a.call(200, kombotest.OpGetPackages, nil)
		a.call(403, resultOp(id), []byte(validResult))
		_, err = s.ChangeState(t.Context(), kombotest.DefaultIntegration, kombotest.StateChange{State: kombotest.StateActive, SetupStatus: "INCOMPLETE"})
		require.NoError(t, err)
		a.refused(409, "INTEGRATION.SETUP_INCOMPLETE", kombotest.OpGetOrders, nil)
	}
}
