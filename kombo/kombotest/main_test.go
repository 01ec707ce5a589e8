package kombotest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// provider is a webhook endpoint that answers what the test says.
type provider func(body []byte) (status int, answer string)

func (p provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status, answer := p(body)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func always(status int, answer string) http.Handler {
	return provider(func([]byte) (int, string) { return status, answer })
}

// fixture is one of the documented bodies, which the package kombo reads too.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "testdata", name))
	require.NoError(t, err)
	return body
}

func tree(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal(body, &v), "%s", body)
	return v
}

// api calls the simulator as a provider would, in process.
type api struct {
	t      *testing.T
	client *http.Client
	base   string
	key    string
	header http.Header
}

func newAPI(t *testing.T, s *kombotest.Server) api {
	return api{
		t: t, client: s.Client(), base: kombotest.BaseURLEU, key: kombotest.DefaultAPIKey,
		header: http.Header{kombotest.IntegrationHeader: {kombotest.DefaultIntegration}},
	}
}

func (a api) request(ctx context.Context, op string, body []byte) *http.Request {
	a.t.Helper()
	method, path, _ := strings.Cut(op, " ")
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	require.NoError(a.t, err)
	for name, values := range a.header {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer "+a.key)
	r.Header.Set("Content-Type", "application/json")
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
func (a api) call(status int, op string, body []byte) map[string]any {
	a.t.Helper()
	response, answer, err := a.send(op, body)
	require.NoError(a.t, err)
	require.Equal(a.t, status, response.StatusCode, "%s", answer)
	return tree(a.t, answer)
}

// refused demands an error with this status and code.
func (a api) refused(status int, code, op string, body []byte) {
	a.t.Helper()
	failure, _ := a.call(status, op, body)["error"].(map[string]any)
	require.Equal(a.t, code, failure["code"], "%v", failure)
}

func place(t *testing.T, s *kombotest.Server, spec kombotest.OrderSpec, faults ...kombotest.DeliveryFault) (string, kombotest.Delivery) {
	t.Helper()
	id, d, err := s.PlaceOrder(t.Context(), spec, faults...)
	require.NoError(t, err)
	return id, d
}

func resultOp(id string) string { return "PUT /assessment/orders/" + id + "/result" }

func order(t *testing.T, s *kombotest.Server, id string) kombotest.Order {
	t.Helper()
	o, found := s.Order(id)
	require.True(t, found)
	return o
}
