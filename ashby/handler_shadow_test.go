package ashby_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/internal/vendortest"
)

// A shadow proves and decodes, and neither starts nor cancels nor stores anything.
// Ashby acts on every answer, so the call is answered as one that cannot be taken
// now.
func TestShadow(t *testing.T) {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: idle{t}, Store: vendortest.UntouchedStore(t)})
	require.NoError(t, err)
	var seen []inbound.Sighting
	h, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake:       intake,
		Authenticate: func(context.Context, string) (string, error) { return "acme", nil },
		Shadow:       &inbound.Shadow{Seen: func(_ context.Context, s inbound.Sighting) { seen = append(seen, s) }},
	})
	require.NoError(t, err)
	for operation, body := range map[string]string{
		"assessment.start":  `{"assessment_type_id":"p","candidate":{"ashby_id":"c","email":"a@example.com"},"application":{"ashby_id":"a"}}`,
		"assessment.cancel": `{"assessment_id":"i"}`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/"+operation, bytes.NewReader([]byte(body)))
		r.SetBasicAuth("key", "")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, 503, w.Code)
		require.NotEmpty(t, w.Header().Get("Retry-After"))
		require.Contains(t, w.Body.String(), `"success":false`)
		require.Equal(t, "acme", seen[len(seen)-1].Account)
	}
	require.Len(t, seen, 2)
	require.ElementsMatch(t, []inbound.Verdict{inbound.WouldStart, inbound.WouldCancel}, []inbound.Verdict{seen[0].Verdict, seen[1].Verdict})
}

// idle is a host that a shadow must not ask.
type idle struct{ t *testing.T }

func (p idle) StartOrder(context.Context, assessment.Order) (assessment.Started, error) {
	p.t.Error("started")
	return assessment.Started{}, nil
}

func (p idle) CancelOrder(context.Context, assessment.OrderRef) error {
	p.t.Error("cancelled")
	return nil
}

func (idle) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}
