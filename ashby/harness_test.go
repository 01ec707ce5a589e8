package ashby_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
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

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// ref is the assessment of the examples.
var ref = assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: assessmentID}

// step is one thing that a scripted Ashby does.
type step func(*http.Request) (*http.Response, error)

// answers is an HTTP answer; header alternates names and values.
func answers(status int, body string, header ...string) step {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: h, Request: r,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

// breaks is a request without an answer.
func breaks(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// seen is a request as the scripted Ashby got it.
type seen struct {
	Method, URL, Body string
	Header            http.Header
}

// script goes through its steps and stays at the last one.
type script struct {
	steps []step

	mu   sync.Mutex
	seen []seen
}

func play(steps ...step) *script { return &script{steps: steps} }

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	got := seen{Method: r.Method, URL: r.URL.String(), Header: r.Header.Clone()}
	if r.Body != nil {
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		got.Body = string(body)
	}
	s.mu.Lock()
	s.seen = append(s.seen, got)
	next := s.steps[min(len(s.seen), len(s.steps))-1]
	s.mu.Unlock()
	return next(r)
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

// example reads an example body.
func example(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return body
}

// requireSameJSON compares by meaning. Numbers are compared as written: 87.4
// must not become 87.40000000000001.
func requireSameJSON(t testing.TB, want, got []byte) {
	t.Helper()
	require.Empty(t, cmp.Diff(decoded(t, want), decoded(t, got)))
}

func decoded(t testing.TB, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value), "%s", text)
	_, err := decoder.Token()
	require.ErrorIs(t, err, io.EOF, "more than one document")
	return value
}

func requireEqual(t testing.TB, want, got any) {
	t.Helper()
	require.Empty(t, cmp.Diff(want, got))
}

func apiError(t testing.TB, err error) *assessment.APIError {
	t.Helper()
	var api *assessment.APIError
	require.True(t, errors.As(err, &api), "%T: %v", err, err)
	return api
}

// paths are the paths of the problems of a validation error, in order.
func paths(t testing.TB, err error) []string {
	t.Helper()
	var invalid *assessment.ValidationError
	require.True(t, errors.As(err, &invalid), "%T: %v", err, err)
	var all []string
	for _, p := range invalid.Problems {
		require.NotEmpty(t, p.Message, p.Path)
		all = append(all, p.Path)
	}
	return all
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

// lockedBuffer is a log that late goroutines may still write to.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
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
		Delivery: func(_ context.Context, d assessment.Delivery) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.deliveries = append(h.deliveries, d)
		},
		Drift: func(_ context.Context, d assessment.Drift) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.drift = append(h.drift, d)
		},
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

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
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
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
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
