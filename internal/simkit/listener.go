package simkit

import (
	"context"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// listener is a [net.Listener] in memory. It also knows whether the server behind
// it has anything left to do.
type listener struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting []*conn // dialled, not yet accepted
	closed  bool
	busy    map[any]struct{} // connections with a request under way, handlers at work
	idle    chan struct{}    // closed when nothing is busy; nil while nobody waits
}

func newListener() *listener {
	l := &listener{busy: map[any]struct{}{}}
	l.changed.L = &l.mu
	return l
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) == 0 {
		if l.closed {
			return nil, net.ErrClosed
		}
		l.changed.Wait()
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	return c, nil
}

// Close implements [net.Listener]. Connections that nobody accepted are reset.
func (l *listener) Close() error {
	l.mu.Lock()
	l.closed = true
	waiting := l.waiting
	l.waiting = nil
	l.changed.Broadcast()
	l.mu.Unlock()
	for _, c := range waiting {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	return nil
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr { return serverAddr }

// dial connects, whatever the address is.
func (l *listener) dial(ctx context.Context, secure bool) (net.Conn, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	client, server := newConnPair()
	server.in.wrote = func() { l.begin(server) }
	server.state.secure = secure
	server.state.settled = func() { l.finish(server) }
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, connectionError("dial", syscall.ECONNREFUSED)
	}
	l.waiting = append(l.waiting, server)
	l.changed.Broadcast()
	return client, nil
}

// begin and finish say that something is under way, or no longer.
func (l *listener) begin(what any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy[what] = struct{}{}
}

func (l *listener) finish(what any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, what)
	if len(l.busy) == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

// stateChanged is the hook of [http.Server]: an idle connection is finished, unless
// the next request has arrived already.
func (l *listener) stateChanged(c net.Conn, state http.ConnState) {
	server, ours := c.(*conn)
	if !ours || state != http.StateIdle {
		return
	}
	server.in.mu.Lock()
	defer server.in.mu.Unlock()
	if len(server.in.buf) == 0 {
		l.finish(server)
	}
}

// settle waits until nothing is under way. Its error is that of the context.
func (l *listener) settle(ctx context.Context) error {
	for {
		l.mu.Lock()
		if len(l.busy) == 0 {
			l.mu.Unlock()
			return nil
		}
		if l.idle == nil {
			l.idle = make(chan struct{})
		}
		idle := l.idle
		l.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
