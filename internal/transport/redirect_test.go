package transport

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestRedirectsElsewhereAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ location, want string }{
		"other host":   {"https://evil.test/v1/orders?token=x", "redirect to https://evil.test refused"},
		"sub-domain":   {"https://a.api.test/v1/orders", "redirect to https://a.api.test refused"},
		"other scheme": {"http://api.test/v1/orders", "redirect to http://api.test refused"},
		"other port":   {"https://api.test:8443/v1/orders", "redirect to https://api.test:8443 refused"},
		"no scheme":    {"//evil.test/x", "redirect to https://evil.test refused"},
	} {
		for _, call := range []Call{reading, writing} {
			for _, status := range []int{301, 302, 303, 307, 308} {
				t.Run(name, func(t *testing.T) {
					server := play(answers(status, "moved", "Location", c.location), answers(200, ""))
					answer, err := newClient(t, server, once).Do(t.Context(), call)
					require.ErrorContains(t, err, c.want)
					require.NotContains(t, err.Error(), "token")
					api := apiError(t, err)
					require.Equal(t, status, api.StatusCode)
					require.Equal(t, status, answer.StatusCode)
					require.Equal(t, "moved", string(api.Body))
					require.ErrorIs(t, err, assessment.ErrUnavailable)
					require.Equal(t, call.Method != "GET", api.Uncertain)
					require.Len(t, server.seen, 1)
				})
			}
		}
	}
}

func TestRedirectsOnTheSameHost(t *testing.T) {
	for name, c := range map[string]struct {
		call     Call
		status   int
		location string
		followed bool
	}{
		"read":               {reading, 302, "/v2/orders", true},
		"read, default port": {reading, 301, "https://api.test:443/v2/orders", true},
		"write, 307":         {writing, 307, "/v2/orders", true},
		"write, 308":         {writing, 308, "https://api.test/v2/orders", true},
		"write would be GET": {writing, 302, "/v2/orders", false},
		"write, see other":   {writing, 303, "/v2/orders", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(c.status, "", "Location", c.location), answers(200, ""))
			_, err := newClient(t, server, once).Do(t.Context(), c.call)
			if !c.followed {
				require.ErrorContains(t, err, "redirect of a write refused")
				require.Len(t, server.seen, 1)
				return
			}
			require.NoError(t, err)
			require.Len(t, server.seen, 2)
			require.Equal(t, c.call.Method, server.seen[1].Method)
			require.Equal(t, server.seen[0].Body, server.seen[1].Body)
			require.Equal(t, "Bearer "+testKey, server.seen[1].Header.Get("Authorization"))
		})
	}
}

func TestRedirectsEnd(t *testing.T) {
	server := play(answers(302, "", "Location", "/v1/orders"))
	_, err := newClient(t, server, once).Do(t.Context(), reading)
	require.ErrorContains(t, err, "redirect refused")
	require.Len(t, server.seen, maxRedirects)
}

func TestCallersRedirectPolicyCanRefuseMore(t *testing.T) {
	no := errors.New("no redirects here")
	server := play(answers(302, "", "Location", "/v2/orders"))
	client := newClient(t, nil, func(c *Config) {
		c.HTTPClient = &http.Client{
			Transport:     server,
			CheckRedirect: func(*http.Request, []*http.Request) error { return no },
		}
	})
	_, err := client.Do(t.Context(), reading)
	require.ErrorIs(t, err, no)
	require.Equal(t, 302, apiError(t, err).StatusCode)
	require.ErrorIs(t, err, assessment.ErrUnavailable)
	require.Len(t, server.seen, 1)
}
