package stackonetest

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Server is a simulated StackOne project. Its methods may be called concurrently.
type Server struct {
	cfg       Config
	routes    []route
	transport *http.Transport // of calls to URLs of the provider
	closed    chan struct{}
	socket    socket

	mu        sync.Mutex
	counters  map[string]int
	keys      map[string]bool
	secret    string
	oldSecret string
	webhooks  target
	packages  target
	accounts  []*account // in order of creation
	sessions  map[string]*session
	orders    []*order // in order of creation
	events    []*storedEvent
	exchanges []Exchange
	faults    map[string][]Fault
	chaos     func(op string, n int) Fault
	calls     map[string]int
	running   map[chan struct{}]struct{} // handlers of the targets at work
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
		keys:      map[string]bool{cfg.APIKey: true},
		secret:    cfg.WebhookSecret,
		sessions:  map[string]*session{},
		faults:    map[string][]Fault{},
		calls:     map[string]int{},
		running:   map[chan struct{}]struct{}{},
	}
	for _, spec := range cfg.Accounts {
		if _, err := s.Account(spec); err != nil {
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
	if !s.isClosed() {
		close(s.closed)
	}
	s.mu.Unlock()
	s.socket.close()
	s.transport.CloseIdleConnections()
}

// AddKey makes one more API key valid.
func (s *Server) AddKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = true
}

// RevokeKey makes an API key invalid: calls with it are answered 401.
func (s *Server) RevokeKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// RotateSecret makes another secret the active one. Webhooks are signed with it
// from now on; [OldSecret] still signs with the one before, as StackOne does while
// two secrets exist: https://docs.stackone.com/guides/webhooks
func (s *Server) RotateSecret(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldSecret, s.secret = s.secret, secret
}

func (s *Server) now() time.Time { return s.cfg.Clock() }

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

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
