package ashbytest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

func TestCallsMatchTheDocumentedExamples(t *testing.T) {
	s := ashbytest.Start(t)
	s.Target(always(500, ""))
	start := func(spec ashbytest.StartSpec) func() ashbytest.Answer {
		return func() ashbytest.Answer { return s.StartAssessment(t.Context(), spec) }
	}
	for name, call := range map[string]func() ashbytest.Answer{
		"assessment-list.request.json":                         func() ashbytest.Answer { return s.List(t.Context()) },
		"assessment-start.request.full.json":                   start(ashbytest.StartSpec{}),
		"assessment-start.request.minimal.json":                start(ashbytest.StartSpec{HiringTeam: []ashbytest.TeamMember{}, Fields: map[string]any{"job.req_id": ashbytest.Absent}}),
		"assessment-start.request.with-additional-fields.json": start(ashbytest.StartSpec{AdditionalFields: map[string]any{"department": "eng"}}),
		"assessment-cancel.request.json":                       func() ashbytest.Answer { return s.Cancel(t.Context(), exampleID) },
	} {
		s.ForgetExchanges()
		a := call()
		e := s.Exchanges()[0]
		require.Empty(t, cmp.Diff(tree(t, fixture(t, name)), tree(t, e.RequestBody)), name)
		require.Equal(t, http.MethodPost, e.Method)
		require.Equal(t, "http://provider.example/"+a.Op, e.URL)
		require.Equal(t, "application/json", e.RequestHeader.Get("Content-Type"))
		require.Equal(t, "[redacted]", e.RequestHeader.Get("Authorization"))
	}
}

func TestDocumentedAnswersHaveNoViolations(t *testing.T) {
	s := ashbytest.Start(t)
	ctx := t.Context()
	respond := func(name string, status int, call func() ashbytest.Answer) ashbytest.Answer {
		s.Target(always(status, string(fixture(t, name))))
		a := call()
		require.Empty(t, a.Violations, name)
		require.NoError(t, a.Err)
		return a
	}
	start := func() ashbytest.Answer { return s.StartAssessment(ctx, ashbytest.StartSpec{}) }
	cancel := func() ashbytest.Answer { return s.Cancel(ctx, exampleID) }

	a := respond("assessment-list.response.json", 200, func() ashbytest.Answer { return s.List(ctx) })
	require.Equal(t, ashbytest.Succeeded, a.Outcome)
	require.Equal(t, []ashbytest.AssessmentType{
		{ID: ashbytest.DefaultAssessmentTypeID, Name: "Node Assessment", Description: "90 minute backend exercise in Node.js"},
		{ID: "38430ede-5bd2-41fc-b474-87591cb98cbc", Name: "Reference check"},
	}, a.Types)

	a = respond("assessment-custom-fields.response.json", 200, func() ashbytest.Answer { return s.SyncCustomFields(ctx) })
	require.Equal(t, []ashbytest.CustomField{
		{ID: "department", Name: "Department", Type: "ValueSelect", Options: []ashbytest.FieldOption{{Key: "eng", Value: "Engineering"}, {Key: "ops", Value: "Operations"}}},
		{ID: "due_date", Name: "Due date", Type: "Date"},
	}, a.Fields)

	a = respond("assessment-start.response.422.json", 422, start)
	require.Equal(t, ashbytest.Declined, a.Outcome)
	require.Equal(t, "This test is retired. Pick another assessment for this stage.", a.Message)
	require.Empty(t, s.Assessments(""))

	a = respond("assessment-start.response.with-update-request.json", 200, start)
	require.Equal(t, exampleID, a.AssessmentID)
	require.Equal(t, "Invitation sent", a.Update.Status.Value)
	known := assessment(t, s, exampleID)
	require.Equal(t, "Invitation sent", known.Status)
	require.True(t, known.Updates[0].WithStart)
	require.False(t, known.Updates[0].ReceivedAt.IsZero())
	require.JSONEq(t, string(known.Updates[0].Body), string(encoded(t, tree(t, a.Body)["results"].(map[string]any)["update_request"])))
	require.Equal(t, []ashbytest.DataValue{{
		Identifier: "eta", Label: "Expected time to complete", Type: ashbytest.TypeDuration, Value: json.Number("90"),
	}}, known.Metadata)
	respond("assessment-start.response.minimal.json", 200, start) // the live one once more
	require.Len(t, s.Assessments(""), 1)

	a = respond("assessment-cancel.response.error.json", 200, cancel)
	require.Equal(t, ashbytest.Declined, a.Outcome)
	require.Equal(t, "assessment_not_found", a.Code)
	require.Equal(t, ashbytest.StateLive, assessment(t, s, exampleID).State)
	respond("assessment-cancel.response.json", 200, cancel)
	require.Equal(t, ashbytest.StateCancelled, assessment(t, s, exampleID).State)
	require.True(t, assessment(t, s, exampleID).CancelledByAshby)
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	require.NoError(t, err)
	return body
}

func TestACorrectProviderPasses(t *testing.T) {
	for _, conflict := range []bool{false, true} {
		s := ashbytest.Start(t)
		p := newProvider()
		p.conflict = conflict
		s.Target(p)
		ctx := t.Context()
		var all []ashbytest.Answer
		note := func(list ...ashbytest.Answer) ashbytest.Answer {
			all = append(all, list...)
			return list[0]
		}
		note(s.List(ctx), s.SyncCustomFields(ctx), s.SyncCustomFields(ctx, ashbytest.Under(ashbytest.OpCustomFieldsFetch)))
		note(s.List(ctx, ashbytest.BadKey()), s.List(ctx, ashbytest.NoKey()), s.List(ctx, ashbytest.KeyAsPassword()), s.List(ctx, ashbytest.WithKey("x")))
		note(s.StartTogether(ctx, 8, ashbytest.StartSpec{})...)
		require.Equal(t, 1, p.made)
		require.Len(t, s.Assessments(""), 1)
		first := s.Assessments("")[0].ID

		note(s.Cancel(ctx, first), s.Cancel(ctx, first), s.Cancel(ctx, "unknown"))
		again := note(s.StartAssessment(ctx, ashbytest.StartSpec{}))
		require.Equal(t, ashbytest.Succeeded, again.Outcome)
		require.NotEqual(t, first, again.AssessmentID)

		other := ashbytest.StartSpec{ApplicationID: s.NewID()}
		lost := note(s.StartAssessment(ctx, other, ashbytest.AnswerLost()))
		require.Equal(t, ashbytest.Unread, lost.Outcome)
		_, known := s.Assessment(lost.AssessmentID)
		require.False(t, known)
		retried := note(s.StartAssessment(ctx, other))
		require.Equal(t, conflict, retried.Status == 409)
		require.Equal(t, 3, p.made)
		for _, a := range all {
			require.Empty(t, a.Violations, "%s %s", a.Op, a.Body)
		}
	}
}

func TestWrongAnswersAreReported(t *testing.T) {
	const update = `"timestamp":1,"assessment_status":` + statusSlot
	list := func(s *ashbytest.Server, ctx context.Context) ashbytest.Answer { return s.List(ctx) }
	start := func(s *ashbytest.Server, ctx context.Context) ashbytest.Answer {
		return s.StartAssessment(ctx, ashbytest.StartSpec{})
	}
	cancel := func(s *ashbytest.Server, ctx context.Context) ashbytest.Answer { return s.Cancel(ctx, "a") }
	fields := func(s *ashbytest.Server, ctx context.Context) ashbytest.Answer { return s.SyncCustomFields(ctx) }
	badKey := func(s *ashbytest.Server, ctx context.Context) ashbytest.Answer {
		return s.List(ctx, ashbytest.BadKey())
	}
	field := func(members string) string { return `{"success":true,"fields":[{` + members + `}]}` }
	for name, c := range map[string]struct {
		call      func(*ashbytest.Server, context.Context) ashbytest.Answer
		status    int
		body      string
		violation string
		outcome   ashbytest.Outcome
	}{
		"list 404":              {list, 404, `{"success":false}`, "status 404 is not documented", ashbytest.Failed},
		"list 201":              {list, 201, `{"success":true,"results":[]}`, "status 201", ashbytest.Failed},
		"list redirect":         {list, 302, ``, "status 302", ashbytest.Failed},
		"list not JSON":         {list, 200, `<html>`, "body is not valid JSON", ashbytest.Failed},
		"list empty":            {list, 200, ``, "body is not valid JSON", ashbytest.Failed},
		"list bare array":       {list, 200, `[]`, "body must be an object", ashbytest.Failed},
		"list no success":       {list, 200, `{"results":[]}`, "success is required", ashbytest.Failed},
		"list success a text":   {list, 200, `{"success":"true","results":[]}`, "success must be a boolean", ashbytest.Failed},
		"list null":             {list, 200, `{"success":true,"results":null}`, "results must not be null", ashbytest.Failed},
		"list no results":       {list, 200, `{"success":true}`, "results is required", ashbytest.Failed},
		"list under id":         {list, 200, `{"success":true,"results":[{"id":"1","name":"A"}]}`, "results[0].assessment_type_id is required", ashbytest.Succeeded},
		"list id empty":         {list, 200, `{"success":true,"results":[{"assessment_type_id":"","name":"A"}]}`, "must not be empty", ashbytest.Succeeded},
		"list id a number":      {list, 200, `{"success":true,"results":[{"assessment_type_id":1,"name":"A"}]}`, "must be a string", ashbytest.Succeeded},
		"list no name":          {list, 200, `{"success":true,"results":[{"assessment_type_id":"1"}]}`, "results[0].name is required", ashbytest.Succeeded},
		"list name blank":       {list, 200, `{"success":true,"results":[{"assessment_type_id":"1","name":" "}]}`, "results[0].name must not be empty", ashbytest.Succeeded},
		"list ids equal":        {list, 200, `{"success":true,"results":[{"assessment_type_id":"1","name":"A"},{"assessment_type_id":"1","name":"A"}]}`, "results[1].assessment_type_id repeats the assessment_type_id of another one", ashbytest.Succeeded},
		"list null description": {list, 200, `{"success":true,"results":[{"assessment_type_id":"1","name":"A","description":null}]}`, "description must not be null", ashbytest.Succeeded},
		"error without errors":  {list, 200, `{"success":false,"errorInfo":{"code":"x"}}`, "errors is required", ashbytest.Declined},
		"error without info":    {list, 200, `{"success":false,"errors":["x"]}`, "errorInfo is required", ashbytest.Declined},
		"error without code":    {cancel, 200, `{"success":false,"errors":["x"],"errorInfo":{"message":"no"}}`, "errorInfo.code is required", ashbytest.Declined},
		"errors of objects":     {fields, 200, `{"success":false,"errors":[{}],"errorInfo":{"code":"x"}}`, "errors[0] must be a string", ashbytest.Declined},
		"bad key accepted":      {badKey, 200, `{"success":true,"results":[]}`, "accepts a key", ashbytest.Succeeded},

		"start 500":             {start, 500, `{}`, "status 500 is not documented", ashbytest.Failed},
		"start success false":   {start, 200, `{"success":false,"errors":["x"],"errorInfo":{"code":"x"}}`, "refused with 409 or 422", ashbytest.Failed},
		"start results null":    {start, 200, `{"success":true,"results":null}`, "results must not be null", ashbytest.Failed},
		"start results array":   {start, 200, `{"success":true,"results":[{"assessment_id":"a"}]}`, "results must be an object", ashbytest.Failed},
		"start no id":           {start, 200, `{"success":true,"results":{}}`, "results.assessment_id is required", ashbytest.Failed},
		"start update null":     {start, 200, `{"success":true,"results":{"assessment_id":"a","update_request":null}}`, "update_request must not be null", ashbytest.Succeeded},
		"start update no id":    {start, 200, `{"success":true,"results":{"assessment_id":"a","update_request":{` + update + `}}}`, "results.update_request.assessment_id is required", ashbytest.Succeeded},
		"start update other id": {start, 200, `{"success":true,"results":{"assessment_id":"a","update_request":{"assessment_id":"b",` + update + `}}}`, "must be results.assessment_id", ashbytest.Succeeded},
		"start update no time":  {start, 200, `{"success":true,"results":{"assessment_id":"a","update_request":{"assessment_id":"a","assessment_status":` + statusSlot + `}}}`, "timestamp is required", ashbytest.Succeeded},
		"start update a URL":    {start, 200, `{"success":true,"results":{"assessment_id":"a","update_request":{"assessment_id":"a",` + update + `,"assessment_profile_url":"https://a.example"}}}`, "assessment_profile_url must be an object", ashbytest.Succeeded},
		"start 409 other body":  {start, 409, `{"message":"busy"}`, "success is required", ashbytest.Declined},
		"start 422 empty":       {start, 422, ``, "body is not valid JSON", ashbytest.Declined},
		"start 422 no message":  {start, 422, `{"error":"x"}`, "message is required", ashbytest.Declined},
		"start 422 success":     {start, 422, `{"success":false,"message":"x"}`, "success must be absent", ashbytest.Declined},

		"cancel 404":      {cancel, 404, ``, "status 404", ashbytest.Failed},
		"cancel other id": {cancel, 200, `{"success":true,"results":{"assessment_id":"b"}}`, "must be the id of the request", ashbytest.Succeeded},
		"cancel array":    {cancel, 200, `{"success":true,"results":[{"assessment_id":"a"}]}`, "results must be an object", ashbytest.Succeeded},

		"fields under results":   {fields, 200, `{"success":true,"results":[]}`, "fields is required", ashbytest.Failed},
		"fields null":            {fields, 200, `{"success":true,"fields":null}`, "fields must not be null", ashbytest.Failed},
		"fields no success":      {fields, 200, `{"fields":[]}`, "success is required", ashbytest.Failed},
		"field without id":       {fields, 200, field(`"name":"A","type":"Date"`), "fields[0].id is required", ashbytest.Succeeded},
		"field name empty":       {fields, 200, field(`"id":"a","name":"","type":"Date"`), "fields[0].name must not be empty", ashbytest.Succeeded},
		"field type unknown":     {fields, 200, field(`"id":"a","name":"A","type":"date"`), `"date" is not a type`, ashbytest.Succeeded},
		"field select bare":      {fields, 200, field(`"id":"a","name":"A","type":"MultiValueSelect"`), "possible_values is required", ashbytest.Succeeded},
		"field option key":       {fields, 200, field(`"id":"a","name":"A","type":"ValueSelect","possible_values":[{"key":"","value":"V"}]`), "possible_values[0].key must not be empty", ashbytest.Succeeded},
		"field option a text":    {fields, 200, field(`"id":"a","name":"A","type":"ValueSelect","possible_values":["V"]`), "possible_values[0] must be an object", ashbytest.Succeeded},
		"field is_required":      {fields, 200, field(`"id":"a","name":"A","type":"Date","is_required":true`), "must be called isRequired", ashbytest.Succeeded},
		"field isRequired text":  {fields, 200, field(`"id":"a","name":"A","type":"Date","isRequired":"yes"`), "isRequired must be a boolean", ashbytest.Succeeded},
		"field possibleValues":   {fields, 200, field(`"id":"a","name":"A","type":"Date","possibleValues":[]`), "must be called possible_values", ashbytest.Succeeded},
		"field options null":     {fields, 200, field(`"id":"a","name":"A","type":"Date","possible_values":null`), "possible_values must not be null", ashbytest.Succeeded},
		"fields item not object": {fields, 200, `{"success":true,"fields":["a"]}`, "fields[0] must be an object", ashbytest.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			s := ashbytest.Start(t)
			s.Target(always(c.status, c.body))
			a := c.call(s, t.Context())
			require.Contains(t, strings.Join(a.Violations, "\n"), c.violation)
			require.Equal(t, c.outcome, a.Outcome)
			require.Equal(t, a.Violations, s.Exchanges()[0].Notes)
		})
	}
}

func TestContentTypeIsChecked(t *testing.T) {
	s := ashbytest.Start(t)
	s.Target(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, `{"success":true,"results":[]}`)
	}))
	require.Equal(t, []string{"Content-Type must be application/json"}, s.List(t.Context()).Violations)
}

// starts answers each start with the next id.
func starts(ids ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "cancel") {
			answer(w, 200, fmt.Sprintf(`{"success":true,"results":{"assessment_id":%q}}`, ids[0]))
			return
		}
		id := ids[0]
		if len(ids) > 1 {
			ids = ids[1:]
		}
		answer(w, 200, fmt.Sprintf(`{"success":true,"results":{"assessment_id":%q}}`, id))
	})
}

func TestContradictoryStartsAreReported(t *testing.T) {
	ctx := t.Context()
	s := ashbytest.Start(t)
	s.Target(starts("a", "b"))
	require.Empty(t, s.StartAssessment(ctx, ashbytest.StartSpec{}).Violations)
	require.Contains(t, s.StartAssessment(ctx, ashbytest.StartSpec{}).Violations, "results.assessment_id is new, although an assessment is live")
	require.Contains(t, s.StartAssessment(ctx, ashbytest.StartSpec{ApplicationID: "other"}).Violations,
		"results.assessment_id is that of an assessment for another application or type")

	s = ashbytest.Start(t)
	s.Target(starts("a"))
	s.StartAssessment(ctx, ashbytest.StartSpec{})
	require.Empty(t, s.Cancel(ctx, "a").Violations)
	require.Contains(t, s.StartAssessment(ctx, ashbytest.StartSpec{}).Violations, "results.assessment_id is that of a cancelled assessment")

	s = ashbytest.Start(t)
	s.Target(starts("a", "b"))
	s.StartAssessment(ctx, ashbytest.StartSpec{}, ashbytest.AnswerLost())
	require.Contains(t, s.StartAssessment(ctx, ashbytest.StartSpec{}).Violations, "results.assessment_id is not the one of the answer that got lost")

	s = ashbytest.Start(t)
	s.Target(starts("a", "b"))
	s.StartAssessment(ctx, ashbytest.StartSpec{})
	s.Cancel(ctx, "a", ashbytest.AnswerLost()) // the provider did cancel
	require.Equal(t, ashbytest.StateLive, assessment(t, s, "a").State)
	require.Empty(t, s.StartAssessment(ctx, ashbytest.StartSpec{}).Violations)

	s = ashbytest.Start(t)
	s.Target(starts("a", "b"))
	anonymous := ashbytest.StartSpec{Fields: map[string]any{"application": nil}}
	require.Empty(t, s.StartAssessment(ctx, anonymous).Violations)
	require.Empty(t, s.StartAssessment(ctx, anonymous).Violations)
}

func TestEarlyUpdatesAreOfUnknownAssessments(t *testing.T) {
	s := ashbytest.Start(t)
	a := newAPI(t, s)
	s.Target(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.refused(200, "invalid_input", ashbytest.OpUpdate, valid)
		answer(w, 200, string(fixture(t, "assessment-start.response.minimal.json")))
	}))
	require.Equal(t, ashbytest.Succeeded, s.StartAssessment(t.Context(), ashbytest.StartSpec{}).Outcome)
	a.ok(ashbytest.OpUpdate, valid)
}

func TestAStartWithAWrongKeyStartsNothing(t *testing.T) {
	s := ashbytest.Start(t)
	s.Target(starts("a"))
	a := s.StartAssessment(t.Context(), ashbytest.StartSpec{}, ashbytest.BadKey())
	require.Equal(t, []string{"status 200 accepts a key that is not the customer's"}, a.Violations)
	require.Empty(t, s.Assessments(""))

	s.Target(always(401, ""))
	a = s.StartAssessment(t.Context(), ashbytest.StartSpec{}, ashbytest.NoKey())
	require.Equal(t, ashbytest.Declined, a.Outcome)
	require.Empty(t, a.Violations)
}

func TestRepeatedUpdateRequestsAreTakenOnce(t *testing.T) {
	s := ashbytest.Start(t)
	body := string(fixture(t, "assessment-start.response.with-update-request.json"))
	s.Target(always(200, body))
	for range 2 {
		require.Empty(t, s.StartAssessment(t.Context(), ashbytest.StartSpec{}).Violations)
	}
	require.Len(t, assessment(t, s, exampleID).Updates, 1)
	s.Target(always(200, strings.ReplaceAll(body, "1665680638489", "1665680638000")))
	require.Equal(t, []string{"results.update_request The timestamp is not after that of the last update."},
		s.StartAssessment(t.Context(), ashbytest.StartSpec{}).Violations)
}

func TestUpdateAfterAshbyCancelled(t *testing.T) {
	confirmation := fixture(t, "assessment-update.request.cancelled.json")
	for _, accepted := range []bool{false, true} {
		s := withExample(t, quirks(func(q *ashbytest.Quirks) { q.AcceptCancelConfirmation = accepted }))
		s.Target(starts(exampleID))
		s.Cancel(t.Context(), exampleID)
		if !accepted {
			newAPI(t, s).refused(200, "invalid_input", ashbytest.OpUpdate, confirmation)
			continue
		}
		newAPI(t, s).ok(ashbytest.OpUpdate, confirmation)
		require.Equal(t, "Candidate withdrew", assessment(t, s, exampleID).CancelReason)
		newAPI(t, s).refused(200, "invalid_input", ashbytest.OpUpdate, at(t, 1765680638489, map[string]string{"cancelled_reason": reasonSlot}))
	}
}

func TestSeveralCustomers(t *testing.T) {
	s := ashbytest.Start(t, func(c *ashbytest.Config) {
		c.Organizations = []ashbytest.Organization{{Name: "acme"}, {Name: "globex"}}
	})
	p := newProvider()
	p.keys = append(p.keys, ashbytest.DefaultPartnerKey+"_globex")
	s.Target(p)
	globex := ashbytest.From("globex")
	mine := s.StartAssessment(t.Context(), ashbytest.StartSpec{})
	theirs := s.StartAssessment(t.Context(), ashbytest.StartSpec{}, globex)
	require.Equal(t, "globex", theirs.Organization)
	require.NotEqual(t, mine.AssessmentID, theirs.AssessmentID)
	require.Len(t, s.Assessments("globex"), 1)

	a := newAPI(t, s)
	update := with(t, map[string]string{"assessment_id": `"` + theirs.AssessmentID + `"`, "timestamp": "1665680638490"})
	a.refused(200, "invalid_input", ashbytest.OpUpdate, update) // not of this key
	a.key = ashbytest.DefaultAPIKey + "_globex"
	a.ok(ashbytest.OpUpdate, update)

	require.NoError(t, s.RotatePartnerKey("globex", "new"))
	require.Equal(t, 401, s.List(t.Context(), globex).Status)
	require.Equal(t, ashbytest.NotSent, s.List(t.Context(), ashbytest.From("nobody")).Outcome)
	require.Error(t, s.RotatePartnerKey("nobody", "x"))
}

func TestTargets(t *testing.T) {
	p := httptest.NewServer(http.StripPrefix("/hooks/ashby", newProvider()))
	defer p.Close()
	s := ashbytest.Start(t)
	require.Equal(t, ashbytest.NotSent, s.List(t.Context()).Outcome)
	for _, base := range []string{p.URL + "/hooks/ashby", p.URL + "/hooks/ashby/"} {
		s.TargetURL(base)
		require.Empty(t, s.List(t.Context()).Violations)
		require.Equal(t, p.URL+"/hooks/ashby/assessment.list", s.Calls(ashbytest.OpList)[0].URL)
	}
	p.Close()
	require.Equal(t, ashbytest.Failed, s.List(t.Context()).Outcome)
	s.TargetURL("")
	require.Error(t, s.List(t.Context()).Err)

	s = ashbytest.Start(t, func(c *ashbytest.Config) { c.PartnerPath = "/hooks/ashby/" })
	s.Target(newProvider())
	require.Empty(t, s.List(t.Context()).Violations)
	require.Equal(t, "http://provider.example/hooks/ashby/assessment.list", s.Calls(ashbytest.OpList)[0].URL)
}

func TestRequestsGoWrong(t *testing.T) {
	s := ashbytest.Start(t, quirks(func(q *ashbytest.Quirks) { q.PartnerKeyAsPassword = true }))
	var got *http.Request
	var body []byte
	s.Target(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		answer(w, 200, `{"success":true,"results":[]}`)
	}))
	ctx := t.Context()
	credentials := func(options ...ashbytest.DeliveryFault) [2]string {
		s.List(ctx, options...)
		user, password, _ := got.BasicAuth()
		return [2]string{user, password}
	}
	key := ashbytest.DefaultPartnerKey
	require.Equal(t, [2]string{"", key}, credentials())
	require.Equal(t, [2]string{key, ""}, credentials(ashbytest.KeyAsUserName()))
	require.Equal(t, [2]string{key + "-bad", ""}, credentials(ashbytest.BadKey()))
	require.Equal(t, [2]string{}, credentials(ashbytest.NoKey()))

	s.List(ctx, ashbytest.WithBody(nil))
	require.Empty(t, body)
	s.StartAssessment(ctx, ashbytest.StartSpec{}, ashbytest.OversizedBody(2<<20))
	require.Len(t, body, 2<<20)
	s.StartAssessment(ctx, ashbytest.StartSpec{}, ashbytest.TruncatedBody())
	require.False(t, json.Valid(body))
	s.List(ctx, ashbytest.Header("Content-Type", ""), ashbytest.Header("X-Trace", "1"))
	require.Empty(t, got.Header.Get("Content-Type"))
	require.Equal(t, "1", got.Header.Get("X-Trace"))
	require.Equal(t, "header=Content-Type, header=X-Trace", s.Exchanges()[len(s.Exchanges())-1].Fault)
	require.Equal(t, ashbytest.NotSent, s.List(ctx, ashbytest.Lost()).Outcome)

	s.StartAssessment(ctx, ashbytest.StartSpec{Fields: map[string]any{
		"candidate.email": nil, "candidate.first_name": ashbytest.Absent, "job.hiringTeam.0.role": "Sourcer", "unknown": 1,
	}})
	sent := tree(t, body)
	require.Nil(t, sent["candidate"].(map[string]any)["email"])
	require.NotContains(t, sent["candidate"], "first_name")
	require.Equal(t, 1.0, sent["unknown"])
	require.ErrorContains(t, s.StartAssessment(ctx, ashbytest.StartSpec{Fields: map[string]any{"job.hiringTeam.7.role": 1}}).Err, "job.hiringTeam.7.role")
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ashbytest.Start(t)
		release := make(chan struct{})
		s.Target(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}))
		began := time.Now()
		a := s.List(t.Context())
		require.ErrorIs(t, a.Err, context.DeadlineExceeded)
		require.Equal(t, ashbytest.Failed, a.Outcome)
		require.Equal(t, ashbytest.DefaultTimeout, time.Since(began))
		for wait, options := range map[time.Duration][]ashbytest.DeliveryFault{
			0:               {ashbytest.HangUp(0)},
			time.Second:     {ashbytest.HangUp(time.Second)},
			3 * time.Second: {ashbytest.Late(2 * time.Second), ashbytest.HangUp(time.Second)},
		} {
			began = time.Now()
			a = s.StartAssessment(t.Context(), ashbytest.StartSpec{}, options...)
			require.Equal(t, ashbytest.Unread, a.Outcome)
			require.Equal(t, wait, time.Since(began))
		}
		close(release)
		require.NoError(t, s.Settle(t.Context()))
	})
}

func TestPanicsOfTheProviderAreNoAnswer(t *testing.T) {
	s := ashbytest.Start(t)
	s.Target(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") }))
	require.ErrorContains(t, s.List(t.Context()).Err, "oops")
}
