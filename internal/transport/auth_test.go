package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Vector of https://developers.ashbyhq.com/docs/authentication.
func TestAuthorizationHeaders(t *testing.T) {
	h := http.Header{}
	Basic(h, "ashby_test_key_123")
	require.Equal(t, "Basic YXNoYnlfdGVzdF9rZXlfMTIzOg==", h.Get("Authorization"))
	Bearer(h, "ks_prod_1")
	require.Equal(t, []string{"Bearer ks_prod_1"}, h.Values("Authorization"))
}

// rotating hands out its keys one after the other.
func rotating(asked *[]string, keys ...string) option {
	return func(c *Config) {
		c.Key = ""
		c.Keys = func(_ context.Context, account string) (string, error) {
			*asked = append(*asked, account)
			return keys[min(len(*asked), len(keys))-1], nil
		}
	}
}

func TestRefusedKeyIsAskedForOnceMore(t *testing.T) {
	for name, c := range map[string]struct {
		keys     []string
		statuses []step
		sent     []string // keys in the order sent
		want     error
	}{
		"replaced after 401": {[]string{"old", "new"}, []step{answers(401, ""), answers(200, "")}, []string{"old", "new"}, nil},
		"replaced after 403": {[]string{"old", "new"}, []step{answers(403, ""), answers(200, "")}, []string{"old", "new"}, nil},
		"the same":           {[]string{"old", "old"}, []step{answers(401, "")}, []string{"old"}, assessment.ErrUnauthorized},
		"refused again":      {[]string{"old", "new", "newer"}, []step{answers(401, "")}, []string{"old", "new"}, assessment.ErrUnauthorized},
		"404":                {[]string{"old", "new"}, []step{answers(404, "")}, []string{"old"}, assessment.ErrNotFound},
	} {
		for _, call := range []Call{reading, writing} {
			t.Run(name+" "+call.Method, func(t *testing.T) {
				var asked []string
				server := play(c.statuses...)
				// No retries: the new key is not one of them.
				client := newClient(t, server, rotating(&asked, c.keys...), func(c *Config) { c.MaxRetries = -1 })
				_, err := client.Do(t.Context(), call)
				if c.want == nil {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, c.want)
					require.False(t, apiError(t, err).Uncertain)
				}
				var sent []string
				for _, request := range server.seen {
					sent = append(sent, request.Header.Get("Authorization")[len("Bearer "):])
				}
				require.Equal(t, c.sent, sent)
				require.Equal(t, "acme", asked[0])
			})
		}
	}
}

// A host whose keys change all the time must not be asked for ever, nor the
// vendor.
func TestKeyIsAskedForAgainOncePerCall(t *testing.T) {
	for name, steps := range map[string][]step{
		"401 for ever":         {answers(401, "")},
		"403 for ever":         {answers(403, "")},
		"429 in between":       {answers(401, ""), answers(429, ""), answers(401, "")},
		"refused at the retry": {answers(503, ""), answers(401, ""), answers(503, ""), answers(403, "")},
	} {
		for _, call := range []Call{reading, writing, writingWith(Same), writingWith(Again)} {
			t.Run(fmt.Sprintf("%s/%s-%d", name, call.Method, call.Repeat), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var asked []string
					server := play(steps...)
					client := newClient(t, server, rotating(&asked, "one", "two", "three", "four", "five"))
					_, err := client.Do(t.Context(), call)
					require.Contains(t, []int{401, 403}, apiError(t, err).StatusCode)
					require.Len(t, asked, 2)
					require.Len(t, server.seen, max(2, len(steps)))
					last := server.seen[len(server.seen)-1]
					require.Equal(t, "Bearer two", last.Header.Get("Authorization"))
				})
			})
		}
	}
}

// The refusal is of the repetition: the first attempt may have been applied, and
// one repetition is all that such a write gets.
func TestNewKeyIsNoReasonToRepeatADoubtfulWrite(t *testing.T) {
	for name, doubtful := range map[string]step{
		"408": answers(408, ""), "500": answers(500, ""), "reset": breaks(errReset), "cut short": cuts(200, `{"a":`),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				server := play(doubtful, answers(401, ""), answers(200, ""))
				client := newClient(t, server, rotating(&asked, "old", "new"))
				_, err := client.Do(t.Context(), writingWith(Again))
				api := apiError(t, err)
				require.Equal(t, 401, api.StatusCode)
				require.ErrorIs(t, err, assessment.ErrUnavailable, "the refusal says nothing about the first attempt")
				require.True(t, api.Uncertain)
				require.False(t, api.SafeToRepeat)
				require.Len(t, server.seen, 2)
				require.Equal(t, []string{"acme"}, asked, "there is no use for a new key")
			})
		})
	}
}

func TestUnusableKeysNeverReachTheNetwork(t *testing.T) {
	vault := errors.New("vault sealed")
	for name, c := range map[string]struct {
		key   string
		err   error
		want  error
		later bool // it may pass
	}{
		"error":      {err: vault, want: vault, later: true},
		"unknown":    {err: fmt.Errorf("no such customer: %w", assessment.ErrUnauthorized), want: assessment.ErrUnauthorized},
		"empty":      {want: assessment.ErrUnauthorized},
		"line break": {key: testKey + "\r\nX-Evil: 1", want: assessment.ErrUnauthorized},
		"colon":      {key: testKey + ":", want: assessment.ErrUnauthorized},
		"space":      {key: testKey + " ", want: assessment.ErrUnauthorized},
		"non-ASCII":  {key: testKey + "ä", want: assessment.ErrUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			server := play(answers(200, ""))
			client := newClient(t, server, func(config *Config) {
				config.Key = ""
				config.Keys = func(context.Context, string) (string, error) { return c.key, c.err }
			})
			_, err := client.Do(t.Context(), reading)
			require.ErrorIs(t, err, c.want)
			require.NotContains(t, err.Error(), testKey)
			require.Empty(t, server.seen)
			_, later := assessment.Retryable(err)
			require.Equal(t, c.later, later)
			if c.err == nil {
				return
			}
			api := apiError(t, err)
			require.Zero(t, api.Attempts)
			require.False(t, api.Uncertain)
		})
	}
}

func TestKeyThatCannotBeAskedForAgain(t *testing.T) {
	vault := errors.New("vault sealed")
	asked := 0
	client := newClient(t, play(answers(401, "")), func(c *Config) {
		c.Key = ""
		c.Keys = func(context.Context, string) (string, error) {
			if asked++; asked > 1 {
				return "", vault
			}
			return testKey, nil
		}
	})
	_, err := client.Do(t.Context(), reading)
	require.ErrorIs(t, err, assessment.ErrUnauthorized)
	require.ErrorIs(t, err, vault)
	require.Equal(t, 401, apiError(t, err).StatusCode)
}
