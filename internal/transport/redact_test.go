package transport

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"}

func TestConfigAndClientShowNoKey(t *testing.T) {
	config := Config{Vendor: assessment.Kombo, Connection: "eu", BaseURL: "https://u:" + testKey + "@api.test/v1?k=" + testKey, Key: testKey}
	client := newClient(t, play(answers(200, "")), func(c *Config) { c.Connection = "eu" })
	var out bytes.Buffer
	for _, verb := range verbs {
		fmt.Fprintf(&out, verb+verb+verb+"\n", config, &config, client)
	}
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("x", "config", config, "pointer", &config, "client", client)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", config, "client", client)
	require.NotContains(t, out.String(), testKey)
	require.NotContains(t, out.String(), fmt.Sprintf("%x", testKey))
	require.Contains(t, out.String(), `transport.Config(kombo, connection "eu", https://api.test/v1)`)
	require.Contains(t, out.String(), `transport.Client(kombo, connection "eu", https://api.test/v1)`)
}

// Vendors quote refused keys and transports quote requests, so that the key
// comes back in every text there is.
func TestNothingShowsAKey(t *testing.T) {
	const second = "ks_prod_An0therK3y"
	credentials := base64.StdEncoding.EncodeToString([]byte(testKey + ":"))
	quote := "key " + testKey + " as " + credentials
	inError := fmt.Errorf("sent %s: %w", quote, errReset)
	for name, steps := range map[string][]step{
		"code":         {answers(503, "error "+quote)},
		"text":         {answers(503, quote, "X-Request-Id", quote)},
		"cause":        {breaks(inError)},
		"nested URL":   {breaks(fmt.Errorf("x %w", &url.Error{Op: "Get", URL: "https://h/?k=" + testKey, Err: inError}))},
		"renewed":      {answers(401, quote), answers(401, quote+second)},
		"retried":      {answers(429, "error BUSY"), breaks(inError), answers(400, quote)},
		"redirect":     {answers(302, quote, "Location", "https://"+testKey+".test/"+testKey)},
		"in a success": {answers(200, "<html>"+quote)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				asked := 0
				client := newClient(t, play(steps...), func(c *Config) {
					c.Key, c.Authorize, c.RequestIDHeader = "", Basic, "X-Request-Id"
					c.Keys = func(context.Context, string) (string, error) {
						asked++
						return []string{testKey, second}[min(asked, 2)-1], nil
					}
					c.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
					c.Observer.Attempt = func(_ context.Context, a assessment.Attempt) { fmt.Fprintf(&out, "%+v\n", a) }
				})
				call := reading
				call.Query = url.Values{"q": {"in-the-query"}}
				_, _, err := JSON[named](t.Context(), client, call)
				api := apiError(t, err)
				out.Write(api.Body)
				for e := error(api); e != nil && e != inError; e = errors.Unwrap(e) {
					if _, ok := e.(*url.Error); ok {
						break
					}
					for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
						fmt.Fprintf(&out, verb+"\n", e)
					}
					if e == api.Cause {
						break
					}
				}
				slog.New(slog.NewJSONHandler(&out, nil)).Error("x", "err", err)
				for _, secret := range []string{testKey, credentials, second, "in-the-query"} {
					require.NotContains(t, out.String(), secret)
				}
			})
		})
	}
}
