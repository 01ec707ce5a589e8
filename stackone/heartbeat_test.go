package stackone_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

func TestHeartbeat(t *testing.T) {
	server := play(answers(200, "\n\n\n"+written, "Preference-Applied", "heartbeat"))
	client := newClient(t, server, behind(""), once, func(c *stackone.Config) { c.Heartbeat = true })
	_, err := client.PublishResult(t.Context(), ref, completed())
	require.NoError(t, err)
	require.Equal(t, "heartbeat", server.seen[0].Header.Get("Prefer"))

	_, err = client.Account(t.Context(), account)
	require.Error(t, err)
	require.Empty(t, server.seen[1].Header.Get("Prefer"), "platform calls do not know it")
}

// The HTTP status under a heartbeat was sent before the work was done: only the
// body tells.
func TestHeartbeatAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		done bool
	}{
		"success":            {written, true},
		"as text":            {`{"statusCode":"204"}`, true},
		"data":               {`{"data":{}}`, true},
		"data and a status":  {`{"statusCode":201,"data":{}}`, true},
		"status null":        {`{"statusCode":null,"data":{}}`, true},
		"error":              {`{"statusCode":502,"message":"M"}`, false},
		"error as text":      {`{"statusCode":"502","message":"M"}`, false},
		"error with data":    {`{"statusCode":400,"data":{"statusCode":400}}`, false},
		"status of no form":  {`{"statusCode":{},"data":{}}`, false},
		"status far too big": {`{"statusCode":20000000000000000000000}`, false},
		"odd status":         {`{"statusCode":"200 OK"}`, false},
		"1xx":                {`{"statusCode":102}`, false},
		"no status":          {`{"message":"M"}`, false},
		"data null":          {`{"data":null}`, false},
		"empty":              {``, false},
		"page":               {`<html>`, false},
		"half":               {`{"statusCode":20`, false},
		"two":                {written + written, false},
		"list":               {`[]`, false},
		"text":               {`"ok"`, false},
		"null":               {`null`, false},
	} {
		t.Run(name, func(t *testing.T) {
			answer := answers(200, "\n\n\n"+tc.body, "Preference-Applied", "heartbeat")
			heartbeat := func(c *stackone.Config) { c.Heartbeat = true }
			server := play(answer)
			receipt, err := newClient(t, server, behind(""), heartbeat).PublishResult(t.Context(), ref, completed())
			require.Len(t, server.seen, 1)
			require.Equal(t, 1, receipt.Attempts)
			_, readErr := newClient(t, play(answer), heartbeat).Call(t.Context(), account, stackone.Request{
				Method: http.MethodGet, Path: []string{"unified", "ats", "jobs"},
			})
			if tc.done {
				require.NoError(t, err)
				require.NoError(t, readErr)
				return
			}
			failure := apiError(t, err)
			require.True(t, failure.Uncertain)
			require.False(t, failure.SafeToRepeat)
			_, again := assessment.Retryable(err)
			require.False(t, again)
			require.False(t, apiError(t, readErr).Uncertain)
		})
	}
}

// Other paths than the unified ones answer in any form, in which a late failure
// could not be told.
func TestHeartbeatIsAskedForWhereItCanBeRead(t *testing.T) {
	server := play(answers(200, `[]`))
	client := newClient(t, server, func(c *stackone.Config) { c.Heartbeat = true })
	for _, path := range [][]string{{"webhooks", "7", "events"}, {"unified", "proxy"}, {"unified"}} {
		_, err := client.Call(t.Context(), account, stackone.Request{Method: http.MethodPost, Path: path})
		require.NoError(t, err)
	}
	for _, got := range server.seen {
		require.Empty(t, got.Header.Get("Prefer"), got.URL)
		require.Equal(t, account, got.Header.Get("X-Account-Id"))
	}
}
