package transport

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestNewRefuses(t *testing.T) {
	for name, spoil := range map[string]option{
		"no vendor":            func(c *Config) { c.Vendor = "" },
		"no authorization":     func(c *Config) { c.Authorize = nil },
		"no key":               func(c *Config) { c.Key = "" },
		"key and function":     func(c *Config) { c.Keys = func(context.Context, string) (string, error) { return "k", nil } },
		"key with line break":  func(c *Config) { c.Key = testKey + "\n" },
		"no URL":               func(c *Config) { c.BaseURL = "" },
		"relative URL":         func(c *Config) { c.BaseURL = "/v1" },
		"other scheme":         func(c *Config) { c.BaseURL = "ftp://api.test" },
		"no host":              func(c *Config) { c.BaseURL = "https:///v1" },
		"user in URL":          func(c *Config) { c.BaseURL = "https://" + testKey + "@api.test" },
		"unparsable URL":       func(c *Config) { c.BaseURL = "https://u:" + testKey + "@api.test:x" },
		"query in URL":         func(c *Config) { c.BaseURL = "https://api.test?a=b" },
		"empty query in URL":   func(c *Config) { c.BaseURL = "https://api.test?" },
		"fragment in URL":      func(c *Config) { c.BaseURL = "https://api.test#a" },
		"blank behind URL":     func(c *Config) { c.BaseURL = "https://api.test/v1 " },
		"port beyond the last": func(c *Config) { c.BaseURL = "https://api.test:65536" },
		"port zero":            func(c *Config) { c.BaseURL = "https://api.test:0" },
		"agent with line feed": func(c *Config) { c.UserAgent = "a\nb" },
		"header with newline":  func(c *Config) { c.Header = http.Header{"X-A": {"a\r\nX-B: b"}} },
		"negative wait":        func(c *Config) { c.MinBackoff = -1 },
		"least over greatest":  func(c *Config) { c.MinBackoff, c.MaxBackoff = 2, 1 },
		"negative body limit":  func(c *Config) { c.MaxBody = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{Vendor: assessment.Kombo, BaseURL: "https://api.test", Authorize: Bearer, Key: testKey}
			spoil(&config)
			_, err := New(config)
			require.Error(t, err)
			require.NotContains(t, err.Error(), testKey)
		})
	}
}

func TestBaseURLKeepsItsPath(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.test":        "https://api.test/orders",
		"https://api.test/":       "https://api.test/orders",
		"https://api.test/v1":     "https://api.test/v1/orders",
		"https://api.test/v1/":    "https://api.test/v1/orders",
		"http://127.0.0.1:8080/x": "http://127.0.0.1:8080/x/orders",
		"https://api.test/a%2Fb/": "https://api.test/a%2Fb/orders",
	} {
		server := play(answers(200, ""))
		client := newClient(t, server, func(c *Config) { c.BaseURL = base })
		_, err := client.Do(t.Context(), reading)
		require.NoError(t, err)
		require.Equal(t, want, server.seen[0].URL)
	}
}

func TestCallersHTTPClientStaysAsItIs(t *testing.T) {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	server := play(answers(200, ""))
	given := &http.Client{Transport: server, Jar: jar, Timeout: time.Second}
	newClient(t, nil, func(c *Config) { c.HTTPClient = given })
	require.Same(t, server, given.Transport)
	require.Nil(t, given.CheckRedirect)
	require.Equal(t, time.Second, given.Timeout)
	require.Same(t, jar, given.Jar)
}

func TestOwnTransportUsesNoProxy(t *testing.T) {
	client := newClient(t, nil, func(c *Config) { c.HTTPClient = nil })
	own, ok := client.http.Transport.(hidden).RoundTripper.(*http.Transport)
	require.True(t, ok)
	require.Nil(t, own.Proxy)
	require.NotSame(t, http.DefaultTransport, own)
}

func TestDefaultDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := newClient(t, play(hangs)).Do(context.Background(), reading)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, DefaultCallTimeout, time.Since(start))
	})
}

func TestCallersDeadlineWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		_, err := newClient(t, play(hangs)).Do(ctx, reading)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Hour, time.Since(start))
	})
}

// The Timeout of the caller's client ends one attempt, not the call.
func TestTimeoutOfTheCallersClientIsPerAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(hangs, answers(200, `"ok"`))
		client := newClient(t, nil, func(c *Config) {
			c.HTTPClient = &http.Client{Transport: server, Timeout: time.Second}
		})
		answer, err := client.Do(t.Context(), reading)
		require.NoError(t, err)
		require.Equal(t, 2, answer.Attempts)

		_, err = newClient(t, nil, func(c *Config) {
			c.HTTPClient = &http.Client{Transport: play(hangs), Timeout: time.Second}
		}).Do(t.Context(), writing)
		api := apiError(t, err)
		require.True(t, api.Uncertain)
		require.Equal(t, 1, api.Attempts)
	})
}

func TestCancelledBeforeTheFirstAttempt(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("shutting down"))
	server := play(answers(200, ""))
	_, err := newClient(t, server).Do(ctx, writing)
	require.ErrorIs(t, err, context.Canceled)
	api := apiError(t, err)
	require.Zero(t, api.Attempts)
	require.False(t, api.Uncertain)
	require.Empty(t, server.seen)
}

func TestAnyNumberOfRetriesIsANumber(t *testing.T) {
	server := play(answers(503, ""), answers(200, ""))
	_, err := newClient(t, server, func(c *Config) { c.MaxRetries, c.MinBackoff = math.MaxInt, 1 }).Do(t.Context(), reading)
	require.NoError(t, err)
	require.Len(t, server.seen, 2)
}

func TestNegativeMaxRetriesMeansNone(t *testing.T) {
	server := play(answers(503, ""))
	_, err := newClient(t, server, func(c *Config) { c.MaxRetries = -1 }).Do(t.Context(), reading)
	require.ErrorIs(t, err, assessment.ErrUnavailable)
	require.Len(t, server.seen, 1)
}
