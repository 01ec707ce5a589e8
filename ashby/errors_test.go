package ashby_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Errors arrive under HTTP 200 (https://developers.ashbyhq.com/docs/responses).
func TestErrors(t *testing.T) {
	const cloudflare = "<!DOCTYPE html><html><head><title>Access denied | api.ashbyhq.com used Cloudflare to restrict access</title></head>" +
		"<body><p>error code: 1010</p></body></html>"
	for name, tc := range map[string]struct {
		status              int
		body                string
		class               error
		code, message, id   string
		attempts            int
		uncertain, repeated bool
	}{
		"invalid input": {
			status: 200, body: string(example(t, "envelope.error.invalid-input.json")), class: assessment.ErrInvalid,
			code: "invalid_input", message: "Request payload is malformed", id: "01JSJ8FDK5ZN4XQBZP7DBKK7ZC", attempts: 1,
		},
		"no errors array": {
			status: 200, body: string(example(t, "envelope.error.without-errors-array.json")), class: assessment.ErrNotFound,
			code: "application_not_found", message: "Application not found - are you lacking permissions to edit candidates?",
			id: "01JSJ8FEK5ZN4XQBZP7DBKK7ZC", attempts: 1,
		},
		"rate limit": {
			status: 429, body: string(example(t, "envelope.error.rate-limit-429.json")), class: assessment.ErrRateLimited,
			code: "rate_limit_exceeded", id: "rep_result:12345abc", attempts: 5, repeated: true,
			message: "Your organization has exceeded the rate limit of 15 report requests per minute. Try again in 60 seconds.",
		},
		"concurrency limit": {
			status: 429, body: string(example(t, "envelope.error.concurrent-limit-429.json")), class: assessment.ErrRateLimited,
			code: "concurrent_limit_exceeded", id: "rep_result:12345abc", attempts: 5, repeated: true,
			message: "Your organization has reached the maximum of 3 concurrent report operations. Please wait for existing operations to complete or try again in 30 seconds.",
		},
		"rate limit under 200": {
			status: 200, body: `{"success":false,"errorInfo":{"code":"rate_limit_exceeded"}}`, class: assessment.ErrRateLimited,
			code: "rate_limit_exceeded", attempts: 5, repeated: true,
		},
		"unknown code":            {status: 200, body: `{"success":false,"errors":["assessment_closed"],"errorInfo":{"code":"assessment_closed"}}`, class: assessment.ErrInvalid, code: "assessment_closed", attempts: 1},
		"not found by its name":   {status: 200, body: `{"success":false,"errorInfo":{"code":"assessment_not_found"}}`, class: assessment.ErrNotFound, code: "assessment_not_found", attempts: 1},
		"only texts":              {status: 200, body: `{"success":false,"errors":["No such thing","Sorry"]}`, class: assessment.ErrInvalid, message: "No such thing; Sorry", attempts: 1},
		"nothing but false":       {status: 200, body: ` {"success":false} `, class: assessment.ErrInvalid, attempts: 1},
		"info of another shape":   {status: 200, body: `{"success":false,"errorInfo":"no","errors":["x"]}`, class: assessment.ErrInvalid, message: "x", attempts: 1},
		"false as text":           {status: 200, body: `{"success":"false","errorInfo":{"code":"invalid_input"}}`, class: assessment.ErrInvalid, code: "invalid_input", attempts: 1},
		"FALSE as text":           {status: 200, body: `{"success":"FALSE"}`, class: assessment.ErrInvalid, attempts: 1},
		"0":                       {status: 200, body: `{"success":0,"errors":["x"]}`, class: assessment.ErrInvalid, message: "x", attempts: 1},
		"0 as text":               {status: 200, body: `{"success":"0"}`, class: assessment.ErrInvalid, attempts: 1},
		"info without the flag":   {status: 200, body: `{"errorInfo":{"code":"application_not_found"}}`, class: assessment.ErrNotFound, code: "application_not_found", attempts: 1},
		"errors without the flag": {status: 200, body: `{"errors":["x"],"results":{}}`, class: assessment.ErrInvalid, message: "x", attempts: 1},
		"errors, null flag":       {status: 200, body: `{"success":null,"errors":["x"]}`, class: assessment.ErrInvalid, message: "x", attempts: 1},
		"errors of another shape": {status: 200, body: `{"errors":{"a":1}}`, class: assessment.ErrInvalid, attempts: 1},
		"one error as text":       {status: 200, body: `{"errors":"x"}`, class: assessment.ErrInvalid, message: "x", attempts: 1},
		"errors as objects":       {status: 200, body: `{"success":false,"errors":[{"message":"no permission","parameter":"webhooks"}]}`, class: assessment.ErrInvalid, message: "no permission (webhooks)", attempts: 1},
		"a gateway's message":     {status: 403, body: `{"message":"Forbidden"}`, class: assessment.ErrForbidden, message: "Forbidden", attempts: 1},
		"known refusal under 500": {status: 500, body: `{"success":false,"errorInfo":{"code":"invalid_input"}}`, class: assessment.ErrInvalid, code: "invalid_input", attempts: 1},
		"known limit under 500":   {status: 500, body: `{"success":false,"errorInfo":{"code":"rate_limit_exceeded"}}`, class: assessment.ErrRateLimited, code: "rate_limit_exceeded", attempts: 5, repeated: true},
		"permission missing":      {status: 403, body: `{"success":false,"errors":["missing_endpoint_permission"],"errorInfo":{"code":"missing_endpoint_permission"}}`, class: assessment.ErrForbidden, code: "missing_endpoint_permission", attempts: 1},
		"permission missing, 200": {status: 200, body: `{"success":false,"errorInfo":{"code":"missing_endpoint_permission"}}`, class: assessment.ErrForbidden, code: "missing_endpoint_permission", attempts: 1},
		"no key, as text":         {status: 401, body: "No API key was provided.", class: assessment.ErrUnauthorized, message: "No API key was provided.", attempts: 1},
		"bad key, as JSON":        {status: 403, body: `{"error":"nope"}`, class: assessment.ErrForbidden, attempts: 1},
		"firewall":                {status: 403, body: cloudflare, class: assessment.ErrForbidden, message: "Access denied | api.ashbyhq.com used Cloudflare to restrict access", attempts: 1},
		"page without a title":    {status: 403, body: "<html>no</html>", class: assessment.ErrForbidden, attempts: 1},
		"code without success":    {status: 429, body: `{"errorInfo":{"code":"rate_limit_exceeded","message":"Slow down"}}`, class: assessment.ErrRateLimited, code: "rate_limit_exceeded", message: "Slow down", attempts: 5, repeated: true},
		"long text":               {status: 403, body: strings.Repeat("x", 1000), class: assessment.ErrForbidden, attempts: 1},
		"load balancer":           {status: 503, body: "<html>503</html>", class: assessment.ErrUnavailable, attempts: 5, repeated: true},
		"server error":            {status: 500, body: "", class: assessment.ErrUnavailable, attempts: 5, uncertain: true, repeated: true},
		"server error with a code": {
			status: 500, body: `{"success":false,"errorInfo":{"code":"boom"}}`, class: assessment.ErrUnavailable, code: "boom", attempts: 1, uncertain: true, repeated: true,
		},
		// Ashby's own fault leaves open what became of the update.
		"own fault under 200": {
			status: 200, body: `{"success":false,"errorInfo":{"code":"generic_internal_error"}}`, class: assessment.ErrUnavailable,
			code: "generic_internal_error", attempts: 5, uncertain: true, repeated: true,
		},
		"own fault under 500": {
			status: 500, body: `{"success":false,"errorInfo":{"code":"generic_internal_error"}}`, class: assessment.ErrUnavailable,
			code: "generic_internal_error", attempts: 5, uncertain: true, repeated: true,
		},
		"Cloudflare":      {status: 522, body: "<html>522</html>", class: assessment.ErrUnavailable, attempts: 5, uncertain: true, repeated: true},
		"page of a proxy": {status: 200, body: "<html>Please sign in</html>", class: assessment.ErrUnavailable, attempts: 5, uncertain: true, repeated: true},
		"half an answer":  {status: 200, body: `{"success":tr`, class: assessment.ErrUnavailable, attempts: 5, uncertain: true, repeated: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := play(answers(tc.status, tc.body, "x-ashby-request-id", "from the header"))
				receipt, err := newClient(t, server).PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusOpen})
				failure := apiError(t, err)
				require.ErrorIs(t, err, tc.class)
				if tc.id == "" {
					tc.id = "from the header"
				}
				requireEqual(t, []string{tc.code, tc.message, tc.id, account, "assessment.update"},
					[]string{failure.Code, failure.Message, failure.RequestID, failure.Account, failure.Operation})
				require.Equal(t, tc.status, failure.StatusCode)
				require.Equal(t, tc.body, string(failure.Body), "the whole answer stays readable")
				require.Equal(t, tc.attempts, failure.Attempts)
				require.Equal(t, tc.uncertain, failure.Uncertain)
				require.Equal(t, tc.uncertain, failure.SafeToRepeat)
				require.Len(t, server.seen, tc.attempts)
				_, again := assessment.Retryable(err)
				require.Equal(t, tc.repeated, again)
				requireEqual(t, assessment.Receipt{Attempts: tc.attempts, RequestID: tc.id}, receipt)
				require.NotContains(t, fmt.Sprintf("%+v %v", err, err), testKey)
				for _, r := range server.seen {
					require.Equal(t, server.seen[0].Body, r.Body, "the same update on every attempt")
				}
			})
		})
	}
}
