package stackonetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
)

// target is an endpoint of the provider.
type target struct {
	transport http.RoundTripper // nil: nothing is set up
	url       string
}

// Target makes a handler the receiver of webhooks, in process and at
// [Config.WebhookPath]. It replaces the target set before.
func (s *Server) Target(h http.Handler) {
	t := s.inProcessTarget(h, s.cfg.WebhookPath)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks = t
}

// TargetURL makes the endpoint at a URL, path included, the receiver of webhooks.
// It replaces the target set before; the empty string means that no webhook is set
// up, so that none is sent.
func (s *Server) TargetURL(url string) {
	t := s.urlTarget(url)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.webhooks = t
}

// PackagesTarget makes a handler the packages endpoint that [Server.RequestPackages]
// asks, in process and at [Config.PackagesPath].
func (s *Server) PackagesTarget(h http.Handler) {
	t := s.inProcessTarget(h, s.cfg.PackagesPath)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packages = t
}

// PackagesTargetURL makes the endpoint at a URL the packages endpoint that
// [Server.RequestPackages] asks; the empty string means that there is none.
func (s *Server) PackagesTargetURL(url string) {
	t := s.urlTarget(url)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packages = t
}

func (s *Server) inProcessTarget(h http.Handler, path string) target {
	return target{transport: handlerTransport{server: s, handler: h}, url: "http://provider.example" + path}
}

func (s *Server) urlTarget(url string) target {
	if url == "" {
		return target{}
	}
	return target{transport: s.transport, url: url}
}

// Settle waits until every handler that the simulator called in process has
// returned, also those whose answer it no longer waited for. Its error is that of
// the context.
func (s *Server) Settle(ctx context.Context) error {
	for {
		done, busy := s.oneRunning()
		if !busy {
			return nil
		}
		select {
		case <-done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *Server) oneRunning() (done chan struct{}, busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for done := range s.running {
		return done, true
	}
	return nil, false
}

// handlerTransport delivers requests to a handler as a server would: the handler
// runs on its own goroutine, and its context ends when the sender hangs up.
type handlerTransport struct {
	server  *Server
	handler http.Handler
}

// RoundTrip implements [http.RoundTripper].
func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	inbound := serverRequest(r)
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
	recorder := httptest.NewRecorder()
	panicked := make(chan any, 1)
	finished := t.server.startHandler()
	go func() {
		defer finished()
		defer func() { panicked <- recover() }()
		t.handler.ServeHTTP(recorder, inbound)
	}()
	select {
	case value := <-panicked:
		if value != nil {
			return nil, fmt.Errorf("handler panicked: %v", value)
		}
		return recorder.Result(), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// serverRequest is the outgoing request as a server sees it.
func serverRequest(r *http.Request) *http.Request {
	inbound := r.Clone(r.Context())
	inbound.RequestURI = r.URL.RequestURI()
	inbound.RemoteAddr = "192.0.2.1:1234"
	inbound.Host = r.URL.Host
	if inbound.Body == nil {
		inbound.Body = http.NoBody
	}
	// What identifies the host is not part of the URL that a server sees.
	inbound.URL.Scheme, inbound.URL.Host = "", ""
	return inbound
}

func (s *Server) startHandler() (finished func()) {
	done := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[done] = struct{}{}
	return func() {
		s.mu.Lock()
		delete(s.running, done)
		s.mu.Unlock()
		close(done)
	}
}

// answerOf is what an endpoint of the provider answered.
type answerOf struct {
	status int
	header http.Header
	body   []byte
	err    error
}

const maxAnswer = 1 << 20

// send does not follow redirects: an endpoint has one address.
func (t target) send(ctx context.Context, method string, header http.Header, body []byte) answerOf {
	r, err := http.NewRequestWithContext(ctx, method, t.url, bytes.NewReader(body))
	if err != nil {
		return answerOf{err: fmt.Errorf("stackonetest: call of the provider: %w", err)}
	}
	r.Header = header.Clone()
	client := &http.Client{
		Transport:     t.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(r)
	if err != nil {
		return answerOf{err: fmt.Errorf("stackonetest: call of the provider: %w", err)}
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answerOf{err: fmt.Errorf("stackonetest: call of the provider: %w", err)}
	}
	return answerOf{status: response.StatusCode, header: response.Header, body: answer}
}
