package stackone_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

// JSON that tells of an error in other words than StackOne's comes from something
// in between, and a success of it is none.
func TestForeignDocumentsUnderASuccess(t *testing.T) {
	result := assessment.Result{Status: assessment.StatusCompleted, ReportURL: "https://example.com/r"}
	for _, body := range []string{`{"error":"upstream gone"}`, `{"error":{"message":"x"}}`, `{"status":"error"}`, `{"success":false}`, `[]`, `"ok"`} {
		t.Run(body, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, status := range []int{200, 204} {
					client := newClient(t, play(answers(status, body), answers(status, body)), behind("greenhouse"))
					_, err := client.PublishResult(t.Context(), ref, result)
					api := apiError(t, err)
					require.ErrorIs(t, err, assessment.ErrUnavailable)
					require.True(t, api.Uncertain)
					require.False(t, api.SafeToRepeat)
				}
			})
		})
	}
	for _, body := range []string{"", "null", `{}`, written, `{"statusCode":200,"error":null}`} {
		_, err := newClient(t, play(answers(200, body)), behind("greenhouse")).PublishResult(t.Context(), ref, result)
		require.NoError(t, err, body)
	}
}

// A session that is not there must not be handed to a customer.
func TestConnectSessionThatIsNone(t *testing.T) {
	for _, body := range []string{`null`, `{}`, `{"error":"x"}`, `{"message":"upstream gone"}`} {
		synctest.Test(t, func(t *testing.T) {
			client := newClient(t, play(answers(200, body)), once)
			_, err := client.CreateConnectSession(t.Context(), stackone.ConnectRequest{OriginOwnerID: "o", OriginOwnerName: "n"})
			require.ErrorIs(t, err, assessment.ErrUnavailable, body)
			_, again := assessment.Retryable(err)
			require.True(t, again, body)
		})
	}
}
