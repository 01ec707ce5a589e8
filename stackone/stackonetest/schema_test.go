package stackonetest_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

const (
	required = simkit.Required
	optional = simkit.Optional
	nullable = simkit.OptionalOrNull
)

// dates are date-times that may be left out or null.
func dates(o *simkit.Object, names ...string) {
	for _, name := range names {
		o.DateTime(name, nullable)
	}
}

// textLists are lists of texts that may be left out or null.
func textLists(o *simkit.Object, names ...string) {
	for _, name := range names {
		list, _ := o.List(name, nullable)
		for _, v := range list {
			if _, ok := v.(string); !ok {
				o.Fail(o.At(name), "must hold strings")
			}
		}
	}
}

// enum is an enum object; its values are an open set.
func enum(o *simkit.Object, names ...string) {
	for _, name := range names {
		if e := o.Child(name, nullable); e != nil {
			e.Text("value", nullable)
			e.Get("source_value", nullable)
			e.Done()
		}
	}
}

func customFields(o *simkit.Object) {
	o.Each("custom_fields", nullable, func(f *simkit.Object) {
		f.Texts("id", "remote_id", "name", "value_id", "remote_value_id")
		f.Get("value", nullable)
	})
	o.Free("unified_custom_fields")
}

func person(o *simkit.Object) {
	o.Texts("name", "first_name", "last_name", "email", "company", "title")
	o.Each("emails", nullable, func(e *simkit.Object) { e.Texts("type", "value") })
	o.Each("phone_numbers", nullable, func(p *simkit.Object) { p.Texts("type", "phone") })
	o.Each("social_links", nullable, func(l *simkit.Object) { l.Texts("type", "url") })
}

func readCandidate(o *simkit.Object) {
	person(o)
	o.Texts("id", "remote_id", "country", "phone")
	textLists(o, "application_ids", "remote_application_ids")
	dates(o, "hired_at", "created_at", "updated_at")
	o.Each("tags", nullable, func(t *simkit.Object) { t.Texts("remote_id", "name") })
	customFields(o)
}

func readStage(o *simkit.Object) {
	o.Texts("id", "remote_id", "name")
	o.Number("order", nullable)
	dates(o, "created_at", "updated_at")
	o.Free("unified_custom_fields")
	o.Done()
}

func readApplication(o *simkit.Object) {
	o.Texts("id", "remote_id", "candidate_id", "remote_candidate_id", "job_id", "remote_job_id",
		"application_stage_id", "remote_application_stage_id", "interview_stage_id", "remote_interview_stage_id",
		"location_id", "remote_location_id")
	for _, name := range []string{"application_stage", "interview_stage"} {
		if stage := o.Child(name, nullable); stage != nil {
			readStage(stage)
		}
	}
	enum(o, "application_status")
	if candidate := o.Child("candidate", nullable); candidate != nil {
		person(candidate)
		candidate.Done()
	}
	textLists(o, "location_ids", "remote_location_ids", "rejected_reason_ids", "remote_rejected_reason_ids")
	o.Each("rejected_reasons", nullable, func(r *simkit.Object) {
		r.Texts("id", "remote_id", "label")
		r.Text("type", nullable) // deprecated, a bare text in StackOne's example
		enum(r, "rejected_reason_type")
		r.Free("unified_custom_fields")
	})
	o.Each("questionnaires", nullable, func(q *simkit.Object) {
		q.Texts("id", "remote_id")
		q.Each("answers", nullable, func(a *simkit.Object) {
			a.Texts("id", "remote_id")
			enum(a, "type")
			textLists(a, "values")
		})
	})
	o.Each("documents", nullable, func(d *simkit.Object) {
		d.Texts("id", "remote_id", "name", "category_id", "remote_url", "path")
		enum(d, "category", "file_format", "type")
		d.Get("contents", nullable)
		dates(d, "created_at", "updated_at")
		d.Free("unified_custom_fields")
	})
	o.Each("attachments", nullable, func(a *simkit.Object) {
		a.Texts("file_name", "content", "url")
		enum(a, "content_type")
	})
	o.Each("result_links", nullable, func(l *simkit.Object) { l.Texts("label", "url") })
	if source := o.Child("source", nullable); source != nil {
		source.Texts("id", "remote_id", "name")
		source.Done()
	}
	dates(o, "rejected_at", "created_at", "updated_at")
	customFields(o)
}

func readJob(o *simkit.Object) {
	o.Texts("id", "remote_id", "code", "title", "description", "status")
	enum(o, "job_status")
	textLists(o, "department_ids", "remote_department_ids", "location_ids", "remote_location_ids")
	o.Each("hiring_team", nullable, func(m *simkit.Object) {
		m.Texts("user_id", "remote_user_id", "first_name", "last_name", "email", "role")
	})
	o.Each("interview_stages", nullable, readStage)
	o.Enum("confidential", nullable, "true", "false", "unmapped_value")
	dates(o, "created_at", "updated_at")
	customFields(o)
}

func readPosting(o *simkit.Object) {
	o.Texts("id", "remote_id", "title", "job_id", "remote_job_id", "remote_job_posting_id", "external_url", "external_apply_url")
	o.Each("locations", nullable, func(l *simkit.Object) { l.Texts("id", "remote_id", "name") })
	o.Enum("internal", nullable, "true", "false")
	enum(o, "status", "employment_type", "employment_contract_type")
	if content := o.Child("content", nullable); content != nil {
		content.Texts("plain", "html")
		content.Each("sections", nullable, func(s *simkit.Object) {
			s.Texts("id", "remote_id", "label", "content")
			enum(s, "type")
		})
		content.Done()
	}
	o.Each("compensation", nullable, func(c *simkit.Object) {
		c.Texts("title", "currency", "value", "min_value_range", "max_value_range")
		enum(c, "type", "pay_period", "pay_frequency")
	})
	o.Each("questionnaires", nullable, func(q *simkit.Object) {
		q.Texts("id", "name", "internal")
		q.List("questions", nullable)
	})
	dates(o, "start_date", "created_at", "updated_at")
	o.Free("unified_custom_fields")
}

func readAccount(o *simkit.Object) {
	for _, name := range []string{"id", "provider", "status", "origin_owner_id", "origin_owner_name"} {
		o.Text(name, required)
	}
	o.DateTime("created_at", required)
	o.DateTime("updated_at", required)
	o.Texts("provider_name", "origin_username", "label")
	o.Each("status_reasons", nullable, func(r *simkit.Object) {
		r.Texts("code", "description")
		r.DateTime("timestamp", required)
	})
	o.Free("credentials", "setup_information")
	o.Enum("type", nullable, "production", "test", "unmapped_value")
	o.Get("shared", nullable)
}

func readConnector(o *simkit.Object) {
	o.Filled("provider", required)
	o.Texts("provider_name", "category")
	o.Flag("active", required)
	o.Child("models", required)
	o.Free("resources")
}

// testPackage is a package with its tests, which only those of background checks have.
func testPackage(tests bool) func(*simkit.Object) {
	return func(o *simkit.Object) {
		o.Texts("id", "remote_id", "name", "description")
		if tests {
			o.Each("tests", nullable, func(t *simkit.Object) { t.Texts("id", "remote_id", "name", "description") })
		}
	}
}

// readOrdered is the answer to an order, which has no envelope.
func readOrdered(o *simkit.Object) { o.Texts("id", "remote_id", "test_url") }

// readSession demands organization_id as the newer descriptions have it: a text.
func readSession(o *simkit.Object) {
	o.Number("id", required)
	for _, name := range []string{"organization_id", "project_id", "origin_owner_id", "origin_owner_name", "token"} {
		o.Filled(name, required)
	}
	o.DateTime("created_at", required)
	o.URI("auth_link_url", required)
	textLists(o, "categories")
	o.Texts("provider", "origin_username", "account_id", "label", "integration_id", "external_trigger_token")
	o.Enum("type", nullable, "production", "test", "unmapped_value")
	o.Free("metadata", "latest_connection_attempt")
}

func readMeta(o *simkit.Object) {
	o.Filled("provider", required)
	o.Filled("category", required)
	o.Child("models", required)
}

func one(read func(*simkit.Object)) func(*simkit.Object) {
	return func(o *simkit.Object) {
		if data := o.Child("data", required); data != nil {
			read(data)
			data.Done()
		}
		raw(o)
	}
}

func many(read func(*simkit.Object)) func(*simkit.Object) {
	return func(o *simkit.Object) {
		o.Each("data", required, read)
		o.Texts("next", "next_page")
		raw(o)
	}
}

func raw(o *simkit.Object) {
	o.Each("raw", nullable, func(r *simkit.Object) {
		r.Text("method", required)
		r.Text("url", required)
		r.Get("body", nullable)
		r.Get("response", nullable)
	})
}

func updated(o *simkit.Object) {
	o.Number("statusCode", required)
	o.Text("message", required)
	o.DateTime("timestamp", required)
}

func created(o *simkit.Object) {
	updated(o)
	if data := o.Child("data", required); data != nil {
		data.Texts("id", "remote_id")
		data.Done()
	}
}

func read(o *simkit.Object, v any, each func(*simkit.Object)) {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, item := range list {
		if child := o.Object("body", item); child != nil {
			each(child)
			child.Done()
		}
	}
}

// TestAnswersHaveAllThatIsRequired is a client that is as strict as a generated one:
// every member has its documented type, and the required ones are there.
func TestAnswersHaveAllThatIsRequired(t *testing.T) {
	s := stackonetest.Start(t)
	order, _ := place(t, s, stackonetest.OrderSpec{})
	a := newAPI(t, s)
	const all = "?raw=true&include=custom_fields"
	const background = "/unified/ats/background_checks/"
	check, _ := place(t, s, stackonetest.OrderSpec{Kind: stackonetest.BackgroundCheck})
	leaving, err := s.Account(stackonetest.AccountSpec{StatusReasons: []stackonetest.StatusReason{{Code: "x"}}})
	require.NoError(t, err)
	s.SetPackages(account, stackonetest.BackgroundCheck, []stackonetest.Package{
		{ID: "1", Name: "Criminal record", Tests: []stackonetest.Test{{ID: "t"}}}, {ID: "2", Name: "To be deleted"},
	})
	for op, tc := range map[string]struct {
		status int
		body   string
		read   func(*simkit.Object)
	}{
		"GET /accounts":                                {200, "", readAccount},
		"GET /accounts/" + account:                     {200, "", readAccount},
		"PATCH /accounts/" + account:                   {200, `{"label":"Acme"}`, readAccount},
		"GET /connectors/meta":                         {200, "", readConnector},
		"GET /connectors/meta/smartrecruiters":         {200, "", readConnector},
		"GET /unified/ats/candidates" + all:            {200, "", many(readCandidate)},
		"GET /unified/ats/candidates/" + example + all: {200, "", one(readCandidate)},
		"GET /unified/ats/applications" + all:          {200, "", many(readApplication)},
		"GET /unified/ats/applications/" + example + "?include=custom_fields,attachments&expand=documents": {200, "", one(readApplication)},
		"GET /unified/ats/jobs" + all:                                         {200, "", many(readJob)},
		"GET /unified/ats/jobs/" + example + all:                              {200, "", one(readJob)},
		"GET /unified/ats/job_postings?include=questionnaires":                {200, "", many(readPosting)},
		"GET /unified/ats/job_postings/" + example:                            {200, "", one(readPosting)},
		"GET /unified/ats/assessments/packages?raw=true":                      {200, "", many(testPackage(false))},
		"GET /unified/ats/assessments/packages/" + example:                    {200, "", one(testPackage(false))},
		"GET " + background + "packages?raw=true":                             {200, "", many(testPackage(true))},
		"GET " + background + "packages/1":                                    {200, "", one(testPackage(true))},
		"POST " + background + "packages":                                     {201, string(fixture(t, "background_check_package_create.request.json")), created},
		"PATCH " + background + "packages/1":                                  {200, `{"name":"Record"}`, updated},
		"DELETE " + background + "packages/2":                                 {200, "", updated},
		"POST " + background + "orders":                                       {200, `{"package":{"id":"1"}}`, readOrdered},
		"PATCH " + background + "orders/" + url.PathEscape(check) + "/result": {200, `{"result":{"value":"passed"}}`, updated},
		"POST /unified/ats/assessments/orders":                                {200, `{"package":{"id":"` + example + `"}}`, readOrdered},
		"POST /connect_sessions":                                              {201, `{"origin_owner_id":"1","origin_owner_name":"Acme","metadata":{},"categories":["ats"]}`, readSession},
		"GET /accounts/" + account + "/meta":                                  {200, "", readMeta},
		"DELETE /accounts/" + leaving:                                         {200, "", readAccount},
		"POST /webhooks/1/events": {207, `[{"event":"ats_assessments.created","record_id":"1"}]`, func(o *simkit.Object) {
			o.Text("event", required)
			o.Text("record_id", required)
			o.Number("status", required)
			if !o.Has("message") {
				o.Fail(o.At("message"), "is required")
			}
			o.Texts("message")
		}},
		"PATCH /unified/ats/assessments/orders/" + url.PathEscape(order) + "/result": {200, `{"result":{"value":"completed"}}`, updated},
	} {
		t.Run(op, func(t *testing.T) {
			a.t = t
			response, answer, err := a.send(op, []byte(tc.body))
			require.NoError(t, err)
			require.Equal(t, tc.status, response.StatusCode, "%s", answer)
			var c simkit.Checker
			v, ok := c.JSON(response.Header, answer)
			require.True(t, ok)
			read(&simkit.Object{Checker: &c}, v, tc.read)
			require.Empty(t, c.Problems)
			require.Empty(t, c.Unknown)
		})
	}
}

// TestErrorsHaveAllThatIsRequired: every error has the three members that StackOne's
// OpenAPI description requires.
func TestErrorsHaveAllThatIsRequired(t *testing.T) {
	a := newAPI(t, stackonetest.Start(t))
	for op, status := range map[string]int{
		"GET /nowhere": 404, "GET /accounts/none": 404, "GET /unified/ats/jobs/none": 404,
		"GET /unified/ats/jobs?page_size=x": 400, "PATCH /unified/ats/assessments/orders/none/result": 404,
	} {
		response, answer, err := a.send(op, []byte(`{}`))
		require.NoError(t, err)
		require.Equal(t, status, response.StatusCode, op)
		var c simkit.Checker
		envelope := c.Body(response.Header, answer)
		require.NotNil(t, envelope, op)
		require.Equal(t, strconv.Itoa(status), envelope.Number("statusCode", required).String(), op)
		envelope.Filled("message", required)
		envelope.DateTime("timestamp", required)
		require.Empty(t, c.Problems, op)
	}
}

// The strict client does refuse: all that is wrong, with its path.
func TestStrictClientRefuses(t *testing.T) {
	var c simkit.Checker
	root := &simkit.Object{Checker: &c}
	read(root, []any{map[string]any{"id": 7.0, "provider": "x", "status": nil, "status_reasons": []any{map[string]any{}}}}, readAccount)
	read(root, map[string]any{"data": []any{map[string]any{"application_status": "open", "created_at": "yesterday"}}, "raw": []any{map[string]any{}}}, many(readApplication))
	read(root, map[string]any{"confidential": true}, readJob)
	require.Subset(t, c.Problems, []string{
		"id must be a string", "status must not be null", "origin_owner_id is required", "created_at is required",
		"status_reasons[0].timestamp is required", "data[0].application_status must be an object",
		"data[0].created_at must be a valid ISO 8601 date-time", "raw[0].method is required", "confidential must be a string",
	})
	c.Problems = nil
	read(root, map[string]any{"id": "7", "organization_id": 7.0, "type": "TEST", "auth_link_url": "here"}, readSession)
	read(root, map[string]any{"statusCode": "201", "message": "m", "timestamp": nil}, created)
	require.Subset(t, c.Problems, []string{
		"id must be a number", "organization_id must be a string", "token is required", "auth_link_url must be a URI",
		"type must be one of production, test, unmapped_value", "statusCode must be a number", "timestamp must not be null", "data is required",
	})
}
