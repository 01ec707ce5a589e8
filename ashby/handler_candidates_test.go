package ashby_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

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
