package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

const testKey = "ks_prod_S3cr3tK3y"

var (
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errNoName  = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "api.test", IsNotFound: true}}
)

// step is one thing that a scripted server does.
type step func(*http.Request) (*http.Response, error)

// answers is an HTTP answer; header alternates names and values.
func answers(status int, body string, header ...string) step {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode:    status,
			Header:        h,
			Body:          io.NopCloser(strings.NewReader(body)),
			ContentLength: int64(len(body)),
		}, nil
	}
}

// breaks is an attempt without an answer.
func breaks(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// cuts is an answer whose body breaks off after the given text.
func cuts(status int, body string) step {
	return func(*http.Request) (*http.Response, error) {
		cut := io.MultiReader(strings.NewReader(body), errorReader{io.ErrUnexpectedEOF})
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(cut), ContentLength: -1}, nil
	}
}

// hangs until the context ends.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// seen is a request as the scripted server got it.
type seen struct {
	Method, URL, Body string
	Header            http.Header
	Length            int64
}

// script is a transport that goes through its steps and stays at the last one.
type script struct {
	steps []step
	seen  []seen
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	got := seen{Method: r.Method, URL: r.URL.String(), Header: r.Header.Clone(), Length: r.ContentLength}
	if r.Body != nil {
		defer r.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			return nil, err
		}
		got.Body = body.String()
	}
	s.seen = append(s.seen, got)
	return s.steps[min(len(s.seen), len(s.steps))-1](r)
}

func play(steps ...step) *script { return &script{steps: steps} }

type option func(*Config)

// once is a client that repeats nothing.
func once(c *Config) { c.MaxRetries = -1 }

// newClient is a Kombo-like client on a transport, with a vendor whose error
// bodies read "error CODE".
func newClient(t testing.TB, rt http.RoundTripper, options ...option) *Client {
	t.Helper()
	config := Config{
		Vendor:     assessment.Kombo,
		BaseURL:    "https://api.test/v1",
		HTTPClient: &http.Client{Transport: rt},
		Authorize:  Bearer,
		Key:        testKey,
		Classify:   classifyTest,
	}
	for _, set := range options {
		set(&config)
	}
	client, err := New(config)
	require.NoError(t, err)
	return client
}

// classifyTest knows the codes BUSY (comes right), BAD (does not), REFUSED_500
// (not carried out in spite of its status) and TIMED_OUT (perhaps carried out
// in spite of its status).
func classifyTest(a Answer) *Failure {
	if link, ok := bytes.CutPrefix(a.Body, []byte("log ")); ok {
		return &Failure{Code: "LOGGED", LogURL: "https://log.test/" + string(link)}
	}
	text, ok := bytes.CutPrefix(a.Body, []byte("error "))
	if !ok {
		return nil
	}
	code := string(text)
	f := &Failure{Code: code, Message: "it says " + code, LogURL: "https://log.test/1"}
	switch code {
	case "BUSY":
		f.Retry = Yes
	case "BAD":
		f.Retry = No
	case "REFUSED_500":
		f.Retry, f.Applied = Yes, No
	case "TIMED_OUT":
		f.Retry, f.Applied = Yes, Yes
	case "CLOSED":
		f.Retry, f.Class = No, assessment.ErrConflict
	}
	return f
}

var (
	reading = Call{Operation: "GET /orders", Method: http.MethodGet, Path: []string{"orders"}, Account: "acme"}
	writing = Call{Operation: "PUT /result", Method: http.MethodPut, Path: []string{"result"}, Account: "acme", Body: []byte(`{"a":1}`)}
)

func writingWith(repeat Repeat) Call {
	call := writing
	call.Repeat = repeat
	return call
}

func apiError(t testing.TB, err error) *assessment.APIError {
	t.Helper()
	var api *assessment.APIError
	require.True(t, errors.As(err, &api), "%T: %v", err, err)
	return api
}
