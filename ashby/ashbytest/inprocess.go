package ashbytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// Client returns an HTTP client that reaches the simulator in process, without a
// socket and without goroutines, whatever the host of the URL is. It works inside
// a testing/synctest bubble. It follows redirects within the simulator, as
// [http.Client] does by default.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: inProcess{s}}
}

// inProcess is the transport of [Server.Client]. It runs the simulator on the
// goroutine of the caller; everything that waits there watches the request's
// context, so that a cancelled call returns at once and leaves nothing behind.
type inProcess struct{ server *Server }

// RoundTrip implements [http.RoundTripper].
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	body, err := readRequestBody(ctx, r.Body)
	if err != nil {
		return nil, err
	}
	if t.server.isClosed() {
		return nil, connectionError("dial", syscall.ECONNREFUSED)
	}
	c := newCall(r, body)
	c.inProcess = true
	rep := t.server.exchange(ctx, c)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if rep.reset {
		return nil, connectionError("read", syscall.ECONNRESET)
	}
	return t.server.response(r, rep), nil
}

// readRequestBody reads and always closes the body, as a RoundTripper must. The
// body may be a pipe that never ends, so that the context has to close it.
func readRequestBody(ctx context.Context, body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, context.Cause(ctx)
	}
	closeBody := sync.OnceValue(body.Close)
	stop := context.AfterFunc(ctx, func() { _ = closeBody() })
	defer stop()
	data, err := io.ReadAll(body)
	if closeErr := closeBody(); err == nil {
		err = closeErr
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return data, err
}

func (s *Server) response(r *http.Request, rep reply) *http.Response {
	header := rep.header.Clone()
	header.Set("Content-Length", rep.contentLength())
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", rep.status, http.StatusText(rep.status)),
		StatusCode:    rep.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          s.responseBody(r.Context(), rep),
		ContentLength: int64(len(rep.body)),
		Request:       r,
	}
}

func (s *Server) responseBody(ctx context.Context, rep reply) io.ReadCloser {
	b := &inProcessBody{ctx: ctx, rest: bytes.NewReader(rep.sent()), end: io.EOF, hangUp: make(chan struct{}), down: s.closed}
	if rep.cutOff {
		b.end = io.ErrUnexpectedEOF
	}
	if rep.bodyDelay > 0 {
		b.ready = time.Now().Add(rep.bodyDelay)
	}
	return b
}

// inProcessBody is a response body that may arrive late or end too early. A Read
// ends with the context of the request or with Close, as it does on a socket.
type inProcessBody struct {
	ctx    context.Context
	rest   *bytes.Reader
	end    error // what follows the last byte
	ready  time.Time
	hangUp chan struct{}
	down   <-chan struct{}
	once   sync.Once
}

var errBodyClosed = errors.New("ashbytest: read on closed response body")

// Read implements [io.Reader].
func (b *inProcessBody) Read(p []byte) (int, error) {
	if err := b.await(); err != nil {
		return 0, err
	}
	n, err := b.rest.Read(p)
	if errors.Is(err, io.EOF) {
		return n, b.end
	}
	return n, err
}

// Close implements [io.Closer].
func (b *inProcessBody) Close() error {
	b.once.Do(func() { close(b.hangUp) })
	return nil
}

func (b *inProcessBody) await() error {
	select {
	case <-b.hangUp:
		return errBodyClosed
	default:
	}
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	wait := time.Until(b.ready)
	if b.ready.IsZero() || wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-b.ctx.Done():
		return context.Cause(b.ctx)
	case <-b.hangUp:
		return errBodyClosed
	case <-b.down:
		return connectionError("read", syscall.ECONNRESET)
	}
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// connectionError is what net reports for the same event on a socket.
func connectionError(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
}
