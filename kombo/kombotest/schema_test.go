package kombotest_test

import (
	"testing"

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

// strict reads an answer as Kombo's OpenAPI document describes it: every required
// member has to be there, of its type, and nothing that the document does not name.
func (a api) strict(op string, body []byte, data func(*simkit.Object)) *simkit.Checker {
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
	envelope.Each("warnings", optional, func(w *simkit.Object) { w.Text("message", required) })
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
	o.Filled("id", required)
	o.Text("package_id", required)
	o.Enum("status", required, "OPEN", "COMPLETED", "CANCELLED", "REJECTED")
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
	o.Filled("setup_status", required)
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
	null(o, "data_expired_at")
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

// TestAnswersHaveAllThatIsRequired is a client that is as strict as the official SDKs:
// it takes no answer in which a required member is missing.
func TestAnswersHaveAllThatIsRequired(t *testing.T) {
	s := kombotest.Start(t)
	a := newAPI(t, s)
	id, _, err := s.PlaceOrder(t.Context(), kombotest.OrderSpec{}, kombotest.Lost())
	require.NoError(t, err)
	for op, tc := range map[string]struct {
		body string
		data func(*simkit.Object)
	}{
		"GET /tools/assessment": {data: func(d *simkit.Object) { require.True(t, d.Each("tools", required, readTool)) }},
		"GET /assessment/orders": {data: func(d *simkit.Object) {
			null(d, "next")
			require.True(t, d.Each("results", required, readOrder))
		}},
		"GET /integrations/" + kombotest.DefaultIntegration: {data: readIntegration},
		"GET /check-api-key": {data: func(d *simkit.Object) {
			d.Filled("environment_id", required)
			d.Filled("customer_id", optional)
		}},
		"PUT /assessment/orders/" + id + "/result": {
			body: `{"status":"COMPLETED","result_url":"https://example.com/1","completed_at":"2026-01-01T00:00:00.000Z","attributes":[]}`, data: nothing,
		},
		"PUT /assessment/packages": {
			body: `{"packages":[{"id":"p","name":"P","description":"A test","type":"SKILLS_TEST"}]}`, data: nothing,
		},
		"POST /passthrough/workday/rest": {body: `{"method":"GET","path":"/"}`, data: func(d *simkit.Object) {
			d.URI("url", required)
			d.Number("status", required)
			d.Child("headers", required)
			d.Get("data", nullable)
		}},
	} {
		t.Run(op, func(t *testing.T) {
			a.t = t
			c := a.strict(op, []byte(tc.body), tc.data)
			require.Empty(t, c.Problems)
			require.Empty(t, c.Unknown)
		})
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
}
