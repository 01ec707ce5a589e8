package ashby_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// JSON that is no object, or tells of an error in other words than Ashby's, comes
// from something in between, and a success of it is none.
func TestForeignDocumentsUnderASuccess(t *testing.T) {
	for _, body := range []string{`{"error":"upstream gone"}`, `{"error":{"message":"x"}}`, `{"status":"error"}`, `[]`, `[{}]`, `"ok"`, `1`, `true`} {
		t.Run(body, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, play(answers(200, body)), func(c *ashby.Config) { c.MaxRetries = -1 })
				_, err := client.PublishResult(t.Context(), ref, assessment.Result{Status: assessment.StatusOpen})
				api := apiError(t, err)
				require.ErrorIs(t, err, assessment.ErrUnavailable)
				require.True(t, api.Uncertain)
				require.True(t, api.SafeToRepeat)
				_, again := assessment.Retryable(err)
				require.True(t, again)
			})
		})
	}
}

// An answer that names no key is no refusal of it, so that asking again is right.
func TestKeyInfoWithoutAKeyCanBeAskedAgain(t *testing.T) {
	for _, body := range []string{`null`, `{}`, `{"success":true,"results":{}}`} {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, play(answers(200, body)), func(c *ashby.Config) { c.MaxRetries = -1 })
			_, err := client.APIKeyInfo(t.Context(), account)
			require.ErrorIs(t, err, ashby.ErrKeyUnknown, body)
			_, again := assessment.Retryable(err)
			require.True(t, again, body)
		})
	}
}
