package vendortest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// What a queue is told fits together, whatever the vendor answers: an uncertain
// write that must not be repeated is not retryable, one that may be repeated is,
// and only a write can be uncertain.
func queueIsTold(t *testing.T, v Vendor) {
	statuses := []int{
		200, 201, 202, 204, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 422, 425, 429, 451,
		500, 501, 502, 503, 504, 505, 507, 511, 520, 521, 522, 523, 524, 530, 599,
	}
	bodies := map[string]string{
		"nothing": "", "page": "<!DOCTYPE html><p>" + canary, "half": `{"a":"` + canary, "other JSON": `["` + canary + `"]`,
		"refusal": v.Outlet.Refusal("No."),
	}
	for _, c := range v.Outlet.all() {
		for name, body := range bodies {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				for _, status := range statuses {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						a := v.Outlet.dial(t, Answers(status, body, "Location", "https://status.example.com/"))
						err := c.Do(ctx, a.client, "1")
						if err == nil {
							require.Less(t, status, 300)
							require.NotContains(t, []string{"page", "half", "refusal"}, name, "%d is no success", status)
							return
						}
						checkTold(t, c, status, name, err)
					})
				}
			})
		}
	}
}

func checkTold(t testing.TB, c Call, status int, body string, err error) {
	t.Helper()
	what := fmt.Sprintf("%d with %s: %v", status, body, err)
	failure := APIError(t, err)
	after, again := assessment.Retryable(err)
	require.GreaterOrEqual(t, after, time.Duration(0), what)
	require.LessOrEqual(t, after, time.Hour, what)
	require.NotContains(t, err.Error(), canary)
	switch {
	case failure.Uncertain && failure.SafeToRepeat:
		require.True(t, again, what)
	case failure.Uncertain:
		require.False(t, again, what)
	default:
		class := errors.Is(err, assessment.ErrUnavailable) || errors.Is(err, assessment.ErrRateLimited)
		require.Equal(t, class, again, what)
	}
	require.True(t, c.Write || !failure.Uncertain, "a question changes nothing: %s", what)
	notTheirs := status < 300 && (body == "page" || body == "half") || status >= 520 && status <= 524 && body != "refusal"
	if notTheirs { // a load balancer's
		require.ErrorIs(t, err, assessment.ErrUnavailable, what)
		require.Equal(t, c.Write, failure.Uncertain, what)
	}
}
