package ashbytest_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

func seed(f *testing.F) {
	files, err := filepath.Glob("../testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
}

// FuzzAPI sends anything to every operation: there is always an answer, and a
// refused update changes nothing.
func FuzzAPI(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		s := withExample(t, quirks(func(q *ashbytest.Quirks) {
			q.AllowTypeMismatch, q.AllowUnknownTypes = len(body)%2 == 0, len(body)%3 == 0
		}))
		a := newAPI(t, s)
		for _, op := range []string{
			ashbytest.OpUpdate, ashbytest.OpAddCompletedToCandidate, ashbytest.OpCandidateInfo, ashbytest.OpApplicationInfo,
			ashbytest.OpFileInfo, ashbytest.OpAPIKeyInfo,
		} {
			response, answer, err := a.send(op, body)
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("%s: %v %s", op, err, answer)
			}
			if op == ashbytest.OpUpdate && (tree(t, answer)["success"] == true) != (len(assessment(t, s, exampleID).Updates) == 1) {
				t.Fatalf("the answer %s does not fit the state", answer)
			}
		}
	})
}

// FuzzAnswer answers every call with anything: a success without violations has
// what the call was made for.
func FuzzAnswer(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		s := ashbytest.Start(t)
		s.Target(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}))
		ctx := t.Context()
		started := s.StartAssessment(ctx, ashbytest.StartSpec{})
		answers := []ashbytest.Answer{started, s.Cancel(ctx, exampleID), s.List(ctx), s.SyncCustomFields(ctx)}
		for _, a := range answers {
			if a.Outcome == ashbytest.Failed && len(a.Violations) == 0 {
				t.Fatalf("%s failed for no reason: %s", a.Op, body)
			}
		}
		if (started.Outcome == ashbytest.Succeeded) != (len(s.Assessments("")) == 1) {
			t.Fatalf("outcome %s of %s does not fit the state", started.Outcome, body)
		}
	})
}
