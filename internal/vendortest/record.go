package vendortest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/assessbridge/assessbridge/assessment"
)

// Log is a log that late goroutines may still write to. The zero value is ready
// to use.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is what was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Logger writes everything, debug level included, into l.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Into is a function of an [assessment.Observer] that adds what it is told to
// all, under mu.
func Into[T any](mu *sync.Mutex, all *[]T) func(context.Context, T) {
	return func(_ context.Context, v T) {
		mu.Lock()
		defer mu.Unlock()
		*all = append(*all, v)
	}
}

// Serve is the answer of h to r.
func Serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// records are what doubles were given, safe for concurrent use.
type records struct {
	mu        sync.Mutex
	orders    []assessment.Order
	published []assessment.Result
}

func (r *records) note(add func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add()
}

func (r *records) starts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.orders)
}

// watch keeps everything that an [assessment.Observer] and a logger are told.
type watch struct {
	log Log

	mu         sync.Mutex
	deliveries []assessment.Delivery
	attempts   []assessment.Attempt
	calls      []assessment.ProviderCall
	results    []assessment.ResultReport
	drift      []assessment.Drift
}

func (w *watch) observer() assessment.Observer {
	return assessment.Observer{
		Delivery: Into(&w.mu, &w.deliveries),
		Attempt:  Into(&w.mu, &w.attempts),
		Provider: Into(&w.mu, &w.calls),
		Result:   Into(&w.mu, &w.results),
		Drift:    Into(&w.mu, &w.drift),
	}
}

// text is all of it, as a host may print it.
func (w *watch) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log.String() + fmt.Sprintf("%+v %+v %+v %+v %+v", w.deliveries, w.attempts, w.calls, w.results, w.drift)
}
