package kombo_test

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
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// discard is a Kombo that costs next to nothing.
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

var benchSizes = []int{1 << 10, 8 << 10, 64 << 10}

// eachSize runs a benchmark over an order grown to about each size.
func eachSize(b *testing.B, run func(b *testing.B, body []byte)) {
	for _, size := range benchSizes {
		body := orderBody(b)
		if size > len(body) {
			body = grown(b, size-len(body))
		}
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			run(b, body)
		})
	}
}

func benchVerifier(b testing.TB) *webhook.Verifier {
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "now", Key: secretKey})
	require.NoError(b, err)
	return verifier
}

// hmacFloor is the least that a check can do by hand.
func hmacFloor(body, want []byte) bool {
	mac := hmac.New(sha256.New, []byte(secretKey))
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), want)
}

func signatureOf(b testing.TB, body []byte) []byte {
	want, err := base64.RawURLEncoding.DecodeString(benchVerifier(b).Sign(body))
	require.NoError(b, err)
	return want
}

func BenchmarkVerifyFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		want := signatureOf(b, body)
		for b.Loop() {
			if !hmacFloor(body, want) {
				b.Fatal("no match")
			}
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	verifier := benchVerifier(b)
	eachSize(b, func(b *testing.B, body []byte) {
		header := signedWith(verifier.Sign(body))
		for b.Loop() {
			if _, err := verifier.Verify(header, body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// plainOrder is the documented body, typed by hand.
type plainOrder struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data struct {
		ID            string `json:"id"`
		IntegrationID string `json:"integration_id"`
		PackageID     string `json:"package_id"`
		Status        string `json:"status"`
		Candidate     struct {
			RemoteID  string `json:"remote_id"`
			Email     string `json:"email"`
			FirstName string `json:"first_name"`
			LastName  string `json:"last_name"`
			Phone     string `json:"phone"`
		} `json:"candidate"`
		Application struct {
			RemoteID string `json:"remote_id"`
		} `json:"application"`
		Job struct {
			RemoteID    string            `json:"remote_id"`
			Name        string            `json:"name"`
			JobCode     string            `json:"job_code"`
			Description string            `json:"description"`
			Location    map[string]string `json:"location"`
			HiringTeam  []struct {
				RemoteID  string   `json:"remote_id"`
				Email     string   `json:"email"`
				FirstName string   `json:"first_name"`
				LastName  string   `json:"last_name"`
				Roles     []string `json:"hiring_team_roles"`
			} `json:"hiring_team"`
		} `json:"job"`
	} `json:"data"`
}

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
			if _, err := kombo.ParseEvent(body); err != nil {
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

// BenchmarkServeHTTP takes a delivery from request to answer, on all cores. The
// queue takes the order, so that no store is measured.
func BenchmarkServeHTTP(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		h := newHost(b, &provider{}, options{config: func(c *kombo.WebhookConfig) {
			c.Queue = func(context.Context, assessment.Order) error { return nil }
			c.Logger, c.Observer = nil, assessment.Observer{}
		}})
		header := signedWith(h.verifier.Sign(body))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r := &http.Request{
					Method: http.MethodPost, ProtoMajor: 1, ProtoMinor: 1, Header: header,
					Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
				}
				w := &nobody{header: http.Header{}}
				h.handler.ServeHTTP(w, r)
				if w.status != 200 {
					b.Fatal(w.status)
				}
			}
		})
	})
}

// BenchmarkServeHTTPFloor reads, checks and decodes by hand.
func BenchmarkServeHTTPFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		want := signatureOf(b, body)
		floor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			var order plainOrder
			if err != nil || !hmacFloor(got, want) || json.Unmarshal(got, &order) != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			w.WriteHeader(http.StatusOK)
		})
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r := &http.Request{Method: http.MethodPost, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
				w := &nobody{header: http.Header{}}
				floor.ServeHTTP(w, r)
				if w.status != 200 {
					b.Fatal(w.status)
				}
			}
		})
	})
}

var benchResult = assessment.Result{
	Status: assessment.StatusCompleted, ReportURL: reportURL, CompletedAt: finished, Score: assessment.ScoreOutOf(87.4, 100),
	Attributes: []assessment.Attribute{{Label: "Role fit", Value: assessment.Text("Excellent")}},
}

func BenchmarkPublishResult(b *testing.B) {
	client := newClient(b, discard{[]byte(written)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.PublishResult(b.Context(), refTo("workday"), benchResult); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPublishResultFloor is the same call with net/http alone: a deadline,
// the headers, the body encoded from a struct, the answer read and decoded.
func BenchmarkPublishResultFloor(b *testing.B) {
	client := &http.Client{Transport: discard{[]byte(written)}}
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
	type attribute struct {
		Type  string `json:"type"`
		Label string `json:"label"`
		Value string `json:"value"`
	}
	body, err := json.Marshal(struct {
		Status      string      `json:"status"`
		ResultURL   string      `json:"result_url"`
		CompletedAt time.Time   `json:"completed_at"`
		Score       float64     `json:"score"`
		MaxScore    float64     `json:"max_score"`
		Attributes  []attribute `json:"attributes"`
	}{"COMPLETED", reportURL, finished.UTC(), 87.4, 100, []attribute{{"TEXT", "Role fit", "Excellent"}}})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://api.kombo.dev/v1/assessment/orders/"+orderID+"/result", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "floor")
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("X-Integration-Id", integration)
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
		Warnings []struct{ Message string } `json:"warnings"`
	}
	return json.Unmarshal(got, &answer)
}

const attachmentSize = 20 << 20

func BenchmarkLargeAttachment(b *testing.B) {
	client := newClient(b, discard{[]byte(written)})
	result := benchResult
	result.Attachments = []assessment.Attachment{{Name: "a.pdf", ContentType: "application/pdf", Data: bytes.Repeat([]byte("0123456789abcdef"), attachmentSize/16)}}
	b.SetBytes(attachmentSize)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.PublishResult(b.Context(), refTo("workday"), result); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLargeAttachmentFloor is one copy into memory as base64.
func BenchmarkLargeAttachmentFloor(b *testing.B) {
	data := bytes.Repeat([]byte("0123456789abcdef"), attachmentSize/16)
	b.SetBytes(attachmentSize)
	b.ReportAllocs()
	for b.Loop() {
		body := make([]byte, base64.StdEncoding.EncodedLen(len(data)))
		base64.StdEncoding.Encode(body, data)
	}
}

// Allocations are hard numbers; the race detector adds its own.
func TestAllocations(t *testing.T) {
	client := newClient(t, discard{[]byte(written)})
	reader := newClient(t, discard{[]byte(`{"status":"success","data":{"packages":[]}}`)})
	verifier := benchVerifier(t)
	body := orderBody(t)
	header := signedWith(verifier.Sign(body))
	for name, gate := range map[string]struct {
		limit float64
		run   func() error
	}{
		"call": {48, func() error {
			_, err := reader.Packages(t.Context(), integration)
			return err
		}},
		"result": {54, func() error { // translates and encodes a body besides
			_, err := client.PublishResult(t.Context(), refTo("workday"), benchResult)
			return err
		}},
		"verify": {0, func() error {
			_, err := verifier.Verify(header, body)
			return err
		}},
		"event": {48, func() error {
			_, err := kombo.ParseEvent(body)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := testing.AllocsPerRun(200, func() { require.NoError(t, gate.run()) })
			if !raceEnabled {
				require.LessOrEqual(t, got, gate.limit)
			}
		})
	}
}
