package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// What go-retryablehttp does by default and must not do here. The traps that
// belong to one concern are tested beside it: Retry-After, jitter and repeated
// writes (retry_test.go), the key on a redirect (redirect_test.go), the answer
// lost on giving up (errors_test.go).

const childVariable = "TRANSPORT_TEST_CHILD"

// TestMain lets the test binary run itself as a program that makes failing
// calls, because the library's logger holds on to the process's stderr.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		failingCalls()
		return
	}
	os.Exit(m.Run())
}

func failingCalls() {
	config := Config{Vendor: assessment.Kombo, BaseURL: "https://api.test", Authorize: Bearer, Key: testKey, MinBackoff: 1, MaxBackoff: 1}
	for _, s := range []step{answers(503, ""), breaks(errReset)} {
		config.HTTPClient = &http.Client{Transport: play(s)}
		client, err := New(config)
		if err != nil {
			panic(err)
		}
		if _, err := client.Do(context.Background(), reading); err == nil {
			panic("no error")
		}
	}
}

func TestNothingIsWrittenToStandardError(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"=1")
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	require.NoError(t, child.Run(), out.String())
	require.Empty(t, out.String())
}

// pool is a transport that notes whether its idle connections were closed.
type pool struct {
	http.RoundTripper
	closed bool
}

func (p *pool) CloseIdleConnections() { p.closed = true }

func TestFailureLeavesTheIdlePoolAlone(t *testing.T) {
	for name, s := range map[string]step{
		"status":   answers(400, ""),
		"gave up":  answers(503, ""),
		"broken":   breaks(errReset),
		"too much": answers(200, "123456789"),
	} {
		p := &pool{RoundTripper: play(s)}
		client := newClient(t, p, func(c *Config) { c.MinBackoff, c.MaxBackoff, c.MaxBody = 1, 1, 8 })
		_, err := client.Do(t.Context(), reading)
		require.Error(t, err, name)
		require.False(t, p.closed, name)
	}
}

// Over real connections: every answer, failures and those between retries
// included, leaves its connection to the next request.
func TestConnectionsAreReused(t *testing.T) {
	var requests, connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader([]int{503, 429, 200, 400}[(requests.Add(1)-1)%4])
		_, _ = w.Write(bytes.Repeat([]byte("7"), 100<<10)) // more than the library drains
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := newClient(t, server.Client().Transport, func(c *Config) {
		c.BaseURL, c.MinBackoff, c.MaxBackoff = server.URL, 1, 1
	})
	for range 3 {
		_, err := client.Do(t.Context(), writing)
		require.NoError(t, err)
		_, err = client.Do(t.Context(), writing)
		require.ErrorIs(t, err, assessment.ErrInvalid)
	}
	require.EqualValues(t, 12, requests.Load())
	require.EqualValues(t, 1, connections.Load())
}

// A library client is made for every call; what it shares must be safe.
func TestConcurrentCalls(t *testing.T) {
	client := newClient(t, canned{[]byte(smallBody)})
	done := make(chan error)
	for range 8 {
		go func() {
			var err error
			for range 50 {
				if e := smallCall(client, writing); e != nil {
					err = e
				}
			}
			done <- err
		}()
	}
	for range 8 {
		require.NoError(t, <-done)
	}
}
