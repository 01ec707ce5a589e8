package stackonetest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

func TestDocumentedResultsAreAccepted(t *testing.T) {
	for name, kind := range map[string]stackonetest.Kind{
		"assessment_result_update.request.json":             stackonetest.Assessment,
		"assessment_result_update.minimal.request.json":     stackonetest.Assessment,
		"legacy_2024_assessment_result_update.request.json": stackonetest.Assessment,
		"background_check_result_update.request.json":       stackonetest.BackgroundCheck,
	} {
		t.Run(name, func(t *testing.T) {
			s := stackonetest.Start(t, at("2021-01-01T01:01:01Z"))
			id, _ := place(t, s, stackonetest.OrderSpec{Kind: kind})
			op := resultOp(id)
			if kind == stackonetest.BackgroundCheck {
				op = strings.Replace(op, "assessments", "background_checks", 1)
			}
			body := fixture(t, name)
			require.JSONEq(t, string(fixture(t, "update_result.response.json")), string(newAPI(t, s).call(200, op, body)))
			o := order(t, s, id)
			require.Equal(t, "complete", o.Status)
			require.Len(t, o.Results, 1)
			require.JSONEq(t, string(body), string(o.Results[0].Body))
			require.Equal(t, "passed", o.State.Result.Value)
			if strings.HasPrefix(name, "legacy") {
				require.Equal(t, []string{"assessment_date"}, o.Results[0].UnknownKeys)
				require.Equal(t, []string{"unknown key assessment_date"}, s.Calls(stackonetest.OpUpdateAssessmentResult)[0].Notes)
				return
			}
			require.Empty(t, o.Results[0].UnknownKeys)
		})
	}
}

func TestResultIsKeptAsWritten(t *testing.T) {
	s := stackonetest.Start(t, at("2026-01-01T00:00:00Z"))
	id, _ := place(t, s, stackonetest.OrderSpec{})
	body := fixture(t, "assessment_result_update.request.json")
	newAPI(t, s).call(200, resultOp(id), body)
	got := order(t, s, id).Results[0]
	want := stackonetest.Result{
		Score:          stackonetest.Score{Label: "Percentage", Value: "80", Min: "0", Max: "100"},
		StartDate:      "2021-01-01T01:01:01.000Z",
		SubmissionDate: "2021-01-01T01:01:01.000Z",
		Summary:        "Test is passed",
		Result:         stackonetest.Enum{Value: "passed", SourceValue: json.RawMessage(`"Passed"`)},
		ResultURL:      "https://exmaple.com/result?id=xyz",
		Attachments: []stackonetest.Attachment{{
			URL: "http://example.com/resume.pdf", ContentType: stackonetest.Enum{Value: "text", SourceValue: json.RawMessage(`"Text"`)},
		}},
		CandidateID: example,
		ProfileURL:  "https://exmaple.com/candidate?id=xyz",
		Passthrough: json.RawMessage(`{"other_known_names":"John Doe"}`),
		Body:        body,
		At:          got.At,
	}
	require.Empty(t, cmp.Diff(want, got))
	require.Empty(t, cmp.Diff(object{
		"result_url": "https://exmaple.com/result?id=xyz", "score.value": "80", "summary": "Test is passed",
		"start_date": "2021-01-01T01:01:01.000Z", "submission_date": "2021-01-01T01:01:01.000Z",
	}, order(t, s, id).Shown()))
}

func TestInvalidResultsAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ body, problem string }{
		"not JSON":                  {`{`, "body is not valid JSON"},
		"not an object":             {`[]`, "body must be an object"},
		"score a number":            {`{"score":80}`, "score must be an object"},
		"score value a number":      {`{"score":{"value":80}}`, "score.value must be a string"},
		"score min a number":        {`{"score":{"min":0}}`, "score.min must be a string"},
		"score max a number":        {`{"score":{"max":100}}`, "score.max must be a string"},
		"score label a number":      {`{"score":{"label":1}}`, "score.label must be a string"},
		"start date without time":   {`{"start_date":"2026-01-01"}`, "start_date must be a valid ISO 8601 date-time"},
		"start date without zone":   {`{"start_date":"2026-01-01T00:00:00"}`, "start_date must be a valid ISO 8601 date-time"},
		"start date empty":          {`{"start_date":""}`, "start_date must be a valid ISO 8601 date-time"},
		"start date a number":       {`{"start_date":1}`, "start_date must be a string"},
		"submission date wrong":     {`{"submission_date":"soon"}`, "submission_date must be a valid ISO 8601 date-time"},
		"summary an object":         {`{"summary":{}}`, "summary must be a string"},
		"result a string":           {`{"result":"passed"}`, "result must be an object"},
		"result unknown":            {`{"result":{"value":"done"}}`, "result.value must be one of"},
		"result pending":            {`{"result":{"value":"pending"}}`, "result.value must be one of"},
		"result value a boolean":    {`{"result":{"value":true}}`, "result.value must be a string"},
		"result URL a number":       {`{"result_url":1}`, "result_url must be a string"},
		"attachments an object":     {`{"attachments":{}}`, "attachments must be an array"},
		"attachment a string":       {`{"attachments":["https://example.com"]}`, "attachments[0] must be an object"},
		"attachment URL a number":   {`{"attachments":[{"url":1}]}`, "attachments[0].url must be a string"},
		"content type a string":     {`{"attachments":[{"content_type":"pdf"}]}`, "attachments[0].content_type must be an object"},
		"content type a MIME type":  {`{"attachments":[{"content_type":{"value":"application/pdf"}}]}`, "attachments[0].content_type.value must be one of"},
		"candidate a string":        {`{"candidate":"x"}`, "candidate must be an object"},
		"candidate id a number":     {`{"candidate":{"id":1}}`, "candidate.id must be a string"},
		"passthrough an array":      {`{"passthrough":[]}`, "passthrough must be an object"},
		"every problem is reported": {`{"summary":1,"result_url":1}`, "result_url must be a string"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stackonetest.Start(t)
			id, _ := place(t, s, stackonetest.OrderSpec{})
			failure := newAPI(t, s).object(400, resultOp(id), []byte(c.body))
			require.Equal(t, "ValidationError", failure["errorCode"])
			require.Contains(t, failure["errors"].([]any)[len(failure["errors"].([]any))-1], c.problem)
			require.Empty(t, order(t, s, id).Results)
		})
	}
}

func TestResultsThatPass(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":               `{}`,
		"all null":              `{"score":null,"start_date":null,"summary":null,"result":null,"attachments":null,"candidate":null,"passthrough":null}`,
		"zero and empty":        `{"score":{"value":"0"},"summary":""}`,
		"offset":                `{"start_date":"2026-01-01T02:00:00+02:00","submission_date":"2026-01-01T00:00:00Z"}`,
		"source value an array": `{"result":{"value":"unmapped_value","source_value":[1,{"a":null}]}}`,
		"value null":            `{"result":{"value":null,"source_value":"Done"}}`,
		"attachment in part":    `{"attachments":[{"url":"https://example.com/a"}]}`,
		"text as a score":       `{"score":{"value":"A+"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := stackonetest.Start(t)
			id, _ := place(t, s, stackonetest.OrderSpec{})
			newAPI(t, s).call(200, resultOp(id), []byte(body))
		})
	}
}

func TestRulesOfTheATS(t *testing.T) {
	type step struct {
		status int
		body   string
	}
	unlisted := quirk(func(q *stackonetest.Quirks) { q.RefuseUnlistedResults = true })
	for name, c := range map[string]struct {
		provider string
		change   func(*stackonetest.Config)
		steps    []step
	}{
		"Greenhouse takes one result":       {stackonetest.Greenhouse, nil, []step{{200, `{"result":{"value":"in_progress"}}`}, {400, `{"result":{"value":"passed"}}`}}},
		"Greenhouse with another error":     {stackonetest.Greenhouse, quirk(func(q *stackonetest.Quirks) { q.GreenhouseRepeat.Status = 422 }), []step{{200, `{}`}, {422, `{}`}}},
		"Greenhouse refuses without taking": {stackonetest.Greenhouse, nil, []step{{400, `{"summary":1}`}, {200, `{"summary":"1"}`}}},
		"Greenhouse repeatable":             {stackonetest.Greenhouse, quirk(func(q *stackonetest.Quirks) { q.RepeatableGreenhouse = true }), []step{{200, `{}`}, {200, `{}`}}},
		"others take several":               {stackonetest.Recruitee, nil, []step{{200, `{"result":{"value":"in_progress"}}`}, {200, `{"result":{"value":"passed"}}`}, {200, `{"result":{"value":"failed"}}`}}},
		"final is final": {
			stackonetest.Recruitee, quirk(func(q *stackonetest.Quirks) { q.FinalIsFinal = true }),
			[]step{{200, `{"result":{"value":"in_progress"}}`}, {200, `{"result":{"value":"passed"}}`}, {409, `{"summary":"late"}`}},
		},
		"SmartRecruiters score": {stackonetest.SmartRecruiters, nil, []step{
			{400, `{"score":{"value":"1"}}`},
			{400, `{"score":{"value":"1","max":"2"}}`},
			{400, `{"score":{"min":"1","max":"2"}}`},
			{200, `{"score":{"value":"1","min":"0","max":"2"}}`},
			{200, `{"result":{"value":"pending"}}`},
		}},
		"SmartRecruiters attachments": {stackonetest.SmartRecruiters, nil, []step{
			{400, `{"attachments":[{"url":"https://example.com"}]}`},
			{400, `{"attachments":[{"content_type":{"value":"pdf"}}]}`},
			{400, `{"attachments":[{"url":"https://example.com","content_type":{}}]}`},
			{200, `{"attachments":[{"url":"https://example.com","content_type":{"value":"pdf"}}]}`},
		}},
		"Teamtailor by default": {stackonetest.Teamtailor, nil, []step{{200, `{"result":{"value":"passed"}}`}}},
		"Teamtailor unlisted":   {stackonetest.Teamtailor, unlisted, []step{{400, `{"result":{"value":"passed"}}`}, {200, `{"result":{"value":"failed"}}`}}},
		"open enums":            {stackonetest.Ashby, quirk(func(q *stackonetest.Quirks) { q.AllowUnknownEnums = true }), []step{{200, `{"result":{"value":"done"}}`}}},
		"unknown fields":        {stackonetest.Ashby, quirk(func(q *stackonetest.Quirks) { q.RefuseUnknownFields = true }), []step{{400, `{"id":"1"}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := stackonetest.Start(t, linked(c.provider), func(cfg *stackonetest.Config) {
				if c.change != nil {
					c.change(cfg)
				}
			})
			id, _ := place(t, s, stackonetest.OrderSpec{})
			for _, step := range c.steps {
				newAPI(t, s).call(step.status, resultOp(id), []byte(step.body))
			}
		})
	}
}

func TestPartialBodiesAreMerged(t *testing.T) {
	for name, c := range map[string]struct {
		leaves  bool
		summary string
	}{"null erases": {false, ""}, "null leaves": {true, "first"}} {
		t.Run(name, func(t *testing.T) {
			s := stackonetest.Start(t, linked(stackonetest.Workday), quirk(func(q *stackonetest.Quirks) { q.NullLeaves = c.leaves }))
			id, _ := place(t, s, stackonetest.OrderSpec{})
			a := newAPI(t, s)
			a.call(200, resultOp(id), []byte(`{"summary":"first","result_url":"https://example.com/1","result":{"value":"in_progress"}}`))
			a.call(200, resultOp(id), []byte(`{"summary":null,"result":{"value":"passed"}}`))
			o := order(t, s, id)
			require.Equal(t, c.summary, o.State.Summary)
			require.Equal(t, "https://example.com/1", o.State.ResultURL)
			require.Equal(t, "passed", o.Status)
			require.Equal(t, []string{"summary"}, o.Results[1].Nulls)
			require.NotContains(t, o.Shown(), "result_url")
		})
	}
}

func TestOrdersAreFound(t *testing.T) {
	const odd = "c28x/IQ+= &?日"
	s := stackonetest.Start(t, func(c *stackonetest.Config) {
		c.Accounts = []stackonetest.AccountSpec{{ID: account, Provider: stackonetest.Ashby}, {ID: "2"}}
	})
	a := newAPI(t, s)
	place(t, s, stackonetest.OrderSpec{ID: odd, RemoteID: "remote-1"})
	a.call(200, resultOp(odd), []byte(`{}`))
	a.call(200, resultOp("remote-1"), []byte(`{}`))
	require.Len(t, order(t, s, odd).Results, 2)
	a.call(404, resultOp("nobody"), []byte(`{}`))
	a.call(404, strings.Replace(resultOp(odd), "assessments", "background_checks", 1), []byte(`{}`))
	a.with(stackonetest.AccountHeader, "2").call(404, resultOp(odd), []byte(`{}`))
	a.call(404, "PATCH /unified/ats/assessments/orders/c28x/IQ/result", []byte(`{}`))
	a.with("Content-Type", "text/plain").call(400, resultOp(odd), []byte(`{}`))
}

func TestRemovedEndpoints(t *testing.T) {
	ops := []string{
		"GET /unified/ats/assessments/orders/" + example, "GET /unified/ats/assessments/orders/" + example + "/results",
		"GET /unified/ats/background_checks/orders", "GET /unified/ats/background_checks/orders/" + example,
		"GET /unified/ats/background_checks/orders/" + example + "/results",
	}
	for policy, status := range map[stackonetest.RemovedPolicy]int{
		stackonetest.RemovedNotFound: http.StatusNotFound, stackonetest.RemovedNotImplemented: http.StatusNotImplemented,
	} {
		s := stackonetest.Start(t, quirk(func(q *stackonetest.Quirks) { q.Removed = policy }))
		for _, op := range ops {
			newAPI(t, s).call(status, op, nil)
		}
	}
}

func TestRemovedEndpointsServed(t *testing.T) {
	served := quirk(func(q *stackonetest.Quirks) { q.Removed = stackonetest.RemovedServed })
	spec := stackonetest.OrderSpec{ID: example, RemoteID: example, PackageID: example}
	s := stackonetest.Start(t, served)
	a := newAPI(t, s)
	place(t, s, spec)
	require.JSONEq(t, string(fixture(t, "legacy_removed_assessment_order_get.response.json")),
		string(a.call(200, "GET /unified/ats/assessments/orders/"+example, nil)))
	a.call(200, resultOp(example), fixture(t, "assessment_result_update.request.json"))
	want := tree[object](t, fixture(t, "legacy_removed_assessment_results_get.response.json"))
	require.Equal(t, want["data"], a.object(200, "GET /unified/ats/assessments/orders/"+example+"/results", nil)["data"])

	s = stackonetest.Start(t, served)
	spec.Kind = stackonetest.BackgroundCheck
	place(t, s, spec)
	want = tree[object](t, fixture(t, "legacy_removed_background_check_orders_list.response.json"))
	require.Equal(t, want["data"], newAPI(t, s).object(200, "GET /unified/ats/background_checks/orders", nil)["data"])
}

func TestOrdersOfTheOtherDirection(t *testing.T) {
	for segment, names := range map[string][2]string{
		"assessments":       {"assessment_order_create.request.json", "assessment_order_create.response.json"},
		"background_checks": {"background_check_order_create.request.json", "background_check_order_create.response.json"},
	} {
		s := stackonetest.Start(t)
		a := newAPI(t, s)
		op := "POST /unified/ats/" + segment + "/orders"
		got := a.object(200, op, fixture(t, names[0]))
		want := tree[object](t, fixture(t, names[1]))
		if segment == "assessments" {
			want["remote_id"] = got["remote_id"] // the request has none
		}
		require.Equal(t, want, got)
		require.Equal(t, example, order(t, s, example).PackageID)
		a.call(409, op, fixture(t, names[0]))
		a.call(400, op, []byte(`{"candidate":{"emails":["a@example.com"]}}`))
	}
}
