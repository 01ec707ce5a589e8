package simkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// scripted answers each request with the next of its handlers, the last one for ever.
type scripted struct {
	mu    sync.Mutex
	seen  []string
	steps []http.HandlerFunc
}

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	s.seen = append(s.seen, fmt.Sprintf("%s %s %s %s %v", r.Method, r.URL, r.Header.Get("User-Agent"), body, err != nil))
	step := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	s.mu.Unlock()
	step(w, r)
}

// all is what was seen so far; the last request may be one that nobody waited for.
func (s *scripted) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// reset drops the connection as a simulator does.
func reset(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if lingers, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = lingers.SetLinger(0)
	}
	_ = c.Close()
}

func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "10")
	_, _ = io.WriteString(w, "12345")
}

func early(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusRequestEntityTooLarge)
}

// request is what a caller sends, and whether it can be sent again.
type request struct {
	method string
	body   func() io.Reader
}

var requests = map[string]request{
	"GET":                {http.MethodGet, nil},
	"PUT":                {http.MethodPut, func() io.Reader { return strings.NewReader("body") }},
	"POST":               {http.MethodPost, func() io.Reader { return strings.NewReader("body") }},
	"POST, no body":      {http.MethodPost, nil},
	"POST of a stream":   {http.MethodPost, func() io.Reader { return io.MultiReader(strings.NewReader("body")) }},
	"POST of a megabyte": {http.MethodPost, func() io.Reader { return bytes.NewReader(make([]byte, 1<<20)) }},
	"DELETE":             {http.MethodDelete, nil},
}

// outcome is what a caller sees of a request.
func outcome(t *testing.T, client *http.Client, address string, q request) string {
	t.Helper()
	var body io.Reader
	if q.body != nil {
		body = q.body()
	}
	r, err := http.NewRequestWithContext(t.Context(), q.method, address+"/x?y=1", body)
	require.NoError(t, err)
	response, err := client.Do(r)
	if err != nil {
		return kindOf(err)
	}
	read, err := io.ReadAll(response.Body)
	require.NoError(t, response.Body.Close())
	return fmt.Sprintf("%d %d %q %s", response.StatusCode, response.ContentLength, read, kindOf(err))
}

// kindOf tells errors apart as a client can.
func kindOf(err error) string {
	switch {
	case err == nil:
		return "fine"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "cut off"
	case errors.Is(err, io.EOF):
		return "end of file"
	}
	return err.Error()
}

// In memory, a caller sees what it sees on a socket: the same answers, the same errors,
// the same repetitions by net/http.
func TestMemoryBehavesAsASocket(t *testing.T) {
	fine := answer(http.StatusOK, "fine")
	for name, steps := range map[string][]http.HandlerFunc{
		"good":                       {fine},
		"reset at first":             {reset, fine},
		"good, then reset":           {fine, reset, fine},
		"good, then dropped":         {fine, drop, fine},
		"good, then always reset":    {fine, reset},
		"cut off":                    {fine, half, fine},
		"redirect":                   {answer(http.StatusNoContent, ""), http.RedirectHandler("/z", http.StatusTemporaryRedirect).ServeHTTP, fine},
		"refused and closed":         {early, fine},
		"several resets on the way":  {fine, reset, fine, reset, fine},
		"not found with a long body": {answer(http.StatusNotFound, strings.Repeat("x", 200_000))},
	} {
		for kind, q := range requests {
			t.Run(name+", "+kind, func(t *testing.T) {
				seen := map[string][]string{}
				results := map[string][]string{}
				for _, way := range []string{"memory", "socket", "plain"} {
					server := &scripted{steps: steps}
					client, address := reach(t, way, server)
					for range 4 {
						results[way] = append(results[way], outcome(t, client, address, q))
					}
					seen[way] = server.all()
				}
				require.Equal(t, results["plain"], results["socket"])
				require.Equal(t, results["plain"], results["memory"])
				require.Equal(t, seen["plain"], seen["memory"])
			})
		}
	}
}

// reach returns a client for a handler behind an endpoint, or behind a plain server.
func reach(t *testing.T, way string, h http.Handler) (*http.Client, string) {
	t.Helper()
	if way == "plain" {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.Client(), server.URL
	}
	e := simkit.NewEndpoint(h)
	t.Cleanup(e.Close)
	if way == "memory" {
		return e.Client(), "https://anywhere.example"
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, e.URL()
}

func TestClosedEndpointRefusesCalls(t *testing.T) {
	e := simkit.NewEndpoint(answer(http.StatusOK, ""))
	require.Contains(t, outcome(t, e.Client(), "http://x.example", requests["GET"]), "200")
	require.NotEmpty(t, e.URL())
	e.Close()
	e.Close()
	require.Empty(t, e.URL())
	require.Equal(t, "refused", outcome(t, e.Client(), "http://x.example", requests["GET"]))
}

// A handler sees the scheme that was asked for nowhere, but a caller may use any.
func TestEndpointAnswersForEveryHost(t *testing.T) {
	e := simkit.NewEndpoint(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	defer e.Close()
	for _, address := range []string{"http://a.example", "https://b.example:8443", "https://[::1]"} {
		require.Contains(t, outcome(t, e.Client(), address, requests["GET"]), strings.SplitN(address, "//", 2)[1])
	}
}

func TestPanicReachesTheCallerByName(t *testing.T) {
	e := simkit.NewEndpoint(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") }))
	defer e.Close()
	response, err := e.Client().Get("http://x.example")
	if err == nil {
		require.NoError(t, response.Body.Close())
	}
	require.ErrorContains(t, err, "handler panicked: boom")
	require.ErrorIs(t, err, io.EOF)
}

func TestHandlerLearnsThatItsCallerIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone time.Duration
		start := time.Now()
		e := simkit.NewEndpoint(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			gone = time.Since(start)
			<-time.After(time.Hour)
		}))
		defer e.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://x.example", strings.NewReader("body"))
		require.NoError(t, err)
		_, err = e.Client().Do(r) //nolint:bodyclose // there is no answer
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(start))

		short, cancelShort := context.WithTimeout(t.Context(), time.Second)
		defer cancelShort()
		require.ErrorIs(t, e.Settle(short), context.DeadlineExceeded)
		require.NoError(t, e.Settle(t.Context()))
		require.Equal(t, time.Hour+time.Minute, time.Since(start))
		require.Equal(t, time.Minute, gone)
	})
}

// A request that nobody waited for is still handled, and Settle knows of it even if
// the server has not read it yet.
func TestSettleCountsWhatIsOnItsWay(t *testing.T) {
	for range 200 {
		var handled sync.Map
		e := simkit.NewEndpoint(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handled.Store(r.URL.Path, true) }))
		for i := range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(simkit.OnceWritten(ctx, cancel), http.MethodGet, fmt.Sprintf("http://x.example/%d", i), nil)
			require.NoError(t, err)
			response, err := e.Client().Do(r)
			if err == nil {
				require.NoError(t, response.Body.Close())
			}
			cancel()
		}
		require.NoError(t, e.Settle(t.Context()))
		for i := range 3 {
			_, found := handled.Load(fmt.Sprintf("/%d", i))
			require.True(t, found)
		}
		e.Close()
	}
}

func TestEndpointTakesManyCallersAtOnce(t *testing.T) {
	e := simkit.NewEndpoint(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	defer e.Close()
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			want := strings.Repeat(fmt.Sprint(i), 10_000)
			response, err := e.Client().Post("https://x.example", "text/plain", strings.NewReader(want))
			if err != nil {
				t.Error(err)
				return
			}
			got, err := io.ReadAll(response.Body)
			if err != nil || string(got) != want {
				t.Error(len(got), err)
			}
			_ = response.Body.Close()
		})
	}
	group.Wait()
}

// A server that refuses a body before its end would linger on a socket. In memory it
// must not outlive the endpoint, or a bubble cannot end.
func TestBodyThatIsRefusedLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := simkit.NewEndpoint(answer(http.StatusRequestEntityTooLarge, "too large"))
		defer e.Close()
		start := time.Now()
		for range 50 { // an answer must not lose a race against the body
			response, err := e.Client().Post("http://x.example", "text/plain", bytes.NewReader(make([]byte, 10<<20)))
			require.NoError(t, err)
			body, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, "too large", string(body))
			require.NoError(t, response.Body.Close())
		}
		require.Zero(t, time.Since(start))
	})
}
