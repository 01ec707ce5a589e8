package ashby_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/webhook"
)

func TestNewHandlerRefuses(t *testing.T) {
	good := newHost(t, &provider{}, options{})
	authenticate := keys(nil)
	fields := func(fields ...ashby.FieldSpec) ashby.HandlerConfig {
		return ashby.HandlerConfig{Intake: good.intake, Authenticate: authenticate, Fields: fields}
	}
	for name, config := range map[string]ashby.HandlerConfig{
		"no intake":         {Authenticate: authenticate},
		"no authenticate":   {Intake: good.intake},
		"negative deadline": {Intake: good.intake, Authenticate: authenticate, Deadline: -1},
		"negative maximum":  {Intake: good.intake, Authenticate: authenticate, MaxBody: -1},
		"fields twice": {Intake: good.intake, Authenticate: authenticate, Fields: []ashby.FieldSpec{}, FieldsFor: func(context.Context, string) ([]ashby.FieldSpec, error) {
			return nil, nil
		}},
		"another client": {
			Intake: good.intake, Authenticate: authenticate, Connection: "us",
			Client: newClient(t, play(answers(200, written)), func(c *ashby.Config) { c.Connection = "eu" }),
		},
		"field without an id":    fields(ashby.FieldSpec{Name: "n", Type: ashby.FieldString}),
		"field without a name":   fields(ashby.FieldSpec{ID: "i", Type: ashby.FieldString}),
		"field without a type":   fields(ashby.FieldSpec{ID: "i", Name: "n"}),
		"field with a NUL":       fields(ashby.FieldSpec{ID: "i", Name: "n\x00", Type: ashby.FieldDate}),
		"field with odd bytes":   fields(ashby.FieldSpec{ID: "i\xff", Name: "n", Type: ashby.FieldDate}),
		"option with a NUL":      fields(ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldSelect, Options: []ashby.FieldOption{{Key: "k", Value: "v\x00"}}}),
		"field twice":            fields(ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldDate}, ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldDate}),
		"select without options": fields(ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldSelect}),
		"options of a text":      fields(ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldString, Options: []ashby.FieldOption{{Key: "k", Value: "v"}}}),
		"option without a key":   fields(ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldMultiSelect, Options: []ashby.FieldOption{{Value: "v"}}}),
		"option without a value": fields(ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldMultiSelect, Options: []ashby.FieldOption{{Key: "k"}}}),
		"option twice":           fields(ashby.FieldSpec{ID: "i", Name: "n", Type: ashby.FieldSelect, Options: []ashby.FieldOption{{Key: "k", Value: "v"}, {Key: "k", Value: "w"}}}),
	} {
		t.Run(name, func(t *testing.T) {
			handler, err := ashby.NewHandler(config)
			require.Error(t, err)
			require.Nil(t, handler)
		})
	}
}

func TestRefusedCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		operation, body string
		change          func(*http.Request)
		status          int
		code            string
	}{
		"GET":               {"assessment.start", "", func(r *http.Request) { r.Method = "GET" }, 405, "method_not_allowed"},
		"HEAD":              {"assessment.list", "", func(r *http.Request) { r.Method = "HEAD" }, 405, "method_not_allowed"},
		"PUT":               {"assessment.cancel", "{}", func(r *http.Request) { r.Method = "PUT" }, 405, "method_not_allowed"},
		"unknown":           {"assessment.update", "{}", nil, 404, "operation_not_found"},
		"no name":           {"", "{}", nil, 404, "operation_not_found"},
		"other case":        {"Assessment.Start", "{}", nil, 404, "operation_not_found"},
		"no custom fields":  {"assessment.customField.list", "{}", nil, 404, "operation_not_found"},
		"too large":         {"assessment.start", strings.Repeat(" ", 8<<20+1), nil, 413, "body_too_large"},
		"too large, no key": {"assessment.list", strings.Repeat(" ", 8<<20+1), withoutKey, 401, "unauthorized"},
		"compressed":        {"assessment.list", "{}", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415, "content_encoding_not_supported"},
		"no key":            {"assessment.start", "{}", withoutKey, 401, "unauthorized"},
		"empty key":         {"assessment.start", "{}", withKey("", ""), 401, "unauthorized"},
		"wrong key":         {"assessment.cancel", "{}", withKey("wrong", ""), 401, "unauthorized"},
		"wrong twice":       {"assessment.list", "{}", withKey("wrong", "wronger"), 401, "unauthorized"},
		"bearer":            {"assessment.list", "{}", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+partnerKey) }, 401, "unauthorized"},
		"bad base64":        {"assessment.list", "{}", func(r *http.Request) { r.Header.Set("Authorization", "Basic %") }, 401, "unauthorized"},
		"no JSON":           {"assessment.start", `{"candidate":{"email":"` + marker + `"`, nil, 400, "invalid_input"},
		"two documents":     {"assessment.start", `{"assessment_type_id":"t","candidate":{"email":"a"}}{}`, nil, 400, "invalid_input"},
		"empty":             {"assessment.start", ``, nil, 400, "invalid_input"},
		"null":              {"assessment.start", `null`, nil, 400, "invalid_input"},
		"array":             {"assessment.start", `[]`, nil, 400, "invalid_input"},
		"no package":        {"assessment.start", `{"candidate":{"email":"` + marker + `"}}`, nil, 400, "invalid_input"},
		"truth as package":  {"assessment.start", `{"assessment_type_id":true,"candidate":{"email":"` + marker + `"}}`, nil, 400, "invalid_input"},
		"odd candidate id":  {"assessment.start", `{"assessment_type_id":"t","candidate":{"ashby_id":["` + marker + `"]}}`, nil, 400, "invalid_input"},
		"no candidate":      {"assessment.start", `{"assessment_type_id":"t","application":{"ashby_id":"a"}}`, nil, 400, "invalid_input"},
		"name only":         {"assessment.start", `{"assessment_type_id":"t","candidate":{"first_name":"Adam"}}`, nil, 400, "invalid_input"},
		"cancel nothing":    {"assessment.cancel", `{}`, nil, 400, "invalid_input"},
		"cancel null":       {"assessment.cancel", `{"assessment_id":null}`, nil, 400, "invalid_input"},
		"cancel an object":  {"assessment.cancel", `{"assessment_id":{"id":7}}`, nil, 400, "invalid_input"},
		"cancel no JSON":    {"assessment.cancel", `x`, nil, 400, "invalid_input"},
		"body broke off": {"assessment.start", "{}", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("{"), errorReader{io.ErrUnexpectedEOF})), -1
		}, 400, "invalid_input"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, options{})
			change := tc.change
			if change == nil {
				change = func(*http.Request) {}
			}
			w := h.post(tc.operation, []byte(tc.body), change)
			requireFailure(t, w, tc.status, tc.code)
			require.Equal(t, tc.status == 405, w.Header().Get("Allow") == "POST")
			require.Equal(t, tc.status == 401, strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic realm="))
			require.Empty(t, h.provider.orders)
			require.Empty(t, h.provider.cancelled)
			d := h.delivered(t)
			require.Equal(t, assessment.DeliveryRefused, d.Outcome)
			require.Equal(t, tc.status, d.StatusCode)
			require.Error(t, d.Err)
			for _, secret := range []string{marker, partnerKey, "Adam", "wrong"} {
				require.NotContains(t, h.log.String()+w.Body.String(), secret)
			}
		})
	}
}

func withoutKey(r *http.Request) { r.Header.Del("Authorization") }

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// The handler looks at the last element of the path only.
func TestMounts(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	mux := http.NewServeMux()
	mux.Handle("/", h.handler)
	mux.Handle("POST /hooks/ashby/{operation}", h.handler)
	mux.Handle("/v1/partners/", http.StripPrefix("/v1/partners", h.handler))
	mux.Handle("POST /ashby/{tenant}/{operation}/{$}", h.handler)
	for path, status := range map[string]int{
		"/assessment.list":                      200,
		"/assessment.list/":                     200,
		"/deep/er/assessment.list":              200,
		"/hooks/ashby/assessment.list":          200,
		"/v1/partners/assessment.list":          200,
		"/v1/partners/webhook/assessment.list/": 200,
		"/ashby/acme/assessment.list/":          200,
		"/hooks/ashby/assessment.lists":         404,
		"/assessment.list/x":                    404,
		"/":                                     404,
	} {
		t.Run(path, func(t *testing.T) {
			require.Equal(t, status, serve(mux, request(path, nil)).Code)
		})
	}
	require.Equal(t, 405, serve(mux, httptest.NewRequest(http.MethodGet, "/assessment.list", nil)).Code)
	bare := httptest.NewRequest(http.MethodPost, "/", nil)
	bare.URL.Path = ""
	require.Equal(t, 404, serve(h.handler, bare).Code)
}

func TestEatenBody(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	r := request("/assessment.start", minimal(t))
	_, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	requireFailure(t, serve(h.handler, r), 500, "internal_error")
	require.ErrorIs(t, h.delivered(t).Err, webhook.ErrBodyConsumed)
}

func TestMaxBody(t *testing.T) {
	body := minimal(t)
	for limit, want := range map[int64]int{int64(len(body)): 200, int64(len(body)) - 1: 413} {
		h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) { c.MaxBody = limit }})
		require.Equal(t, want, h.post("assessment.start", body).Code)
	}
}

// Nothing of a candidate and no key gets into a log or an observer.
func TestSilence(t *testing.T) {
	h := newHost(t, failsWith(errors.New("x")), options{})
	for _, operation := range []string{"assessment.start", "assessment.cancel", "assessment.list", "assessment.customField.list"} {
		h.post(operation, example(t, "assessment-start.request.with-additional-fields.json"))
		h.post(operation, bytes.ToUpper(minimal(t)))
	}
	for _, text := range []string{h.log.String(), fmt.Sprintf("%+v %+v", h.deliveries, h.drift)} {
		for _, secret := range []string{marker, strings.ToUpper(marker), "Hart", "Joey", "Software Engineer", partnerKey, "eng\""} {
			require.NotContains(t, text, secret)
		}
	}
}

// A base URL with a slash at its end may bring about a path with two of them. A
// ServeMux redirects there, and the caller of a POST need not follow.
func TestTwoSlashes(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	mux := http.NewServeMux()
	mux.Handle("/ashby/", h.handler)
	w := serve(mux, request("/ashby//assessment.list", nil))
	require.Equal(t, 3, w.Code/100)
	require.Equal(t, "/ashby/assessment.list", w.Header().Get("Location"))
	require.Equal(t, 200, serve(h.handler, request("/ashby//assessment.list", nil)).Code)
}
