package ashbytest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Server is a simulated Ashby with its customers. Its methods may be called
// concurrently.
type Server struct {
	cfg       Config
	routes    map[string]route
	transport *http.Transport // of calls and webhooks to a URL
	closed    chan struct{}
	socket    socket

	mu            sync.Mutex
	organizations []*organization
	counters      map[string]int
	partner       target
	webhook       target
	exchanges     []Exchange
	faults        map[string][]Fault
	chaos         func(op string, n int) Fault
	calls         map[string]int
	cancellations int                        // settled so far
	running       map[chan struct{}]struct{} // handlers of the targets at work
}

// New returns a simulator for a program. It opens no socket until [Server.URL] is
// called. The caller closes it with [Server.Close].
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:       cfg,
		routes:    routes(),
		transport: &http.Transport{},
		closed:    make(chan struct{}),
		counters:  map[string]int{},
		faults:    map[string][]Fault{},
		calls:     map[string]int{},
		running:   map[chan struct{}]struct{}{},
	}
	for _, spec := range cfg.Organizations {
		if err := s.addOrganization(spec); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Start returns a simulator that is closed when the test ends. Each function may
// change its configuration, which starts out as the zero [Config]. An invalid
// configuration fails the test.
//
// The loopback socket is opened by the first [Server.URL], so that a test in a
// testing/synctest bubble can call Start too and use [Server.Client].
func Start(tb testing.TB, configure ...func(*Config)) *Server {
	tb.Helper()
	var cfg Config
	for _, change := range configure {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// Close ends the simulator: open connections are closed, slow answers end, and
// later calls find nobody listening. What was recorded stays readable. Close may
// be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	s.mu.Unlock()
	s.socket.close()
	s.transport.CloseIdleConnections()
}

func (s *Server) now() time.Time { return s.cfg.Clock() }

// pause waits and tells whether it is worth going on: false when the caller has
// gone or the simulator was closed.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.closed:
		return false
	}
}

// together runs work n times at once and waits for all.
func together(n int, work func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { work(i) })
	}
	group.Wait()
}
