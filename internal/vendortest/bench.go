package vendortest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Discard is an API that answers everything with a 200 and costs next to nothing.
type Discard struct{ Body []byte }

// RoundTrip implements [http.RoundTripper].
func (d Discard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(d.Body)), ContentLength: int64(len(d.Body)),
	}, nil
}

// Nobody is a ResponseWriter that keeps the status only.
type Nobody struct {
	Status int
	header http.Header
}

// Header implements [http.ResponseWriter].
func (n *Nobody) Header() http.Header {
	if n.header == nil {
		n.header = http.Header{}
	}
	return n.header
}

// Write implements [http.ResponseWriter].
func (n *Nobody) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements [http.ResponseWriter].
func (n *Nobody) WriteHeader(status int) { n.Status = status }

// BareRequest is a POST without anything that only a test needs.
func BareRequest(body []byte, header http.Header) *http.Request {
	return &http.Request{
		Method: http.MethodPost, ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// EachSize runs a benchmark over bodies of about each size, which grown makes.
func EachSize(b *testing.B, grown func(size int) []byte, run func(b *testing.B, body []byte)) {
	for _, size := range []int{1 << 10, 8 << 10, 64 << 10} {
		body := grown(size)
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			run(b, body)
		})
	}
}

// InParallel has h take the body on all cores and wants a 200 each time.
func InParallel(b *testing.B, h http.Handler, header http.Header, body []byte) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := new(Nobody)
			h.ServeHTTP(w, BareRequest(body, header))
			if w.Status != http.StatusOK {
				b.Error(w.Status)
				return
			}
		}
	})
}

// SignedBy is the least that a check of an HMAC by hand can do.
func SignedBy(key string, body, want []byte) bool {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), want)
}

// Sum is the HMAC-SHA256 that [SignedBy] wants.
func Sum(key string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return mac.Sum(nil)
}

// FloorHandler reads, checks and decodes a signed body by hand; typed returns
// what to decode it into.
func FloorHandler(key string, want []byte, typed func() any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || !SignedBy(key, got, want) || json.Unmarshal(got, typed()) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// PlainCall is a call with net/http alone: a deadline, the headers, the body
// encoded from a struct, the answer read and decoded.
func PlainCall(ctx context.Context, client *http.Client, method, url string, header map[string]string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "floor")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(got, answer)
}

// Gate is a number of allocations that a run must not exceed.
type Gate struct {
	Limit float64
	Run   func() error
}

// Allocations checks gates. Allocations are hard numbers; the race detector adds
// its own, so that with it the runs need only succeed.
func Allocations(t *testing.T, gates map[string]Gate) {
	for name, gate := range gates {
		t.Run(name, func(t *testing.T) {
			got := testing.AllocsPerRun(200, func() { require.NoError(t, gate.Run()) })
			t.Logf("%.0f allocations", got)
			if !RaceEnabled {
				require.LessOrEqual(t, got, gate.Limit)
			}
		})
	}
}
