package ashby_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/webhook"
)

// shadowStore is a store that a shadow must not touch.
type shadowStore struct{ t *testing.T }

func (s shadowStore) fail() error {
	s.t.Error("the store was touched")
	return errors.New("touched")
}

func (s shadowStore) Claim(context.Context, assessment.Claim, time.Duration) (assessment.Claim, error) {
	return assessment.Claim{}, s.fail()
}
func (s shadowStore) Answer(context.Context, assessment.Claim) error    { return s.fail() }
func (s shadowStore) Expire(context.Context, assessment.Claim) error    { return s.fail() }
func (s shadowStore) Forget(context.Context, assessment.OrderRef) error { return s.fail() }
func (s shadowStore) Erase(context.Context, assessment.OrderRef) error  { return s.fail() }

// A shadow proves and decodes, and neither starts nor cancels nor stores anything.
// Ashby acts on every answer, so the call is answered as one that cannot be taken
// now.
func TestShadow(t *testing.T) {
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: idle{t}, Store: shadowStore{t}})
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

// subjects notes what it is asked for.
type subjects struct {
	asked []string
	err   error
}

func (s *subjects) EraseSubject(_ context.Context, v assessment.Vendor, _, account, candidate string) ([]assessment.OrderRef, error) {
	s.asked = append(s.asked, "erase "+string(v)+" "+account+" "+candidate)
	return nil, s.err
}

func (s *subjects) MergeSubject(_ context.Context, v assessment.Vendor, _, account, candidate, into string) error {
	s.asked = append(s.asked, "merge "+string(v)+" "+account+" "+candidate+" "+into)
	return s.err
}

// A deleted candidate is erased and a merged one merged, before the host is told;
// while that fails Ashby comes again.
func TestCandidateEvents(t *testing.T) {
	verifier, err := ashby.NewVerifier(webhook.Secret{ID: "acme", Key: "secret"})
	require.NoError(t, err)
	s, told := &subjects{}, 0
	c := ashby.WebhookConfig{
		Verifier: verifier, Subjects: s,
		OnEvent: func(context.Context, ashby.Event) error { told++; return nil },
	}
	_, err = ashby.NewWebhookHandler(c)
	require.Error(t, err, "nobody says whose event it is")
	c.Account = func(e ashby.Event) (string, error) { return e.SecretID, nil }
	h, err := ashby.NewWebhookHandler(c)
	require.NoError(t, err)
	post := func(body []byte) int {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Ashby-Signature", verifier.Sign(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	s.err = errors.New("database away")
	require.Equal(t, 503, post(example(t, "webhook.candidate-delete.json")))
	require.Zero(t, told)
	s.err, s.asked = nil, nil
	require.Equal(t, 200, post(example(t, "webhook.candidate-delete.json")))
	require.Equal(t, 200, post(example(t, "webhook.candidate-merge.json")))
	require.Equal(t, 200, post([]byte(`{"action":"candidateHire","data":{}}`)))
	require.Equal(t, []string{"erase ashby acme " + candidateID, "merge ashby acme " + candidateID + " " + mergedID}, s.asked)
	require.Equal(t, 3, told)
}
