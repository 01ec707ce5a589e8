package stackonetest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

const (
	account = stackonetest.DefaultAccount
	example = "8187e5da-dc77-475e-9949-af0f1fa4e4e3"
)

// provider is an endpoint that answers what the test says.
type provider func(r *http.Request, body []byte) (status int, answer string)

func (p provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status, answer := p(r, body)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func always(status int, answer string) http.Handler {
	return provider(func(*http.Request, []byte) (int, string) { return status, answer })
}

// fixture is one of the documented bodies, which the package stackone reads too.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "testdata", name))
	require.NoError(t, err)
	return body
}

// tree decodes any JSON, numbers verbatim.
func tree[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%s", body)
	return v
}

type object = map[string]any

func at(text string) func(*stackonetest.Config) {
	return func(c *stackonetest.Config) {
		c.Clock = func() time.Time {
			moment, _ := time.Parse(time.RFC3339, text)
			return moment
		}
	}
}

func linked(provider string) func(*stackonetest.Config) {
	return func(c *stackonetest.Config) {
		c.Accounts = []stackonetest.AccountSpec{{ID: account, Provider: provider}}
	}
}

func quirk(change func(*stackonetest.Quirks)) func(*stackonetest.Config) {
	return func(c *stackonetest.Config) { change(&c.Quirks) }
}

// api calls the simulator as a provider would, in process.
type api struct {
	t      *testing.T
	client *http.Client
	base   string
	header http.Header
}

func newAPI(t *testing.T, s *stackonetest.Server) api {
	return api{t: t, client: s.Client(), base: stackonetest.BaseURL, header: http.Header{
		stackonetest.AccountHeader: {account},
		"Authorization":            {basic(stackonetest.DefaultAPIKey + ":")},
		"Content-Type":             {"application/json"},
	}}
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// with sets a header; nil values remove it.
func (a api) with(name string, values ...string) api {
	a.header = a.header.Clone()
	a.header.Del(name)
	if len(values) > 0 {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	return a
}

func (a api) request(ctx context.Context, op string, body []byte) *http.Request {
	a.t.Helper()
	method, path, _ := strings.Cut(op, " ")
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	require.NoError(a.t, err)
	r.Header = a.header.Clone()
	return r
}

func (a api) send(op string, body []byte) (*http.Response, []byte, error) {
	a.t.Helper()
	response, err := a.client.Do(a.request(a.t.Context(), op, body))
	if err != nil {
		return nil, nil, err
	}
	defer func() { require.NoError(a.t, response.Body.Close()) }()
	answer, err := io.ReadAll(response.Body)
	return response, answer, err
}

// call demands an answer with this status and returns its body.
func (a api) call(status int, op string, body []byte) []byte {
	a.t.Helper()
	response, answer, err := a.send(op, body)
	require.NoError(a.t, err)
	require.Equal(a.t, status, response.StatusCode, "%s", answer)
	return answer
}

func (a api) object(status int, op string, body []byte) object {
	a.t.Helper()
	return tree[object](a.t, a.call(status, op, body))
}

func place(t *testing.T, s *stackonetest.Server, spec stackonetest.OrderSpec, faults ...stackonetest.DeliveryFault) (string, stackonetest.Delivery) {
	t.Helper()
	id, d, err := s.PlaceOrder(t.Context(), spec, faults...)
	require.NoError(t, err)
	return id, d
}

func resultOp(id string) string {
	return "PATCH /unified/ats/assessments/orders/" + url.PathEscape(id) + "/result"
}

func order(t *testing.T, s *stackonetest.Server, id string) stackonetest.Order {
	t.Helper()
	o, found := s.Order(account, id)
	require.True(t, found)
	return o
}

// TestEmbeddedExamples: what the simulator embeds lies beside it, and is what the
// package stackone reads.
func TestEmbeddedExamples(t *testing.T) {
	for _, name := range []string{
		"candidate_get.response.json", "application_get.response.json", "job_get.response.json", "job_postings_list.response.json",
		"job_postings_list.doc_example_bare_enums.response.json", "webhook.constructed.native_ats_assessments_created.json",
		"webhook.constructed.background_check_order_created.json",
	} {
		embedded, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.Equal(t, string(fixture(t, name)), string(embedded), name)
	}
}
