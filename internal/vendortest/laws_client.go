package vendortest

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// A key that is refused is asked for once more. If it has changed, the call is
// repeated once; a key that has not changed, and one that is refused again, end
// it.
func keyRenewedOnce(t *testing.T, v Vendor) {
	for _, c := range v.Outlet.all() {
		for status, class := range map[int]error{401: assessment.ErrUnauthorized, 403: assessment.ErrForbidden} {
			t.Run(fmt.Sprint(c.Name, "/", status), func(t *testing.T) {
				asked := 0
				changing := func(s *ClientSetup) { s.Keys = sequence(&asked) }
				a := v.Outlet.dialWith(t, changing, Answers(status, ""), Answers(200, c.Answer))
				require.NoError(t, c.Do(t.Context(), a.client, "1"))
				require.Len(t, a.seen, 2)
				require.Equal(t, 2, asked)
				require.NotEqual(t, a.seen[0].Header["Authorization"], a.seen[1].Header["Authorization"])

				asked = 0
				a = v.Outlet.dialWith(t, changing, Answers(status, ""))
				err := c.Do(t.Context(), a.client, "1")
				require.ErrorIs(t, err, class)
				require.Len(t, a.seen, 2)
				_, again := assessment.Retryable(err)
				require.False(t, again)

				for name, same := range map[string]func(*ClientSetup){
					"one key": func(s *ClientSetup) { s.APIKey = "key-0" },
					"no news": func(s *ClientSetup) {
						s.Keys = func(context.Context, string) (string, error) { return "key-0", nil }
					},
				} {
					a = v.Outlet.dialWith(t, same, Answers(status, ""))
					require.ErrorIs(t, c.Do(t.Context(), a.client, "1"), class, name)
					require.Len(t, a.seen, 1, name)
				}
			})
		}
	}
}

// closing counts who closes the idle connections of a transport.
type closing struct {
	http.RoundTripper
	closed int
}

func (c *closing) CloseIdleConnections() { c.closed++ }

// The caller's http.Client stays as it is, and its connections stay open,
// whatever the calls come to.
func callerUntouched(t *testing.T, v Vendor) {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	for _, c := range v.Outlet.all() {
		for name, step := range map[string]Step{
			"success": Answers(200, c.Answer), "refused": Answers(400, ""), "unavailable": Answers(503, ""),
			"reset": Breaks(ErrReset), "redirect": Answers(302, "", "Location", "https://elsewhere.example.com/"),
		} {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var seen []Seen
					transport := &closing{RoundTripper: Play(&seen, step)}
					given := &http.Client{
						Transport: transport, Jar: jar, Timeout: time.Minute,
						CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
					}
					before := *given
					a := v.Outlet.dialWith(t, func(s *ClientSetup) { s.APIKey, s.HTTPClient = "key-0", given })
					_ = c.Do(t.Context(), a.client, "1") // what it comes to is not the point
					require.NotEmpty(t, seen)
					require.Zero(t, transport.closed)
					require.Same(t, before.Transport, given.Transport)
					require.Same(t, before.Jar, given.Jar)
					require.Equal(t, before.Timeout, given.Timeout)
					require.Equal(t, reflect.ValueOf(before.CheckRedirect).Pointer(), reflect.ValueOf(given.CheckRedirect).Pointer())
				})
			})
		}
	}
}

// An id of the vendor's stays one element of a path, whatever it is made of: it
// leads to no other call and adds nothing to the query. What cannot be sent so is
// refused before the network.
func idsEscaped(t *testing.T, v Vendor) {
	for _, c := range v.Outlet.all() {
		plain := v.Outlet.dial(t, Answers(200, c.Answer))
		require.NoError(t, c.Do(t.Context(), plain.client, "plain"), c.Name)
		want := address(t, plain.seen[0])
		for _, id := range []string{
			"a/b", "../x", "a/../../b", "a?b=c", "a#b", "a%2Fb", "%2e%2e", ".", "..", "a b", " a", "a;b", "a&b=c", "a+b=", "é", "a\\b", "a\nb", "\x00", "\xff",
		} {
			t.Run(fmt.Sprintf("%s/%q", c.Name, id), func(t *testing.T) {
				a := v.Outlet.dial(t, Answers(200, c.Answer))
				err := c.Do(t.Context(), a.client, id)
				if len(a.seen) == 0 {
					require.Error(t, err)
					require.ErrorIs(t, err, assessment.ErrInvalid)
					return
				}
				got := address(t, a.seen[0])
				require.Equal(t, want.Host, got.Host)
				require.Empty(t, got.Fragment)
				wantPath, gotPath := elements(t, want), elements(t, got)
				require.Len(t, gotPath, len(wantPath))
				for i := range wantPath {
					require.Equal(t, strings.ReplaceAll(wantPath[i], "plain", id), gotPath[i])
					require.NotContains(t, []string{".", ".."}, gotPath[i], "a step, not an element")
				}
				require.Equal(t, keysOf(want), keysOf(got))
			})
		}
	}
}

func address(t testing.TB, s Seen) *url.URL {
	t.Helper()
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	return u
}

func elements(t testing.TB, u *url.URL) []string {
	t.Helper()
	all := strings.Split(u.EscapedPath(), "/")
	for i := range all {
		element, err := url.PathUnescape(all[i])
		require.NoError(t, err)
		all[i] = element
	}
	return all
}

func keysOf(u *url.URL) map[string]int {
	keys := make(map[string]int)
	for key, values := range u.Query() {
		keys[key] = len(values)
	}
	return keys
}

// A call waits no longer than it may, and not at all for what it will not live to
// see; the error says what the vendor asked for.
func waitBudget(t *testing.T, v Vendor) {
	for _, c := range v.Outlet.all() {
		for name, tc := range map[string]struct {
			retryAfter  string
			deadline    time.Duration // of the context; 0 for none
			least, most time.Duration
			asked       time.Duration // what the error says; 0 for anything
		}{
			"again and again":        {"20", 0, 20 * time.Second, 5 * time.Minute, 0},
			"more than its patience": {"3600", 0, 0, 0, time.Hour},
			"more than is left":      {"30", 10 * time.Second, 0, 0, 30 * time.Second},
			"more than a number":     {"18446744073709551621", 0, 0, 0, math.MaxInt64 / time.Second * time.Second}, // 2⁶⁴+5
		} {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx := t.Context()
					if tc.deadline > 0 {
						limited, cancel := context.WithTimeout(ctx, tc.deadline)
						defer cancel()
						ctx = limited
					}
					a := v.Outlet.dial(t, Answers(429, "", "Retry-After", tc.retryAfter))
					began := time.Now()
					err := c.Do(ctx, a.client, "1")
					require.GreaterOrEqual(t, time.Since(began), tc.least)
					require.LessOrEqual(t, time.Since(began), tc.most)
					require.ErrorIs(t, err, assessment.ErrRateLimited)
					failure := APIError(t, err)
					require.Equal(t, 429, failure.StatusCode)
					require.Equal(t, len(a.seen), failure.Attempts)
					require.False(t, failure.Uncertain, "it was not carried out")
					if tc.asked > 0 {
						require.Equal(t, tc.asked, failure.RetryAfter)
						require.Len(t, a.seen, 1)
					}
					after, again := assessment.Retryable(err)
					require.True(t, again)
					require.Equal(t, min(failure.RetryAfter, time.Hour), after)
				})
			})
		}
	}
}

// A caller who gives up gets its context's error at once, with what is known.
func callerGivesUp(t *testing.T, v Vendor) {
	for _, c := range v.Outlet.all() {
		for name, step := range map[string]Step{"hanging": Hangs, "waiting": Answers(503, "", "Retry-After", "20")} {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(time.Second, cancel)
					began := time.Now()
					a := v.Outlet.dial(t, step)
					err := c.Do(ctx, a.client, "1")
					require.Equal(t, time.Second, time.Since(began))
					require.ErrorIs(t, err, context.Canceled)
					require.Positive(t, APIError(t, err).Attempts)
				})
			})
		}
	}
}

// A write that may have been applied is never called a success or a refusal. A
// refusal of its repetition proves nothing: the first one may have been applied.
func uncertainWrite(t *testing.T, v Vendor) {
	for name, steps := range map[string][]Step{
		"reset":                  {Breaks(ErrReset)},
		"reset, then conflict":   {Breaks(ErrReset), Answers(409, v.Outlet.Refusal("no"))},
		"reset, then not found":  {Breaks(ErrReset), Answers(404, v.Outlet.Refusal("no"))},
		"reset, then invalid":    {Breaks(ErrReset), Answers(400, v.Outlet.Refusal("no"))},
		"reset, then no access":  {Breaks(ErrReset), Answers(403, v.Outlet.Refusal("no"))},
		"gateway, then conflict": {Answers(502, "<html>"), Answers(409, v.Outlet.Refusal("no"))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := v.Outlet.dial(t, steps...)
				receipt, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), final(time.Now()))
				failure := APIError(t, err)
				require.True(t, failure.Uncertain, "%v", err)
				require.Empty(t, receipt.Outcome, "beside an error")
				require.Contains(t, err.Error(), "may have been applied")
				if len(steps) == 1 {
					require.ErrorIs(t, err, syscall.ECONNRESET)
					require.ErrorIs(t, err, assessment.ErrUnavailable)
				}
			})
		})
	}
	t.Run("no connection", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := v.Outlet.dial(t, Breaks(ErrRefused))
			_, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), final(time.Now()))
			require.False(t, APIError(t, err).Uncertain, "nothing was sent")
			_, again := assessment.Retryable(err)
			require.True(t, again)
		})
	})
}
