package kombo_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// eachSize runs a benchmark over an order grown to about each size.
func eachSize(b *testing.B, run func(b *testing.B, body []byte)) {
	vendortest.EachSize(b, func(size int) []byte {
		body := orderBody(b)
		return grown(b, max(0, size-len(body)))
	}, run)
}

func benchVerifier(b testing.TB) *webhook.Verifier {
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "now", Key: secretKey})
	require.NoError(b, err)
	return verifier
}

func BenchmarkVerifyFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		want := vendortest.Sum(secretKey, body)
		for b.Loop() {
			if !vendortest.SignedBy(secretKey, body, want) {
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
	ID   string    `json:"id"`
	Type string    `json:"type"`
	Data plainData `json:"data"`
}

type plainData struct {
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
}

func BenchmarkEventFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		want := vendortest.Sum(secretKey, body)
		for b.Loop() {
			var order plainOrder
			if !vendortest.SignedBy(secretKey, body, want) || json.Unmarshal(body, &order) != nil {
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

// BenchmarkServeHTTP takes a delivery from request to answer, on all cores. The
// queue takes the order, so that no store is measured.
func BenchmarkServeHTTP(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		h := newHost(b, &provider{}, options{config: func(c *kombo.WebhookConfig) {
			c.Queue = func(context.Context, assessment.Order) error { return nil }
			c.Logger, c.Observer = nil, assessment.Observer{}
		}})
		vendortest.InParallel(b, h.handler, signedWith(h.verifier.Sign(body)), body)
	})
}

// BenchmarkServeHTTPReported has somebody who listens to everything, and a logger
// that discards; compare it with BenchmarkServeHTTP.
func BenchmarkServeHTTPReported(b *testing.B) { benchmarkReported(b, slog.DiscardHandler) }

// BenchmarkServeHTTPLogged writes every line, to nowhere.
func BenchmarkServeHTTPLogged(b *testing.B) {
	benchmarkReported(b, slog.NewJSONHandler(io.Discard, nil))
}

func benchmarkReported(b *testing.B, lines slog.Handler) {
	eachSize(b, func(b *testing.B, body []byte) {
		h := newHost(b, &provider{}, options{config: func(c *kombo.WebhookConfig) {
			c.Queue = func(context.Context, assessment.Order) error { return nil }
			c.Logger = slog.New(lines)
			c.Observer = assessment.Observer{
				Delivery: func(context.Context, assessment.Delivery) {},
				Drift:    func(context.Context, assessment.Drift) {},
			}
		}})
		vendortest.InParallel(b, h.handler, signedWith(h.verifier.Sign(body)), body)
	})
}

// BenchmarkServeHTTPFloor reads, checks and decodes by hand.
func BenchmarkServeHTTPFloor(b *testing.B) {
	eachSize(b, func(b *testing.B, body []byte) {
		floor := vendortest.FloorHandler(secretKey, vendortest.Sum(secretKey, body), func() any { return new(plainOrder) })
		vendortest.InParallel(b, floor, http.Header{}, body)
	})
}

var benchResult = assessment.Result{
	Status: assessment.StatusCompleted, ReportURL: reportURL, CompletedAt: finished, Score: assessment.ScoreOutOf(87.4, 100),
	Attributes: []assessment.Attribute{{Label: "Role fit", Value: assessment.Text("Excellent")}},
}

func BenchmarkPublishResult(b *testing.B) {
	client := newClient(b, discard{Body: []byte(written)})
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
	client := &http.Client{Transport: discard{Body: []byte(written)}}
	b.ReportAllocs()
	for b.Loop() {
		if err := plainPublish(b.Context(), client); err != nil {
			b.Fatal(err)
		}
	}
}

func plainPublish(ctx context.Context, client *http.Client) error {
	type attribute struct {
		Type  string `json:"type"`
		Label string `json:"label"`
		Value string `json:"value"`
	}
	var answer struct {
		Warnings []struct{ Message string } `json:"warnings"`
	}
	return vendortest.PlainCall(ctx, client, http.MethodPut, "https://api.kombo.dev/v1/assessment/orders/"+orderID+"/result",
		map[string]string{"Authorization": "Bearer " + testKey, "X-Integration-Id": integration},
		struct {
			Status      string      `json:"status"`
			ResultURL   string      `json:"result_url"`
			CompletedAt time.Time   `json:"completed_at"`
			Score       float64     `json:"score"`
			MaxScore    float64     `json:"max_score"`
			Attributes  []attribute `json:"attributes"`
		}{"COMPLETED", reportURL, finished.UTC(), 87.4, 100, []attribute{{"TEXT", "Role fit", "Excellent"}}}, &answer)
}

// ordersBody is the largest page of orders.
func ordersBody(b testing.TB) []byte {
	var event struct {
		Data json.RawMessage `json:"data"`
	}
	require.NoError(b, json.Unmarshal(orderBody(b), &event))
	orders := bytes.Repeat(append([]byte(","), event.Data...), kombo.MaxPageSize)
	return append(append([]byte(`{"status":"success","data":{"next":null,"results":[`), orders[1:]...), "]}}"...)
}

// BenchmarkOrders lists a page of 250 orders.
func BenchmarkOrders(b *testing.B) {
	client := newClient(b, discard{Body: ordersBody(b)})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range client.Orders(b.Context(), integration, kombo.OrderFilter{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != kombo.MaxPageSize {
			b.Fatal(n)
		}
	}
}

// BenchmarkOrdersFloor fetches and decodes the same page by hand.
func BenchmarkOrdersFloor(b *testing.B) {
	client := &http.Client{Transport: discard{Body: ordersBody(b)}}
	b.ReportAllocs()
	for b.Loop() {
		var page struct {
			Data struct {
				Next    *string     `json:"next"`
				Results []plainData `json:"results"`
			} `json:"data"`
		}
		err := vendortest.PlainCall(b.Context(), client, http.MethodGet, "https://api.kombo.dev/v1/assessment/orders",
			map[string]string{"Authorization": "Bearer " + testKey, "X-Integration-Id": integration}, nil, &page)
		if err != nil || len(page.Data.Results) != kombo.MaxPageSize {
			b.Fatal(err)
		}
	}
}

const attachmentSize = 20 << 20

func BenchmarkLargeAttachment(b *testing.B) {
	client := newClient(b, discard{Body: []byte(written)})
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

func TestAllocations(t *testing.T) {
	client := newClient(t, discard{Body: []byte(written)})
	reader := newClient(t, discard{Body: []byte(`{"status":"success","data":{"packages":[]}}`)})
	verifier := benchVerifier(t)
	body := orderBody(t)
	header := signedWith(verifier.Sign(body))
	vendortest.Allocations(t, map[string]vendortest.Gate{
		"call": {Limit: 48, Run: func() error {
			_, err := reader.Packages(t.Context(), integration)
			return err
		}},
		"result": {Limit: 54, Run: func() error { // translates and encodes a body besides
			_, err := client.PublishResult(t.Context(), refTo("workday"), benchResult)
			return err
		}},
		"verify": {Limit: 0, Run: func() error {
			_, err := verifier.Verify(header, body)
			return err
		}},
		"event": {Limit: 48, Run: func() error {
			_, err := kombo.ParseEvent(body)
			return err
		}},
	})
}
