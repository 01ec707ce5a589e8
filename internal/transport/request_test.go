package transport

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestRequestOnTheWire(t *testing.T) {
	server := play(answers(200, ""))
	client := newClient(t, server, func(c *Config) {
		c.UserAgent = "provider/1"
		c.Header = http.Header{"ashby-version": {"2026-01-01"}, "Accept": {"application/json; version=1"}}
	})
	call := writing
	call.Path = []string{"orders", "c28x/IQ+=?#%2e"}
	call.Query = url.Values{"next": {"a&b"}}
	call.Header = http.Header{"x-integration-id": {"workday:1"}, "Authorization": {"Bearer other"}, "User-Agent": {""}}
	_, err := client.Do(t.Context(), call)
	require.NoError(t, err)
	want := seen{
		Method: http.MethodPut,
		URL:    "https://api.test/v1/orders/c28x%2FIQ+=%3F%23%252e?next=a%26b",
		Body:   `{"a":1}`,
		Length: 7,
		Header: http.Header{
			"Accept":           {"application/json; version=1"},
			"Ashby-Version":    {"2026-01-01"},
			"Authorization":    {"Bearer " + testKey},
			"Content-Type":     {"application/json"},
			"User-Agent":       {"provider/1"},
			"X-Integration-Id": {"workday:1"},
		},
	}
	require.Empty(t, cmp.Diff(want, server.seen[0]))
}

func TestUserAgentIsNeverEmpty(t *testing.T) {
	server := play(answers(200, ""))
	_, err := newClient(t, server).Do(t.Context(), reading)
	require.NoError(t, err)
	require.Regexp(t, `^assessbridge-go/\S+$`, server.seen[0].Header.Get("User-Agent"))
}

func TestCallsThatCannotBeSentAsTheyAre(t *testing.T) {
	for name, spoil := range map[string]func(*Call){
		"path[0]":     func(c *Call) { c.Path = []string{""} },
		"path[1]":     func(c *Call) { c.Path = []string{"orders", ".."} },
		"path[2]":     func(c *Call) { c.Path = []string{"orders", "x", "."} },
		"account":     func(c *Call) { c.Account = "a\r\nX-Evil: 1" },
		"header[X-A]": func(c *Call) { c.Header = http.Header{"X-A": {"a\nb"}} },
		"header":      func(c *Call) { c.Header = http.Header{"X A": {"a"}} },
		"method":      func(c *Call) { c.Method = "" },
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, ""))
			call := reading
			spoil(&call)
			_, err := newClient(t, server).Do(t.Context(), call)
			var invalid *assessment.ValidationError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, name, invalid.Problems[0].Path)
			require.Empty(t, server.seen)
		})
	}
}

// Whatever an id holds, it stays one element under the base URL.
func FuzzPathElement(f *testing.F) {
	for _, seed := range []string{"a", "..", "../x", "a/b", "%2e%2e", "?", "#", "a;b", "\x00", "ä", "//host"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, element string) {
		server := play(answers(200, ""))
		call := reading
		call.Path = []string{"orders", element, "result"}
		if _, err := newClient(t, server).Do(t.Context(), call); err != nil {
			require.Contains(t, []string{"", ".", ".."}, element)
			return
		}
		rest, ok := strings.CutPrefix(server.seen[0].URL, "https://api.test/v1/orders/")
		require.True(t, ok)
		escaped, ok := strings.CutSuffix(rest, "/result")
		require.True(t, ok)
		require.NotContains(t, escaped, "/")
		back, err := url.PathUnescape(escaped)
		require.NoError(t, err)
		require.Equal(t, element, back)
	})
}

func TestNoBodyIsSent(t *testing.T) {
	server := play(answers(200, ""))
	call := writing
	call.Body = nil
	_, err := newClient(t, server).Do(t.Context(), call)
	require.NoError(t, err)
	require.Empty(t, server.seen[0].Header.Get("Content-Type"))
	require.Zero(t, server.seen[0].Length)
}

func readCloser(text string) io.ReadCloser { return io.NopCloser(strings.NewReader(text)) }

func TestEscapeOfTheVendor(t *testing.T) {
	server := play(answers(200, ""))
	client := newClient(t, server, func(c *Config) { c.Escape = url.QueryEscape })
	call := writing
	call.Path = []string{"orders", "a/b+c="}
	_, err := client.Do(t.Context(), call)
	require.NoError(t, err)
	require.Equal(t, "https://api.test/v1/orders/a%2Fb%2Bc%3D", server.seen[0].URL)
}

func TestAccountHeader(t *testing.T) {
	server := play(answers(200, "{}"))
	client := newClient(t, server, func(c *Config) { c.AccountHeader = "x-account-id" })
	call := reading
	for _, account := range []string{"acme", ""} {
		call.Account = account
		_, err := client.Do(t.Context(), call)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"acme"}, server.seen[0].Header["X-Account-Id"])
	require.NotContains(t, server.seen[1].Header, "X-Account-Id")

	_, err := New(Config{Vendor: "x", BaseURL: "https://api.test", Authorize: Bearer, Key: testKey, AccountHeader: "x account"})
	require.ErrorContains(t, err, "account header")
}

func TestBodiesAreRewound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(429, ""), answers(200, ""))
		_, err := newClient(t, server).Do(t.Context(), writing)
		require.NoError(t, err)
		require.Len(t, server.seen, 2)
		for _, got := range server.seen {
			require.Equal(t, `{"a":1}`, got.Body)
			require.EqualValues(t, 7, got.Length)
		}
	})
}
