package kombotest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"syscall"
)

// target is the provider's webhook endpoint.
type target struct {
	transport http.RoundTripper // nil: no webhook is set up
	url       string
}

// Target makes a handler the receiver of webhooks, in process and at
// [Config.WebhookPath]. It replaces the target set before.
func (s *Server) Target(h http.Handler) {
	s.setTarget(target{transport: handlerTransport{server: s, handler: h}, url: "http://provider.example" + s.cfg.WebhookPath})
}

// TargetURL makes the endpoint at a URL, path included, the receiver of webhooks.
// It replaces the target set before; the empty string means that no webhook is
// set up, so that none is sent.
func (s *Server) TargetURL(url string) {
	if url == "" {
		s.setTarget(target{})
		return
	}
	s.setTarget(target{transport: s.transport, url: url})
}

func (s *Server) setTarget(t target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target = t
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
			return nil, fmt.Errorf("handler panicked: %v: %w", value, connectionError("read", syscall.ECONNRESET))
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

// webhookClient does not follow redirects: a webhook has one address.
func (t target) webhookClient() *http.Client {
	return &http.Client{
		Transport:     t.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

const maxAnswer = 1 << 20

func readAnswer(r *http.Response) ([]byte, error) {
	defer func() { _ = r.Body.Close() }()
	return io.ReadAll(io.LimitReader(r.Body, maxAnswer))
}
