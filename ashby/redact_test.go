package ashby_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

func TestNothingShowsTheKey(t *testing.T) {
	config := ashby.Config{APIKey: testKey, Connection: "c"}
	client := newClient(t, play(answers(200, written)), func(c *ashby.Config) { c.Connection = "c" })
	sent := base64.StdEncoding.EncodeToString([]byte(testKey + ":"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{config, &config, []any{config}} {
			require.Contains(t, fmt.Sprintf(verb, value), "ashby c", verb)
		}
		for _, value := range []any{config, &config, []any{config}, client, *client, struct{ c any }{*client}} {
			text := fmt.Sprintf(verb, value)
			for _, form := range []string{testKey, sent, fmt.Sprintf("%x", testKey)} {
				require.NotContains(t, text, form)
			}
		}
	}
	require.Equal(t, config.String(), config.LogValue().String())
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
