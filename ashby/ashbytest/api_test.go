package ashbytest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

var valid = []byte(`{"assessment_id":"` + exampleID + `","timestamp":1665680638489,"assessment_status":` + statusSlot + `}`)

func TestAuthentication(t *testing.T) {
	s := withExample(t)
	require.NoError(t, s.AddKey("", "reader", ashbytest.ScopeCandidatesRead))
	require.Error(t, s.AddKey("", "reader"))
	a := newAPI(t, s)
	a.header.Set("Authorization", "Basic YXNoYnlfdGVzdF9rZXlfMTIzOg==")
	a.ok(ashbytest.OpUpdate, valid)
	a.header.Del("Authorization")

	a.key = ""
	a.refused(401, "missing_api_key", ashbytest.OpUpdate, valid)
	a.header.Set("Authorization", "Bearer "+ashbytest.DefaultAPIKey)
	a.refused(401, "missing_api_key", ashbytest.OpUpdate, valid)
	a.header.Set("Authorization", "Basic OmFzaGJ5X3Rlc3Rfa2V5XzEyMw==") // the key as the password
	a.refused(401, "missing_api_key", ashbytest.OpUpdate, valid)
	a.header.Del("Authorization")
	a.key = "unknown"
	a.refused(403, "missing_endpoint_permission", ashbytest.OpUpdate, valid)
	a.key = "reader"
	a.refused(403, "missing_endpoint_permission", ashbytest.OpUpdate, valid)
	a.key = ashbytest.DefaultAPIKey
	s.RevokeKey(a.key)
	a.refused(403, "missing_endpoint_permission", ashbytest.OpUpdate, valid)
	for _, e := range s.Exchanges() {
		require.NotContains(t, e.RequestHeader.Get("Authorization"), "asic")
	}

	s = withExample(t, quirks(func(q *ashbytest.Quirks) { q.TextAuthErrors = true }))
	a = newAPI(t, s)
	a.key = "unknown"
	response, body, err := a.send(ashbytest.OpUpdate, valid)
	require.NoError(t, err)
	require.Equal(t, 403, response.StatusCode)
	require.False(t, json.Valid(body))
}

func TestHeaders(t *testing.T) {
	s := withExample(t)
	a := newAPI(t, s)
	response, _, err := a.send(ashbytest.OpUpdate, valid)
	require.NoError(t, err)
	require.NotEmpty(t, response.Header.Get("x-ashby-request-id"))
	require.Equal(t, "2026-01-01", response.Header.Get("Ashby-Version"))
	require.Equal(t, "active", response.Header.Get("Ashby-Version-Status"))

	a.header.Set("Ashby-Version", "2020-01-01")
	a.refused(200, "invalid_input", ashbytest.OpUpdate, valid)
	a.header.Del("Ashby-Version")
	a.header.Set("Content-Type", "text/plain")
	a.refused(200, "invalid_input", ashbytest.OpUpdate, valid)
	a.header.Set("Content-Type", "application/json")
	a.refused(200, "invalid_input", ashbytest.OpUpdate, []byte("{"))
	a.refused(200, "invalid_input", ashbytest.OpUpdate, []byte("[]"))
	a.refused(404, "endpoint_not_found", "assessment.start", valid)

	a.header["User-Agent"] = []string{""}
	response, body, err := a.send(ashbytest.OpUpdate, valid)
	require.NoError(t, err)
	require.Equal(t, 403, response.StatusCode)
	require.Contains(t, string(body), "error code: 1010")
	a.header.Del("User-Agent")
	a.ok(ashbytest.OpUpdate, valid) // net/http names itself
	a.client = withExample(t, quirks(func(q *ashbytest.Quirks) { q.RefuseDefaultUserAgent = true })).Client()
	response, _, err = a.send(ashbytest.OpUpdate, valid)
	require.NoError(t, err)
	require.Equal(t, 403, response.StatusCode)
}

func TestUserAgentOverASocket(t *testing.T) {
	s := withExample(t)
	a := newAPI(t, s)
	a.client, a.base = http.DefaultClient, s.URL()
	a.ok(ashbytest.OpUpdate, valid)
	a.header["User-Agent"] = []string{""}
	response, _, err := a.send(ashbytest.OpUpdate, valid)
	require.NoError(t, err)
	require.Equal(t, 403, response.StatusCode)
}

// withoutRequestID drops what differs between two answers.
func withoutRequestID(t *testing.T, body []byte) map[string]any {
	t.Helper()
	v := tree(t, body)
	if info, ok := v["errorInfo"].(map[string]any); ok {
		delete(info, "requestId")
		delete(info, "message")
	}
	return v
}

func TestDocumentedEnvelopes(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		fault  ashbytest.Fault
		change func(*ashbytest.Quirks)
	}{
		"envelope.error.invalid-input.json":        {200, ashbytest.Refused("invalid_input"), nil},
		"envelope.error.without-errors-array.json": {200, ashbytest.Refused("application_not_found"), func(q *ashbytest.Quirks) { q.OmitErrors = true }},
		"envelope.error.rate-limit-429.json":       {429, ashbytest.RateLimited(), nil},
		"envelope.error.concurrent-limit-429.json": {429, ashbytest.Concurrency429(), nil},
		"envelope.success.with-warnings.json": {
			200, ashbytest.Warning("unable_to_add_application_metadata"), func(q *ashbytest.Quirks) { q.UpdateResults = json.RawMessage(`{}`) },
		},
	} {
		s := withExample(t)
		if c.change != nil {
			s = withExample(t, quirks(c.change))
		}
		s.Fail(ashbytest.OpUpdate, c.fault)
		response, body, err := newAPI(t, s).send(ashbytest.OpUpdate, valid)
		require.NoError(t, err)
		require.Equal(t, c.status, response.StatusCode, name)
		require.Empty(t, response.Header.Get("Retry-After"))
		require.Empty(t, cmp.Diff(withoutRequestID(t, fixture(t, name)), withoutRequestID(t, body)), name)
	}
	// No operation of the simulator is a list: these two only have to stay what the
	// lists of other clients are tested with.
	for name, more := range map[string]bool{"envelope.success.paged-list.json": true, "envelope.success.paged-list-last-page.json": false} {
		require.Equal(t, more, tree(t, fixture(t, name))["moreDataAvailable"])
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault       ashbytest.Fault
		status      int
		contentType string
		body        string // part of it
		applied     bool
	}{
		"429 with Retry-After": {ashbytest.RateLimited().Header("Retry-After", "3"), 429, "application/json", "rate_limit", false},
		"500":                  {ashbytest.Status(500, ""), 500, "text/plain", "Internal Server Error", false},
		"503 envelope":         {ashbytest.Status(503, "busy"), 503, "application/json", `"busy"`, false},
		"applied, then 500":    {ashbytest.AppliedThen(ashbytest.Status(500, "")), 500, "text/plain", "Internal", true},
		"load balancer":        {ashbytest.LoadBalancer503(), 503, "text/html", "<html>", false},
		"HTML":                 {ashbytest.HTMLBody(), 200, "text/html", "<html>", false},
		"Cloudflare":           {ashbytest.Cloudflare1010(), 403, "text/html", "1010", false},
		"empty body":           {ashbytest.EmptyBody(), 200, "application/json", "", true},
		"truncated":            {ashbytest.TruncatedJSON(), 200, "application/json", `{"succes`, true},
		"unknown code":         {ashbytest.Refused("never_heard_of"), 200, "application/json", "never_heard_of", false},
		"deprecated":           {ashbytest.Fault{}.Header("Ashby-Version-Status", "deprecated"), 200, "application/json", "true", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := withExample(t)
			s.Fail(ashbytest.OpUpdate, c.fault)
			require.Equal(t, 1, s.PendingFaults())
			response, body, err := newAPI(t, s).send(ashbytest.OpUpdate, valid)
			require.NoError(t, err)
			require.Equal(t, c.status, response.StatusCode)
			require.Contains(t, response.Header.Get("Content-Type"), c.contentType)
			require.Contains(t, string(body), c.body)
			require.Equal(t, c.applied, len(assessment(t, s, exampleID).Updates) == 1)
			require.Equal(t, c.fault.String(), s.Exchanges()[0].Fault)
			newAPI(t, s).ok(ashbytest.OpUpdate, valid)
		})
	}
}

func TestResetsAndCutOffs(t *testing.T) {
	s := withExample(t)
	inProcess, overSocket := newAPI(t, s), newAPI(t, s)
	overSocket.client, overSocket.base = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, s.URL()
	for _, a := range []api{inProcess, overSocket} {
		s.Fail(ashbytest.OpAny, ashbytest.Reset(), ashbytest.AppliedThenReset(), ashbytest.CutOff())
		for range 2 {
			_, _, err := a.send(ashbytest.OpUpdate, valid)
			require.ErrorIs(t, err, syscall.ECONNRESET)
		}
		_, _, err := a.send(ashbytest.OpUpdate, valid)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, assessment(t, s, exampleID).Updates, 1)
	}
	s.Close()
	_, _, err := inProcess.send(ashbytest.OpUpdate, valid)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestRedirect(t *testing.T) {
	s := withExample(t)
	s.Fail(ashbytest.OpUpdate, ashbytest.Redirect(ashbytest.BaseURL+"/apiKey.info"))
	require.Contains(t, newAPI(t, s).ok(ashbytest.OpUpdate, valid)["results"], "scopes")
}

func TestSlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withExample(t)
		a := newAPI(t, s)
		s.Fail(ashbytest.OpUpdate, ashbytest.Slow(time.Minute), ashbytest.SlowBody(time.Minute), ashbytest.Slow(time.Hour))
		began := time.Now()
		a.ok(ashbytest.OpUpdate, valid)
		a.ok(ashbytest.OpUpdate, valid)
		require.Equal(t, 2*time.Minute, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := a.client.Do(a.request(ctx, ashbytest.OpUpdate, valid))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestChaosIsRepeatable(t *testing.T) {
	run := func() (failures []int) {
		s := withExample(t, func(c *ashbytest.Config) { c.Seed = 7 })
		s.Chaos(s.RandomFaults(0.5, ashbytest.Status(500, ""), ashbytest.Reset()))
		for i := range 20 {
			response, _, err := newAPI(t, s).send(ashbytest.OpUpdate, valid)
			if err != nil || response.StatusCode != 200 {
				failures = append(failures, i)
			}
		}
		return failures
	}
	first := run()
	require.Equal(t, first, run())
	require.Greater(t, len(first), 3)
	require.Less(t, len(first), 17)
}

func TestEnrichment(t *testing.T) {
	s := ashbytest.Start(t)
	a := newAPI(t, s)
	id, err := s.AddCandidate("", ashbytest.Candidate{
		ExternalMappingID: "ext-1", Name: "Zoë Quinn", Email: "zoe@example.com", Phone: "+1 555 0100", Timezone: "Europe/Berlin", ResumeHandle: "h1",
		SocialLinks: []ashbytest.SocialLink{{Type: "GitHub", URL: "https://github.com/zoe"}},
		Fields:      map[string]any{"tags": nil},
	})
	require.NoError(t, err)
	application, err := s.AddApplication("", ashbytest.Application{CandidateID: id, JobName: "Pilot", Fields: map[string]any{"hiringTeam": ashbytest.Absent}})
	require.NoError(t, err)
	require.NoError(t, s.AddFile("", "h1", "https://files.example.com/1"))

	email := map[string]any{"value": "zoe@example.com", "type": "Personal", "isPrimary": true}
	phone := map[string]any{"value": "+1 555 0100", "type": "Personal", "isPrimary": true}
	file := map[string]any{"id": id, "name": "resume.pdf", "handle": "h1"}
	want := map[string]any{
		"id": id, "name": "Zoë Quinn", "primaryEmailAddress": email, "emailAddresses": []any{email},
		"primaryPhoneNumber": phone, "phoneNumbers": []any{phone}, "timezone": "Europe/Berlin",
		"socialLinks": []any{map[string]any{"type": "GitHub", "url": "https://github.com/zoe"}}, "tags": nil,
		"applicationIds": []any{application}, "resumeFileHandle": file, "fileHandles": []any{file},
		"profileUrl": "https://app.ashbyhq.com/candidate-searches/new/right-side/candidates/" + id,
	}
	require.Empty(t, cmp.Diff(want, a.ok(ashbytest.OpCandidateInfo, []byte(`{"id":"`+id+`"}`))["results"]))
	require.Empty(t, cmp.Diff(want, a.ok(ashbytest.OpCandidateInfo, []byte(`{"externalMappingId":"ext-1"}`))["results"]))
	require.Equal(t, map[string]any{"url": "https://files.example.com/1"}, a.ok(ashbytest.OpFileInfo, []byte(`{"fileHandle":"h1"}`))["results"])
	got := a.ok(ashbytest.OpApplicationInfo, []byte(`{"applicationId":"`+application+`","expand":["openings"]}`))["results"].(map[string]any)
	for _, name := range []string{"id", "createdAt", "updatedAt", "status", "customFields", "candidate", "currentInterviewStage", "job"} {
		require.Contains(t, got, name)
	}
	require.Equal(t, map[string]any{"id": id, "name": "Zoë Quinn"}, got["candidate"])
	require.Equal(t, []any{}, got["openings"])
	require.NotContains(t, got, "hiringTeam")
	info := a.ok(ashbytest.OpAPIKeyInfo, []byte(`{}`))["results"].(map[string]any)
	require.Equal(t, []any{"candidates:read", "candidates:write", "apiKeys:read"}, info["scopes"])

	for _, c := range []struct{ op, code, body string }{
		{ashbytest.OpCandidateInfo, "invalid_input", `{}`},
		{ashbytest.OpCandidateInfo, "invalid_input", `{"id":"` + s.NewID() + `"}`},
		{ashbytest.OpApplicationInfo, "invalid_input", `{"applicationId":"x"}`},
		{ashbytest.OpApplicationInfo, "invalid_input", `{"applicationId":"` + application + `","expand":["job"]}`},
		{ashbytest.OpApplicationInfo, "application_not_found", `{"applicationId":"` + s.NewID() + `"}`},
		{ashbytest.OpFileInfo, "invalid_input", `{"fileHandle":"h2"}`},
		{ashbytest.OpAPIKeyInfo, "invalid_input", ``},
	} {
		a.refused(200, c.code, c.op, []byte(c.body))
	}
	_, err = s.AddCandidate("", ashbytest.Candidate{Fields: map[string]any{"tags.0": 1}})
	require.Error(t, err)
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]ashbytest.Config{
		"path":         {PartnerPath: "ashby"},
		"timeout":      {Timeout: -1},
		"nobody":       {Organizations: []ashbytest.Organization{}},
		"same name":    {Organizations: []ashbytest.Organization{{}, {}}},
		"shared key":   {Organizations: []ashbytest.Organization{{}, {Name: "b", PartnerKey: ashbytest.DefaultPartnerKey}}},
		"invalid JSON": {Quirks: ashbytest.Quirks{UpdateResults: json.RawMessage("{")}},
	} {
		_, err := ashbytest.New(cfg)
		require.Error(t, err, name)
	}
	s, err := ashbytest.New(ashbytest.Config{})
	require.NoError(t, err)
	defer s.Close()
	require.NotEqual(t, s.NewID(), s.NewID())
	for _, a := range []ashbytest.Answer{s.StartAssessment(t.Context(), ashbytest.StartSpec{}), s.List(t.Context())} {
		require.EqualError(t, a.Err, "ashbytest: there is no target")
	}
}
