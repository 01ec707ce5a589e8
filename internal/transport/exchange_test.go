package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestObserverSeesEveryAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type ctxKey struct{}
		var got []assessment.Attempt
		server := play(answers(429, "error BUSY", "Retry-After", "3", "X-Request-Id", "r1"), breaks(errReset), answers(200, `"ok"`, "X-Request-Id", "r3"))
		client := newClient(t, server, func(c *Config) {
			c.Connection, c.RequestIDHeader = "eu", "X-Request-Id"
			c.Observer.Attempt = func(ctx context.Context, a assessment.Attempt) {
				require.Equal(t, "trace", ctx.Value(ctxKey{}))
				got = append(got, a)
			}
		})
		_, err := client.Do(context.WithValue(t.Context(), ctxKey{}, "trace"), reading)
		require.NoError(t, err)
		base := assessment.Attempt{Vendor: assessment.Kombo, Connection: "eu", Operation: "GET /orders", Account: "acme"}
		want := []assessment.Attempt{base, base, base}
		want[0].Number, want[0].StatusCode, want[0].Code, want[0].RequestID, want[0].Wait = 1, 429, "BUSY", "r1", 3*time.Second
		want[1].Number, want[1].Err, want[1].Wait = 2, errReset, got[1].Wait
		want[2].Number, want[2].StatusCode, want[2].RequestID = 3, 200, "r3"
		require.Empty(t, cmp.Diff(want, got, cmpopts.EquateErrors()))
	})
}

func TestObserverSeesTheDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		var got assessment.Attempt
		client := newClient(t, play(hangs), func(c *Config) {
			c.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { got = a }
		})
		_, err := client.Do(ctx, reading)
		require.Error(t, err)
		require.Equal(t, 3*time.Second, got.Duration)
		require.ErrorIs(t, got.Err, context.DeadlineExceeded)
	})
}

// http.Client adds the jar's cookies to the request that it is given, so that a
// header used twice would carry them twice.
func TestRetriesDoNotPileUpCookies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		jar.SetCookies(&url.URL{Scheme: "https", Host: "api.test"}, []*http.Cookie{{Name: "a", Value: "b"}})
		server := play(answers(503, ""), answers(200, ""))
		client := newClient(t, nil, func(c *Config) { c.HTTPClient = &http.Client{Transport: server, Jar: jar} })
		_, err = client.Do(t.Context(), reading)
		require.NoError(t, err)
		require.Len(t, server.seen, 2)
		require.Equal(t, "a=b", server.seen[1].Header.Get("Cookie"))
	})
}

func TestLoggerHearsOfRepetitionsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		client := newClient(t, play(answers(429, "error BUSY", "Retry-After", "3"), answers(400, "")), func(c *Config) {
			c.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		_, err := client.Do(t.Context(), reading)
		require.Error(t, err)
		var line map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &line), out.String())
		delete(line, "time")
		require.Equal(t, map[string]any{
			"level": "DEBUG", "msg": "call is repeated", "vendor": "kombo", "connection": "", "operation": "GET /orders",
			"account": "acme", "attempt": 1.0, "status": 429.0, "code": "BUSY", "wait": 3e9,
		}, line)
	})
}
