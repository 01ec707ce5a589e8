package stackone_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
)

// What the tests must find again nowhere but where it belongs.
const (
	testKey = "v1.eu1.abc123xyz"
	account = "45355976281015164504"
	orderID = "c28x/IQ+="
)

var errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// written is the answer to every write that succeeded.
const written = `{"statusCode":200,"message":"Record updated successfully.","timestamp":"2021-01-01T01:01:01.000Z"}`

// step is one thing that a scripted StackOne does.
type step func(*http.Request) (*http.Response, error)

// answers is an HTTP answer; header alternates names and values.
func answers(status int, body string, header ...string) step {
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

// breaks is a request without an answer.
func breaks(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// seen is a request as the scripted StackOne got it.
type seen struct {
	Method, URL, Body string
	Header            http.Header
}

// script goes through its steps and stays at the last one.
type script struct {
	steps []step

	mu   sync.Mutex
	seen []seen
}

func play(steps ...step) *script { return &script{steps: steps} }

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	got := seen{Method: r.Method, URL: r.URL.String(), Header: r.Header.Clone()}
	if r.Body != nil {
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		got.Body = string(body)
	}
	s.mu.Lock()
	s.seen = append(s.seen, got)
	next := s.steps[min(len(s.seen), len(s.steps))-1]
	s.mu.Unlock()
	return next(r)
}

// newClient returns a client on a transport; the options change its config.
func newClient(t testing.TB, rt http.RoundTripper, options ...func(*stackone.Config)) *stackone.Client {
	t.Helper()
	config := stackone.Config{APIKey: testKey, HTTPClient: &http.Client{Transport: rt}}
	for _, set := range options {
		set(&config)
	}
	client, err := stackone.New(config)
	require.NoError(t, err)
	return client
}

// behind makes the client take every account for one of the given ATS.
func behind(ats string) func(*stackone.Config) {
	return func(c *stackone.Config) {
		c.Provider = func(context.Context, string) (string, error) { return ats, nil }
	}
}

var (
	ref      = assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: orderID}
	checkRef = assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindBackgroundCheck, Account: account, ID: orderID}
)

// example reads an example body.
func example(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return body
}

// requireSameJSON compares by meaning. Numbers are compared as written: 87.4
// must not become 87.40000000000001.
func requireSameJSON(t testing.TB, want, got []byte) {
	t.Helper()
	require.Empty(t, cmp.Diff(decoded(t, want), decoded(t, got)))
}

func decoded(t testing.TB, text []byte) any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	require.NoError(t, decoder.Decode(&value), "%s", text)
	_, err := decoder.Token()
	require.ErrorIs(t, err, io.EOF, "more than one document")
	return value
}

func requireEqual(t testing.TB, want, got any) {
	t.Helper()
	require.Empty(t, cmp.Diff(want, got))
}

func apiError(t testing.TB, err error) *assessment.APIError {
	t.Helper()
	var api *assessment.APIError
	require.True(t, errors.As(err, &api), "%T: %v", err, err)
	return api
}

// paths are the paths of the problems of a validation error, in order.
func paths(t testing.TB, err error) []string {
	t.Helper()
	var invalid *assessment.ValidationError
	require.True(t, errors.As(err, &invalid), "%T: %v", err, err)
	var all []string
	for _, p := range invalid.Problems {
		require.NotEmpty(t, p.Message, p.Path)
		all = append(all, p.Path)
	}
	return all
}

func ptr[T any](v T) *T { return &v }

func utc(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
}
