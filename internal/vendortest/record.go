package vendortest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
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
