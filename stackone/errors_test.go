package stackone_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

var sentinels = []error{
	assessment.ErrUnauthorized, assessment.ErrForbidden, assessment.ErrNotFound, assessment.ErrConflict,
	assessment.ErrInvalid, assessment.ErrRateLimited, assessment.ErrUnavailable, assessment.ErrAccountUnusable,
	assessment.ErrNotSupported,
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

func TestErrorExamples(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		class   error
		code    string
		message string
		calls   int
	}{
		"error_400.openapi.json":                 {400, assessment.ErrInvalid, "", "Bad Request: the ATS answered 400", 1},
		"error_400.validation_errors_array.json": {400, assessment.ErrInvalid, "", "Validation failed: first_name must be a string, email must be a valid email address", 1},
		"error_400.with_error_code.json":         {400, assessment.ErrInvalid, "ValidationError", "Human-readable error message", 1},
		"error_401.openapi.json":                 {401, assessment.ErrUnauthorized, "", "Unauthorized", 1},
		"error_403.openapi.json":                 {403, assessment.ErrForbidden, "", "Forbidden resource", 1},
		"error_404.openapi.json":                 {404, assessment.ErrNotFound, "", "Not Found", 1},
		"error_404.with_provider_errors.json":    {404, assessment.ErrNotFound, "", "Resource not found: the ATS answered 404", 1},
		"error_408.openapi.json":                 {408, assessment.ErrUnavailable, "", "Request timed out", 5},
		"error_409.openapi.json":                 {409, assessment.ErrConflict, "", "Conflict", 1},
		"error_412.openapi.json":                 {412, assessment.ErrAccountUnusable, "", "Precondition failed", 1},
		"error_422.openapi.json":                 {422, assessment.ErrInvalid, "", "Unprocessable Entity", 1},
		"error_429.openapi.json":                 {429, assessment.ErrRateLimited, "", "Too many requests", 5},
		"error_500.openapi.json":                 {500, assessment.ErrUnavailable, "", "Internal server error", 5},
		"error_501.openapi.json":                 {501, assessment.ErrNotSupported, "", "Not Implemented", 1},
		"error_502.openapi.json":                 {502, assessment.ErrUnavailable, "", "Bad Gateway", 5},
		"error_502.with_provider_errors.json":    {502, assessment.ErrUnavailable, "", "Bad Gateway: the ATS answered 503", 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := example(t, name)
				server := play(answers(tc.status, string(body)))
				_, err := newClient(t, server).AssessmentPackage(t.Context(), account, "p")
				got := *apiError(t, err)
				requireClass(t, err, tc.class)
				require.Len(t, server.seen, tc.calls)
				got.Class = nil // just checked
				shown := cmp.Or(map[string]string{
					"error_400.validation_errors_array.json": "Validation failed (message withheld, about first_name, email)",
					"error_400.with_error_code.json":         "message withheld",
				}[name], tc.message)
				requireEqual(t, assessment.APIError{
					Vendor: assessment.StackOne, Operation: "GET /unified/ats/assessments/packages/{id}", Account: account,
					StatusCode: tc.status, Code: tc.code, Message: tc.message, Shown: shown, Attempts: tc.calls, Body: body,
				}, got)
			})
		})
	}
}

// What the ATS said stays readable, also where it is no object.
func TestProviderErrors(t *testing.T) {
	_, err := newClient(t, play(answers(400, string(example(t, "error_400.openapi.json"))))).Job(t.Context(), account, "j")
	requireEqual(t, []stackone.ProviderError{{
		Status: 400, URL: "https://api.provider.com/v1/resource", Raw: json.RawMessage("{\n        \"message\": \"Invalid input parameters\"\n      }"),
		Headers: map[string]string{"content-type": "application/json", "x-request-id": "5678c28b211dace4e0a0f9171e6b88c5"},
	}}, stackone.ProviderErrors(err))
	require.Equal(t, "the ATS answered 400", stackone.ProviderErrors(err)[0].String())

	_, err = newClient(t, play(answers(422, `{"provider_errors":[{"status":null,"raw":"plain words","headers":{"n":7}},7,{"status":418}]}`))).Job(t.Context(), account, "j")
	got := stackone.ProviderErrors(fmt.Errorf("wrapped: %w", err))
	require.Len(t, got, 3)
	require.Equal(t, `"plain words"`, string(got[0].Raw))
	require.Equal(t, "7", got[0].Headers["n"])
	require.Equal(t, 418, got[2].Status)
	require.Contains(t, err.Error(), "the ATS answered 418")
	require.NotContains(t, err.Error(), "plain words")

	require.Nil(t, stackone.ProviderErrors(nil))
	require.Nil(t, stackone.ProviderErrors(&assessment.APIError{Vendor: assessment.Kombo, Body: []byte(`{"provider_errors":[{}]}`)}))
}

// A customer's credentials that do not work are not ours.
func TestErrorCodes(t *testing.T) {
	for code, tc := range map[string]struct {
		status int
		class  error
	}{
		"AccountInvalidCredentialsError":   {401, assessment.ErrAccountUnusable},
		"AccountExpiredCredentialsError":   {401, assessment.ErrAccountUnusable},
		"AccountAuthenticationFailedError": {401, assessment.ErrAccountUnusable},
		"AccountIntegrationInactiveError":  {412, assessment.ErrAccountUnusable},
		"ValidationError":                  {400, assessment.ErrInvalid},
		"SomethingNewError":                {500, assessment.ErrUnavailable},
	} {
		for _, status := range []int{tc.status, 500} {
			t.Run(fmt.Sprint(code, status), func(t *testing.T) {
				server := play(answers(status, fmt.Sprintf(`{"statusCode":%d,"message":"M","errorCode":%q}`, status, code)))
				_, err := newClient(t, server).Job(t.Context(), account, "j")
				requireClass(t, err, tc.class)
				require.Len(t, server.seen, 1, "a code that is not known to pass is not tried again")
				require.Equal(t, code, apiError(t, err).Code)
			})
		}
	}
}

// A refusal that is known was not carried out, whatever its status.
func TestKnownRefusalOfAWrite(t *testing.T) {
	for _, code := range []string{"ValidationError", "AccountExpiredCredentialsError", "AccountIntegrationInactiveError"} {
		for _, status := range []int{200, 400, 500, 502, 504} {
			server := play(answers(status, fmt.Sprintf(`{"statusCode":%d,"errorCode":%q}`, status, code)))
			err := newClient(t, server).UpdateBackgroundCheckPackage(t.Context(), account, "p", stackone.PackageUpdate{Name: ptr("n")})
			require.False(t, apiError(t, err).Uncertain, status)
			require.Len(t, server.seen, 1)
			_, again := assessment.Retryable(err)
			require.False(t, again)
		}
	}
}

func TestOddErrorBodies(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "page": "<html>403</html>", "text": `"no"`, "list": `[1]`, "null": "null",
		"other types": `{"statusCode":"403","message":{"a":1},"errors":"x","provider_errors":{},"errorCode":7}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, play(answers(403, body))).Job(t.Context(), account, "j")
			requireClass(t, err, assessment.ErrForbidden)
			require.Equal(t, body, string(apiError(t, err).Body))
			require.NotContains(t, err.Error(), "<html>")
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for _, status := range []int{408, 429} {
		for wait, calls := range map[string]int{"60": 2, "3": 2, "61": 1, "99999999999999999999": 1} {
			t.Run(fmt.Sprint(status, " ", wait), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					server := play(answers(status, `{}`, "Retry-After", wait), answers(200, `{"data":{}}`))
					_, err := newClient(t, server).Job(t.Context(), account, "j")
					require.Len(t, server.seen, calls)
					if calls == 2 {
						require.NoError(t, err)
						seconds, _ := time.ParseDuration(wait + "s")
						require.GreaterOrEqual(t, time.Since(began), seconds)
						return
					}
					require.Zero(t, time.Since(began), "stops at once")
					after, ok := assessment.Retryable(err)
					require.True(t, ok)
					require.Greater(t, after, time.Minute)
				})
			})
		}
	}
}

// After these statuses StackOne is asked again whatever the code, unless the code
// is known to be a refusal.
func TestStatusesThatPassWhateverTheCode(t *testing.T) {
	for _, status := range []int{408, 429, 502, 503} {
		for code, calls := range map[string]int{"": 5, "RequestTimedOutError": 5, "ValidationError": 1, "AccountExpiredCredentialsError": 1} {
			t.Run(fmt.Sprint(status, code), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := play(answers(status, fmt.Sprintf(`{"errorCode":%q}`, code), "Retry-After", "1"))
					_, err := newClient(t, server).Job(t.Context(), account, "j")
					require.Len(t, server.seen, calls)
					require.Equal(t, code, apiError(t, err).Code)
					_, again := assessment.Retryable(err)
					require.Equal(t, calls > 1, again)
				})
			})
		}
	}
	for _, status := range []int{425, 500, 504} {
		server := play(answers(status, `{"errorCode":"SomethingNewError"}`))
		_, err := newClient(t, server).Job(t.Context(), account, "j")
		require.Error(t, err)
		require.Len(t, server.seen, 1, status)
	}
}

// The framework behind the API writes a list where it validates, and some gateways
// objects.
func TestMessagesOfAnotherForm(t *testing.T) {
	for body, want := range map[string]string{
		`{"statusCode":400,"message":["score.value must be a string","x"],"error":"Bad Request"}`: "score.value must be a string, x",
		`{"statusCode":400,"message":{"message":"no","path":"score"}}`:                            "no (score)",
		`{"message":"Validation failed","errors":[{"message":"no","path":"score"}]}`:              "Validation failed: no (score)",
	} {
		_, err := newClient(t, play(answers(400, body))).AssessmentPackage(t.Context(), account, "p")
		require.Equal(t, want, apiError(t, err).Message)
	}
	_, err := newClient(t, play(answers(400, `{"message":["score.value must be a string"]}`))).AssessmentPackage(t.Context(), account, "p")
	require.Equal(t, "message withheld, about score.value", apiError(t, err).Shown)
}
