package ashby_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
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
			server := play(answers(200, `{"success":true,"results":{"id":"1"}}`))
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
		"true as text":  {`{"success":"True"}`, nil},
		"1":             {`{"success":1}`, nil},
		"1 as text":     {`{"success":"1"}`, nil},
		"odd success":   {`{"success":{"a":1}}`, nil},
		"no errors":     {`{"errors":[ ],"errorInfo":null}`, nil},
		"empty errors":  {`{"errors":"","success":null}`, nil},
		"flag decides":  {`{"success":true,"errors":["x"],"errorInfo":{"code":"x"}}`, nil},
		"odd warnings":  {`{"success":true,"warnings":[{"a":1}]}`, nil},
		"odd, no array": {`{"success":true,"warnings":"x"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			receipt, err := newClient(t, play(answers(200, tc.body, "X-Ashby-Request-Id", "r1"))).
				PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusOpen})
			require.NoError(t, err)
			requireEqual(t, assessment.Receipt{Outcome: assessment.ResultWritten, Warnings: tc.want, Attempts: 1, RequestID: "r1"}, receipt)
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
