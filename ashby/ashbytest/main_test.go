package ashbytest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
)

// exampleID is the assessment of the example bodies.
const exampleID = "3f0d5c0e-8a52-4b53-9d0a-6b7f2f3f1a10"

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

// always answers every call alike.
func always(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// provider is a correct one: idempotent per application and type.
type provider struct {
	keys     []string
	conflict bool // a second start is answered 409

	mu   sync.Mutex
	live map[string]string
	made int
}

func newProvider() *provider {
	return &provider{keys: []string{ashbytest.DefaultPartnerKey}, live: map[string]string{}}
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if !p.authentic(user) && !p.authentic(password) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var body struct {
		TypeID       string `json:"assessment_type_id"`
		AssessmentID string `json:"assessment_id"`
		Application  struct {
			ID string `json:"ashby_id"`
		} `json:"application"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, 422, `{"message":"unreadable"}`)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch path.Base(r.URL.Path) {
	case "assessment.list":
		answer(w, 200, `{"success":true,"results":[]}`)
	case "assessment.start":
		p.start(w, user+password+"/"+body.Application.ID+"/"+body.TypeID)
	case "assessment.cancel":
		for key, id := range p.live {
			if id == body.AssessmentID {
				delete(p.live, key)
			}
		}
		answer(w, 200, fmt.Sprintf(`{"success":true,"results":{"assessment_id":%q}}`, body.AssessmentID))
	default:
		answer(w, 200, `{"success":true,"fields":[]}`)
	}
}

func (p *provider) authentic(key string) bool {
	for _, known := range p.keys {
		if key == known {
			return true
		}
	}
	return false
}

func (p *provider) start(w http.ResponseWriter, key string) {
	id, running := p.live[key]
	if running && p.conflict {
		answer(w, 409, "")
		return
	}
	if !running {
		p.made++
		id = fmt.Sprintf("00000000-0000-4000-8000-%012d", p.made)
		p.live[key] = id
	}
	answer(w, 200, fmt.Sprintf(`{"success":true,"results":{"assessment_id":%q,"update_request":{"assessment_id":%q,"timestamp":1665680638489,`+
		`"assessment_status":{"identifier":"status","label":"Status","type":"string","value":"Invited"}}}}`, id, id))
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// api calls the simulator as a provider would, in process.
type api struct {
	t      *testing.T
	client *http.Client
	base   string
	key    string
	header http.Header
}

func newAPI(t *testing.T, s *ashbytest.Server) api {
	return api{
		t: t, client: s.Client(), base: ashbytest.BaseURL, key: ashbytest.DefaultAPIKey,
		header: http.Header{"User-Agent": {"example-assessments/1.0"}, "Content-Type": {"application/json"}, "Accept": {"application/json; version=1"}},
	}
}

func (a api) request(ctx context.Context, op string, body []byte) *http.Request {
	a.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/"+op, bytes.NewReader(body))
	require.NoError(a.t, err)
	if a.key != "" {
		r.SetBasicAuth(a.key, "")
	}
	for name, values := range a.header {
		r.Header[name] = values
	}
	return r
}

func (a api) send(op string, body []byte) (*http.Response, []byte, error) {
	a.t.Helper()
	response, err := a.client.Do(a.request(a.t.Context(), op, body))
	if err != nil {
		return nil, nil, err
	}
	defer func() { require.NoError(a.t, response.Body.Close()) }()
	body, err = io.ReadAll(response.Body)
	return response, body, err
}

// ok demands a success and returns the envelope.
func (a api) ok(op string, body []byte) map[string]any {
	a.t.Helper()
	response, answer, err := a.send(op, body)
	require.NoError(a.t, err)
	require.Equal(a.t, 200, response.StatusCode, "%s", answer)
	envelope := tree(a.t, answer)
	require.Equal(a.t, true, envelope["success"], "%s", answer)
	return envelope
}

// refused demands an error envelope with this status and code and returns its
// message.
func (a api) refused(status int, code, op string, body []byte) string {
	a.t.Helper()
	response, answer, err := a.send(op, body)
	require.NoError(a.t, err)
	require.Equal(a.t, status, response.StatusCode, "%s", answer)
	envelope := tree(a.t, answer)
	require.Equal(a.t, false, envelope["success"], "%s", answer)
	info, _ := envelope["errorInfo"].(map[string]any)
	require.Equal(a.t, code, info["code"], "%s", answer)
	require.Equal(a.t, response.Header.Get(ashbytest.RequestIDHeader), info["requestId"])
	message, _ := info["message"].(string)
	return message
}

// withExample returns a simulator that knows the assessment of the example bodies.
func withExample(t *testing.T, configure ...func(*ashbytest.Config)) *ashbytest.Server {
	t.Helper()
	s := ashbytest.Start(t, configure...)
	_, err := s.AddAssessment(ashbytest.Assessment{ID: exampleID})
	require.NoError(t, err)
	return s
}

func quirks(change func(*ashbytest.Quirks)) func(*ashbytest.Config) {
	return func(c *ashbytest.Config) { change(&c.Quirks) }
}

func assessment(t *testing.T, s *ashbytest.Server, id string) ashbytest.Assessment {
	t.Helper()
	a, found := s.Assessment(id)
	require.True(t, found)
	return a
}
