package ashbytest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

// A recruiter starts an assessment, the provider completes it.
func Example() {
	ashby, err := ashbytest.New(ashbytest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ashby.Close()
	ashby.Target(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"success":true,"results":{"assessment_id":"a-1"}}`)
	}))
	started := ashby.StartAssessment(context.Background(), ashbytest.StartSpec{})
	fmt.Println(started.Outcome, started.AssessmentID, len(started.Violations))

	r, err := http.NewRequest(http.MethodPost, ashbytest.BaseURL+"/assessment.update", strings.NewReader(`{
		"assessment_id": "a-1", "timestamp": 1665680638489,
		"assessment_status": {"identifier": "status", "label": "Status", "type": "string", "value": "Completed"},
		"assessment_profile_url": {"identifier": "url", "label": "Report", "type": "url", "value": "https://example.com/r/1"},
		"assessment_result": {"identifier": "result", "label": "Score", "type": "numeric_score", "value": 87.4}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.SetBasicAuth(ashbytest.DefaultAPIKey, "")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "example-assessments/1.0")
	response, err := ashby.Client().Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = response.Body.Close()

	a, _ := ashby.Assessment("a-1")
	fmt.Println(response.StatusCode, a.State, a.Result.Value)
	// Output:
	// succeeded a-1 0
	// 200 completed 87.4
}

// A wrong answer is named member by member.
func ExampleServer_StartAssessment() {
	ashby, err := ashbytest.New(ashbytest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ashby.Close()
	ashby.Target(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"success":false,"error":"retired"}`)
	}))
	started := ashby.StartAssessment(context.Background(), ashbytest.StartSpec{})
	fmt.Println(started.Outcome)
	for _, violation := range started.Violations {
		fmt.Println(violation)
	}
	// Output:
	// declined
	// message is required
	// success must be absent from a 422
}
