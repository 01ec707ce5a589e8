package stackone_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
	"github.com/assessbridge/assessbridge/webhook"
)

// discard is a StackOne that costs next to nothing.
type discard struct{ body []byte }

func (d discard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(d.body)), ContentLength: int64(len(d.body)),
	}, nil
}

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
	for _, size := range []int{1 << 10, 8 << 10, 64 << 10} {
		body := grown(b, size)
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			run(b, body)
		})
	}
}

func benchVerifier(t testing.TB) *webhook.Verifier {
	t.Helper()
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "now", Key: stackonetest.DefaultWebhookSecret})
	require.NoError(t, err)
	return verifier
}

// hmacFloor is the least that a check can do by hand.
func hmacFloor(body, want []byte) bool {
	mac := hmac.New(sha256.New, []byte(stackonetest.DefaultWebhookSecret))
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), want)
}

func signatureOf(t testing.TB, body []byte) []byte {
	t.Helper()
	want, err := base64.RawURLEncoding.DecodeString(benchVerifier(t).Sign(body))
	require.NoError(t, err)
	return want
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
		want := signatureOf(b, body)
		for b.Loop() {
			var order plainOrder
			if !hmacFloor(body, want) || json.Unmarshal(body, &order) != nil {
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

// nobody is a ResponseWriter that keeps nothing.
type nobody struct {
	header http.Header
	status int
}

func (n *nobody) Header() http.Header         { return n.header }
func (n *nobody) Write(p []byte) (int, error) { return len(p), nil }
func (n *nobody) WriteHeader(status int)      { n.status = status }

func serveInParallel(b *testing.B, h http.Handler, header http.Header, body []byte) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r := &http.Request{
				Method: http.MethodPost, ProtoMajor: 1, ProtoMinor: 1, Header: header,
				Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
			}
			w := &nobody{header: http.Header{}}
			h.ServeHTTP(w, r)
			if w.status != 200 {
				b.Error(w.status)
				return
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
		serveInParallel(b, h.handler, signedWith(h.verifier.Sign(body)), body)
	})
}

// BenchmarkServeHTTPFloor reads, checks and decodes by hand.
func BenchmarkServeHTTPFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		want := signatureOf(b, body)
		serveInParallel(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			var order plainOrder
			if err != nil || !hmacFloor(got, want) || json.Unmarshal(got, &order) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusOK)
		}), http.Header{}, body)
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
	client := newClient(b, discard{benchAnswer})
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
	client := &http.Client{Transport: discard{benchAnswer}}
	b.ReportAllocs()
	for b.Loop() {
		if err := plainPublish(b.Context(), client); err != nil {
			b.Fatal(err)
		}
	}
}

func plainPublish(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	type score struct {
		Value string `json:"value"`
		Min   string `json:"min"`
		Max   string `json:"max"`
	}
	body, err := json.Marshal(struct {
		Score          score             `json:"score"`
		SubmissionDate time.Time         `json:"submission_date"`
		Summary        string            `json:"summary"`
		Result         map[string]string `json:"result"`
		ResultURL      string            `json:"result_url"`
	}{score{"87.4", "0", "100"}, benchResult.CompletedAt, "Good\nRole fit: Excellent", map[string]string{"value": "passed"}, benchResult.ReportURL})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, "https://api.stackone.com/unified/ats/assessments/orders/c28x%2FIQ%2B%3D/result", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "floor")
	r.SetBasicAuth(testKey, "")
	r.Header.Set("X-Account-Id", account)
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer struct {
		StatusCode int `json:"statusCode"`
	}
	return json.Unmarshal(got, &answer)
}

// Allocations are hard numbers; the race detector adds its own.
func TestAllocations(t *testing.T) {
	client := newClient(t, discard{benchAnswer})
	verifier := benchVerifier(t)
	body := orderBody(t)
	header := signedWith(verifier.Sign(body))
	for name, gate := range map[string]struct {
		limit float64
		run   func() error
	}{
		"call": {60, func() error {
			_, err := client.PublishResult(t.Context(), ref, benchResult)
			return err
		}},
		"verify": {0, func() error {
			_, err := verifier.Verify(header, body)
			return err
		}},
		"event": {62, func() error {
			_, err := stackone.ParseEvent(body)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := testing.AllocsPerRun(200, func() { require.NoError(t, gate.run()) })
			t.Logf("%v allocations", got)
			if !raceEnabled {
				require.LessOrEqual(t, got, gate.limit)
			}
		})
	}
}
