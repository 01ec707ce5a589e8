package kombo_test

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

func envelope(code string) string {
	return fmt.Sprintf(`{"status":"error","error":{"code":%q,"title":"T","message":"M","log_url":"https://app.kombo.dev/logs/1"}}`, code)
}

// The codes and which of them are safe to retry: https://docs.kombo.dev/guides/errors.
// Only the code is to be branched on, so a status that contradicts it changes
// nothing. "Later" is what a job queue is told.
var errorCodes = []struct {
	code    string
	status  int // documented, or what it would be
	class   error
	retried bool
	later   bool
}{
	{"PLATFORM.RATE_LIMIT_EXCEEDED", 429, assessment.ErrRateLimited, true, true},
	{"PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", 429, assessment.ErrRateLimited, true, true},
	{"PLATFORM.INTEGRATION_NOT_FOUND", 404, assessment.ErrNotFound, false, false},
	{"PLATFORM.INPUT_INVALID", 400, assessment.ErrInvalid, false, false},
	{"PLATFORM.IP_NOT_WHITELISTED", 403, assessment.ErrForbidden, false, false},
	{"PLATFORM.AUTHENTICATION_INVALID", 401, assessment.ErrUnauthorized, false, false},
	{"PLATFORM.TASK_TIMED_OUT", 504, assessment.ErrUnavailable, false, true},
	{"INTEGRATION.PERMISSION_MISSING", 403, assessment.ErrForbidden, false, false},
	{"INTEGRATION.AUTHENTICATION_INVALID", 401, assessment.ErrAccountUnusable, false, false},
	{"INTEGRATION.QA_FAILED", 409, assessment.ErrAccountUnusable, false, false},
	{"INTEGRATION.SETUP_SYNC_PENDING", 409, assessment.ErrAccountUnusable, false, false},
	{"INTEGRATION.SETUP_INCOMPLETE", 409, assessment.ErrAccountUnusable, false, false},
	{"INTEGRATION.INACTIVE", 409, assessment.ErrAccountUnusable, false, false},
	{"INTEGRATION.MODEL_NOT_AVAILABLE", 400, assessment.ErrNotSupported, false, false},
	{"INTEGRATION.MODEL_DISABLED", 400, assessment.ErrNotSupported, false, false},
	{"INTEGRATION.ACTION_NOT_AVAILABLE", 400, assessment.ErrNotSupported, false, false},
	{"INTEGRATION.ACTION_DISABLED", 400, assessment.ErrNotSupported, false, false},
	{"REMOTE.SERVICE_UNAVAILABLE", 503, assessment.ErrUnavailable, true, true},
	{"REMOTE.RATE_LIMIT_EXCEEDED", 429, assessment.ErrRateLimited, true, true},
	{"REMOTE.INPUT_INVALID", 400, assessment.ErrInvalid, false, false},
	{"ATS.JOB_CLOSED", 400, assessment.ErrConflict, false, false},
	{"ATS.APPLICATION_ALREADY_EXISTS", 409, assessment.ErrConflict, false, false},
}

var sentinels = []error{
	assessment.ErrUnauthorized, assessment.ErrForbidden, assessment.ErrNotFound, assessment.ErrConflict,
	assessment.ErrInvalid, assessment.ErrRateLimited, assessment.ErrUnavailable, assessment.ErrAccountUnusable,
	assessment.ErrNotSupported,
}

func TestErrorCodes(t *testing.T) {
	for _, tc := range errorCodes {
		// 503 is what the setup errors were until May 2026; 400 and 500 are the
		// furthest from a class of their own.
		for _, status := range []int{tc.status, 503, 500, 400} {
			t.Run(fmt.Sprintf("%s/%d", tc.code, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := play(answers(status, envelope(tc.code)))
					_, err := newClient(t, server).Packages(t.Context(), integration)
					requireClass(t, err, tc.class)
					requests := 1
					if tc.retried {
						requests = 5
					}
					require.Len(t, server.seen, requests)
					_, later := assessment.Retryable(err)
					require.Equal(t, tc.later, later)

					api := apiError(t, err)
					require.Equal(t, status, api.StatusCode)
					require.Equal(t, tc.code, api.Code)
					require.Equal(t, "https://app.kombo.dev/logs/1", api.LogURL)
					require.Equal(t, envelope(tc.code), string(api.Body))
					require.Equal(t, requests, api.Attempts)
					require.False(t, api.Uncertain, "a read")
				})
			})
		}
	}
}

// requireClass wants exactly one sentinel, or none.
func requireClass(t testing.TB, err, want error) {
	t.Helper()
	for _, sentinel := range sentinels {
		if sentinel == want {
			require.ErrorIs(t, err, sentinel)
		} else {
			require.NotErrorIs(t, err, sentinel)
		}
	}
}

// A code says whether a write was carried out, whatever the status: only what
// leaves it open may be followed by a read of the order.
func TestErrorCodesOfAWrite(t *testing.T) {
	for _, tc := range errorCodes {
		for _, status := range []int{tc.status, 500} {
			t.Run(fmt.Sprintf("%s/%d", tc.code, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := play(answers(status, envelope(tc.code)))
					_, err := newClient(t, server).DeletePackages(t.Context(), integration)
					require.Equal(t, tc.code == "PLATFORM.TASK_TIMED_OUT", apiError(t, err).Uncertain)
				})
			})
		}
	}
}

// Codes without a meaning of their own, and no code at all: the status decides
// the class; only without a code does it decide on the retry.
func TestStatusDecides(t *testing.T) {
	classes := map[int]error{
		400: assessment.ErrInvalid, 401: assessment.ErrUnauthorized, 403: assessment.ErrForbidden, 404: assessment.ErrNotFound,
		408: assessment.ErrUnavailable, 409: assessment.ErrConflict, 422: assessment.ErrInvalid, 425: assessment.ErrUnavailable,
		429: assessment.ErrRateLimited, 500: assessment.ErrUnavailable, 501: assessment.ErrNotSupported,
		502: assessment.ErrUnavailable, 503: assessment.ErrUnavailable, 504: assessment.ErrUnavailable,
		520: assessment.ErrUnavailable, 521: assessment.ErrUnavailable, 522: assessment.ErrUnavailable,
		523: assessment.ErrUnavailable, 524: assessment.ErrUnavailable, 525: assessment.ErrUnavailable,
	}
	// Of Kombo's own envelope without a code only a 429 is repeated; a page of what
	// is in between may pass.
	foreign := map[int]bool{408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true, 520: true, 521: true, 522: true, 523: true, 524: true}
	retried := map[string]map[int]bool{
		"not JSON": foreign, "empty": foreign,
		"null code": {429: true}, "no code": {429: true}, "null error": {429: true}, "error is a string": {429: true},
	}
	bodies := map[string]string{
		"PLATFORM.UNKNOWN_ERROR":    envelope("PLATFORM.UNKNOWN_ERROR"),
		"REMOTE.UNKNOWN_HTTP_ERROR": envelope("REMOTE.UNKNOWN_HTTP_ERROR"),
		"PLATFORM.CODE_OF_TOMORROW": envelope("PLATFORM.CODE_OF_TOMORROW"),
		"null code":                 string(example(t, "error-response-minimal.json")),
		"no code":                   `{"status":"error","error":{"message":"M"}}`,
		"null error":                `{"status":"error","error":null}`,
		"error is a string":         `{"status":"error","error":"M"}`,
		"not JSON":                  "<html>503</html>",
		"empty":                     "",
	}
	for name, body := range bodies {
		for status, class := range classes {
			t.Run(fmt.Sprintf("%s/%d", name, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := play(answers(status, body))
					_, err := newClient(t, server).Packages(t.Context(), integration)
					requireClass(t, err, class)
					requests := 1
					if retried[name][status] {
						requests = 5
					}
					require.Len(t, server.seen, requests)
					require.Equal(t, body, string(apiError(t, err).Body))
				})
			})
		}
	}
}

func TestErrorExamples(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   []byte
		class  error
		want   assessment.APIError
	}{
		"400": {400, example(t, "error-400-input-invalid.json"), assessment.ErrInvalid, assessment.APIError{
			Code: "PLATFORM.INPUT_INVALID", LogURL: "https://app.kombo.dev/logs/assessment-xyz",
			Message: "Input invalid: The provided input is invalid or malformed.",
			Shown:   "Input invalid: The provided input is invalid or malformed.",
		}},
		"401": {401, example(t, "error-401-authentication-invalid.json"), assessment.ErrUnauthorized, assessment.APIError{
			Code: "PLATFORM.AUTHENTICATION_INVALID", LogURL: "https://app.kombo.dev/logs/general-auth-123",
			Message: "Authentication invalid: The provided API key is invalid or expired.",
			Shown:   "Authentication invalid: The provided API key is invalid or expired.",
		}},
		"403": {403, example(t, "error-403-permission-missing.json"), assessment.ErrForbidden, assessment.APIError{
			Code: "INTEGRATION.PERMISSION_MISSING", LogURL: "https://app.kombo.dev/logs/hris-def456",
			Message: "Permission missing: The integration is missing required permissions to access this resource.",
			Shown:   "Permission missing: The integration is missing required permissions to access this resource.",
		}},
		"429": {429, example(t, "error-429-rate-limit.json"), assessment.ErrRateLimited, assessment.APIError{
			Code: "PLATFORM.RATE_LIMIT_EXCEEDED", LogURL: "https://app.kombo.dev/logs/abc123",
			Message: "Rate limit exceeded: You have exceeded the rate limit. Please try again later.",
			Shown:   "Rate limit exceeded: You have exceeded the rate limit. Please try again later.",
		}},
		"complete": {400, example(t, "error-response.json"), assessment.ErrNotSupported, assessment.APIError{
			Code: "INTEGRATION.MODEL_NOT_AVAILABLE", LogURL: "https://app.kombo.dev/my-prod/logs?interactionId=123456",
			Message: `This data model isn't supported for the selected integration.: The "employees" model is not yet available for Greenhouse. Please reach out to Kombo if you need this functionality.`,
			Shown:   "This data model isn't supported for the selected integration. (message withheld)",
		}},
		"minimal": {400, example(t, "error-response-minimal.json"), assessment.ErrInvalid, assessment.APIError{
			Message: "The message is always in the response.",
			Shown:   "message withheld",
		}},
		// https://docs.kombo.dev/other/remote-fields shows an object.
		"message of the old page": {
			400, []byte(`{"status":"error","error":{"code":"REMOTE.INPUT_INVALID","title":"Remote","message":{"remote_http_status":400,"remote_error":"x"}}}`),
			assessment.ErrInvalid, assessment.APIError{Code: "REMOTE.INPUT_INVALID", Message: "Remote", Shown: "message withheld"},
		},
		"members of other types": {
			400, []byte(`{"error":{"code":"REMOTE.INPUT_INVALID","title":7,"message":"M","log_url":[]}}`),
			assessment.ErrInvalid, assessment.APIError{Code: "REMOTE.INPUT_INVALID", Message: "7: M", Shown: "message withheld"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, play(answers(tc.status, string(tc.body))), func(c *kombo.Config) { c.MaxRetries = -1 }).
				Packages(t.Context(), integration)
			want := tc.want
			want.Vendor, want.Operation, want.Account = assessment.Kombo, "GET /assessment/packages", integration
			want.StatusCode, want.Attempts, want.Body = tc.status, 1, tc.body
			got := *apiError(t, err)
			requireClass(t, err, tc.class)
			got.Class = nil // just checked
			requireEqual(t, want, got)
		})
	}
}

func TestLoadBalancer(t *testing.T) {
	const page = "<html><h1>503 Service Temporarily Unavailable</h1></html>"
	t.Run("passes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			// A write too: nothing behind the load balancer has seen it.
			server := play(answers(503, page), answers(503, page), answers(200, written))
			receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
			require.NoError(t, err)
			require.Equal(t, 3, receipt.Attempts)
			require.False(t, receipt.Uncertain)
			require.Equal(t, []string{"PUT", "PUT", "PUT"}, server.methods())
		})
	})
	t.Run("stays", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, err := newClient(t, play(answers(503, page))).PublishResult(t.Context(), refTo("workday"), completed())
			require.Equal(t, page, string(apiError(t, err).Body))
			require.False(t, apiError(t, err).Uncertain)
			require.ErrorIs(t, err, assessment.ErrUnavailable)
			require.NotContains(t, err.Error(), "<h1>")
		})
	})
}

func TestRateLimit(t *testing.T) {
	body := string(example(t, "error-429-rate-limit.json"))
	for name, tc := range map[string]struct {
		header   []string
		requests int
		least    time.Duration
		asked    time.Duration
	}{
		"ratelimit-reset":          {[]string{"ratelimit-reset", "57", "ratelimit-limit", "300", "ratelimit-remaining", "0"}, 2, 57 * time.Second, 0},
		"Retry-After":              {[]string{"Retry-After", "3"}, 2, 3 * time.Second, 0},
		"both: Retry-After counts": {[]string{"Retry-After", "3", "ratelimit-reset", "57"}, 2, 3 * time.Second, 0},
		"neither":                  {nil, 2, 0, 0},
		"longer than the cap":      {[]string{"ratelimit-reset", "61"}, 1, 0, 61 * time.Second},
		"absurdly long":            {[]string{"ratelimit-reset", "99999999999999999999"}, 1, 0, (1<<63 - 1) / time.Second * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				server := play(answers(429, body, tc.header...), answers(200, written))
				receipt, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
				require.Len(t, server.seen, tc.requests)
				require.GreaterOrEqual(t, time.Since(began), tc.least)
				if tc.requests > 1 {
					require.NoError(t, err)
					require.Equal(t, 2, receipt.Attempts)
					return
				}
				require.ErrorIs(t, err, assessment.ErrRateLimited)
				require.Zero(t, time.Since(began), "stops at once")
				require.Equal(t, tc.asked, apiError(t, err).RetryAfter)
				after, ok := assessment.Retryable(err)
				require.True(t, ok)
				require.Equal(t, min(tc.asked, time.Hour), after)
			})
		})
	}
}

// Kombo sends ratelimit-reset with every answer. It says when the window of the
// key ends, and nothing about concurrency or the ATS.
func TestWhoseLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		body        string
		least, most time.Duration
	}{
		"the key's":      {envelope("PLATFORM.RATE_LIMIT_EXCEEDED"), 57 * time.Second, 59 * time.Second},
		"without a code": {`{"status":"error","error":{"code":null}}`, 57 * time.Second, 59 * time.Second},
		"concurrency":    {envelope("PLATFORM.CONCURRENCY_LIMIT_EXCEEDED"), 500 * time.Millisecond, 2 * time.Second},
		"the ATS's":      {envelope("REMOTE.RATE_LIMIT_EXCEEDED"), 500 * time.Millisecond, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				limited := answers(429, tc.body, "ratelimit-limit", "300", "ratelimit-remaining", "250", "ratelimit-reset", "57")
				_, err := newClient(t, play(limited, answers(200, written))).PublishResult(t.Context(), refTo("workday"), completed())
				require.NoError(t, err)
				require.GreaterOrEqual(t, time.Since(began), tc.least)
				require.LessOrEqual(t, time.Since(began), tc.most)
			})
		})
	}
}

// A wait given as a time since 1970 is no wait of 57 years.
func TestWaitSince1970(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		at := strconv.FormatInt(began.Unix()+7, 10)
		for _, header := range []string{"Retry-After", "ratelimit-reset"} {
			limited := answers(429, string(example(t, "error-429-rate-limit.json")), header, at)
			_, err := newClient(t, play(limited), func(c *kombo.Config) { c.MaxRetries = -1 }).PublishResult(t.Context(), refTo("workday"), completed())
			after, again := assessment.Retryable(err)
			require.True(t, again)
			require.Equal(t, 7*time.Second, after)
		}
	})
}

// A final result may be refused because it was written before. If that cannot be
// found out now, it is not refused for good.
func TestRefusalThatCannotBeExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := play(answers(400, envelope("PLATFORM.INPUT_INVALID")), answers(503, "<html>"))
		_, err := newClient(t, server).PublishResult(t.Context(), refTo("workday"), completed())
		require.True(t, apiError(t, err).Uncertain)
		require.True(t, apiError(t, err).SafeToRepeat)
		_, again := assessment.Retryable(err)
		require.True(t, again)
	})
}

// Whatever the status, an answer that says when to come back is a rate limit to
// a queue, and the call does not hold the worker until then.
func TestLongRetryAfterOfAnOutage(t *testing.T) {
	for name, body := range map[string]string{
		"load balancer": "<html>503</html>", "null code": string(example(t, "error-response-minimal.json")),
		"ATS down": envelope("REMOTE.SERVICE_UNAVAILABLE"),
	} {
		for call, do := range calls {
			t.Run(name+"/"+call, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					server := play(answers(503, body, "Retry-After", "3600"))
					err := do(t.Context(), newClient(t, server), integration)
					requireClass(t, err, assessment.ErrRateLimited)
					require.False(t, apiError(t, err).Uncertain)
					require.Len(t, server.seen, 1)
					require.Zero(t, time.Since(began))
					after, ok := assessment.Retryable(err)
					require.True(t, ok)
					require.Equal(t, time.Hour, after)
				})
			})
		}
	}
}

// A success in other words than Kombo's is none: what became of the write is not
// known.
func TestWriteThatFailedInOtherWords(t *testing.T) {
	for _, body := range []string{`{"status":"fail","message":"M"}`, `{"status":"Failed","data":{}}`, `{"status":"error","data":{}}`} {
		server := play(answers(200, body))
		_, err := newClient(t, server, func(c *kombo.Config) { c.MaxRetries = -1 }).DeletePackages(t.Context(), integration)
		requireClass(t, err, assessment.ErrUnavailable)
		require.True(t, apiError(t, err).Uncertain, body)
	}
	_, err := newClient(t, play(answers(400, `{"status":"error","error":{"message":["M","N"]}}`))).Packages(t.Context(), integration)
	require.Equal(t, "M; N", apiError(t, err).Message)
}
