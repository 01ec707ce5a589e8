package fourthvendor_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
	"github.com/assessbridge/assessbridge/examples/fourthvendor"
	"github.com/assessbridge/assessbridge/webhook"
)

// provider is a company with one test, and what it keeps of those ordered.
type provider struct {
	mu        sync.Mutex
	callbacks map[assessment.OrderRef]string
	results   map[assessment.OrderRef]assessment.Result
	invited   int
}

func (*provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return []assessment.Package{{ID: "go", Name: "Go"}, {ID: "", Name: "spoiled"}}, nil
}

func (p *provider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Package.ID != "go" {
		return assessment.Started{}, assessment.Reject("We do not offer this test.")
	}
	var callback string
	if err := json.Unmarshal(o.Fields[fourthvendor.CallbackField], &callback); err != nil {
		return assessment.Started{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, again := p.callbacks[o.Ref]; !again {
		p.invited++
	}
	p.callbacks[o.Ref] = callback
	return assessment.Started{CandidateURL: "https://tests.example.com/" + o.Ref.ID}, nil
}

func (*provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func (p *provider) Callback(_ context.Context, ref assessment.OrderRef) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.callbacks[ref], nil
}

func (p *provider) Result(_ context.Context, ref assessment.OrderRef) (assessment.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, found := p.callbacks[ref]; !found {
		return assessment.Result{}, assessment.ErrNotFound
	}
	return p.results[ref], nil
}

// greenhouse plays the other side.
type greenhouse struct {
	t        *testing.T
	handler  http.Handler
	callback string
	looks    int // how often it was told to look again
	status   int // what it answers to that
}

func (g *greenhouse) RoundTrip(r *http.Request) (*http.Response, error) {
	require.Equal(g.t, http.MethodPatch, r.Method)
	require.Equal(g.t, g.callback, r.URL.String())
	g.looks++
	w := httptest.NewRecorder()
	w.WriteHeader(g.status)
	return w.Result(), nil
}

func (g *greenhouse) call(method, target, key, body string) (int, string) {
	g.t.Helper()
	r := httptest.NewRequestWithContext(g.t.Context(), method, "/greenhouse/"+target, strings.NewReader(body))
	if method == http.MethodGet {
		r = httptest.NewRequestWithContext(g.t.Context(), method, "/greenhouse/"+target, nil)
	}
	r.SetBasicAuth(key, "")
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func (g *greenhouse) order(test, email string) (int, string) {
	body, err := json.Marshal(map[string]any{
		"partner_test_id": test, "url": g.callback,
		"candidate": map[string]string{"first_name": "Jane", "last_name": "Doe", "email": email},
	})
	require.NoError(g.t, err)
	return g.call(http.MethodPost, "send_test", "key-of-acme", string(body))
}

func start(t *testing.T) (*provider, *assessment.Router, *greenhouse) {
	t.Helper()
	p := &provider{callbacks: map[assessment.OrderRef]string{}, results: map[assessment.OrderRef]assessment.Result{}}
	g := &greenhouse{t: t, callback: "https://app.greenhouse.io/take_home_tests/1", status: 200}
	store := assessment.NewMemoryStore(0)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: store})
	require.NoError(t, err)
	keys, err := inbound.NewKeys(
		webhook.Secret{ID: "acme", Key: "key-of-acme"}, webhook.Secret{ID: "globex", Key: "key-of-globex"})
	require.NoError(t, err)
	adapter, err := fourthvendor.New(fourthvendor.Config{
		Intake: intake, Tests: p, Keys: keys, CallbackHosts: []string{"app.greenhouse.io"}, Client: &http.Client{Transport: g},
	})
	require.NoError(t, err)
	g.handler = adapter
	router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{adapter}, Store: store})
	require.NoError(t, err)
	return p, router, g
}

func TestTheWholeWay(t *testing.T) {
	p, router, g := start(t)
	code, body := g.call(http.MethodGet, "list_tests", "key-of-acme", "")
	require.Equal(t, 200, code)
	require.JSONEq(t, `[{"partner_test_id":"go","partner_test_name":"Go"}]`, body)

	code, first := g.order("go", "Jane@Example.com")
	require.Equal(t, 200, code, first)
	code, again := g.order("go", " jane@example.com")
	require.Equal(t, 200, code)
	require.Equal(t, first, again, "the same order gets the same answer")
	require.Equal(t, 1, p.invited)

	ref := refOf(t, first)
	p.results[ref] = assessment.Result{
		Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(85, 100), ReportURL: "https://tests.example.com/r/1",
		Attributes: []assessment.Attribute{{Label: "Level", Value: assessment.Text("senior")}},
	}
	receipt, err := router.PublishResult(t.Context(), ref, p.results[ref])
	require.NoError(t, err)
	require.Equal(t, assessment.ResultWritten, receipt.Outcome)
	require.Equal(t, 1, g.looks)

	code, body = g.call(http.MethodGet, "test_status?partner_interview_id="+ref.ID, "key-of-acme", "")
	require.Equal(t, 200, code)
	require.JSONEq(t, `{"partner_status":"complete","partner_profile_url":"https://tests.example.com/r/1","partner_score":85,"metadata":{"Level":"senior"}}`, body)

	// After the final result the recruiter can order the same again.
	code, second := g.order("go", "jane@example.com")
	require.Equal(t, 200, code)
	require.NotEqual(t, first, second)
	require.Equal(t, 2, p.invited)
}

func refOf(t *testing.T, answer string) assessment.OrderRef {
	t.Helper()
	var wire struct {
		ID string `json:"partner_interview_id"`
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &wire))
	require.NotEmpty(t, wire.ID)
	return assessment.OrderRef{Vendor: fourthvendor.Greenhouse, Account: "acme", ID: wire.ID}
}

func TestOrderedAtOnce(t *testing.T) {
	p, _, g := start(t)
	answers := make([]string, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { _, answers[i] = g.order("go", "jane@example.com") })
	}
	all.Wait()
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	require.Equal(t, 1, p.invited)
}

func TestRefusals(t *testing.T) {
	p, _, g := start(t)
	_, taken := g.order("go", "jane@example.com")
	id := refOf(t, taken).ID
	for name, c := range map[string]struct {
		method, target, key, body string
		code                      int
	}{
		"no such call":              {"GET", "take_over", "key-of-acme", "", 404},
		"wrong key":                 {"GET", "list_tests", "key-of-nobody", "", 401},
		"wrong key for an order":    {"POST", "send_test", "key-of-nobody", "{}", 401},
		"wrong method":              {"POST", "list_tests", "key-of-acme", "", 405},
		"not JSON":                  {"POST", "send_test", "key-of-acme", "{", 400},
		"callback elsewhere":        {"POST", "send_test", "key-of-acme", `{"partner_test_id":"go","url":"https://evil.example/"}`, 400},
		"callback without https":    {"POST", "send_test", "key-of-acme", `{"partner_test_id":"go","url":"http://app.greenhouse.io/"}`, 400},
		"callback by a user's name": {"POST", "send_test", "key-of-acme", `{"partner_test_id":"go","url":"https://app.greenhouse.io@evil.example/"}`, 400},
		"unknown test":              {"GET", "test_status?partner_interview_id=x", "key-of-acme", "", 404},
		"another customer's test":   {"GET", "test_status?partner_interview_id=" + id, "key-of-globex", "", 404},
		"complaint":                 {"POST", "response_error", "key-of-acme", `{"errors":["x"]}`, 200},
		"package that is not offered": {"POST", "send_test", "key-of-acme",
			`{"partner_test_id":"c","candidate":{"email":"a@example.com"},"url":"` + g.callback + `"}`, 422},
	} {
		t.Run(name, func(t *testing.T) {
			g := &greenhouse{t: t, handler: g.handler, callback: g.callback}
			code, body := g.call(c.method, c.target, c.key, c.body)
			require.Equal(t, c.code, code, body)
		})
	}
	require.Equal(t, 1, p.invited)
}

// What Greenhouse does not take now is worth another try; the order stays closed
// until it has.
func TestPublishAgain(t *testing.T) {
	p, router, g := start(t)
	_, answer := g.order("go", "jane@example.com")
	ref := refOf(t, answer)
	p.results[ref] = assessment.Result{Status: assessment.StatusCompleted}
	g.status = http.StatusBadGateway
	_, err := router.PublishResult(t.Context(), ref, p.results[ref])
	_, retry := assessment.Retryable(err)
	require.True(t, retry)
	_, again := g.order("go", "jane@example.com")
	require.Equal(t, answer, again)
}

func TestNewRefuses(t *testing.T) {
	_, err := fourthvendor.New(fourthvendor.Config{})
	require.Error(t, err)
}
