package ashbytest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"syscall"
)

// target is an endpoint of the provider.
type target struct {
	transport http.RoundTripper // nil: there is none
	url       string
}

const inProcessHost = "http://provider.example"

// Target makes a handler the provider's endpoints, in process and below
// [Config.PartnerPath]. It replaces the target set before.
func (s *Server) Target(h http.Handler) {
	s.setTarget(&s.partner, s.handlerTarget(h, s.cfg.PartnerPath))
}

// TargetURL makes the base URL the place of the provider's endpoints, with or
// without a trailing slash: "https://example.com/ashby" is called at
// "https://example.com/ashby/assessment.list". It replaces the target set before;
// the empty string removes it.
// https://developers.ashbyhq.com/docs/creating-an-assessments-integration
func (s *Server) TargetURL(base string) { s.setTarget(&s.partner, s.urlTarget(base)) }

// WebhookTarget makes a handler the receiver of webhooks of every organization, in
// process and at [Config.WebhookPath]. It replaces the one set before.
func (s *Server) WebhookTarget(h http.Handler) {
	s.setTarget(&s.webhook, s.handlerTarget(h, s.cfg.WebhookPath))
}

// WebhookTargetURL makes the endpoint at a URL, path included, the receiver of
// webhooks. It replaces the one set before; the empty string means that no webhook
// is set up.
func (s *Server) WebhookTargetURL(url string) { s.setTarget(&s.webhook, s.urlTarget(url)) }

func (s *Server) handlerTarget(h http.Handler, path string) target {
	return target{transport: handlerTransport{server: s, handler: h}, url: inProcessHost + path}
}

func (s *Server) urlTarget(url string) target {
	if url == "" {
		return target{}
	}
	return target{transport: s.transport, url: url}
}

func (s *Server) setTarget(where *target, t target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*where = t
}

// endpoint is the target of one operation of the provider.
func (t target) endpoint(op string) target {
	t.url = strings.TrimSuffix(t.url, "/") + "/" + op
	return t
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

// post sends a body and reads the answer. Redirects are not followed: Ashby does
// not document that it would, and an answer elsewhere is not the provider's.
func (t target) post(ctx context.Context, header http.Header, body []byte) (int, http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ashbytest: %w", err)
	}
	r.Header = header.Clone()
	client := &http.Client{
		Transport:     t.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ashbytest: %w", err)
	}
	answer, err := readAnswer(response)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ashbytest: %w", err)
	}
	return response.StatusCode, response.Header, answer, nil
}

const maxAnswer = 1 << 20

func readAnswer(r *http.Response) ([]byte, error) {
	defer func() { _ = r.Body.Close() }()
	return io.ReadAll(io.LimitReader(r.Body, maxAnswer))
}
