package kombotest_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

const (
	required = simkit.Required
	optional = simkit.Optional
	nullable = simkit.OptionalOrNull
)

// null is a member that has to be there and may be null, as most of an order's.
func null(o *simkit.Object, names ...string) {
	for _, name := range names {
		if !o.Has(name) {
			o.Fail(o.At(name), "is required")
		}
		o.Text(name, nullable)
	}
}

// nullDate is a date-time that has to be there and may be null.
func nullDate(o *simkit.Object, name string) {
	if !o.Has(name) {
		o.Fail(o.At(name), "is required")
	}
	o.DateTime(name, nullable)
}

// strict reads an answer as Kombo's OpenAPI document describes it: every required
// member has to be there, of its type, and nothing that the document does not name.
// Warnings are required of writes.
func (a api) strict(op string, body []byte, warnings simkit.Need, data func(*simkit.Object)) *simkit.Checker {
	a.t.Helper()
	response, answer, err := a.send(op, body)
	require.NoError(a.t, err)
	require.Equal(a.t, 200, response.StatusCode, "%s", answer)
	var c simkit.Checker
	envelope := c.Body(response.Header, answer)
	require.NotNil(a.t, envelope)
	envelope.Enum("status", required, "success")
	if d := envelope.Child("data", required); d != nil {
		data(d)
		d.Done()
	}
	envelope.Each("warnings", warnings, func(w *simkit.Object) { w.Text("message", required) })
	envelope.Done()
	return &c
}

func nothing(*simkit.Object) {}

func readTool(o *simkit.Object) {
	o.Filled("id", required)
	o.Filled("label", required)
	null(o, "internal_label", "paid_api_details_markdown", "fast_track_details_markdown", "partner_only_details_markdown", "connection_guide_url")
	if assets := o.Child("assets", required); assets != nil {
		for _, name := range []string{"logo_url", "icon_url", "icon_black_url"} {
			assets.URI(name, required)
		}
		assets.Done()
	}
	if coverage := o.Child("coverage", required); coverage != nil {
		for _, name := range []string{"read_models", "write_actions", "features"} {
			coverage.List(name, required)
		}
		coverage.Done()
	}
}

func readOrder(o *simkit.Object) {
	o.Enum("status", required, "OPEN", "COMPLETED", "CANCELLED", "REJECTED")
	readOpenOrder(o)
}

// readOpenOrder is an order of the deprecated list, which has no status.
func readOpenOrder(o *simkit.Object) {
	o.Filled("id", required)
	o.Text("package_id", required)
	if c := o.Child("candidate", required); c != nil {
		c.Email("email", required)
		null(c, "remote_id", "first_name", "last_name", "phone")
		c.Done()
	}
	if a := o.Child("application", required); a != nil {
		null(a, "remote_id")
		a.Done()
	}
	if j := o.Child("job", required); j != nil {
		null(j, "remote_id", "name", "job_code", "description")
		if !j.Has("location") {
			j.Fail(j.At("location"), "is required")
		}
		if l := j.Child("location", nullable); l != nil {
			l.Texts("street_1", "street_2", "city", "state", "zip_code", "country", "raw")
			l.Done()
		}
		j.Each("hiring_team", required, func(m *simkit.Object) {
			null(m, "remote_id", "email", "first_name", "last_name")
			roles, _ := m.List("hiring_team_roles", required)
			for _, role := range roles {
				if role != "RECRUITER" && role != "HIRING_MANAGER" {
					m.Fail(m.At("hiring_team_roles"), "must be one of RECRUITER, HIRING_MANAGER")
				}
			}
		})
		j.Done()
	}
}

func readIntegration(o *simkit.Object) {
	o.Filled("id", required)
	if tool := o.Child("tool", required); tool != nil {
		tool.Filled("id", required)
		tool.Filled("label", required)
		null(tool, "internal_label")
		tool.URI("logo_url", required)
		tool.URI("icon_url", required)
		tool.Done()
	}
	o.Enum("category", required, "HRIS", "ATS", "ASSESSMENT", "LMS")
	o.Enum("status", required, "ACTIVE", "INVALID", "INACTIVE")
	readSetup(o)
	if user := o.Child("end_user", required); user != nil {
		user.Text("organization_name", required)
		null(user, "creator_email", "origin_id")
		user.Done()
	}
	if scope := o.Child("scope_config", required); scope != nil {
		scope.Filled("id", required)
		null(scope, "name")
		scope.Done()
	}
	nullDate(o, "data_expired_at")
	o.DateTime("created_at", required)
	o.Flag("beta", required)
	for _, list := range []string{"read_models", "write_actions"} {
		o.Each(list, required, func(m *simkit.Object) {
			m.Filled("id", required)
			m.Text("label", required)
			m.Flag("is_available", required)
			m.Enum("coverage_status", required, "SUPPORTED", "UNSUPPORTED", "NOT_IMPLEMENTED", "UNKNOWN")
			m.Enum("scope_config_setting", required, "ENABLED", "DISABLED", "OPTIONAL")
			m.Flag("opted_out_by_customer", required)
			m.List("fields", required)
		})
	}
}

func readSetup(o *simkit.Object) {
	o.Enum("setup_status", required, "INCOMPLETE", "FINAL_SYNC_PENDING", "COMPLETED")
}

func readPackage(o *simkit.Object) {
	for _, name := range []string{"id", "name", "description"} {
		o.Text(name, required)
	}
	nullDate(o, "updated_at")
	if !o.Has("type") {
		o.Fail("type", "is required")
	}
	o.Enum("type", nullable, "BEHAVIORAL", "VIDEO_INTERVIEW", "SKILLS_TEST", "BACKGROUND_CHECK", "REFERENCE_CHECK")
}

func readLink(o *simkit.Object) { o.URI("link", required) }

// readToken is what a token of the connection flow is exchanged for.
func readToken(o *simkit.Object) {
	o.Filled("tool", required)
	o.Filled("id", required)
	o.Filled("end_user_organization_name", required)
	null(o, "end_user_origin_id", "end_user_email")
	readSetup(o)
}

func readSync(o *simkit.Object) {
	o.Flag("already_queued", required)
	o.Filled("sync_id", required)
	o.Enum("type", required, "FULL", "DELTA")
}

// orders reads a page of orders.
func orders(read func(*simkit.Object)) func(*simkit.Object) {
	return func(d *simkit.Object) {
		null(d, "next")
		d.Each("results", required, read)
	}
}

// TestAnswersHaveAllThatIsRequired is a client that is as strict as the official SDKs:
// it takes no answer in which a required member is missing.
func TestAnswersHaveAllThatIsRequired(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	id, _, err := s.PlaceOrder(t.Context(), kombotest.OrderSpec{}, kombotest.Lost())
	require.NoError(t, err)
	s.SetPackages(kombotest.DefaultIntegration, []kombotest.Package{
		{ID: "old"}, {ID: "new", Type: "SKILLS_TEST", UpdatedAt: time.Unix(1, 0)},
	})
	leaving, err := s.Integration(kombotest.IntegrationSpec{HasSetup: true})
	require.NoError(t, err)
	connected, err := s.Connect(t.Context(), kombotest.ConnectSpec{})
	require.NoError(t, err)
	of := "/integrations/" + url.PathEscape(leaving)
	for _, tc := range []struct {
		op       string
		body     string
		warnings simkit.Need
		data     func(*simkit.Object)
	}{
		{op: "GET /tools/assessment", data: func(d *simkit.Object) { require.True(t, d.Each("tools", required, readTool)) }},
		{op: "GET /assessment/packages", data: func(d *simkit.Object) { require.True(t, d.Each("packages", required, readPackage)) }},
		{op: "GET /assessment/orders", data: orders(readOrder)},
		{op: "GET /assessment/orders/open", data: orders(readOpenOrder)},
		{op: "GET /integrations/" + kombotest.DefaultIntegration, data: readIntegration},
		{op: "GET /check-api-key", data: func(d *simkit.Object) {
			d.Filled("environment_id", required)
			d.Filled("customer_id", optional)
		}},
		{op: "GET /connect/integration-by-token/" + connected.Token, data: readToken},
		{op: "POST /connect/create-link", body: `{"end_user_email":"a@example.com","end_user_organization_name":"Acme","integration_category":"ASSESSMENT"}`, data: readLink},
		{op: "POST " + of + "/relink", body: `{}`, data: readLink},
		{op: "POST " + of + "/setup-link", body: `{"link_type":"EMBEDDED"}`, data: readLink},
		{op: "PUT " + of + "/enabled", body: `{"value":false}`, data: nothing},
		{op: "DELETE " + of, data: nothing},
		{op: "POST /force-sync", body: `{"type":"DELTA"}`, data: readSync},
		{
			op: "PUT /assessment/orders/" + id + "/result", warnings: required, data: nothing,
			body: `{"status":"COMPLETED","result_url":"https://example.com/1","completed_at":"2026-01-01T00:00:00.000Z","attributes":[]}`,
		},
		{
			op: "PUT /assessment/packages", warnings: required, data: nothing,
			body: `{"packages":[{"id":"p","name":"P","description":"A test","type":"SKILLS_TEST"}]}`,
		},
		{op: "POST /passthrough/workday/rest", body: `{"method":"GET","path":"/"}`, warnings: required, data: func(d *simkit.Object) {
			d.URI("url", required)
			d.Number("status", required)
			d.Child("headers", required)
			d.Get("data", nullable)
		}},
	} {
		t.Run(tc.op, func(t *testing.T) {
			a.t = t
			c := a.strict(tc.op, []byte(tc.body), tc.warnings, tc.data)
			require.Empty(t, c.Problems)
			require.Empty(t, c.Unknown)
		})
	}
}

// TestErrorsHaveAllThatIsRequired: an error has all four members, three of them
// possibly null, whatever is wrong.
func TestErrorsHaveAllThatIsRequired(t *testing.T) {
	a := newAPI(t, kombotest.Start(t))
	for _, op := range []string{
		"GET /nowhere", "GET /assessment/orders?page_size=0", "PUT /assessment/orders/none/result", "GET /integrations/none", "GET /tools/none",
	} {
		response, answer, err := a.send(op, []byte(`{}`))
		require.NoError(t, err)
		require.GreaterOrEqual(t, response.StatusCode, 400, op)
		var c simkit.Checker
		envelope := c.Body(response.Header, answer)
		require.NotNil(t, envelope, op)
		envelope.Enum("status", required, "error")
		if failure := envelope.Child("error", required); failure != nil {
			failure.Filled("message", required)
			null(failure, "code", "title", "log_url")
			failure.URI("log_url", nullable)
			failure.Done()
		}
		envelope.Done()
		require.Empty(t, c.Problems, op)
		require.Empty(t, c.Unknown, op)
	}
}

// The strict client does refuse: all that is wrong, with its path.
func TestStrictClientRefuses(t *testing.T) {
	var c simkit.Checker
	readOrder(c.Object("body", map[string]any{
		"id": "", "status": "NEW", "candidate": map[string]any{"email": "x", "remote_id": 7.0},
		"application": nil, "job": map[string]any{"hiring_team": []any{map[string]any{"hiring_team_roles": []any{"BOSS"}}}},
	}))
	require.Subset(t, c.Problems, []string{
		"id must not be empty", "package_id is required", "status must be one of OPEN, COMPLETED, CANCELLED, REJECTED",
		"candidate.email must be an e-mail address", "candidate.first_name is required", "candidate.remote_id must be a string",
		"application must not be null", "job.location is required", "job.hiring_team[0].email is required",
		"job.hiring_team[0].hiring_team_roles must be one of RECRUITER, HIRING_MANAGER",
	})
	c.Problems = nil
	readPackage(c.Object("body", map[string]any{"id": "1", "name": 2.0, "type": "QUIZ", "updated_at": "today"}))
	require.ElementsMatch(t, c.Problems, []string{
		"name must be a string", "description is required", "updated_at must be a valid ISO 8601 date-time",
		"type must be one of BEHAVIORAL, VIDEO_INTERVIEW, SKILLS_TEST, BACKGROUND_CHECK, REFERENCE_CHECK",
	})
}
