package check_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

func everyVendorMutants() []mutant {
	body := func(a *httptest.ResponseRecorder, text string) {
		a.Body.Reset()
		a.Body.WriteString(text)
	}
	return []mutant{
		{
			name: "all: tells the cause of a fault", vendor: "all",
			wrong: wrong{inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				if a.Code >= 500 {
					body(a, errDatabase.Error())
				}
			})},
			fails: []string{"all.privacy.no-cause-no-secret-in-answers"},
		},
		{
			name: "all: tells the signature that would be right", vendor: "all",
			wrong: wrong{inbound: answering(func(_ *http.Request, request []byte, a *httptest.ResponseRecorder) {
				if a.Code == http.StatusUnauthorized {
					body(a, "expected "+kombotest.Sign(kombotest.DefaultWebhookSecret, request))
				}
			})},
			fails: []string{"all.privacy.no-cause-no-secret-in-answers"},
		},
		{
			name: "all: repeats what it was sent", vendor: "all",
			wrong: wrong{inbound: answering(func(_ *http.Request, request []byte, a *httptest.ResponseRecorder) {
				if a.Code >= 500 {
					body(a, "cannot handle "+string(request))
				}
			})},
			fails: []string{"all.privacy.no-cause-no-secret-in-answers"},
		},
		{
			name: "all: tells a secret in a header", vendor: "all",
			wrong: wrong{inbound: answering(func(_ *http.Request, _ []byte, a *httptest.ResponseRecorder) {
				if a.Code == http.StatusUnauthorized {
					a.Header().Set("X-Expected-Key", kombotest.DefaultWebhookSecret)
				}
			})},
			fails: []string{"all.privacy.no-cause-no-secret-in-answers"},
		},
		{
			name: "all: repeats a candidate in a header", vendor: "all",
			wrong: wrong{inbound: answering(func(_ *http.Request, request []byte, a *httptest.ResponseRecorder) {
				if a.Code >= 500 {
					a.Header().Set("X-Request", string(request))
				}
			})},
			fails: []string{"all.privacy.no-cause-no-secret-in-answers"},
		},
		{
			name: "all: serves every method", vendor: "all",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Method = http.MethodPost
					next.ServeHTTP(w, r)
				})
			}},
			fails: []string{"all.http.method"},
		},
		{
			name: "all: compares the type letter by letter", vendor: "all",
			wrong: wrong{inbound: instead(func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
				if r.Header.Get("Content-Type") == "application/json" {
					return false
				}
				w.WriteHeader(http.StatusUnsupportedMediaType)
				return true
			})},
			fails: []string{"all.http.type"},
		},
		{
			name: "all: ignores an encoding", vendor: "all",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					r.Header.Del("Content-Encoding")
					next.ServeHTTP(w, r)
				})
			}},
			fails: []string{"all.http.type"},
		},
		{
			name: "all: reads whatever comes", vendor: "all",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					read(r)
					next.ServeHTTP(w, r)
					_, _ = io.Copy(io.Discard, r.Body) // the sender may have gone
				})
			}},
			fails: []string{"all.http.oversized"},
		},
		{
			name: "all: takes small bodies only", vendor: "all",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(w, &http.Request{Method: r.Method, URL: r.URL, Header: r.Header, Host: r.Host, ContentLength: min(r.ContentLength, 64<<10), Body: http.MaxBytesReader(w, r.Body, 64<<10)})
				})
			}},
			fails: []string{"all.http.oversized"},
		},
		{
			name: "all: reads one request at a time", vendor: "all",
			wrong: wrong{inbound: func(next http.Handler) http.Handler {
				turn := make(chan struct{}, 1) // time stands still in a bubble where somebody waits for a mutex
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					turn <- struct{}{}
					read(r)
					<-turn
					next.ServeHTTP(w, r)
				})
			}},
			opts:  func(o *check.Options) { o.AnswerTimeout = 2 * time.Second },
			fails: []string{"all.http.slow-sender"},
		},
	}
}
