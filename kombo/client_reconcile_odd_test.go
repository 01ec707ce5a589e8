package kombo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
)

// An order without an id cannot be told from another: it is not started, and the
// others are.
func TestReconcileOverAnOrderWithoutAnID(t *testing.T) {
	p := &provider{}
	h := newHost(t, p, options{})
	server := play(
		answers(200, `{"status":"success","data":{"next":null,"results":[{"package_id":"p","status":"OPEN"},{"id":"o2","package_id":"p","status":"OPEN"}]}}`),
		answers(200, `{"status":"success","data":{"next":null,"results":[]}}`),
	)
	report, err := newClient(t, server, withStandIn).Reconcile(t.Context(), integration, kombo.ReconcileConfig{Intake: h.intake})
	require.NoError(t, err)
	require.Equal(t, 2, report.Seen)
	require.Equal(t, []assessment.OrderRef{{Vendor: assessment.Kombo, Account: integration, ID: "o2"}}, report.Started)
	require.Equal(t, []assessment.OrderRef{{Vendor: assessment.Kombo, Account: integration}}, report.Skipped)
	require.Equal(t, 1, p.calls())
}
