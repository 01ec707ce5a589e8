package ashby_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/vendortest"
)

// What the tests must find again nowhere but where it belongs.
const (
	testKey    = ashbytest.DefaultAPIKey
	partnerKey = ashbytest.DefaultPartnerKey
	marker     = "adam.hart@example.com"
)

const (
	account      = "acme"
	assessmentID = "3f0d5c0e-8a52-4b53-9d0a-6b7f2f3f1a10"
	reportURL    = "https://app.example-assessments.test/reports/3f0d5c0e-8a52-4b53-9d0a-6b7f2f3f1a10"
)

// ref is the assessment of the examples.
var ref = assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: assessmentID}

// The shared harness under the names that the tests use.
type (
	step         = vendortest.Step
	seen         = vendortest.Seen
	lockedBuffer = vendortest.Log
	discard      = vendortest.Discard
)

var (
	answers         = vendortest.Answers
	breaks          = vendortest.Breaks
	errReset        = vendortest.ErrReset
	serve           = vendortest.Serve
	example         = vendortest.Example
	requireSameJSON = vendortest.SameJSON
	decoded         = vendortest.Decoded
	requireEqual    = vendortest.Equal
	apiError        = vendortest.APIError
	paths           = vendortest.Paths
)

// script is a scripted Ashby with the requests that it got.
type script struct {
	*vendortest.Script
	seen []seen
}

func play(steps ...step) *script {
	s := new(script)
	s.Script = vendortest.Play(&s.seen, steps...)
	return s
}

func (s *script) timestamps(t testing.TB) (all []int64) {
	t.Helper()
	for _, r := range s.seen {
		var body struct{ Timestamp int64 }
		require.NoError(t, json.Unmarshal([]byte(r.Body), &body))
		all = append(all, body.Timestamp)
	}
	return all
}

const written = `{"success":true}`

// newClient returns a client on a transport; the options change its config.
func newClient(t testing.TB, rt http.RoundTripper, options ...func(*ashby.Config)) *ashby.Client {
	t.Helper()
	config := ashby.Config{APIKey: testKey, HTTPClient: &http.Client{Transport: rt}}
	for _, set := range options {
		set(&config)
	}
	client, err := ashby.New(config)
	require.NoError(t, err)
	return client
}

// provider is a host of which each test sets what it does.
type provider struct {
	start    func(context.Context, assessment.Order) (assessment.Started, error)
	cancel   func(context.Context, assessment.OrderRef) error
	packages func(context.Context, assessment.PackageQuery) ([]assessment.Package, error)

	mu        sync.Mutex
	orders    []assessment.Order
	cancelled []assessment.OrderRef
	queries   []assessment.PackageQuery
}

func (p *provider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	p.mu.Lock()
	p.orders = append(p.orders, o)
	p.mu.Unlock()
	if p.start == nil {
		return assessment.Started{}, nil
	}
	return p.start(ctx, o)
}

func (p *provider) CancelOrder(ctx context.Context, r assessment.OrderRef) error {
	p.mu.Lock()
	p.cancelled = append(p.cancelled, r)
	p.mu.Unlock()
	if p.cancel == nil {
		return nil
	}
	return p.cancel(ctx, r)
}

func (p *provider) Packages(ctx context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	p.mu.Lock()
	p.queries = append(p.queries, q)
	p.mu.Unlock()
	if p.packages == nil {
		return nil, nil
	}
	return p.packages(ctx, q)
}

// refs are those of all orders, in order.
func (p *provider) refs() (all []assessment.OrderRef) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.orders {
		all = append(all, o.Ref)
	}
	return all
}

// startsWith answers every order with s.
func startsWith(s assessment.Started) *provider {
	return &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) { return s, nil }}
}

// failsWith answers every order with err.
func failsWith(err error) *provider {
	return &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
		return assessment.Started{}, err
	}}
}

// keys is an Authenticate that knows some keys, in place of a database.
func keys(known map[string]string) func(context.Context, string) (string, error) {
	return func(_ context.Context, key string) (string, error) {
		if name, ok := known[key]; ok {
			return name, nil
		}
		return "", assessment.ErrUnauthorized
	}
}

// host is a handler with everything that it reports to.
type host struct {
	provider *provider
	store    assessment.Store
	intake   *assessment.Intake
	handler  *ashby.Handler
	log      *lockedBuffer

	mu         sync.Mutex
	deliveries []assessment.Delivery
	drift      []assessment.Drift
}

type options struct {
	store  assessment.Store
	intake func(*assessment.IntakeConfig)
	config func(*ashby.HandlerConfig)
}

func newHost(t testing.TB, p *provider, o options) *host {
	t.Helper()
	if o.store == nil {
		o.store = assessment.NewMemoryStore(0)
	}
	h := &host{provider: p, store: o.store, log: &lockedBuffer{}}
	logger := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	intake := assessment.IntakeConfig{Provider: p, Store: o.store, Logger: logger}
	if o.intake != nil {
		o.intake(&intake)
	}
	var err error
	h.intake, err = assessment.NewIntake(intake)
	require.NoError(t, err)
	config := ashby.HandlerConfig{
		Intake: h.intake, Logger: logger, Observer: h.observer(),
		Authenticate: keys(map[string]string{partnerKey: account, "globex_key": "globex"}),
	}
	if o.config != nil {
		o.config(&config)
	}
	h.handler, err = ashby.NewHandler(config)
	require.NoError(t, err)
	return h
}

func (h *host) observer() assessment.Observer {
	return assessment.Observer{
		Delivery: vendortest.Into(&h.mu, &h.deliveries),
		Drift:    vendortest.Into(&h.mu, &h.drift),
	}
}

// post is a call as Ashby makes it.
func (h *host) post(operation string, body []byte, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	return serve(h.handler, request("/ashby/"+operation, body, changes...))
}

func request(path string, body []byte, changes ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(partnerKey, "")
	for _, change := range changes {
		change(r)
	}
	return r
}

func withKey(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

// delivered is the one delivery that was reported.
func (h *host) delivered(t testing.TB) assessment.Delivery {
	t.Helper()
	require.Len(t, h.deliveries, 1, "every delivery is reported exactly once")
	return h.deliveries[0]
}

func minimal(t testing.TB) []byte { return example(t, "assessment-start.request.minimal.json") }

// startedID is the id in a successful answer to a start or cancel.
func startedID(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	require.Equal(t, 200, w.Code, w.Body.String())
	var got struct {
		Success bool
		Results struct {
			AssessmentID string `json:"assessment_id"`
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	require.True(t, got.Success, w.Body.String())
	require.NotEmpty(t, got.Results.AssessmentID)
	return got.Results.AssessmentID
}

func cancelBody(id string) []byte { return []byte(`{"assessment_id":"` + id + `"}`) }

// requireFailure wants the error envelope with all its members.
func requireFailure(t testing.TB, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	media, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "application/json", media)
	got, ok := decoded(t, w.Body.Bytes()).(map[string]any)
	require.True(t, ok)
	require.Equal(t, false, got["success"])
	require.Equal(t, []any{code}, got["errors"])
	info, ok := got["errorInfo"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, code, info["code"])
	require.NotEmpty(t, info["message"])
	require.Len(t, got, 3)
}

// replaced makes a start for another person of the same body.
func replaced(body []byte, pairs ...string) []byte {
	return []byte(strings.NewReplacer(pairs...).Replace(string(body)))
}

func ptr[T any](v T) *T { return &v }

type jsonRaw = json.RawMessage

// at is a time of the examples.
func at(ms int64) time.Time { return time.UnixMilli(ms) }
