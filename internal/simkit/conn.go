package simkit

import (
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipeCapacity is how much one direction of a connection holds before a writer
// has to wait for the reader, as the buffers of a socket do.
const pipeCapacity = 64 << 10

// pipe is one direction of a connection in memory. A [net.Pipe] has no buffer and
// cannot be reset, so that net/http behaves differently on it than on a socket.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	ended   error // set by the writer's end: what a reader gets after the buffer
	gone    bool  // the reader's end is closed
	drained bool  // what is written after that is lost without a word
	reading deadline
	writing deadline
	// wrote is called with the lock held after bytes arrived.
	wrote func()
}

func newPipe() *pipe {
	p := &pipe{}
	p.changed.L = &p.mu
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.gone:
			return 0, net.ErrClosed
		case p.reading.passed:
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(p.buf) > 0:
			n := copy(b, p.buf)
			p.buf = p.buf[n:]
			p.changed.Broadcast()
			return n, nil
		case p.ended != nil:
			return 0, p.ended
		}
		p.changed.Wait()
	}
}

func (p *pipe) write(b []byte) (written int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		room := pipeCapacity - len(p.buf)
		switch {
		case p.ended != nil:
			return written, net.ErrClosed
		case p.gone && p.drained:
			return written + len(b), nil
		case p.gone:
			return written, connectionError("write", syscall.EPIPE)
		case p.writing.passed:
			return written, os.ErrDeadlineExceeded
		case len(b) == 0:
			return written, nil
		case room > 0:
			n := min(room, len(b))
			p.buf = append(p.buf, b[:n]...)
			b, written = b[n:], written+n
			if p.wrote != nil {
				p.wrote()
			}
			p.changed.Broadcast()
			continue
		}
		p.changed.Wait()
	}
}

// end is what the writer's end does when it is closed.
func (p *pipe) end(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended == nil {
		p.ended = cause
	}
	p.writing.stop()
	p.changed.Broadcast()
}

// abandon is what the reader's end does when it is closed.
func (p *pipe) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone, p.buf = true, nil
	p.reading.stop()
	p.changed.Broadcast()
}

// drain lets writes succeed after the reader is gone.
func (p *pipe) drain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drained = true
}

// deadline is the end of one side's patience. The pipe's lock guards it.
type deadline struct {
	passed  bool
	timer   *time.Timer
	setting int // tells a timer that was replaced while it fired
}

func (d *deadline) stop() {
	d.setting++
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (p *pipe) setDeadline(d *deadline, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d.stop()
	wait := time.Until(at)
	d.passed = !at.IsZero() && wait <= 0
	p.changed.Broadcast()
	if at.IsZero() || d.passed {
		return
	}
	setting := d.setting
	d.timer = time.AfterFunc(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if d.setting == setting {
			d.passed = true
			p.changed.Broadcast()
		}
	})
}

// conn is one end of a connection in memory. It implements [net.Conn], and what
// of [net.TCPConn] a reset needs.
type conn struct {
	in, out *pipe
	local   net.Addr
	remote  net.Addr
	state   *connState // shared by both ends

	mu     sync.Mutex
	resets bool
	// written is called once, after the next write.
	written func()
}

// connState is what both ends of a connection know of it.
type connState struct {
	secure   bool // it was dialled for an https URL
	mu       sync.Mutex
	panicked any
	// settled tells that the server's end has nothing left to do.
	settled func()
}

func (s *connState) setPanic(value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panicked = value
}

func (s *connState) panicValue() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.panicked
}

// The addresses are of the range that is reserved for documentation.
var (
	clientAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234}
	serverAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80}
)

func newConnPair() (client, server *conn) {
	toServer, toClient, state := newPipe(), newPipe(), &connState{}
	client = &conn{in: toClient, out: toServer, local: clientAddr, remote: serverAddr, state: state}
	server = &conn{in: toServer, out: toClient, local: serverAddr, remote: clientAddr, state: state}
	return client, server
}

// Read implements [net.Conn].
func (c *conn) Read(b []byte) (int, error) { return c.in.read(b) }

// Write implements [net.Conn].
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	c.mu.Lock()
	written := c.written
	c.written = nil
	c.mu.Unlock()
	if written != nil {
		written()
	}
	return n, err
}

// onceWritten calls a function after the next write.
func (c *conn) onceWritten(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = do
}

// SetLinger is what [net.TCPConn] has: with zero seconds the peer of a closed
// connection sees a reset.
func (c *conn) SetLinger(seconds int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resets = seconds == 0
	return nil
}

// Close implements [net.Conn]. What was written before still arrives.
func (c *conn) Close() error {
	c.mu.Lock()
	resets := c.resets
	c.mu.Unlock()
	cause := io.EOF
	if resets {
		cause = connectionError("read", syscall.ECONNRESET)
	}
	c.out.end(cause)
	c.in.abandon()
	if c.local == serverAddr && c.state.settled != nil {
		c.state.settled()
	}
	return nil
}

// CloseWrite is what net/http's server calls before it lingers half a second, so that
// a peer that is still writing gets to read the answer instead of an error. Here what
// the peer still writes vanishes, for as long as it likes. The wait would outlive the
// test that caused it, so the server's goroutine is ended, in the way in which net/http
// lets a handler end it.
func (c *conn) CloseWrite() error {
	c.out.end(io.EOF)
	c.in.drain()
	panic(http.ErrAbortHandler)
}

// LocalAddr implements [net.Conn].
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements [net.Conn].
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements [net.Conn].
func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.reading, t)
	return nil
}

// SetWriteDeadline implements [net.Conn].
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writing, t)
	return nil
}

// connectionError is what net reports for the same event on a socket.
func connectionError(op string, errno syscall.Errno) error {
	return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, errno)}
}
