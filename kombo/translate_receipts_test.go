package kombo_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Only five fields reach Avature, and remote fields are not among them.
func TestAvatureTakesNoRemoteFields(t *testing.T) {
	result := done(func(r *assessment.Result) {
		r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`{"recruitee":{"subtitle":"x"}}`)}
	})
	preview, err := newClient(t, play(answers(200, written))).Preview(refTo("avature"), result)
	require.NoError(t, err)
	requireEqual(t, lost("passthrough.kombo"), withoutReasons(t, preview.Losses))
}

func TestInterimUpdates(t *testing.T) {
	for _, status := range []assessment.Status{assessment.StatusOpen, assessment.StatusInProgress} {
		for tool, want := range map[string]struct{ sent, warned bool }{
			"greenhouse":     {sent: false, warned: true},
			"successfactors": {sent: true, warned: true}, // taken, and shown to nobody
			"workday":        {sent: true},
		} {
			t.Run(fmt.Sprintf("%s/%s", tool, status), func(t *testing.T) {
				server := play(answers(200, written))
				client := newClient(t, server, withStandIn)
				result := assessment.Result{Status: status}
				preview, err := client.Preview(refTo(tool), result)
				require.NoError(t, err)
				receipt, err := client.PublishResult(t.Context(), refTo(tool), result)
				require.NoError(t, err)
				require.Equal(t, !want.sent, receipt.Outcome == assessment.ResultSkipped)
				require.Equal(t, want.sent, len(server.seen) == 1)
				require.Equal(t, want.warned, len(receipt.Warnings) == 1)
				preview.Attempts = receipt.Attempts
				requireEqual(t, preview, receipt)
			})
		}
	}
}

func TestOctetStreamWarning(t *testing.T) {
	receipt, err := newClient(t, play(answers(200, written))).PublishResult(t.Context(), refTo("workday"), done(func(r *assessment.Result) {
		r.Attachments = []assessment.Attachment{{Name: "a.bin", ContentType: "application/octet-stream", Data: []byte("x")}}
	}))
	require.NoError(t, err)
	require.Len(t, receipt.Warnings, 1)
	require.Contains(t, receipt.Warnings[0], "attachments[0].content_type")
}

// The order of losses and problems is part of what tests of a host compare.
func TestReceiptsAndProblemsAreDeterministic(t *testing.T) {
	client := newClient(t, play(answers(200, written)))
	good := done(func(r *assessment.Result) {
		r.Status, r.StatusText, r.Outcome, r.Summary, r.Reason, r.StartedAt = assessment.StatusExpired, "s", assessment.OutcomeFailed, "su", "re", finished
		r.Score = &assessment.Score{Value: 1, Min: ptr(0.5), Label: "l"}
		r.Attributes = []assessment.Attribute{{Label: "A", Description: "d", Value: assessment.Flag(true)}, {Label: "B", Value: assessment.SubResult{}}}
		r.Attachments = []assessment.Attachment{{Name: "a", ContentType: "application/octet-stream", URL: "https://example.com"}}
	})
	bad := done(func(r *assessment.Result) {
		r.Passthrough = map[assessment.Vendor]json.RawMessage{}
		for _, v := range []assessment.Vendor{"a", "b", "c", "d", assessment.Kombo} {
			r.Passthrough[v] = json.RawMessage(`1`)
		}
	})
	first, err := client.Preview(refTo("avature"), good)
	require.NoError(t, err)
	_, problems := client.Preview(refTo("avature"), bad)
	require.Error(t, problems)
	for range 50 {
		again, err := client.Preview(refTo("avature"), good)
		require.NoError(t, err)
		requireEqual(t, first, again)
		_, err = client.Preview(refTo("avature"), bad)
		require.Equal(t, problems.Error(), err.Error())
	}
}
