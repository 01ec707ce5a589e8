package ashby_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
)

// benchStarted is an answer with a first update.
var benchStarted = assessment.Started{
	ReportURL: reportURL, Update: &assessment.Result{
		StatusText: "Invitation sent", Attributes: []assessment.Attribute{{ID: "eta", Label: "Expected time to complete", Value: assessment.Elapsed(90 * 60e9)}},
	},
}

// benchRequest is a call without anything that only a test needs.
func benchRequest(body []byte, header http.Header, to *http.Request) *http.Request {
	r := vendortest.BareRequest(body, header)
	r.URL = to.URL
	return r
}

func benchHandler(b testing.TB) (*ashby.Handler, *http.Request) {
	h := newHost(b, startsWith(benchStarted), options{config: func(c *ashby.HandlerConfig) {
		c.Logger, c.Observer = nil, assessment.Observer{}
	}})
	return h.handler, request("/assessment.start", nil)
}

// BenchmarkStart takes a start that was answered before from request to answer:
// authentication, decoding, the store, the stored answer, encoding.
func BenchmarkStart(b *testing.B) {
	handler, r := benchHandler(b)
	body := example(b, "assessment-start.request.with-additional-fields.json")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		w := new(vendortest.Nobody)
		handler.ServeHTTP(w, benchRequest(body, r.Header, r))
		if w.Status != 200 {
			b.Fatal(w.Status)
		}
	}
}

// BenchmarkFirstStart is one that the provider is asked about, in a goroutine of
// its own, and whose answer is stored.
func BenchmarkFirstStart(b *testing.B) {
	body := example(b, "assessment-start.request.with-additional-fields.json")
	quiet := &quietProvider{started: benchStarted}
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: quiet, Store: assessment.NewMemoryStore(0)})
	require.NoError(b, err)
	handler, err := ashby.NewHandler(ashby.HandlerConfig{Intake: intake, Authenticate: keys(map[string]string{partnerKey: account})})
	require.NoError(b, err)
	r := request("/assessment.start", nil)
	b.ReportAllocs()
	for b.Loop() {
		w := new(vendortest.Nobody)
		handler.ServeHTTP(w, benchRequest(body, r.Header, r))
		if w.Status != 200 {
			b.Fatal(w.Status)
		}
		b.StopTimer()
		if err := intake.Cancel(b.Context(), quiet.last); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// quietProvider remembers the last reference only.
type quietProvider struct {
	started assessment.Started
	last    assessment.OrderRef
}

func (q *quietProvider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	q.last = o.Ref
	return q.started, nil
}

func (*quietProvider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func (*quietProvider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

// plainStart and plainAnswer are the bodies, typed by hand.
type plainStart struct {
	AssessmentTypeID string `json:"assessment_type_id"`
	Candidate        struct {
		AshbyID    string `json:"ashby_id"`
		FirstName  string `json:"first_name"`
		LastName   string `json:"last_name"`
		Email      string `json:"email"`
		ProfileURL string `json:"ashby_profile_url"`
	} `json:"candidate"`
	Application struct {
		AshbyID string `json:"ashby_id"`
		Status  string `json:"status"`
	} `json:"application"`
	Job struct {
		AshbyID    string `json:"ashby_id"`
		Name       string `json:"name"`
		URL        string `json:"ashby_job_url"`
		ReqID      string `json:"req_id"`
		HiringTeam []struct {
			Email     string `json:"email"`
			FirstName string `json:"firstName"`
			LastName  string `json:"lastName"`
			Role      string `json:"role"`
			UserID    string `json:"userId"`
		} `json:"hiringTeam"`
	} `json:"job"`
	Fields map[string]json.RawMessage `json:"additional_fields"`
}

type plainDatum struct {
	Identifier string `json:"identifier"`
	Label      string `json:"label"`
	Type       string `json:"type"`
	Value      any    `json:"value"`
}

type plainAnswer struct {
	Success bool `json:"success"`
	Results struct {
		AssessmentID  string `json:"assessment_id"`
		UpdateRequest struct {
			AssessmentID string       `json:"assessment_id"`
			Timestamp    int64        `json:"timestamp"`
			Status       plainDatum   `json:"assessment_status"`
			ProfileURL   plainDatum   `json:"assessment_profile_url"`
			Metadata     []plainDatum `json:"metadata"`
		} `json:"update_request"`
	} `json:"results"`
}

// BenchmarkStartFloor decodes and encodes the same bodies, and nothing else.
func BenchmarkStartFloor(b *testing.B) {
	handler, _ := benchHandler(b)
	body := example(b, "assessment-start.request.with-additional-fields.json")
	var answer plainAnswer
	require.NoError(b, json.Unmarshal(serve(handler, request("/assessment.start", body)).Body.Bytes(), &answer))
	require.NotEmpty(b, answer.Results.UpdateRequest.Metadata)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var order plainStart
		if err := json.Unmarshal(body, &order); err != nil {
			b.Fatal(err)
		}
		if _, err := json.Marshal(answer); err != nil {
			b.Fatal(err)
		}
	}
}

var benchResult = assessment.Result{
	Status: assessment.StatusCompleted, ReportURL: reportURL, At: at(moment), Score: assessment.ScoreOutOf(87.4, 100),
	Outcome: assessment.OutcomePassed, Attributes: []assessment.Attribute{{ID: "fit", Label: "Role fit", Value: assessment.Text("Excellent")}},
}

func BenchmarkPublishResult(b *testing.B) {
	client := newClient(b, discard{Body: []byte(written)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.PublishResult(b.Context(), ref, benchResult); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAllocations(t *testing.T) {
	client := newClient(t, discard{Body: []byte(written)})
	handler, r := benchHandler(t)
	body := minimal(t)
	vendortest.Allocations(t, map[string]vendortest.Gate{
		"update": {Limit: 66, Run: func() error {
			_, err := client.PublishResult(t.Context(), ref, benchResult)
			return err
		}},
		"start again": {Limit: 124, Run: func() error { // 117 from Go 1.26 on
			handler.ServeHTTP(new(vendortest.Nobody), benchRequest(body, r.Header, r))
			return nil
		}},
		"event": {Limit: 20, Run: func() error {
			_, err := ashby.ParseEvent([]byte(`{"webhookActionId":"1","action":"candidateDelete","data":{"candidate":{"id":"1"}}}`))
			return err
		}},
	})
}
