package vendortest

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A vendor's words for people may name the candidate: they are a field of the
// error and in no text, no report and no log.
func vendorsWordsWithheld(t *testing.T, v Vendor) {
	answers := map[string]Step{"page": Answers(503, "<html>"+canary)}
	for _, status := range []int{400, 401, 403, 404, 409, 422, 429, 500, 503} {
		answers[fmt.Sprint(status)] = Answers(status, v.Outlet.Refusal("Candidate "+canary+" is not in this job."), "Retry-After", "3600")
	}
	for _, c := range v.Outlet.all() {
		for name, step := range answers {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := v.Outlet.dial(t, step)
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					err := c.Do(ctx, a.client, "1")
					require.Error(t, err)
					for form, text := range Printed(APIError(t, err)) {
						require.Empty(t, Leak(text), form)
					}
					for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
						require.Empty(t, Leak(fmt.Sprintf(verb, err)), "%s of what wraps it", verb)
					}
					require.NotContains(t, a.text(), canary)
					if name != "page" {
						require.Contains(t, APIError(t, err).Message, canary, "the host may look at it")
					}
				})
			})
		}
	}
}
