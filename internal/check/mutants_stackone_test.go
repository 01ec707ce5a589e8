package check_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

const stackoneNext = "stackone-test-webhook-secret-0002"

// stackoneBelieving signs what comes, if the condition holds.
func stackoneBelieving(when func(signature string, body []byte) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body := read(r); when(r.Header.Get(stackonetest.SignatureHeader), body) {
				r.Header.Set(stackonetest.SignatureHeader, stackonetest.Sign(stackonetest.DefaultWebhookSecret, body))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// stackoneEdited changes what rightly signed events say.
func stackoneEdited(edit func(body []byte) []byte) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := read(r)
			if r.Header.Get(stackonetest.SignatureHeader) == stackonetest.Sign(stackonetest.DefaultWebhookSecret, body) {
				body = edit(body)
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
				r.Header.Set(stackonetest.SignatureHeader, stackonetest.Sign(stackonetest.DefaultWebhookSecret, body))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// stackoneWritten changes the results that are written to StackOne.
func stackoneWritten(change func(result map[string]any)) func(http.RoundTripper) http.RoundTripper {
	return calling(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodPatch {
			return next.RoundTrip(r)
		}
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
		r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
		return next.RoundTrip(r)
	}).over
}

// packaging wraps the packages of the provider.
type packaging struct {
	assessment.Provider
	list func(context.Context, assessment.PackageQuery) ([]assessment.Package, error)
}

func (p packaging) Packages(ctx context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
	return p.list(ctx, q)
}

// onPackages changes the packages endpoints alone.
func onPackages(change func(http.Handler) http.Handler) func(*check.Target, *reference) {
	return func(t *check.Target, _ *reference) {
		t.StackOne.AssessmentPackages.Handler = change(t.StackOne.AssessmentPackages.Handler)
		t.StackOne.BackgroundPackages.Handler = change(t.StackOne.BackgroundPackages.Handler)
	}
}

var recordNumber = regexp.MustCompile(`"record_id":(\d+)`)

func stackoneMutants() []mutant {
	return []mutant{
		{
			name: "stackone: takes what is unsigned", vendor: "stackone",
			wrong: wrong{inbound: stackoneBelieving(func(signature string, _ []byte) bool { return signature == "" })},
			fails: []string{"stackone.auth.unsigned"},
		},
		{
			name: "stackone: takes any signature", vendor: "stackone",
			wrong: wrong{inbound: stackoneBelieving(func(signature string, _ []byte) bool { return signature != "" })},
			fails: []string{"stackone.auth.forged", "stackone.auth.rotation", "stackone.auth.wrong-alphabet"},
		},
		{
			name: "stackone: takes hexadecimal digits", vendor: "stackone",
			wrong: wrong{inbound: stackoneBelieving(func(signature string, _ []byte) bool {
				_, err := hex.DecodeString(signature)
				return signature != "" && err == nil
			})},
			fails: []string{"stackone.auth.wrong-alphabet"},
		},
		{
			name: "stackone: knows one secret", vendor: "stackone",
			wrong: wrong{inbound: instead(func(w http.ResponseWriter, r *http.Request, body []byte) bool {
				if r.Header.Get(stackonetest.SignatureHeader) != stackonetest.Sign(stackoneNext, body) {
					return false
				}
				w.WriteHeader(http.StatusUnauthorized)
				return true
			})},
			fails: []string{"stackone.auth.rotation"},
		},
		{
			name: "stackone: demands more than ids", vendor: "stackone",
			wrong: wrong{inbound: instead(func(w http.ResponseWriter, _ *http.Request, body []byte) bool {
				if len(body) == 0 || !bytes.Contains(body, []byte("record_id")) || bytes.Contains(body, []byte("event_data")) {
					return false
				}
				w.WriteHeader(http.StatusBadRequest)
				return true
			})},
			fails: []string{"stackone.order.ids-only"},
		},
		{
			name: "stackone: knows one name", vendor: "stackone",
			wrong: wrong{inbound: stackoneEdited(func(body []byte) []byte {
				return bytes.Replace(body, []byte(`"`+stackonetest.EventBackgroundAlias+`"`), []byte(`"something.else"`), 1)
			})},
			fails: []string{"stackone.order.every-name"},
		},
		{
			name: "stackone: rounds large ids", vendor: "stackone",
			wrong: wrong{inbound: stackoneEdited(func(body []byte) []byte {
				return recordNumber.ReplaceAllFunc(body, func(found []byte) []byte {
					var f float64
					_ = json.Unmarshal(found[len(`"record_id":`):], &f) // digits
					digits, _ := json.Marshal(int64(f))
					return append([]byte(`"record_id":`), digits...)
				})
			})},
			fails: []string{"stackone.order.big-record-id"},
		},
		{
			name: "stackone: drops every order", vendor: "stackone",
			wrong: wrong{target: func(t *check.Target, _ *reference) {
				t.StackOne.Webhook.Handler = instead(func(w http.ResponseWriter, r *http.Request, body []byte) bool {
					return r.Header.Get(stackonetest.SignatureHeader) == stackonetest.Sign(stackonetest.DefaultWebhookSecret, body)
				})(t.StackOne.Webhook.Handler)
			}},
			fails: []string{"stackone.order.*"},
		},
		{
			name: "stackone: lists bare packages", vendor: "stackone",
			wrong: wrong{target: onPackages(answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				if a.Code == http.StatusOK {
					text := strings.ReplaceAll(a.Body.String(), `"name"`, `"title"`)
					a.Body.Reset()
					a.Body.WriteString(text)
				}
			}))},
			fails: []string{"stackone.packages.by-account", "stackone.packages.shape"},
		},
		{
			name: "stackone: lists another customer's packages", vendor: "stackone",
			wrong: wrong{provider: func(p assessment.Provider) assessment.Provider {
				var mu sync.Mutex
				first := ""
				return packaging{p, func(ctx context.Context, q assessment.PackageQuery) ([]assessment.Package, error) {
					mu.Lock()
					if first == "" && q.Account != emptyAccount {
						first = q.Account
					}
					if q.Account != emptyAccount {
						q.Account = first
					}
					mu.Unlock()
					return p.Packages(ctx, q)
				}}
			}},
			fails: []string{"stackone.packages.by-account"},
		},
		{
			name: "stackone: has null for none", vendor: "stackone",
			wrong: wrong{target: onPackages(answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				text := strings.ReplaceAll(a.Body.String(), `"data":[]`, `"data":null`)
				a.Body.Reset()
				a.Body.WriteString(text)
			}))},
			fails: []string{"stackone.packages.empty"},
		},
		{
			name: "stackone: lets the recruiter wait", vendor: "stackone",
			wrong: wrong{target: onPackages(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					<-time.After(400 * time.Millisecond)
					next.ServeHTTP(w, r)
				})
			})},
			opts:  func(o *check.Options) { o.InlineTimeout = 300 * time.Millisecond },
			fails: []string{"stackone.packages.deadline"},
		},
		{
			name: "stackone: lists none for anyone", vendor: "stackone",
			wrong: wrong{provider: func(p assessment.Provider) assessment.Provider {
				return packaging{p, func(context.Context, assessment.PackageQuery) ([]assessment.Package, error) { return nil, nil }}
			}},
			fails: []string{"stackone.packages.by-account", "stackone.packages.shape"},
		},
		{
			name: "stackone: writes scores as numbers", vendor: "stackone",
			wrong: wrong{outbound: stackoneWritten(func(result map[string]any) {
				if score, is := result["score"].(map[string]any); is {
					score["value"], score["max"] = 87.4, 100
				}
			})},
			fails: []string{"stackone.result.scores-as-text"},
		},
		{
			name: "stackone: writes enumerations as texts", vendor: "stackone",
			wrong: wrong{outbound: stackoneWritten(func(result map[string]any) { result["result"] = "completed" })},
			fails: []string{"stackone.result.enum-objects"},
		},
	}
}
