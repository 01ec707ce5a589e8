package ashby_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
		"no intake":        {Authenticate: authenticate},
		"no authenticate":  {Intake: good.intake},
		"negative maximum": {Intake: good.intake, Authenticate: authenticate, MaxBody: -1},
		"fields twice": {Intake: good.intake, Authenticate: authenticate, Fields: []ashby.FieldSpec{}, FieldsFor: func(context.Context, string) ([]ashby.FieldSpec, error) {
			return nil, nil
		}},
		"another client": {
			Intake: good.intake, Authenticate: authenticate,
			Client: newClient(t, play(answers(200, written)), func(c *ashby.Config) { c.Connection = "eu" }),
		},
		"field without an id":    fields(ashby.FieldSpec{Name: "n", Type: ashby.FieldString}),
		"field without a name":   fields(ashby.FieldSpec{ID: "i", Type: ashby.FieldString}),
		"field without a type":   fields(ashby.FieldSpec{ID: "i", Name: "n"}),
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

// wantOrder is what the minimal start says.
func wantOrder(ref assessment.OrderRef, raw []byte) assessment.Order {
	return assessment.Order{
		Ref: ref, Package: assessment.Package{ID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e"}, ATS: "ashby",
		Candidate: assessment.Candidate{
			RemoteID: "5b591aed-88e3-4395-b9c6-7d529f93354a", FirstName: "Adam", LastName: "Hart", Email: marker,
			ProfileURL: "https://app.ashbyhq.com/candidate-searches/new/right-side/candidates/5b591aed-88e3-4395-b9c6-7d529f93354a",
		},
		Application: assessment.Application{RemoteID: "3ae2b801-19f6-41ef-ad28-214bd731948f", Status: "Active"},
		Job: assessment.Job{
			RemoteID: "2c6991c5-c9e2-4af8-879e-29c5a9d26509", Name: "Software Engineer",
			URL: "https://app.ashbyhq.com/jobs/2c6991c5-c9e2-4af8-879e-29c5a9d26509",
		},
		Raw: raw,
	}
}

// TestStartExamples decodes each documented start to its full value.
func TestStartExamples(t *testing.T) {
	full := func(o *assessment.Order) {
		o.Job.Code = "REQ-1042"
		o.Job.HiringTeam = []assessment.TeamMember{
			{RemoteID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e", FirstName: "Joey", LastName: "Joe", Email: "test@ashbyhq.com", Roles: []assessment.Role{"Hiring Manager"}},
			{RemoteID: "a0c1b2d3-1111-4222-8333-444455556666", FirstName: "Robin", LastName: "Ray", Email: "recruiter@example.com", Roles: []assessment.Role{"Recruiter"}},
		}
	}
	for file, change := range map[string]func(*assessment.Order){
		"assessment-start.request.minimal.json": func(*assessment.Order) {},
		"assessment-start.request.full.json":    full,
		"assessment-start.request.with-additional-fields.json": func(o *assessment.Order) {
			full(o)
			o.Fields = map[string]json.RawMessage{"department": json.RawMessage(`"eng"`)}
		},
	} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) { c.Connection = "partner-2" }})
				raw := example(t, file)
				w := h.post("assessment.start", raw)
				id := startedID(t, w)
				// No update_request: there was nothing to say.
				requireSameJSON(t, replaced(example(t, "assessment-start.response.minimal.json"), assessmentID, id), w.Body.Bytes())
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))

				ref := assessment.OrderRef{Vendor: assessment.Ashby, Connection: "partner-2", Account: account, ID: id}
				want := wantOrder(ref, raw)
				want.ReceivedAt = time.Now().UTC()
				change(&want)
				requireEqual(t, []assessment.Order{want}, h.provider.orders)
				requireEqual(t, assessment.Delivery{
					Vendor: assessment.Ashby, Connection: "partner-2", Account: account, Order: ref, Event: "assessment.start",
					Outcome: assessment.DeliveryAccepted, StatusCode: 200,
				}, h.delivered(t))
				require.Empty(t, h.log.String())
				require.Empty(t, h.drift)
			})
		})
	}
}

// Nothing but the package and the candidate has to be there.
func TestLenientStart(t *testing.T) {
	const base = `"assessment_type_id":"t","candidate":{"ashby_id":"c"}`
	for name, tc := range map[string]struct {
		body  string
		want  func(*assessment.Order)
		drift []assessment.Drift
	}{
		"least":      {`{` + base + `}`, func(*assessment.Order) {}, nil},
		"email only": {`{"assessment_type_id":"t","candidate":{"email":"a@b"}}`, func(o *assessment.Order) { o.Candidate = assessment.Candidate{Email: "a@b"} }, nil},
		"nulls": {
			`{` + base + `,"application":null,"job":{"req_id":null,"hiringTeam":null,"name":null},"additional_fields":null}`,
			func(*assessment.Order) {}, nil,
		},
		"unknown members": {`{` + base + `,"new":{"a":[1]},"job":{"x":1}}`, func(*assessment.Order) {}, nil},
		"fields of every kind": {
			`{` + base + `,"additional_fields":{"a":null,"b":[1, 2],"c":{"x":1.50},"d":""}}`,
			func(o *assessment.Order) {
				o.Fields = map[string]json.RawMessage{
					"a": json.RawMessage(`null`), "b": json.RawMessage(`[1, 2]`), "c": json.RawMessage(`{"x":1.50}`), "d": json.RawMessage(`""`),
				}
			}, nil,
		},
		"no fields": {`{` + base + `,"additional_fields":{}}`, func(*assessment.Order) {}, nil},
		"unknown status": {
			`{` + base + `,"application":{"ashby_id":"a","status":"IN_REVIEW"}}`,
			func(o *assessment.Order) { o.Application = assessment.Application{RemoteID: "a", Status: "IN_REVIEW"} },
			[]assessment.Drift{{Field: "application.status", Value: "IN_REVIEW"}},
		},
		"other types": {
			`{"job":{"name":7,"ashby_id":"j","hiringTeam":{"a":1}},"additional_fields":[],` + base + `}`,
			func(o *assessment.Order) { o.Job.RemoteID = "j" },
			[]assessment.Drift{{Field: "job.name"}},
		},
		"empty member of the team": {
			`{` + base + `,"job":{"hiringTeam":[null,{"role":"Vp of Äpfel"}]}}`,
			func(o *assessment.Order) {
				o.Job.HiringTeam = []assessment.TeamMember{{}, {Roles: []assessment.Role{"Vp of Äpfel"}}}
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, &provider{}, options{})
				id := startedID(t, h.post("assessment.start", []byte(tc.body)))
				want := assessment.Order{
					Ref:     assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: id},
					Package: assessment.Package{ID: "t"}, ATS: "ashby", Candidate: assessment.Candidate{RemoteID: "c"},
					ReceivedAt: time.Now().UTC(), Raw: []byte(tc.body),
				}
				tc.want(&want)
				requireEqual(t, []assessment.Order{want}, h.provider.orders)
				for i := range tc.drift {
					tc.drift[i].Vendor, tc.drift[i].Account, tc.drift[i].Event = assessment.Ashby, account, "assessment.start"
				}
				requireEqual(t, tc.drift, h.drift)
			})
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
		"too large":         {"assessment.start", strings.Repeat(" ", 1<<20+1), nil, 413, "body_too_large"},
		"too large, no key": {"assessment.list", strings.Repeat(" ", 1<<20+1), withoutKey, 413, "body_too_large"},
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
		"number as package": {"assessment.start", `{"assessment_type_id":7,"candidate":{"email":"` + marker + `"}}`, nil, 400, "invalid_input"},
		"no candidate":      {"assessment.start", `{"assessment_type_id":"t","application":{"ashby_id":"a"}}`, nil, 400, "invalid_input"},
		"name only":         {"assessment.start", `{"assessment_type_id":"t","candidate":{"first_name":"Adam"}}`, nil, 400, "invalid_input"},
		"cancel nothing":    {"assessment.cancel", `{}`, nil, 400, "invalid_input"},
		"cancel null":       {"assessment.cancel", `{"assessment_id":null}`, nil, 400, "invalid_input"},
		"cancel a number":   {"assessment.cancel", `{"assessment_id":7}`, nil, 400, "invalid_input"},
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

// Ashby does not document which half of the credentials holds the key.
func TestAuthentication(t *testing.T) {
	down := errors.New("database of keys down: " + marker)
	asked := func(answer map[string]error) (func(context.Context, string) (string, error), *[]string) {
		var all []string
		return func(_ context.Context, key string) (string, error) {
			all = append(all, key)
			err, known := answer[key]
			if !known {
				return "", fmt.Errorf("no such key: %w", assessment.ErrUnauthorized)
			}
			if err != nil {
				return "", err
			}
			return "name of " + key, nil
		}, &all
	}
	for name, tc := range map[string]struct {
		user, password string
		known          map[string]error
		status         int
		account        string
		asked          []string
	}{
		"user name":             {"k", "", map[string]error{"k": nil}, 200, "name of k", []string{"k"}},
		"user name first":       {"k", "l", map[string]error{"k": nil, "l": nil}, 200, "name of k", []string{"k"}},
		"password":              {"", "l", map[string]error{"l": nil}, 200, "name of l", []string{"l"}},
		"password on refusal":   {"k", "l", map[string]error{"l": nil}, 200, "name of l", []string{"k", "l"}},
		"both refused":          {"k", "l", nil, 401, "", []string{"k", "l"}},
		"the same twice":        {"k", "k", nil, 401, "", []string{"k"}},
		"neither":               {"", "", nil, 401, "", nil},
		"database down":         {"k", "l", map[string]error{"k": down, "l": nil}, 503, "", []string{"k"}},
		"down for the password": {"k", "l", map[string]error{"l": down}, 503, "", []string{"k", "l"}},
	} {
		for _, operation := range []string{"assessment.start", "assessment.list", "assessment.cancel", "customFields.fetch"} {
			t.Run(name+" "+operation, func(t *testing.T) {
				authenticate, all := asked(tc.known)
				h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
					c.Authenticate, c.Fields = authenticate, []ashby.FieldSpec{}
				}})
				body := minimal(t)
				if operation == "assessment.cancel" {
					body = cancelBody("1")
				}
				w := h.post(operation, body, withKey(tc.user, tc.password))
				require.Equal(t, tc.status, w.Code)
				require.Equal(t, tc.asked, *all)
				require.Equal(t, tc.account, h.delivered(t).Account)
				require.Equal(t, tc.status == 503, w.Header().Get("Retry-After") != "")
				require.Equal(t, tc.status == 401, w.Header().Get("WWW-Authenticate") != "")
				require.NotContains(t, w.Body.String(), marker)
			})
		}
	}
	t.Run("an empty account is nobody", func(t *testing.T) {
		h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
			c.Authenticate = func(context.Context, string) (string, error) { return "", nil }
		}})
		requireFailure(t, h.post("assessment.start", minimal(t)), 401, "unauthorized")
	})
}

func TestList(t *testing.T) {
	p := &provider{packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
		return []assessment.Package{
			{ID: "e9ed20fd-d45f-4aad-8a00-a19bfba0083e", Name: "Node Assessment", Description: "90 minute backend exercise in Node.js", Type: assessment.SkillsTest},
			{ID: "38430ede-5bd2-41fc-b474-87591cb98cbc", Name: "Reference check"},
		}, nil
	}}
	for name, body := range map[string]string{
		"documented": string(example(t, "assessment-list.request.json")), "empty": "", "object": `{"new":[1]}`, "anything": "x",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, p, options{config: func(c *ashby.HandlerConfig) { c.Connection = "c" }})
			w := h.post("assessment.list", []byte(body))
			require.Equal(t, 200, w.Code)
			requireSameJSON(t, example(t, "assessment-list.response.json"), w.Body.Bytes())
			require.Equal(t, assessment.PackageQuery{Vendor: assessment.Ashby, Connection: "c", Account: account, ATS: "ashby"}, p.queries[len(p.queries)-1])
			require.Equal(t, assessment.DeliveryHandled, h.delivered(t).Outcome)
		})
	}
	t.Run("none", func(t *testing.T) {
		w := newHost(t, &provider{}, options{}).post("assessment.list", nil)
		require.Equal(t, `{"success":true,"results":[]}`, w.Body.String())
	})
	t.Run("incomplete", func(t *testing.T) {
		h := newHost(t, &provider{packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
			return []assessment.Package{{Name: "No id"}, {ID: "only"}}, nil
		}}, options{})
		require.Equal(t, `{"success":true,"results":[{"assessment_type_id":"only","name":"only"}]}`, h.post("assessment.list", nil).Body.String())
		require.Contains(t, h.log.String(), "without an id")
	})
}

// Faults of all but a start are 200 with the error envelope.
func TestFaultsUnder200(t *testing.T) {
	boom := errors.New("boom " + marker)
	failing := &provider{
		packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { return nil, boom },
		cancel:   func(context.Context, assessment.OrderRef) error { return boom },
	}
	panicking := &provider{
		packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { panic(marker) },
		cancel:   func(context.Context, assessment.OrderRef) error { panic(marker) },
	}
	rejecting := &provider{cancel: func(context.Context, assessment.OrderRef) error { return assessment.Reject("no: " + marker) }}
	fieldsFor := func(fields []ashby.FieldSpec, err error) func(*ashby.HandlerConfig) {
		return func(c *ashby.HandlerConfig) {
			c.FieldsFor = func(context.Context, string) ([]ashby.FieldSpec, error) { return fields, err }
		}
	}
	for name, tc := range map[string]struct {
		operation string
		provider  *provider
		options   options
		code      string
	}{
		"list":            {"assessment.list", failing, options{}, "internal_error"},
		"list panics":     {"assessment.list", panicking, options{}, "internal_error"},
		"cancel":          {"assessment.cancel", failing, options{}, "internal_error"},
		"cancel panics":   {"assessment.cancel", panicking, options{}, "internal_error"},
		"cancel rejected": {"assessment.cancel", rejecting, options{}, "internal_error"},
		"store down":      {"assessment.cancel", &provider{}, options{store: failingStore{}}, "temporarily_unavailable"},
		"fields":          {"assessment.customField.list", &provider{}, options{config: fieldsFor(nil, boom)}, "internal_error"},
		"wrong fields":    {"assessment.customField.list", &provider{}, options{config: fieldsFor([]ashby.FieldSpec{{ID: "x"}}, nil)}, "internal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, tc.provider, tc.options)
			w := h.post(tc.operation, cancelBody(assessmentID))
			requireFailure(t, w, 200, tc.code)
			require.Empty(t, w.Header().Get("Retry-After"))
			require.NotContains(t, w.Body.String(), "boom")
			require.NotContains(t, w.Body.String(), marker)
			d := h.delivered(t)
			require.Equal(t, assessment.DeliveryFault, d.Outcome)
			require.Equal(t, 200, d.StatusCode)
			require.Error(t, d.Err)
			require.Contains(t, h.log.String(), "level=ERROR")
		})
	}
	// The documented envelope, which is the shape of ours.
	var documented map[string]any
	require.NoError(t, json.Unmarshal(example(t, "assessment-cancel.response.error.json"), &documented))
	require.Equal(t, []any{"assessment_not_found"}, documented["errors"])
	require.Contains(t, documented["errorInfo"], "code")
}

// failingStore is a store that is down.
type failingStore struct{ assessment.Store }

func (failingStore) Claim(context.Context, assessment.Claim, time.Duration) (assessment.Claim, error) {
	return assessment.Claim{}, errors.New("connection refused")
}

func (failingStore) Forget(context.Context, assessment.OrderRef) error {
	return errors.New("connection refused")
}

// Faults of a start are 5xx, and never the 422 that a recruiter reads as a no.
func TestStartFaults(t *testing.T) {
	var typedNil *assessment.Rejection
	invalid := &assessment.ValidationError{Problems: []assessment.Problem{{Path: "x", Message: "y"}}}
	for name, tc := range map[string]struct {
		provider *provider
		store    assessment.Store
		status   int
		calls    int
	}{
		"error":             {provider: failsWith(errors.New("database down")), status: 500, calls: 2},
		"looks like a 422":  {provider: failsWith(&assessment.APIError{StatusCode: 422, Class: assessment.ErrInvalid}), status: 500, calls: 2},
		"validation error":  {provider: failsWith(invalid), status: 500, calls: 2},
		"nil rejection":     {provider: failsWith(typedNil), status: 500, calls: 2},
		"looks like in use": {provider: failsWith(assessment.ErrConflict), status: 500, calls: 2},
		"panic": {provider: &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			panic(marker)
		}}, status: 500, calls: 2},
		"store down": {provider: &provider{}, store: failingStore{}, status: 503},
		"store full": {provider: &provider{}, store: fullStore(t), status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, tc.provider, options{store: tc.store})
			for range 2 {
				w := h.post("assessment.start", minimal(t))
				code := "internal_error"
				if tc.status == 503 {
					code = "temporarily_unavailable"
				}
				requireFailure(t, w, tc.status, code)
				require.Equal(t, tc.status == 503, w.Header().Get("Retry-After") != "")
				require.NotContains(t, w.Body.String(), "database")
			}
			refs := h.provider.refs()
			require.Len(t, refs, tc.calls)
			if tc.calls == 2 {
				require.Equal(t, refs[0], refs[1], "the same order, so the same Ref")
			}
			require.Equal(t, assessment.DeliveryFault, h.deliveries[0].Outcome)
			require.NotContains(t, h.log.String(), marker)
		})
	}
}

func fullStore(t testing.TB) assessment.Store {
	t.Helper()
	store := assessment.NewMemoryStore(1)
	_, err := store.Claim(t.Context(), assessment.Claim{Key: "k", Ref: assessment.OrderRef{ID: "x"}, Token: "t"}, time.Hour)
	require.NoError(t, err)
	return store
}

func TestDrainingAnswersLater(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	require.NoError(t, h.intake.Drain(t.Context()))
	w := h.post("assessment.start", minimal(t))
	requireFailure(t, w, 503, "temporarily_unavailable")
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

// Who answers late is answered for at the next delivery, and starts one test.
func TestSlowProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			<-time.After(time.Minute) // deaf to its context
			return assessment.Started{}, nil
		}}, options{})
		began := time.Now()
		requireFailure(t, h.post("assessment.start", minimal(t)), 503, "temporarily_unavailable")
		require.Equal(t, assessment.DefaultDeadline, time.Since(began))
		requireFailure(t, h.post("assessment.start", minimal(t)), 503, "temporarily_unavailable")
		<-time.After(time.Minute)
		id := startedID(t, h.post("assessment.start", minimal(t)))
		require.Equal(t, assessment.DeliveryReplayed, h.deliveries[2].Outcome)
		require.Len(t, h.provider.refs(), 1)
		require.Equal(t, id, h.provider.refs()[0].ID)
	})
}

// A process that dies between the provider's yes and the answer leaves a claim
// behind. After its lease the order is taken over, under the same Ref.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := assessment.NewMemoryStore(0)
		dead := newHost(t, &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, nil // it has committed
		}}, options{store: deaf{store}, intake: func(c *assessment.IntakeConfig) { c.Lease = 20 * time.Second }})
		ctx, hangUp := context.WithTimeout(t.Context(), time.Second)
		defer hangUp()
		w := dead.post("assessment.start", minimal(t), func(r *http.Request) { *r = *r.WithContext(ctx) })
		require.Equal(t, 503, w.Code)
		<-time.After(time.Minute)

		alive := newHost(t, &provider{}, options{store: store})
		id := startedID(t, alive.post("assessment.start", minimal(t)))
		require.Equal(t, dead.provider.refs(), alive.provider.refs())
		require.Equal(t, id, alive.provider.refs()[0].ID)
	})
}

// deaf stores claims but no answers, as if the process had died.
type deaf struct{ assessment.Store }

func (deaf) Answer(context.Context, assessment.Claim) error { return errors.New("connection refused") }
func (deaf) Expire(context.Context, assessment.Claim) error { return errors.New("connection refused") }
func (d deaf) Forget(context.Context, assessment.OrderRef) error {
	return errors.New("connection refused")
}
func (d deaf) Erase(ctx context.Context, r assessment.OrderRef) error { return d.Store.Erase(ctx, r) }

// A provider that fails after it has committed is asked again under the same Ref,
// so that it can tell.
func TestFaultAfterTheProviderCommitted(t *testing.T) {
	committed := map[string]int{}
	h := newHost(t, &provider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
		committed[o.Ref.ID]++
		if committed[o.Ref.ID] == 1 {
			return assessment.Started{}, errors.New("the mail server is down")
		}
		return assessment.Started{}, nil
	}}, options{})
	requireFailure(t, h.post("assessment.start", minimal(t)), 500, "internal_error")
	id := startedID(t, h.post("assessment.start", minimal(t)))
	require.Equal(t, map[string]int{id: 2}, committed)
}

func TestRejected(t *testing.T) {
	const message = "This test is retired. Pick another assessment for this stage."
	for name, no := range map[string]error{
		"rejected": assessment.Reject(message),
		"wrapped":  fmt.Errorf("start: %w", assessment.Reject(message)),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, failsWith(no), options{})
			for range 2 {
				w := h.post("assessment.start", minimal(t))
				require.Equal(t, 422, w.Code)
				require.Equal(t, "application/json", w.Header().Get("Content-Type"))
				requireSameJSON(t, example(t, "assessment-start.response.422.json"), w.Body.Bytes())
			}
			// The recruiter mends the data and starts again: that is asked anew.
			refs := h.provider.refs()
			require.Len(t, refs, 2)
			require.NotEqual(t, refs[0].ID, refs[1].ID)
			require.Equal(t, assessment.DeliveryRejected, h.deliveries[0].Outcome)
			require.NoError(t, h.deliveries[0].Err)
			require.NotContains(t, h.log.String(), "retired")
		})
	}
	t.Run("already running", func(t *testing.T) {
		h := newHost(t, failsWith(assessment.AlreadyRunning("Adam takes it already.")), options{})
		w := h.post("assessment.start", minimal(t))
		requireFailure(t, w, 409, "assessment_already_running")
		require.Contains(t, w.Body.String(), "Adam takes it already.")
		require.Equal(t, assessment.DeliveryRejected, h.delivered(t).Outcome)
	})
}

// The first update goes with the answer.
func TestUpdateRequest(t *testing.T) {
	documented := example(t, "assessment-start.response.with-update-request.json")
	update := &assessment.Result{
		Status: assessment.StatusOpen, StatusText: "Invitation sent",
		Attributes: []assessment.Attribute{{ID: "eta", Label: "Expected time to complete", Value: assessment.Elapsed(90 * time.Minute)}},
	}
	broken := &assessment.Result{Status: assessment.StatusOpen, Attributes: []assessment.Attribute{{ID: "status", Label: marker, Value: assessment.Text(marker)}}}
	statusOf := func(text string) string { return status(text) }
	for name, tc := range map[string]struct {
		started assessment.Started
		want    string // members of the update after id and timestamp; empty: no update
		log     string
	}{
		"nothing":          {assessment.Started{CandidateURL: "https://example.com/secret"}, "", ""},
		"report only":      {assessment.Started{ReportURL: reportURL}, statusOf("Invited") + "," + profile(), ""},
		"update only":      {assessment.Started{Update: &assessment.Result{Status: assessment.StatusInProgress}}, statusOf("Started"), ""},
		"no status":        {assessment.Started{Update: &assessment.Result{StatusText: "Sent"}}, statusOf("Sent"), ""},
		"its own report":   {assessment.Started{ReportURL: "https://example.com/other", Update: &assessment.Result{ReportURL: reportURL}}, statusOf("Invited") + "," + profile(), ""},
		"invalid":          {assessment.Started{Update: broken}, "", "first update left out"},
		"invalid, report":  {assessment.Started{Update: broken, ReportURL: reportURL}, statusOf("Invited") + "," + profile(), "first update left out"},
		"invalid report":   {assessment.Started{Update: update, ReportURL: "x"}, statusOf("Invitation sent") + "," + metadata(datum("eta", "Expected time to complete", "numeric_duration_minutes", "90")), "first update left out"},
		"nothing valid":    {assessment.Started{Update: broken, ReportURL: "x"}, "", "first update left out"},
		"with a loss":      {assessment.Started{Update: &assessment.Result{Attachments: []assessment.Attachment{{Name: "a", ContentType: "a/b", Data: []byte("x")}}}}, statusOf("Invited"), "not complete"},
		"another time set": {assessment.Started{Update: &assessment.Result{At: time.Unix(-1, 0)}}, statusOf("Invited"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, startsWith(tc.started), options{})
				answered := time.Now().UnixMilli()
				w := h.post("assessment.start", minimal(t))
				id := startedID(t, w)
				want := `{"success":true,"results":{"assessment_id":"` + id + `"}}`
				if tc.want != "" {
					want = fmt.Sprintf(`{"success":true,"results":{"assessment_id":%q,"update_request":{"assessment_id":%q,"timestamp":%d,%s}}}`, id, id, answered, tc.want)
				}
				requireSameJSON(t, []byte(want), w.Body.Bytes())
				require.NotContains(t, w.Body.String(), "secret")
				require.Contains(t, h.log.String(), tc.log)
				require.NotContains(t, h.log.String(), marker)
				if tc.log == "" {
					require.Empty(t, h.log.String())
				}

				<-time.After(time.Hour)
				again := h.post("assessment.start", minimal(t))
				require.Equal(t, w.Body.Bytes(), again.Body.Bytes(), "byte for byte")
				require.Equal(t, assessment.DeliveryReplayed, h.deliveries[1].Outcome)
				require.Len(t, h.provider.refs(), 1)

				// Erased: nothing but the id is left.
				require.NoError(t, h.store.Erase(t.Context(), h.provider.refs()[0]))
				require.Equal(t, `{"success":true,"results":{"assessment_id":"`+id+`"}}`, h.post("assessment.start", minimal(t)).Body.String())
			})
		})
	}
	t.Run("documented", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			<-time.After(time.Until(at(1665680638489)))
			client := newClient(t, play(answers(200, written)), func(c *ashby.Config) {
				c.Labels = map[string]string{ashby.IDReportURL: "Open in Example Assessments"}
			})
			h := newHost(t, startsWith(assessment.Started{Update: update, ReportURL: reportURL}), options{
				config: func(c *ashby.HandlerConfig) { c.Client = client },
			})
			w := h.post("assessment.start", minimal(t))
			requireSameJSON(t, replaced(documented, `"3f0d5c0e-8a52-4b53-9d0a-6b7f2f3f1a10"`, `"`+startedID(t, w)+`"`), w.Body.Bytes())
		})
	})
	t.Run("the updates after it come later", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := play(answers(200, written))
			client := newClient(t, server)
			h := newHost(t, startsWith(assessment.Started{ReportURL: reportURL}), options{
				config: func(c *ashby.HandlerConfig) { c.Client = client },
			})
			id := startedID(t, h.post("assessment.start", minimal(t)))
			_, err := client.PublishResult(t.Context(), assessment.OrderRef{Vendor: assessment.Ashby, Account: account, ID: id},
				assessment.Result{Status: assessment.StatusInProgress, At: time.Now()})
			require.NoError(t, err)
			require.Equal(t, []int64{time.Now().UnixMilli() + 1}, server.timestamps(t))
		})
	})
}

func TestCancel(t *testing.T) {
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) { c.Connection = "c" }})
	for range 3 { // unknown, and again
		w := h.post("assessment.cancel", example(t, "assessment-cancel.request.json"))
		require.Equal(t, 200, w.Code)
		requireSameJSON(t, example(t, "assessment-cancel.response.json"), w.Body.Bytes())
	}
	want := assessment.OrderRef{Vendor: assessment.Ashby, Connection: "c", Account: account, ID: assessmentID}
	require.Equal(t, []assessment.OrderRef{want, want, want}, h.provider.cancelled)
	require.Equal(t, want, h.deliveries[0].Order)
	require.Equal(t, assessment.DeliveryHandled, h.deliveries[0].Outcome)
	const odd = `a/b "c" \\ ü`
	text, err := json.Marshal(odd)
	require.NoError(t, err)
	require.Equal(t, odd, startedID(t, h.post("assessment.cancel", []byte(`{"assessment_id":`+string(text)+`,"reason":null}`))))
}

// A recruiter who cancels, and one whose test is over, can start again. What is
// said of the old id afterwards does nothing to the new one.
func TestRestart(t *testing.T) {
	server := play(answers(200, written))
	client := newClient(t, server)
	final := done(nil)
	for name, end := range map[string]func(*testing.T, *host, *assessment.Router, assessment.OrderRef){
		"cancelled": func(t *testing.T, h *host, _ *assessment.Router, r assessment.OrderRef) {
			require.Equal(t, r.ID, startedID(t, h.post("assessment.cancel", cancelBody(r.ID))))
		},
		"completed": func(t *testing.T, h *host, router *assessment.Router, r assessment.OrderRef) {
			receipt, err := router.PublishResult(t.Context(), r, final)
			require.NoError(t, err)
			require.Empty(t, receipt.Warnings)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, options{})
			router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: []assessment.Publisher{client}, Store: h.store})
			require.NoError(t, err)
			first := startedID(t, h.post("assessment.start", minimal(t)))
			old := h.provider.refs()[0]
			require.Equal(t, first, startedID(t, h.post("assessment.start", minimal(t))))
			end(t, h, router, old)

			second := startedID(t, h.post("assessment.start", minimal(t)))
			require.NotEqual(t, first, second)
			// Late words about the old one, in every order.
			startedID(t, h.post("assessment.cancel", cancelBody(first)))
			_, err = router.PublishResult(t.Context(), old, final)
			require.NoError(t, err)
			startedID(t, h.post("assessment.cancel", cancelBody(first)))
			require.Equal(t, second, startedID(t, h.post("assessment.start", minimal(t))), "the successor lives")
			require.Len(t, h.provider.refs(), 2)
		})
	}
}

// No payload names the customer; the key does.
func TestTenants(t *testing.T) {
	h := newHost(t, &provider{}, options{})
	globex := withKey("globex_key", "")
	ours := startedID(t, h.post("assessment.start", minimal(t)))
	theirs := startedID(t, h.post("assessment.start", minimal(t), globex))
	require.NotEqual(t, ours, theirs)
	require.Equal(t, []string{"acme", "globex"}, []string{h.provider.refs()[0].Account, h.provider.refs()[1].Account})
	// An id that a customer learned of does not end another's assessment.
	startedID(t, h.post("assessment.cancel", cancelBody(ours), globex))
	require.Equal(t, ours, startedID(t, h.post("assessment.start", minimal(t))))
	require.Equal(t, "globex", h.provider.cancelled[0].Account)
	// Another application or another package is another order.
	for _, other := range []string{"3ae2b801-19f6-41ef-ad28-214bd731948f", "e9ed20fd-d45f-4aad-8a00-a19bfba0083e"} {
		id := startedID(t, h.post("assessment.start", replaced(minimal(t), other, "x-"+other)))
		require.NotEqual(t, ours, id)
	}
	require.Len(t, h.provider.refs(), 4)
}

func TestCustomFields(t *testing.T) {
	fields := []ashby.FieldSpec{
		{ID: "department", Name: "Department", Type: ashby.FieldSelect, Options: []ashby.FieldOption{{Key: "eng", Value: "Engineering"}, {Key: "ops", Value: "Operations"}}},
		{ID: "due_date", Name: "Due date", Type: ashby.FieldDate},
	}
	// isRequired is false where it is missing.
	want := replaced(example(t, "assessment-custom-fields.response.json"), `"type": "Date"`, `"type": "Date", "isRequired": false`)
	var asked []string
	for name, config := range map[string]func(*ashby.HandlerConfig){
		"static": func(c *ashby.HandlerConfig) { c.Fields = fields },
		"for a customer": func(c *ashby.HandlerConfig) {
			c.FieldsFor = func(_ context.Context, account string) ([]ashby.FieldSpec, error) {
				asked = append(asked, account)
				return fields, nil
			}
		},
	} {
		for _, operation := range []string{"assessment.customField.list", "assessment.customFields.fetch", "customField.list", "customFields.fetch"} {
			t.Run(name+" "+operation, func(t *testing.T) {
				h := newHost(t, &provider{}, options{config: config})
				for _, body := range []string{"{}", ""} {
					w := h.post(operation, []byte(body))
					require.Equal(t, 200, w.Code)
					requireSameJSON(t, want, w.Body.Bytes())
				}
			})
		}
	}
	require.Equal(t, "acme", asked[0])
	h := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.Fields = []ashby.FieldSpec{{ID: "x", Name: "X", Type: ashby.FieldBoolean, Required: true}}
	}})
	require.Equal(t, `{"success":true,"fields":[{"id":"x","name":"X","type":"Boolean","isRequired":true}]}`, h.post("customFields.fetch", nil).Body.String())
	none := newHost(t, &provider{}, options{config: func(c *ashby.HandlerConfig) {
		c.FieldsFor = func(context.Context, string) ([]ashby.FieldSpec, error) { return nil, nil }
	}})
	require.Equal(t, `{"success":true,"fields":[]}`, none.post("customFields.fetch", nil).Body.String())
}

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

// Who is too slow for a list or a cancel is no longer waited for.
func TestSlowListAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, &provider{
			packages: func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
				<-time.After(time.Minute)
				return nil, nil
			},
			cancel: func(context.Context, assessment.OrderRef) error {
				<-time.After(time.Minute)
				return nil
			},
		}, options{})
		for _, operation := range []string{"assessment.list", "assessment.cancel"} {
			began := time.Now()
			requireFailure(t, h.post(operation, cancelBody("1")), 200, "temporarily_unavailable")
			require.Equal(t, assessment.DefaultDeadline, time.Since(began))
		}
		<-time.After(time.Hour)
	})
}

// A host's function that panics ends the call and nothing else.
func TestHostPanics(t *testing.T) {
	for name, config := range map[string]func(*ashby.HandlerConfig){
		"authenticate": func(c *ashby.HandlerConfig) {
			c.Authenticate = func(context.Context, string) (string, error) { panic(marker) }
			c.Fields = []ashby.FieldSpec{}
		},
		"fields": func(c *ashby.HandlerConfig) {
			c.FieldsFor = func(context.Context, string) ([]ashby.FieldSpec, error) { panic(marker) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t, &provider{}, options{config: config})
			w := h.post("customFields.fetch", nil)
			require.Equal(t, 500, w.Code)
			require.NotContains(t, w.Body.String()+h.log.String(), marker)
			require.Equal(t, assessment.DeliveryFault, h.delivered(t).Outcome)
		})
	}
}
