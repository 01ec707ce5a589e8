package check_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing/iotest"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// read takes a request's body and leaves it in place. It reads no more than any
// service takes, so that a wrapper which uses it is wrong in its own way only.
func read(r *http.Request) []byte {
	const limit = 9 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, limit))
	if err != nil {
		r.Body = io.NopCloser(iotest.ErrReader(err))
		return nil
	}
	rest := r.Body
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == limit {
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), rest))
		return nil
	}
	r.ContentLength = int64(len(body))
	return body
}

// signedAnew signs what comes with Kombo's secret, if the condition holds: so that the
// provider behind it believes anything.
func signedAnew(when func(r *http.Request, body []byte) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body := read(r); when(r, body) {
				r.Header.Set(kombotest.SignatureHeader, kombotest.Sign(kombotest.DefaultWebhookSecret, body))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// answering changes what the provider answers.
func answering(change func(r *http.Request, body []byte, answer *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := read(r)
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			change(r, body, answer)
			for name, values := range answer.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(answer.Code)
			_, _ = answer.Body.WriteTo(w) // a sender that hung up reads nothing
		})
	}
}

// instead answers in place of the provider, if it says so.
func instead(answer func(w http.ResponseWriter, r *http.Request, body []byte) (answered bool)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !answer(w, r, read(r)) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

func always(status int) func(http.Handler) http.Handler {
	return instead(func(w http.ResponseWriter, _ *http.Request, _ []byte) bool {
		w.WriteHeader(status)
		return true
	})
}

// provider is a [assessment.Provider] with another way to start an order.
type starting struct {
	assessment.Provider
	start func(context.Context, assessment.Order) (assessment.Started, error)
}

func (s starting) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	return s.start(ctx, o)
}

// calling changes the calls that the provider makes.
type calling func(next http.RoundTripper, r *http.Request) (*http.Response, error)

func (c calling) over(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) { return c(next, r) })
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// komboWrite tells whether a call writes a result to Kombo.
func komboWrite(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/result")
}

// rewritten changes the results that are written to Kombo.
func rewritten(change func(result map[string]any)) func(http.RoundTripper) http.RoundTripper {
	return calling(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if komboWrite(r) {
			var result map[string]any
			if err := json.Unmarshal(read(r), &result); err != nil {
				return nil, err
			}
			change(result)
			body, err := json.Marshal(result)
			if err != nil {
				return nil, err
			}
			r = r.Clone(r.Context())
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.GetBody = nil
		}
		return next.RoundTrip(r)
	}).over
}

// orderOf is what identifies an order in a webhook of Kombo.
func orderOf(body []byte) string {
	var event struct {
		Data struct{ ID string }
	}
	_ = json.Unmarshal(body, &event) // not an event: no order
	return event.Data.ID
}

func komboMutants() []mutant {
	return []mutant{
		{
			name: "kombo: takes what is unsigned", vendor: "kombo",
			wrong: wrong{inbound: signedAnew(func(r *http.Request, _ []byte) bool { return r.Header.Get(kombotest.SignatureHeader) == "" })},
			fails: []string{"kombo.auth.unsigned"},
		},
		{
			name: "kombo: takes any signature", vendor: "kombo",
			wrong: wrong{inbound: signedAnew(func(r *http.Request, _ []byte) bool { return r.Header.Get(kombotest.SignatureHeader) != "" })},
			fails: []string{"kombo.auth.forged", "kombo.auth.wrong-alphabet", "kombo.auth.reserialised"},
		},
		{
			name: "kombo: takes both alphabets", vendor: "kombo",
			wrong: wrong{inbound: signedAnew(func(r *http.Request, body []byte) bool {
				sum := hmac.New(sha256.New, []byte(kombotest.DefaultWebhookSecret))
				sum.Write(body)
				return strings.TrimRight(r.Header.Get(kombotest.SignatureHeader), "=") == base64.RawStdEncoding.EncodeToString(sum.Sum(nil))
			})},
			fails: []string{"kombo.auth.wrong-alphabet"},
		},
		{
			name: "kombo: signs what it has parsed", vendor: "kombo",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					var compact bytes.Buffer
					if json.Compact(&compact, read(r)) == nil {
						r.Body, r.ContentLength = io.NopCloser(&compact), int64(compact.Len())
					}
					next.ServeHTTP(w, r)
				})
			}},
			fails: []string{"kombo.auth.reserialised"},
		},
		{
			name: "refuses everything with 401", wrong: wrong{inbound: always(http.StatusUnauthorized)},
			fails: []string{"*"},
		},
		{
			name: "kombo: rejects every order", vendor: "kombo",
			wrong: wrong{provider: func(p assessment.Provider) assessment.Provider {
				return starting{p, func(context.Context, assessment.Order) (assessment.Started, error) {
					return assessment.Started{}, assessment.Reject("No.")
				}}
			}},
			fails: []string{
				"kombo.auth.*", "kombo.inline.*", "kombo.result.*", "kombo.order.absent-null-unknown", "kombo.order.accepted", "kombo.order.answer-lost",
				"kombo.order.duplicate", "kombo.order.duplicate-at-once", "kombo.order.fault-is-not-rejection", "kombo.order.lost-then-reconciled",
			},
		},
		{
			name: "kombo: rejects in plain words", vendor: "kombo",
			wrong: wrong{inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				if a.Code == http.StatusUnprocessableEntity {
					a.Body.Reset()
					a.Body.WriteString(`{"error":"We do not offer this test any more."}`)
				}
			})},
			fails: []string{"kombo.order.rejected-body"},
		},
		{
			name: "kombo: says a fault with 422", vendor: "kombo",
			wrong: wrong{inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				if a.Code >= 500 {
					a.Body.Reset()
					a.Code = http.StatusUnprocessableEntity
					a.Body.WriteString(`{"status":"ORDER_REJECTED","message":"Something went wrong."}`)
				}
			})},
			fails: []string{"kombo.order.fault-is-not-rejection"},
		},
		{
			name: "kombo: starts whatever comes again", vendor: "kombo",
			wrong: wrong{target: func(t *check.Target, _ *reference) {
				// Each delivery is an order of its own to the intake.
				var mu sync.Mutex
				seen := map[string]bool{}
				t.Kombo.Webhook.Handler = restarting(t.Kombo.Webhook.Handler, func(id string) bool {
					mu.Lock()
					defer mu.Unlock()
					again := seen[id]
					seen[id] = true
					return again
				})
			}},
			fails: []string{"kombo.order.duplicate", "kombo.order.duplicate-at-once", "kombo.order.answer-lost"},
		},
		{
			name: "kombo: starts twice what comes at once", vendor: "kombo",
			wrong: wrong{target: func(t *check.Target, _ *reference) {
				var mu sync.Mutex
				running := map[string]int{}
				t.Kombo.Webhook.Handler = restarting(t.Kombo.Webhook.Handler, func(id string) bool {
					mu.Lock()
					running[id]++
					first := running[id] == 1
					mu.Unlock()
					<-time.After(20 * time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					running[id]--
					return !first
				})
			}},
			fails: []string{"kombo.order.duplicate-at-once"},
		},
		{
			name: "kombo: forgets an order whose sender hung up", vendor: "kombo",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				var mu sync.Mutex
				seen := map[string]bool{}
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					id := orderOf(read(r))
					mu.Lock()
					half := id != "" && seen[id]
					mu.Unlock()
					if half {
						w.WriteHeader(http.StatusConflict)
						return
					}
					select {
					case <-r.Context().Done():
						mu.Lock()
						seen[id] = true
						mu.Unlock()
						return
					case <-time.After(50 * time.Millisecond):
					}
					next.ServeHTTP(w, r)
				})
			}},
			fails: []string{"kombo.order.answer-lost"},
		},
		{
			name: "kombo: demands every member", vendor: "kombo",
			wrong: wrong{inbound: instead(func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
				if bytes.Contains(body, []byte("order-received")) && !bytes.Contains(body, []byte(`+1 123`)) && json.Valid(body) {
					w.WriteHeader(http.StatusBadRequest)
					return true
				}
				return false
			})},
			fails: []string{"kombo.order.absent-null-unknown"},
		},
		{
			name: "kombo: knows no other events", vendor: "kombo",
			wrong: wrong{inbound: instead(func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
				if json.Valid(body) && !bytes.Contains(body, []byte("order-received")) && !bytes.Contains(body, []byte("integration-created")) {
					w.WriteHeader(http.StatusNotFound)
					return true
				}
				return false
			})},
			fails: []string{"kombo.event.unknown-type"},
		},
		{
			name: "kombo: calls the address url", vendor: "kombo",
			wrong: wrong{inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				text := strings.Replace(a.Body.String(), `"assessment_url"`, `"url"`, 1)
				a.Body.Reset()
				a.Body.WriteString(text)
			})},
			fails: []string{"kombo.inline.url-in-time", "kombo.order.answer-lost", "kombo.order.duplicate", "kombo.order.duplicate-at-once"},
		},
		{
			name: "kombo: lets the applicant wait", vendor: "kombo",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if bytes.Contains(read(r), []byte("inline-assessment")) {
						<-time.After(300 * time.Millisecond)
					}
					next.ServeHTTP(w, r)
				})
			}},
			opts:  func(o *check.Options) { o.InlineTimeout = 200 * time.Millisecond },
			fails: []string{"kombo.inline.url-in-time"},
		},
		{
			name: "kombo: looks for no lost orders", vendor: "kombo",
			wrong: wrong{target: func(t *check.Target, _ *reference) { t.Reconcile = func(context.Context) error { return nil } }},
			fails: []string{"kombo.order.lost-then-reconciled"},
		},
		{
			name: "kombo: lists lost orders and starts none", vendor: "kombo",
			wrong: wrong{target: func(t *check.Target, r *reference) {
				t.Reconcile = func(ctx context.Context) error {
					return r.reconcileWith(ctx, kombo.ReconcileConfig{Intake: r.intake, DryRun: true})
				}
			}},
			fails: []string{"kombo.order.lost-then-reconciled"},
		},
		{
			name: "kombo: rounds the score", vendor: "kombo",
			wrong: wrong{outbound: rewritten(func(result map[string]any) {
				if score, is := result["score"].(float64); is {
					result["score"] = float64(int(score + 0.5))
				}
			})},
			fails: []string{"kombo.result.completed"},
		},
		{
			name: "kombo: drops a score of zero", vendor: "kombo",
			wrong: wrong{outbound: rewritten(func(result map[string]any) {
				if result["score"] == 0.0 {
					delete(result, "score")
				}
			})},
			fails: []string{"kombo.result.completed"},
		},
		{
			name: "kombo: says something between after the end", vendor: "kombo",
			wrong: wrong{target: func(t *check.Target, r *reference) {
				finish := t.Finish
				t.Finish = func(ctx context.Context, ref assessment.OrderRef, result assessment.Result) error {
					if result.Status == assessment.StatusInProgress {
						result.At = time.Time{} // a new one every time
						// Another process, which knows of no end.
						client := r.another()
						_, err := client.PublishResult(ctx, ref, result)
						return err
					}
					return finish(ctx, ref, result)
				}
			}},
			fails: []string{"kombo.result.interim"},
		},
		{
			name: "kombo: never says anything between", vendor: "kombo",
			wrong: wrong{target: func(t *check.Target, _ *reference) {
				finish := t.Finish
				t.Finish = func(ctx context.Context, ref assessment.OrderRef, result assessment.Result) error {
					if !result.Status.Final() {
						return nil
					}
					return finish(ctx, ref, result)
				}
			}},
			opts:  func(o *check.Options) { o.Patience = 2 * time.Second },
			fails: []string{"kombo.result.interim"},
		},
		{
			name: "kombo: writes again after a lost answer", vendor: "kombo",
			wrong: wrong{outbound: calling(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
				if !komboWrite(r) {
					return next.RoundTrip(r)
				}
				body := read(r)
				response, err := next.RoundTrip(r)
				if err != nil {
					r = r.Clone(r.Context())
					r.Body = io.NopCloser(bytes.NewReader(body))
					return next.RoundTrip(r)
				}
				return response, nil
			}).over},
			fails: []string{"kombo.result.once"},
		},
		{
			name: "kombo: loses a result after 503", vendor: "kombo",
			wrong: wrong{target: func(t *check.Target, r *reference) {
				client := r.another(func(c *kombo.Config) { c.MaxRetries = -1 })
				t.Finish = func(ctx context.Context, ref assessment.OrderRef, result assessment.Result) error {
					_, _ = client.PublishResult(ctx, ref, result) // which is the mistake
					return nil
				}
			}},
			opts:  func(o *check.Options) { o.Patience = 2 * time.Second },
			fails: []string{"kombo.result.retried-after-429-5xx-reset"},
		},
	}
}

// restarting makes an order that is rightly signed another one to the provider, if it
// says so.
func restarting(next http.Handler, again func(id string) bool) http.Handler {
	var mu sync.Mutex
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := read(r)
		id := orderOf(body)
		signed := r.Header.Get(kombotest.SignatureHeader) == kombotest.Sign(kombotest.DefaultWebhookSecret, body)
		if signed && bytes.Contains(body, []byte("order-received")) && again(id) {
			mu.Lock()
			n++
			other := fmt.Sprintf(`"id":"%s-%d"`, id, n)
			mu.Unlock()
			body = bytes.ReplaceAll(body, []byte(`"id":"`+id+`"`), []byte(other))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set(kombotest.SignatureHeader, kombotest.Sign(kombotest.DefaultWebhookSecret, body))
		}
		next.ServeHTTP(w, r)
	})
}
