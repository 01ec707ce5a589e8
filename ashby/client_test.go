package ashby_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
)

func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]ashby.Config{
		"no key":                {},
		"key with a line break": {APIKey: "ashby_x\n"},
		"key and keys":          {APIKey: testKey, Keys: func(context.Context, string) (string, error) { return testKey, nil }},
		"base URL without host": {APIKey: testKey, BaseURL: "https:///x"},
		"version of two lines":  {APIKey: testKey, Version: "2026\n01"},
		"negative timeout":      {APIKey: testKey, Timeout: -time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := ashby.New(config)
			require.Error(t, err)
			require.Nil(t, client)
			require.NotContains(t, err.Error(), "ashby_x")
		})
	}
}

// calls are all calls that the client makes.
var calls = map[string]func(context.Context, *ashby.Client) error{
	"assessment.update": func(ctx context.Context, c *ashby.Client) error {
		_, err := c.PublishResult(ctx, ref, assessment.Result{Status: assessment.StatusOpen})
		return err
	},
	"assessment.addCompletedToCandidate": func(ctx context.Context, c *ashby.Client) error {
		_, err := c.AddCompleted(ctx, account, added)
		return err
	},
	"candidate.info": func(ctx context.Context, c *ashby.Client) error {
		_, err := c.CandidateInfo(ctx, account, added.CandidateID)
		return err
	},
	"apiKey.info": func(ctx context.Context, c *ashby.Client) error {
		_, err := c.APIKeyInfo(ctx, account)
		return err
	},
	"application.info": func(ctx context.Context, c *ashby.Client) error {
		_, err := c.Call(ctx, account, ashby.Request{Operation: "application.info", Read: true})
		return err
	},
}

// The key is the user name, the password is empty
// (https://developers.ashbyhq.com/reference/authentication).
func TestRequests(t *testing.T) {
	for operation, call := range calls {
		t.Run(operation, func(t *testing.T) {
			server := play(answers(200, `{"success":true,"results":{}}`))
			require.NoError(t, call(t.Context(), newClient(t, server)))
			require.NoError(t, call(t.Context(), newClient(t, server, func(c *ashby.Config) {
				c.BaseURL, c.Version, c.UserAgent, c.APIKey = "http://127.0.0.1:1/ashby/", "2026-01-01", "acme/1", ""
				c.Keys = func(_ context.Context, account string) (string, error) { return "key_of_" + account, nil }
			})))
			got := server.seen[0]
			require.Equal(t, "POST", got.Method)
			require.Equal(t, "https://api.ashbyhq.com/"+operation, got.URL)
			require.Equal(t, []string{"Basic YXNoYnlfdGVzdF9rZXlfMTIzOg=="}, got.Header["Authorization"])
			require.Equal(t, []string{"application/json; version=1"}, got.Header["Accept"])
			require.Equal(t, []string{"application/json"}, got.Header["Content-Type"])
			require.NotEmpty(t, got.Header.Get("User-Agent"))
			require.Empty(t, got.Header["Ashby-Version"])
			require.IsType(t, map[string]any{}, decoded(t, []byte(got.Body)))

			got = server.seen[1]
			require.Equal(t, "http://127.0.0.1:1/ashby/"+operation, got.URL)
			require.Equal(t, "2026-01-01", got.Header.Get("Ashby-Version"))
			require.Equal(t, "acme/1", got.Header.Get("User-Agent"))
			r := http.Request{Header: got.Header}
			user, password, _ := r.BasicAuth()
			require.Equal(t, []string{"key_of_acme", ""}, []string{user, password})
		})
	}
}

// Errors arrive under HTTP 200 (https://developers.ashbyhq.com/docs/responses).
func TestErrors(t *testing.T) {
	const cloudflare = "<!DOCTYPE html><html><head><title>Access denied | api.ashbyhq.com used Cloudflare to restrict access</title></head>" +
		"<body><p>error code: 1010</p></body></html>"
	for name, tc := range map[string]struct {
		status              int
		body                string
		class               error
		code, message, id   string
		attempts            int
		uncertain, repeated bool
	}{
		"invalid input": {
			status: 200, body: string(example(t, "envelope.error.invalid-input.json")), class: assessment.ErrInvalid,
			code: "invalid_input", message: "Request payload is malformed", id: "01JSJ8FDK5ZN4XQBZP7DBKK7ZC", attempts: 1,
		},
		"no errors array": {
			status: 200, body: string(example(t, "envelope.error.without-errors-array.json")), class: assessment.ErrNotFound,
			code: "application_not_found", message: "Application not found - are you lacking permissions to edit candidates?",
			id: "01JSJ8FEK5ZN4XQBZP7DBKK7ZC", attempts: 1,
		},
		"rate limit": {
			status: 429, body: string(example(t, "envelope.error.rate-limit-429.json")), class: assessment.ErrRateLimited,
			code: "rate_limit_exceeded", id: "rep_result:12345abc", attempts: 5, repeated: true,
			message: "Your organization has exceeded the rate limit of 15 report requests per minute. Try again in 60 seconds.",
		},
		"concurrency limit": {
			status: 429, body: string(example(t, "envelope.error.concurrent-limit-429.json")), class: assessment.ErrRateLimited,
			code: "concurrent_limit_exceeded", id: "rep_result:12345abc", attempts: 5, repeated: true,
			message: "Your organization has reached the maximum of 3 concurrent report operations. Please wait for existing operations to complete or try again in 30 seconds.",
		},
		"rate limit under 200": {
			status: 200, body: `{"success":false,"errorInfo":{"code":"rate_limit_exceeded"}}`, class: assessment.ErrRateLimited,
			code: "rate_limit_exceeded", attempts: 5, repeated: true,
		},
		"unknown code":            {status: 200, body: `{"success":false,"errors":["assessment_closed"],"errorInfo":{"code":"assessment_closed"}}`, class: assessment.ErrInvalid, code: "assessment_closed", attempts: 1},
		"not found by its name":   {status: 200, body: `{"success":false,"errorInfo":{"code":"assessment_not_found"}}`, class: assessment.ErrNotFound, code: "assessment_not_found", attempts: 1},
		"only texts":              {status: 200, body: `{"success":false,"errors":["No such thing","Sorry"]}`, class: assessment.ErrInvalid, message: "No such thing; Sorry", attempts: 1},
		"nothing but false":       {status: 200, body: ` {"success":false} `, class: assessment.ErrInvalid, attempts: 1},
		"info of another shape":   {status: 200, body: `{"success":false,"errorInfo":"no","errors":["x"]}`, class: assessment.ErrInvalid, message: "x", attempts: 1},
		"permission missing":      {status: 403, body: `{"success":false,"errors":["missing_endpoint_permission"],"errorInfo":{"code":"missing_endpoint_permission"}}`, class: assessment.ErrForbidden, code: "missing_endpoint_permission", attempts: 1},
		"permission missing, 200": {status: 200, body: `{"success":false,"errorInfo":{"code":"missing_endpoint_permission"}}`, class: assessment.ErrForbidden, code: "missing_endpoint_permission", attempts: 1},
		"no key, as text":         {status: 401, body: "No API key was provided.", class: assessment.ErrUnauthorized, message: "No API key was provided.", attempts: 1},
		"bad key, as JSON":        {status: 403, body: `{"error":"nope"}`, class: assessment.ErrForbidden, attempts: 1},
		"firewall":                {status: 403, body: cloudflare, class: assessment.ErrForbidden, message: "Access denied | api.ashbyhq.com used Cloudflare to restrict access", attempts: 1},
		"page without a title":    {status: 403, body: "<html>no</html>", class: assessment.ErrForbidden, attempts: 1},
		"code without success":    {status: 429, body: `{"errorInfo":{"code":"rate_limit_exceeded","message":"Slow down"}}`, class: assessment.ErrRateLimited, code: "rate_limit_exceeded", message: "Slow down", attempts: 5, repeated: true},
		"long text":               {status: 403, body: strings.Repeat("x", 1000), class: assessment.ErrForbidden, attempts: 1},
		"load balancer":           {status: 503, body: "<html>503</html>", class: assessment.ErrUnavailable, attempts: 5, repeated: true},
		"server error":            {status: 500, body: "", class: assessment.ErrUnavailable, attempts: 5, uncertain: true, repeated: true},
		"server error with a code": {
			status: 500, body: `{"success":false,"errorInfo":{"code":"boom"}}`, class: assessment.ErrUnavailable, code: "boom", attempts: 1, uncertain: true, repeated: true,
		},
		"page of a proxy": {status: 200, body: "<html>Please sign in</html>", class: assessment.ErrUnavailable, message: "the answer is not JSON", attempts: 5, uncertain: true, repeated: true},
		"half an answer":  {status: 200, body: `{"success":tr`, class: assessment.ErrUnavailable, message: "the answer is not JSON", attempts: 5, uncertain: true, repeated: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := play(answers(tc.status, tc.body, "x-ashby-request-id", "from the header"))
				receipt, err := newClient(t, server).PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusOpen})
				failure := apiError(t, err)
				require.ErrorIs(t, err, tc.class)
				if tc.id == "" {
					tc.id = "from the header"
				}
				requireEqual(t, []string{tc.code, tc.message, tc.id, account, "assessment.update"},
					[]string{failure.Code, failure.Message, failure.RequestID, failure.Account, failure.Operation})
				require.Equal(t, tc.status, failure.StatusCode)
				require.Equal(t, tc.body, string(failure.Body), "the whole answer stays readable")
				require.Equal(t, tc.attempts, failure.Attempts)
				require.Equal(t, tc.uncertain, failure.Uncertain)
				require.Equal(t, tc.uncertain, failure.SafeToRepeat)
				require.Len(t, server.seen, tc.attempts)
				_, again := assessment.Retryable(err)
				require.Equal(t, tc.repeated, again)
				requireEqual(t, assessment.Receipt{Attempts: tc.attempts, RequestID: tc.id}, receipt)
				require.NotContains(t, fmt.Sprintf("%+v %v", err, err), testKey)
				for _, r := range server.seen {
					require.Equal(t, server.seen[0].Body, r.Body, "the same update on every attempt")
				}
			})
		})
	}
}

// A success may hold nothing.
func TestSuccesses(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []string
	}{
		"documented":    {string(example(t, "assessment-update.response.success.json")), nil},
		"warnings":      {string(example(t, "envelope.success.with-warnings.json")), []string{"unable_to_add_application_metadata"}},
		"paged":         {string(example(t, "envelope.success.paged-list.json")), nil},
		"last page":     {string(example(t, "envelope.success.paged-list-last-page.json")), nil},
		"empty":         {"", nil},
		"blank":         {" \n", nil},
		"null":          {"null", nil},
		"no success":    {`{"results":{}}`, nil},
		"odd warnings":  {`{"success":true,"warnings":[{"a":1}]}`, nil},
		"odd, no array": {`{"success":true,"warnings":"x"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			receipt, err := newClient(t, play(answers(200, tc.body, "X-Ashby-Request-Id", "r1"))).
				PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusOpen})
			require.NoError(t, err)
			requireEqual(t, assessment.Receipt{Warnings: tc.want, Attempts: 1, RequestID: "r1"}, receipt)
		})
	}
}

// The members of a list are there for Call to return.
func TestCall(t *testing.T) {
	body := example(t, "envelope.success.paged-list.json")
	server := play(answers(200, string(body)))
	client := newClient(t, server)
	got, err := client.Call(t.Context(), account, ashby.Request{
		Operation: "candidate.list", Body: map[string]any{"limit": 1}, Read: true,
	})
	require.NoError(t, err)
	require.Equal(t, body, []byte(got))
	require.JSONEq(t, `{"limit":1}`, server.seen[0].Body)
	for _, operation := range []string{"", "a/b", "/x"} {
		_, err = client.Call(t.Context(), account, ashby.Request{Operation: operation})
		require.Equal(t, []string{"operation"}, paths(t, err))
	}
	_, err = client.Call(t.Context(), account, ashby.Request{Operation: "x", Body: func() {}})
	require.Error(t, err)
	require.Len(t, server.seen, 1)

	t.Run("a write is not repeated blindly", func(t *testing.T) {
		server := play(breaks(errReset), answers(200, written))
		_, err := newClient(t, server).Call(t.Context(), account, ashby.Request{Operation: "candidate.addTag"})
		require.True(t, apiError(t, err).Uncertain)
		require.Len(t, server.seen, 1)
	})
	t.Run("a question is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := play(breaks(errReset), answers(200, written))
			_, err := newClient(t, server).Call(t.Context(), account, ashby.Request{Operation: "application.info", Read: true})
			require.NoError(t, err)
			require.Len(t, server.seen, 2)
		})
	})
}

// added is the documented assessment that was not started from Ashby.
var added = ashby.Completed{
	CandidateID: "5b591aed-88e3-4395-b9c6-7d529f93354a", PartnerID: "7c1f8f3a-2d4b-4a55-8f0e-1b2c3d4e5f60",
	AssessmentID: assessmentID, Package: assessment.Package{ID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e", Name: "Node Assessment"},
	Result: assessment.Result{Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(8, 10), At: at(1665680638489)},
}

func TestAddCompleted(t *testing.T) {
	server := play(answers(200, string(example(t, "assessment-add-completed-to-candidate.response.json")), "X-Ashby-Request-Id", "r1"))
	got, err := newClient(t, server).AddCompleted(t.Context(), account, added)
	require.NoError(t, err)
	requireEqual(t, ashby.Added{
		ApplicationID: "3ae2b801-19f6-41ef-ad28-214bd731948f", Receipt: assessment.Receipt{Attempts: 1, RequestID: "r1"},
	}, got)
	requireSameJSON(t, example(t, "assessment-add-completed-to-candidate.request.json"), []byte(server.seen[0].Body))

	t.Run("everything", func(t *testing.T) {
		server := play(answers(200, ""))
		full := added
		full.PartnerID = ""
		full.Result.ReportURL, full.Result.StatusText, full.Result.CompletedAt = reportURL, "Done", at(moment)
		full.Result.Attachments = []assessment.Attachment{{Name: "x", ContentType: "a/b", Data: []byte("x")}}
		got, err := newClient(t, server, func(c *ashby.Config) { c.PartnerID = "p" }).AddCompleted(t.Context(), account, full)
		require.NoError(t, err)
		require.Equal(t, "result.attachments[0]", got.Receipt.Losses[0].Field)
		requireSameJSON(t, []byte(`{"candidateId":"5b591aed-88e3-4395-b9c6-7d529f93354a","partnerId":"p","timestamp":1665686038489,"assessment":{
			"assessmentTypeId":"e9ed20fd-d45f-4aad-8a00-a19bfba0083e","assessmentId":"`+assessmentID+`","assessmentName":"Node Assessment",
			"result":`+datum("result", "Score", "numeric_score", "8")+`,"metadata":[`+strings.Join([]string{
			datum("status", "Status", "string", `"Done"`), datum("profile-url", "Report", "url", `"`+reportURL+`"`),
			maxScore("10"), datum("completed-at", "Completed at", "string", `"2022-10-13T18:33:58.489Z"`),
		}, ",")+`]}}`), []byte(server.seen[0].Body))
	})
	t.Run("metadata is never missing", func(t *testing.T) {
		server := play(answers(200, written))
		bare := added
		bare.Result.Score = nil
		_, err := newClient(t, server).AddCompleted(t.Context(), account, bare)
		require.NoError(t, err)
		require.Contains(t, server.seen[0].Body, `"metadata":[]`)
	})
	t.Run("refused before the network", func(t *testing.T) {
		server := play(answers(200, written))
		client := newClient(t, server)
		_, err := client.AddCompleted(t.Context(), account, ashby.Completed{})
		require.Equal(t, []string{
			"partner_id", "candidate_id", "assessment_id", "package.id", "package.name", "result.status", "result.status",
		}, paths(t, err))
		wrong := added
		wrong.Result.ReportURL, wrong.Result.CompletedAt = "x", time.Unix(-1, 0)
		wrong.Result.Attributes = []assessment.Attribute{{ID: "result", Label: "l", Value: assessment.Text("")}}
		_, err = client.AddCompleted(t.Context(), account, wrong)
		require.Equal(t, []string{"result.completed_at", "result.report_url", "result.attributes[0].id"}, paths(t, err))
		require.Empty(t, server.seen)
	})
	t.Run("not repeated blindly", func(t *testing.T) {
		server := play(breaks(errReset), answers(200, written))
		_, err := newClient(t, server).AddCompleted(t.Context(), account, added)
		failure := apiError(t, err)
		require.True(t, failure.Uncertain)
		require.False(t, failure.SafeToRepeat)
		require.Len(t, server.seen, 1)
	})
	t.Run("simulated", func(t *testing.T) {
		sim := ashbytest.Start(t)
		_, err := sim.AddCandidate("", ashbytest.Candidate{ID: added.CandidateID})
		require.NoError(t, err)
		_, err = newClient(t, sim.Client().Transport).AddCompleted(t.Context(), account, added)
		require.NoError(t, err)
		kept, ok := sim.Assessment(assessmentID)
		require.True(t, ok)
		require.Equal(t, ashbytest.StateCompleted, kept.State)
		require.Equal(t, int64(1665680638489), kept.CompletedAt.UnixMilli())
	})
}

func TestCandidateInfo(t *testing.T) {
	sim := ashbytest.Start(t)
	id, err := sim.AddCandidate("", ashbytest.Candidate{
		Name: "Adam Hart", Email: "adam@example.com", Phone: "+1 555", Timezone: "Europe/Vienna", ResumeHandle: "h1",
		SocialLinks: []ashbytest.SocialLink{{Type: "GitHub", URL: "https://github.com/x"}},
	})
	require.NoError(t, err)
	client := newClient(t, sim.Client().Transport)
	got, err := client.CandidateInfo(t.Context(), account, id)
	require.NoError(t, err)
	require.Equal(t, []string{id, "Adam Hart", "adam@example.com", "+1 555", "Europe/Vienna", "h1"},
		[]string{got.ID, got.Name, got.Email, got.Phone, got.Timezone, got.ResumeHandle})
	require.Equal(t, []ashby.SocialLink{{Type: "GitHub", URL: "https://github.com/x"}}, got.SocialLinks)
	require.True(t, json.Valid(got.Raw))
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %s", got, got, got, got.LogValue()), "Adam")

	_, err = client.CandidateInfo(t.Context(), account, sim.NewID())
	require.ErrorIs(t, err, assessment.ErrInvalid)
	_, err = client.CandidateInfo(t.Context(), account, "")
	require.Equal(t, []string{"id"}, paths(t, err))

	odd := play(answers(200, `{"success":true,"results":{"id":"1","name":7,"emailAddresses":[{"value":"a@b","isPrimary":true}],"tags":0}}`))
	got, err = newClient(t, odd).CandidateInfo(t.Context(), account, "1")
	require.NoError(t, err)
	require.Equal(t, "a@b", got.Email)
}

func TestAPIKeyInfo(t *testing.T) {
	sim := ashbytest.Start(t)
	require.NoError(t, sim.AddKey("", "no_permission", "candidates:write"))
	got, err := newClient(t, sim.Client().Transport).APIKeyInfo(t.Context(), account)
	require.NoError(t, err)
	require.False(t, got.CreatedAt.IsZero())
	for permission, want := range map[string]bool{
		"candidatesWrite": true, "candidates:write": true, "apiKeysRead": true, "offersRead": false, "candidates": false,
	} {
		require.Equal(t, want, got.Allows(permission), permission)
	}
	_, err = newClient(t, sim.Client().Transport, func(c *ashby.Config) { c.APIKey = "no_permission" }).APIKeyInfo(t.Context(), account)
	require.ErrorIs(t, err, ashby.ErrKeyUntold)
	require.ErrorIs(t, err, assessment.ErrForbidden)
	require.Equal(t, 403, apiError(t, err).StatusCode)

	_, err = newClient(t, play(answers(401, ""))).APIKeyInfo(t.Context(), account)
	require.NotErrorIs(t, err, ashby.ErrKeyUntold)
	require.ErrorIs(t, err, assessment.ErrUnauthorized)
}

// A customer who changes the key loses nothing.
func TestKeyIsAskedAgain(t *testing.T) {
	server := play(answers(403, "bad key"), answers(200, written))
	asked := 0
	client := newClient(t, server, func(c *ashby.Config) {
		c.APIKey = ""
		c.Keys = func(context.Context, string) (string, error) {
			asked++
			return fmt.Sprintf("key_%d", asked), nil
		}
	})
	_, err := client.PublishResult(t.Context(), ref, done(nil))
	require.NoError(t, err)
	require.Equal(t, 2, asked)
	require.Len(t, server.seen, 2)

	failing := newClient(t, server, func(c *ashby.Config) {
		c.APIKey, c.Keys = "", func(context.Context, string) (string, error) { return "", errors.New("vault down") }
	})
	_, err = failing.PublishResult(t.Context(), ref, done(nil))
	require.ErrorContains(t, err, "vault down")
}

// https://developers.ashbyhq.com/docs/assessmentupdate wants milliseconds.
func TestTimestamps(t *testing.T) {
	progress := func(text string, when time.Time) assessment.Result {
		return assessment.Result{Status: assessment.StatusInProgress, StatusText: text, At: when}
	}
	publish := func(t *testing.T, server *script, all ...assessment.Result) []int64 {
		client := newClient(t, server)
		for _, r := range all {
			_, _ = client.PublishResult(t.Context(), ref, r)
		}
		return server.timestamps(t)
	}
	noon := time.UnixMilli(moment)
	for name, tc := range map[string]struct {
		results []assessment.Result
		want    []int64
	}{
		"At":                         {[]assessment.Result{progress("a", noon.Add(999*time.Microsecond))}, []int64{moment}},
		"rising":                     {[]assessment.Result{progress("a", noon), progress("b", noon.Add(time.Second))}, []int64{moment, moment + 1000}},
		"the same time twice":        {[]assessment.Result{progress("a", noon), progress("b", noon), progress("c", noon)}, []int64{moment, moment + 1, moment + 2}},
		"back in time":               {[]assessment.Result{progress("a", noon), progress("b", noon.Add(-time.Hour))}, []int64{moment, moment + 1}},
		"repeated":                   {[]assessment.Result{progress("a", noon), progress("a", noon), progress("a", noon)}, []int64{moment, moment, moment}},
		"repeated in another zone":   {[]assessment.Result{progress("a", noon), progress("a", noon.UTC())}, []int64{moment, moment}},
		"repeated after it moved":    {[]assessment.Result{progress("a", noon), progress("b", noon), progress("b", noon)}, []int64{moment, moment + 1, moment + 1}},
		"repeated too late":          {[]assessment.Result{progress("a", noon), progress("b", noon), progress("a", noon)}, []int64{moment, moment + 1, moment}},
		"same content at other time": {[]assessment.Result{progress("a", noon), progress("a", noon.Add(time.Minute))}, []int64{moment, moment + 60000}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, publish(t, play(answers(200, written)), tc.results...))
		})
	}
	t.Run("a queue tries again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := publish(t, play(answers(500, "")), progress("a", noon), progress("b", noon), progress("b", noon))
			want := append(slicesOf(moment, 5), slicesOf(moment+1, 10)...)
			require.Equal(t, want, got)
		})
	})
	t.Run("now", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now().UnixMilli()
			require.Equal(t, []int64{now + 1, now + 2}, publish(t, play(answers(200, written)), progress("a", time.Time{}), progress("a", time.Time{})))
		})
	})
	t.Run("each assessment and customer has its own", func(t *testing.T) {
		server := play(answers(200, written))
		client := newClient(t, server)
		for _, r := range []assessment.OrderRef{
			{Vendor: assessment.Ashby, Account: "a", ID: "1"}, {Vendor: assessment.Ashby, Account: "a", ID: "2"}, {Vendor: assessment.Ashby, Account: "b", ID: "1"},
		} {
			_, err := client.PublishResult(t.Context(), r, progress("a", noon))
			require.NoError(t, err)
		}
		require.Equal(t, slicesOf(moment, 3), server.timestamps(t))
	})
}

func slicesOf(v int64, n int) (all []int64) {
	for range n {
		all = append(all, v)
	}
	return all
}

// Updates of one assessment that come at once also arrive one after the other;
// the simulator refuses what goes back in time.
func TestConcurrentUpdates(t *testing.T) {
	sim := ashbytest.Start(t)
	_, err := sim.AddAssessment(ashbytest.Assessment{ID: assessmentID})
	require.NoError(t, err)
	client := newClient(t, sim.Client().Transport)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			_, err := client.PublishResult(t.Context(), ref, assessment.Result{
				Status: assessment.StatusInProgress, StatusText: fmt.Sprint("step ", i), At: at(moment + int64(i%5)),
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, _ := sim.Assessment(assessmentID)
	require.Len(t, got.Updates, 50)
	for i := 1; i < len(got.Updates); i++ {
		require.True(t, got.Updates[i].Timestamp.After(got.Updates[i-1].Timestamp))
	}
}

// Who waits for another update of the same assessment waits no longer than the
// context allows.
func TestWaitingEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client := newClient(t, play(func(r *http.Request) (*http.Response, error) {
			<-release
			return answers(200, written)(r)
		}))
		go func() { _, _ = client.PublishResult(t.Context(), ref, done(nil)) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.PublishResult(ctx, ref, done(nil))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		failure := apiError(t, err)
		require.Zero(t, failure.Attempts)
		require.False(t, failure.Uncertain)
		_, again := assessment.Retryable(err)
		require.True(t, again)
		close(release)
	})
}

// An answer that got lost is asked for once more, and nothing is stored twice.
func TestUncertainUpdate(t *testing.T) {
	for name, fault := range map[string]ashbytest.Fault{
		"reset": ashbytest.AppliedThenReset(), "cut off": ashbytest.CutOff(), "half": ashbytest.TruncatedJSON(),
		"empty": ashbytest.EmptyBody(), "500": ashbytest.AppliedThen(ashbytest.Status(500, "")),
		"503": ashbytest.LoadBalancer503(), "page": ashbytest.HTMLBody(), "limit": ashbytest.RateLimited().Header("Retry-After", "3"),
		"warning": ashbytest.Warning("unable_to_add_application_metadata"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := ashbytest.Start(t)
				_, err := sim.AddAssessment(ashbytest.Assessment{ID: assessmentID})
				require.NoError(t, err)
				sim.Fail(ashbytest.OpUpdate, fault)
				_, err = newClient(t, sim.Client().Transport).PublishResult(t.Context(), ref, done(nil))
				require.NoError(t, err)
				got, _ := sim.Assessment(assessmentID)
				require.Len(t, got.Updates, 1)
				require.Equal(t, ashbytest.StateCompleted, got.State)
			})
		})
	}
}

func TestNothingShowsTheKey(t *testing.T) {
	config := ashby.Config{APIKey: testKey, Connection: "c"}
	client := newClient(t, play(answers(200, written)), func(c *ashby.Config) { c.Connection = "c" })
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{config, &config, client, *client, []any{config}} {
			text := fmt.Sprintf(verb, value)
			require.Contains(t, text, "ashby c", verb)
			require.NotContains(t, text, testKey)
		}
	}
	require.Equal(t, config.String(), config.LogValue().String())
	require.Equal(t, client.String(), client.LogValue().String())
	require.Equal(t, []any{assessment.Ashby, "c"}, []any{client.Vendor(), client.Connection()})
}

// A vendor that quotes the key or the result does not get it into a log.
func TestObserverAndLogSeeNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		var attempts []assessment.Attempt
		server := play(answers(503, "key "+testKey), answers(403, `{"success":false,"errorInfo":{"code":"x","message":"bad key `+testKey+`"}}`))
		client := newClient(t, server, func(c *ashby.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			c.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { attempts = append(attempts, a) }
		})
		_, err := client.PublishResult(t.Context(), ref, done(func(r *assessment.Result) { r.Summary = marker }))
		require.Len(t, attempts, 2)
		require.Equal(t, "assessment.update", attempts[0].Operation)
		require.Equal(t, account, attempts[0].Account)
		for _, text := range []string{log.String(), fmt.Sprintf("%+v %#v %+v", err, err, attempts), string(apiError(t, err).Body)} {
			require.NotContains(t, text, testKey)
			require.NotContains(t, text, marker)
		}
	})
}
