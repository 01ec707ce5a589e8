package inbound_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

const (
	garbage      = 10_000
	slowSenders  = 2_000
	slowStarts   = 1_000
	providerTime = 2 * time.Second
	heapLimit    = 64 << 20
)

// service is all handlers of a provider who takes his time.
type service struct {
	mux      *http.ServeMux
	kombo    *webhook.Verifier
	stackOne *webhook.Verifier
	ashby    *webhook.Verifier
	started  atomic.Int64
}

func (s *service) StartOrder(ctx context.Context, _ assessment.Order) (assessment.Started, error) {
	select {
	case <-time.After(providerTime):
		s.started.Add(1)
		return assessment.Started{}, nil
	case <-ctx.Done():
		return assessment.Started{}, ctx.Err()
	}
}

func (*service) CancelOrder(context.Context, assessment.OrderRef) error { return nil }
func (*service) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{mux: http.NewServeMux()}
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: s, Store: assessment.NewMemoryStore(0)})
	require.NoError(t, err)
	mount := func(pattern string, h http.Handler, err error) {
		require.NoError(t, err)
		s.mux.Handle(pattern, h)
	}
	s.kombo, err = kombo.NewVerifier(webhook.Secret{Key: "kombo"})
	require.NoError(t, err)
	s.stackOne, err = stackone.NewVerifier(webhook.Secret{Key: "stackone"})
	require.NoError(t, err)
	s.ashby, err = ashby.NewVerifier(webhook.Secret{Key: "ashby"})
	require.NoError(t, err)

	k, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: s.kombo})
	mount("/kombo", k, err)
	o, err := stackone.NewWebhookHandler(stackone.WebhookConfig{Intake: intake, Verifier: s.stackOne})
	mount("/stackone", o, err)
	p, err := stackone.NewPackagesHandler(stackone.PackagesConfig{Intake: intake, Verifier: s.stackOne})
	mount("/packages", p, err)
	a, err := ashby.NewHandler(ashby.HandlerConfig{Intake: intake, Authenticate: func(_ context.Context, key string) (string, error) {
		if key != "partner" {
			return "", assessment.ErrUnauthorized
		}
		return "acme", nil
	}})
	mount("/ashby/", a, err)
	w, err := ashby.NewWebhookHandler(ashby.WebhookConfig{Verifier: s.ashby})
	mount("/ashby-webhook", w, err)
	return s
}

func (s *service) serve(r *http.Request) int {
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w.Code
}

// order is the i-th order, of each vendor in turn.
func (s *service) order(i int) *http.Request {
	post := func(path, body string) *http.Request {
		return httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	}
	switch i % 3 {
	case 0:
		body := fmt.Sprintf(`{"id":"e%d","type":"assessment:order-received","data":{"id":"o%d","integration_id":"lever:1","package_id":"p","status":"OPEN"}}`, i, i)
		r := post("/kombo", body)
		r.Header.Set(kombo.SignatureHeader, s.kombo.Sign([]byte(body)))
		return r
	case 1:
		body := fmt.Sprintf(`{"event":"ats_assessments.created","account_id":"a","record_id":"o%d"}`, i)
		r := post("/stackone", body)
		r.Header.Set(stackone.SignatureHeader, s.stackOne.Sign([]byte(body)))
		return r
	}
	r := post("/ashby/assessment.start", fmt.Sprintf(`{"assessment_type_id":"t","candidate":{"ashby_id":"c%d"},"application":{"ashby_id":"a%d"}}`, i, i))
	r.SetBasicAuth("partner", "")
	return r
}

// paths are where anybody can send anything.
var paths = []string{"/kombo", "/stackone", "/packages", "/ashby/assessment.start", "/ashby/assessment.list", "/ashby-webhook", "/ashby/x"}

// forge makes a request look as if it came from the vendor.
func (s *service) forge(r *http.Request) {
	r.Header.Set(kombo.SignatureHeader, s.kombo.Sign(nil))
	r.Header.Set(stackone.SignatureHeader, s.stackOne.Sign(nil))
	r.Header.Set(ashby.SignatureHeader, s.ashby.Sign(nil))
	r.SetBasicAuth("partner", "")
}

// rubbish is what somebody sends who looks for a way in.
func (s *service) rubbish(random *rand.Rand, noise string) *http.Request {
	body := noise[random.IntN(len(noise)/2):]
	body = body[:1+random.IntN(len(body)-1)]
	methods := []string{"POST", "POST", "POST", "GET", "PUT", "HEAD", "TRACE"}
	r := httptest.NewRequest(methods[random.IntN(len(methods))], paths[random.IntN(len(paths))], strings.NewReader(body))
	if random.IntN(2) == 0 {
		s.forge(r)
		r.SetBasicAuth("stranger", "")
	}
	if random.IntN(4) == 0 {
		r.ContentLength = -1
	}
	if random.IntN(8) == 0 {
		r.Header.Set("Content-Encoding", "gzip")
	}
	if random.IntN(8) == 0 {
		r.Header.Set("Authorization", "Basic "+body[:min(len(body), 50)])
	}
	return r
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The endpoints are public. Rubbish, senders that never go on and a provider that
// takes two seconds for each of a thousand orders at once: the orders are taken, and
// afterwards everything is as it was before.
func TestServiceUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		require.Equal(t, 200, s.serve(s.order(0)), "what is made once is made")
		goroutines, heap := runtime.NumGoroutine(), heapInUse()

		random := rand.New(rand.NewPCG(1, 2))
		noise := make([]byte, 20_000)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		text := string(noise)
		for range garbage {
			code := s.serve(s.rubbish(random, text))
			require.GreaterOrEqual(t, code, 400)
			require.NotEqual(t, 500, code)
		}
		require.Zero(t, vendortest.GoroutinesAbove(goroutines))

		var all sync.WaitGroup
		senders := make([]*io.PipeWriter, slowSenders)
		for i := range senders {
			body, sender := io.Pipe()
			senders[i] = sender
			r := httptest.NewRequest(http.MethodPost, paths[i%len(paths)], body)
			r.ContentLength = 7 << 20
			s.forge(r)
			all.Go(func() { s.serve(r) })
		}
		synctest.Wait()

		var taken atomic.Int64
		began := time.Now()
		var orders sync.WaitGroup
		for i := range slowStarts {
			orders.Go(func() {
				if s.serve(s.order(i+1)) == 200 {
					taken.Add(1)
				}
			})
		}
		synctest.Wait()
		during := heapInUse()
		t.Logf("%d MiB of heap at the worst", (during-min(during, heap))>>20)
		require.LessOrEqual(t, during, heap+heapLimit)
		orders.Wait()
		require.Equal(t, providerTime, time.Since(began), "side by side")
		require.EqualValues(t, slowStarts, taken.Load())
		require.EqualValues(t, slowStarts+1, s.started.Load())

		for _, sender := range senders {
			_ = sender.CloseWithError(io.ErrUnexpectedEOF)
		}
		all.Wait()
		synctest.Wait()
		require.Zero(t, webhook.SharedBudget().Held())
		require.Zero(t, vendortest.GoroutinesAbove(goroutines))
		require.Equal(t, 200, s.serve(s.order(1)), "and it still answers")
	})
}
