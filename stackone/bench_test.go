package stackone_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

// grown adds an ATS's payload to an order, which is what makes them large.
func grown(t testing.TB, size int) []byte {
	t.Helper()
	body := orderBody(t)
	if size <= len(body) {
		return body
	}
	payload := fmt.Sprintf(`{"raw_event":{"body":{"notes":%q}},`, bytes.Repeat([]byte("lorem ipsum "), (size-len(body))/12))
	return append([]byte(payload), bytes.TrimLeft(body, "{ \n")...)
}

// eachSize runs a benchmark over an order grown to about each size.
func eachSize(b *testing.B, run func(b *testing.B, body []byte)) {
	vendortest.EachSize(b, func(size int) []byte { return grown(b, size) }, run)
}

func benchVerifier(t testing.TB) *webhook.Verifier {
	t.Helper()
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "now", Key: stackonetest.DefaultWebhookSecret})
	require.NoError(t, err)
	return verifier
}

// plainOrder is the documented body, typed by hand.
type plainOrder struct {
	ProjectID      string    `json:"project_id"`
	AccountID      string    `json:"account_id"`
	Event          string    `json:"event"`
	EventDate      time.Time `json:"event_date"`
	RecordType     string    `json:"record_type"`
	RecordID       string    `json:"record_id"`
	RecordRemoteID string    `json:"record_remote_id"`
	SentAt         time.Time `json:"sent_at"`
	EventData      struct {
		ID          string      `json:"id"`
		RemoteID    string      `json:"remote_id"`
		Package     wireTestPkg `json:"package"`
		Application struct {
			ID       string `json:"id"`
			RemoteID string `json:"remote_id"`
			Status   struct {
				Value  string `json:"value"`
				Source string `json:"source_value"`
			} `json:"application_status"`
		} `json:"application"`
		Job struct {
			ID         string       `json:"id"`
			RemoteID   string       `json:"remote_id"`
			Title      string       `json:"title"`
			HiringTeam []plainHuman `json:"hiring_team"`
		} `json:"job"`
		Candidate struct {
			ID        string `json:"id"`
			RemoteID  string `json:"remote_id"`
			FirstName string `json:"first_name"`
			LastName  string `json:"last_name"`
			Emails    []struct {
				Type  string `json:"type"`
				Value string `json:"value"`
			} `json:"emails"`
			ProfileURL string `json:"profile_url"`
		} `json:"candidate"`
		Requester plainHuman `json:"requester"`
	} `json:"event_data"`
}

type wireTestPkg struct {
	ID          string `json:"id"`
	RemoteID    string `json:"remote_id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

type plainHuman struct {
	ID        string `json:"user_id"`
	RemoteID  string `json:"remote_user_id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email"`
	Role      string `json:"role"`
}

// BenchmarkEventFloor verifies and decodes by hand.
func BenchmarkEventFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		want := vendortest.Sum(stackonetest.DefaultWebhookSecret, body)
		for b.Loop() {
			var order plainOrder
			if !vendortest.SignedBy(stackonetest.DefaultWebhookSecret, body, want) || json.Unmarshal(body, &order) != nil {
				b.Fatal("no order")
			}
		}
	})
}

// BenchmarkEvent verifies, decodes and translates an order.
func BenchmarkEvent(b *testing.B) {
	verifier := benchVerifier(b)
	eachSize(b, func(b *testing.B, body []byte) {
		header := signedWith(verifier.Sign(body))
		for b.Loop() {
			if _, err := verifier.Verify(header, body); err != nil {
				b.Fatal(err)
			}
			if _, err := stackone.ParseEvent(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkServeHTTP takes a delivery from request to answer, on all cores. The
// queue takes the order, so that no store is measured.
func BenchmarkServeHTTP(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		h := newHost(b, &provider{}, func(c *stackone.WebhookConfig) {
			c.Queue = func(context.Context, assessment.Order) error { return nil }
			c.Logger, c.Observer = nil, assessment.Observer{}
		})
		vendortest.InParallel(b, h.handler, signedWith(h.verifier.Sign(body)), body)
	})
}

// BenchmarkServeHTTPFloor reads, checks and decodes by hand.
func BenchmarkServeHTTPFloor(b *testing.B) {
	const key = stackonetest.DefaultWebhookSecret
	eachSize(b, func(b *testing.B, body []byte) {
		floor := vendortest.FloorHandler(key, vendortest.Sum(key, body), func() any { return new(plainOrder) })
		vendortest.InParallel(b, floor, http.Header{}, body)
	})
}

// benchAccount is what an account lookup gets as well.
var benchAnswer = []byte(`{"statusCode":200,"message":"Record updated successfully.","id":"a","provider":"bullhorn_ats"}`)

var benchResult = assessment.Result{
	Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed, ReportURL: "https://example.com/results/42",
	CompletedAt: utc(2024, 8, 12, 0, 0), Score: assessment.ScoreBetween(87.4, 0, 100), Summary: "Good",
	Attributes: []assessment.Attribute{{Label: "Role fit", Value: assessment.Text("Excellent")}},
}

func BenchmarkPublishResult(b *testing.B) {
	client := newClient(b, discard{Body: benchAnswer})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.PublishResult(b.Context(), ref, benchResult); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublishResultFloor is the same call with net/http alone: a deadline,
// the headers, the body encoded from a struct, the answer read and decoded.
func BenchmarkPublishResultFloor(b *testing.B) {
	client := &http.Client{Transport: discard{Body: benchAnswer}}
	b.ReportAllocs()
	for b.Loop() {
		if err := plainPublish(b.Context(), client); err != nil {
			b.Fatal(err)
		}
	}
}

func plainPublish(ctx context.Context, client *http.Client) error {
	type score struct {
		Value string `json:"value"`
		Min   string `json:"min"`
		Max   string `json:"max"`
	}
	var answer struct {
		StatusCode int `json:"statusCode"`
	}
	return vendortest.PlainCall(ctx, client, http.MethodPatch, "https://api.stackone.com/unified/ats/assessments/orders/c28x%2FIQ%2B%3D/result",
		map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(testKey+":")), "X-Account-Id": account},
		struct {
			Score          score             `json:"score"`
			SubmissionDate time.Time         `json:"submission_date"`
			Summary        string            `json:"summary"`
			Result         map[string]string `json:"result"`
			ResultURL      string            `json:"result_url"`
		}{
			score{"87.4", "0", "100"}, benchResult.CompletedAt, "Good\nRole fit: Excellent",
			map[string]string{"value": "passed"}, benchResult.ReportURL,
		}, &answer)
}

func TestAllocations(t *testing.T) {
	client := newClient(t, discard{Body: benchAnswer})
	verifier := benchVerifier(t)
	body := orderBody(t)
	header := signedWith(verifier.Sign(body))
	vendortest.Allocations(t, map[string]vendortest.Gate{
		"call": {Limit: 60, Run: func() error {
			_, err := client.PublishResult(t.Context(), ref, benchResult)
			return err
		}},
		"verify": {Limit: 0, Run: func() error {
			_, err := verifier.Verify(header, body)
			return err
		}},
		"event": {Limit: 62, Run: func() error {
			_, err := stackone.ParseEvent(body)
			return err
		}},
	})
}
