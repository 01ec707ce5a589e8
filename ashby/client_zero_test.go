package ashby_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
)

// A client that was not made with New says so, and does not panic.
func TestZeroClient(t *testing.T) {
	const unmade = "the Client was not made with New"
	client := &ashby.Client{}
	ref := assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: "o"}
	result := assessment.Result{
		Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(1, 2), ReportURL: "https://provider.example.com/1",
		At: time.Unix(1780000000, 0), CompletedAt: time.Unix(1780000000, 0),
	}
	_, err := client.PublishResult(t.Context(), ref, result)
	require.ErrorContains(t, err, unmade)
	_, err = client.Preview(ref, result)
	require.ErrorContains(t, err, unmade)
	_, err = client.APIKeyInfo(t.Context(), "acme")
	require.ErrorContains(t, err, unmade)
	require.ErrorContains(t, client.SetPacing(assessment.Pacing{}), unmade)
	require.Empty(t, client.Limits())
}
