package simkit

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

// Endpoint serves one handler in memory and, if asked for, on a loopback socket.
// Both ways are net/http's own server and client, so that requests are repeated,
// connections are kept and errors are made exactly as they are on a network.
type Endpoint struct {
	handler http.Handler
	memory  *listener
	client  *http.Transport

	mu      sync.Mutex
	started bool
	closed  bool
	servers []*http.Server
	url     string
}

// idleConnections are kept open per host, so that a load of many callers does not
// dial anew for each call.
const idleConnections = 256

// headerTimeout bounds the wait for the head of a request, on the socket only: in
// memory it would be a timer that moves the clock of a bubble.
const headerTimeout = time.Minute

// NewEndpoint returns an endpoint that has no goroutine and no socket until it is
// used. The caller closes it.
func NewEndpoint(h http.Handler) *Endpoint {
	e := &Endpoint{memory: newListener()}
	e.handler = e.watched(h)
	e.client = &http.Transport{DialContext: e.dial, DialTLSContext: e.dialTLS, MaxIdleConnsPerHost: idleConnections}
	return e
}

// Client returns an HTTP client that reaches the handler in memory, whatever the
// scheme and host of a URL are. All clients share their connections.
func (e *Endpoint) Client() *http.Client { return &http.Client{Transport: e} }

// RoundTrip implements [http.RoundTripper] in memory. A handler that panics is a
// lost connection, and the error has its words.
func (e *Endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	var used *conn
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		used, _ = info.Conn.(*conn)
	}})
	response, err := e.client.RoundTrip(r.WithContext(ctx))
	if err != nil && used != nil {
		if value := used.state.panicValue(); value != nil {
			err = fmt.Errorf("handler panicked: %v: %w", value, err)
		}
	}
	if response != nil {
		response.Request = r
		if used != nil {
			response.Body = &body{ReadCloser: response.Body, conn: used}
		}
	}
	return response, err
}

// body is the body of an answer. Closing it while somebody reads ends the reading at
// once: since Go 1.27 net/http waits a moment for the rest first, and in a synctest
// bubble that moment never passes, because the reader holds a mutex.
type body struct {
	io.ReadCloser
	conn    *conn
	reading atomic.Int32
}

func (b *body) Read(p []byte) (int, error) {
	b.reading.Add(1)
	defer b.reading.Add(-1)
	return b.ReadCloser.Read(p)
}

func (b *body) Close() error {
	if b.reading.Load() > 0 {
		_ = b.conn.Close() // in memory nothing can fail
	}
	return b.ReadCloser.Close()
}

// CloseIdleConnections closes the connections that no request uses. It is what
// [http.Client.CloseIdleConnections] calls.
func (e *Endpoint) CloseIdleConnections() { e.client.CloseIdleConnections() }

// URL returns the base URL of the loopback socket, as in "http://127.0.0.1:41234".
// The first call opens it. The result is empty if no socket can be opened or the
// endpoint is closed.
func (e *Endpoint) URL() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || e.url != "" {
		return e.url
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return ""
	}
	e.url = "http://" + socket.Addr().String()
	e.serve(socket, &http.Server{Handler: e.handler, ReadHeaderTimeout: headerTimeout})
	return e.url
}

// Close ends both servers: open connections are closed, and later calls find nobody
// listening. It may be called more than once.
func (e *Endpoint) Close() {
	e.mu.Lock()
	e.closed, e.url = true, ""
	servers := e.servers
	e.servers = nil
	e.mu.Unlock()
	_ = e.memory.Close() // in memory nothing can fail
	for _, server := range servers {
		_ = server.Close() // closes listeners: no data can be lost
	}
	e.client.CloseIdleConnections()
}

// Settle waits until everything that was sent in memory has been handled, also
// requests whose answer nobody waited for. Its error is that of the context.
func (e *Endpoint) Settle(ctx context.Context) error { return e.memory.settle(ctx) }

func (e *Endpoint) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	e.start()
	return e.memory.dial(ctx, false)
}

// dialTLS serves https URLs: in memory there is nothing to encrypt, but the server
// can tell how it was called.
func (e *Endpoint) dialTLS(ctx context.Context, _, _ string) (net.Conn, error) {
	e.start()
	return e.memory.dial(ctx, true)
}

// start begins to serve in memory, with the first connection.
func (e *Endpoint) start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.started && !e.closed {
		e.started = true
		e.serve(e.memory, &http.Server{Handler: e.handler, ConnState: e.memory.stateChanged, ConnContext: withConn}) //nolint:gosec // headerTimeout
	}
}

// serve starts a server. The caller holds e.mu.
func (e *Endpoint) serve(l net.Listener, server *http.Server) {
	e.servers = append(e.servers, server)
	go func() {
		// Serve ends with ErrServerClosed when the endpoint is closed; there is
		// nobody to tell about any other end.
		_ = server.Serve(l)
	}()
}

type connKey struct{}

// secure tells whether a request was made to an https URL, as far as the simulator
// can know.
func secure(r *http.Request) bool {
	c, inMemory := r.Context().Value(connKey{}).(*conn)
	return r.TLS != nil || inMemory && c.state.secure
}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// watched counts the handler as work under way, also after its connection was
// closed, and keeps the words of a panic for the one who sent the request.
func (e *Endpoint) watched(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, inMemory := r.Context().Value(connKey{}).(*conn)
		if !inMemory {
			h.ServeHTTP(w, r)
			return
		}
		e.memory.begin(r)
		defer e.memory.finish(r)
		defer func() {
			if value := recover(); value != nil {
				c.state.setPanic(value)
				panic(http.ErrAbortHandler) // net/http's way to drop a connection in silence
			}
		}()
		h.ServeHTTP(w, r)
	})
}
