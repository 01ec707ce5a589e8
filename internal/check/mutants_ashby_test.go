package check_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/check"
)

// on runs a wrapper for one operation of Ashby only.
func on(op string, wrap func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		wrapped := wrap(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/"+op) {
				wrapped.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// saying replaces a text in answers.
func saying(old, other string) func(http.Handler) http.Handler {
	return answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
		text := strings.Replace(a.Body.String(), old, other, 1)
		a.Body.Reset()
		a.Body.WriteString(text)
	})
}

// answered replaces the answers of a status.
func answered(status, other int, body string) func(http.Handler) http.Handler {
	return answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
		if a.Code == status {
			a.Code = other
			a.Body.Reset()
			a.Body.WriteString(body)
		}
	})
}

// ashbyWritten changes the updates that are written to Ashby.
func ashbyWritten(change func(update map[string]any)) func(http.RoundTripper) http.RoundTripper {
	return calling(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		var update map[string]any
		if err := json.Unmarshal(read(r), &update); err != nil {
			return nil, err
		}
		change(update)
		body, err := json.Marshal(update)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		return next.RoundTrip(r)
	}).over
}

// keyed gives a request the key of a customer.
func keyed(customer string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(customer, "") }
}

// other makes starts of applications that are known look like those of new ones, if
// the condition holds.
func other(again func(application string) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := read(r)
			if id := applicationOf(body); id != "" && again(id) {
				body = bytes.ReplaceAll(body, []byte(id), []byte(rand.Text()))
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// seen tells whether something came before, apart from what has been forgotten.
type seen struct {
	mu  sync.Mutex
	all map[string]int
}

func (s *seen) add(what string, n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]int{}
	}
	s.all[what] += n
	return s.all[what]
}

func ashbyMutants() []mutant {
	return []mutant{
		{
			name: "ashby: demands a body for a list", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpList, instead(func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
				if len(body) > 0 {
					return false
				}
				w.WriteHeader(http.StatusBadRequest)
				return true
			}))},
			fails: []string{"ashby.list.empty-body"},
		},
		{
			name: "ashby: calls the type id", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpList, saying(`"assessment_type_id"`, `"id"`))},
			fails: []string{"ashby.list.shape"},
		},
		{
			name: "ashby: lists nothing for anyone", vendor: "ashby",
			wrong: wrong{provider: func(p assessment.Provider) assessment.Provider {
				return packaging{p, func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { return nil, nil }}
			}},
			fails: []string{"ashby.list.shape"},
		},
		{
			name: "ashby: has null for none", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpList, saying(`"results":[]`, `"results":null`))},
			fails: []string{"ashby.list.never-null"},
		},
		{
			name: "ashby: takes any key", vendor: "ashby",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					key, _, _ := r.BasicAuth()
					if key != emptyKey && key != "partner_test_key_globex" {
						keyed(ashbytest.DefaultPartnerKey)(r)
					}
					next.ServeHTTP(w, r)
				})
			}},
			fails: []string{"ashby.auth.bad-key"},
		},
		{
			name: "ashby: cancels for any customer", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpCancel, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					keyed(ashbytest.DefaultPartnerKey)(r)
					next.ServeHTTP(w, r)
				})
			})},
			fails: []string{"ashby.auth.other-customers-cancel"},
		},
		{
			name: "ashby: says success of a start as a text", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpStart, saying(`"success":true`, `"success":"true"`))},
			fails: []string{
				"ashby.auth.*", "ashby.cancel.*", "ashby.start.after-cancel-new-id", "ashby.start.at-once", "ashby.start.repeated", "ashby.start.shape",
				"ashby.update.*",
			},
		},
		{
			name: "ashby: turns down without words", vendor: "ashby",
			wrong: wrong{inbound: answered(http.StatusUnprocessableEntity, http.StatusUnprocessableEntity, `{"success":false,"errors":["no"]}`)},
			fails: []string{"ashby.start.message-422"},
		},
		{
			name: "ashby: has no conflicts", vendor: "ashby",
			wrong: wrong{inbound: answered(http.StatusConflict, http.StatusUnprocessableEntity, `{"message":"The candidate is taking this test."}`)},
			fails: []string{"ashby.start.conflict-409"},
		},
		{
			name: "ashby: starts whatever comes again", vendor: "ashby",
			wrong: wrong{target: func(t *check.Target, _ *reference) {
				var known seen
				t.Ashby.Base.Handler = other(func(id string) bool { return known.add(id, 1) > 1 })(t.Ashby.Base.Handler)
			}},
			fails: []string{"ashby.auth.other-customers-cancel", "ashby.start.at-once", "ashby.start.repeated"},
		},
		{
			name: "ashby: starts twice what comes at once", vendor: "ashby",
			wrong: wrong{target: func(t *check.Target, _ *reference) {
				var running seen
				next := t.Ashby.Base.Handler
				wrapped := other(func(id string) bool { return running.add(id, 0) > 1 })(next)
				t.Ashby.Base.Handler = on(ashbytest.OpStart, func(http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						id := applicationOf(read(r))
						running.add(id, 1)
						<-time.After(30 * time.Millisecond)
						wrapped.ServeHTTP(w, r)
						<-time.After(30 * time.Millisecond)
						running.add(id, -1)
					})
				})(next)
			}},
			fails: []string{"ashby.start.at-once"},
		},
		{
			name: "ashby: hands back what was cancelled", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpStart, func(next http.Handler) http.Handler {
				var mu sync.Mutex
				ids := map[string][]byte{}
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					key, _, _ := r.BasicAuth()
					application := key + applicationOf(read(r))
					mu.Lock()
					before := ids[application]
					mu.Unlock()
					if before != nil {
						w.Header().Set("Content-Type", "application/json")
						_, _ = w.Write(before)
						return
					}
					answer := httptest.NewRecorder()
					next.ServeHTTP(answer, r)
					if answer.Code == http.StatusOK {
						mu.Lock()
						ids[application] = answer.Body.Bytes()
						mu.Unlock()
					}
					for name, values := range answer.Header() {
						w.Header()[name] = values
					}
					w.WriteHeader(answer.Code)
					_, _ = w.Write(answer.Body.Bytes())
				})
			})},
			fails: []string{"ashby.start.after-cancel-new-id"},
		},
		{
			name: "ashby: sends an update of another assessment along", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpStart, answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				answer, update, there := strings.Cut(a.Body.String(), `"update_request"`)
				if there {
					a.Body.Reset()
					a.Body.WriteString(answer + `"update_request"` + strings.Replace(update, `"assessment_id":"`, `"assessment_id":"other-`, 1))
				}
			}))},
			fails: []string{"ashby.start.update-request-same-id"},
		},
		{
			name: "ashby: cancels once", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpCancel, func(next http.Handler) http.Handler {
				var cancelled seen
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if cancelled.add(string(read(r)), 1) > 1 {
						w.WriteHeader(http.StatusNotFound)
						return
					}
					next.ServeHTTP(w, r)
				})
			})},
			fails: []string{"ashby.cancel.repeated"},
		},
		{
			name: "ashby: does not name what it cancelled", vendor: "ashby",
			wrong: wrong{inbound: on(ashbytest.OpCancel, answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				a.Body.Reset()
				a.Body.WriteString(`{"success":true,"results":{}}`)
			}))},
			fails: []string{"ashby.cancel.echoed-id"},
		},
		{
			name: "ashby: writes scores as texts", vendor: "ashby",
			wrong: wrong{outbound: ashbyWritten(func(update map[string]any) {
				if result, is := update["assessment_result"].(map[string]any); is {
					result["value"] = fmt.Sprint(result["value"])
				}
			})},
			opts:  func(o *check.Options) { o.Patience = time.Second },
			fails: []string{"ashby.update.*"},
		},
		{
			name: "ashby: rounds the score", vendor: "ashby",
			wrong: wrong{outbound: ashbyWritten(func(update map[string]any) {
				if result, is := update["assessment_result"].(map[string]any); is {
					result["value"] = 87
				}
			})},
			fails: []string{"ashby.update.value-types"},
		},
		{
			name: "ashby: believes HTTP 200", vendor: "ashby",
			wrong: wrong{target: func(t *check.Target, _ *reference) {
				finish := t.Finish
				t.Finish = func(ctx context.Context, ref assessment.OrderRef, result assessment.Result) error {
					_ = finish(ctx, ref, result) // which is the mistake
					return nil
				}
			}},
			opts:  func(o *check.Options) { o.Patience = time.Second },
			fails: []string{"ashby.update.success-false-under-200"},
		},
	}
}

// applicationOf is the application of a start.
func applicationOf(body []byte) string {
	var start struct {
		Application struct {
			ID string `json:"ashby_id"`
		}
	}
	_ = json.Unmarshal(body, &start) // not a start: no application
	return start.Application.ID
}
