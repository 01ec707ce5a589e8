package vendortest

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
)

// ErrReset and ErrRefused are what a broken and a refused connection look like.
var (
	ErrReset   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	ErrRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
)

// Step is one thing that a scripted API does.
type Step func(*http.Request) (*http.Response, error)

// Answers is an HTTP answer; header alternates names and values.
func Answers(status int, body string, header ...string) Step {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: h, Request: r,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

// Breaks is a request without an answer.
func Breaks(err error) Step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// Hangs answers nothing until the caller gives up.
func Hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Seen is a request as the scripted API got it.
type Seen struct {
	Method, URL, Body string
	Header            http.Header
}

// Script is an [http.RoundTripper] that goes through its steps and stays at the
// last one.
type Script struct {
	steps []Step

	mu    sync.Mutex
	calls int
	seen  *[]Seen
}

// Play returns a Script that adds every request to seen.
func Play(seen *[]Seen, steps ...Step) *Script { return &Script{steps: steps, seen: seen} }

// RoundTrip implements [http.RoundTripper].
func (s *Script) RoundTrip(r *http.Request) (*http.Response, error) {
	got := Seen{Method: r.Method, URL: r.URL.String(), Header: r.Header.Clone()}
	if r.Body != nil {
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		got.Body = string(body)
	}
	return s.next(got)(r)
}

func (s *Script) next(got Seen) Step {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.seen = append(*s.seen, got)
	s.calls++
	return s.steps[min(s.calls, len(s.steps))-1]
}
