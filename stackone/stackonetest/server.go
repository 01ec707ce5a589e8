package stackonetest

import (
	"context"
	"net/http"
	"testing"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Server is a simulated StackOne project. Its methods may be called concurrently.
type Server struct {
	*world
	cfg     Config
	sim     *simkit.Simulator[*Server]
	secrets *simkit.Secrets
	// The endpoints of the provider.
	webhooks simkit.Setting[simkit.Target]
	packages simkit.Setting[simkit.Target]
}

// New returns a simulator for a program. It opens no socket until [Server.URL] is
// called. The caller closes it with [Server.Close].
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, secrets: simkit.NewSecrets(cfg.WebhookSecret)}
	s.sim = simkit.New(simkit.Config[*Server]{
		Self: s, Name: "stackonetest", Inbound: string(ToStackOne), Outbound: string(FromStackOne),
		Seed: cfg.Seed, Clock: cfg.Clock, MaxExchanges: cfg.MaxExchanges, Limits: simkit.Limits(cfg.Limits),
		Dial: cfg.DialContext, Followed: s.followed, API: s.api(),
	})
	s.world = newWorld(cfg, s.sim.IDs)
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
func (s *Server) Close() { s.sim.Close() }

// Client returns an HTTP client that reaches the simulator in memory, without a
// socket, whatever the host of the URL is. Both ends are net/http's own, so that it
// repeats and reuses as it does on a network. It works inside a testing/synctest
// bubble. It follows redirects within the simulator, as [http.Client] does by default.
func (s *Server) Client() *http.Client { return s.sim.Client() }

// URL returns the base URL of the API, as in "http://127.0.0.1:41234". The first
// call opens the socket. It returns the empty string if no loopback socket can be
// opened or the simulator is closed.
func (s *Server) URL() string { return s.sim.URL() }

// ServeHTTP serves the API, so that a program can mount the simulator in a server
// of its own. The unified paths start with /unified, the others are at the root.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.sim.ServeHTTP(w, r) }

// Target makes a handler the receiver of webhooks, in memory and at
// [Config.WebhookPath]. It replaces the target set before.
func (s *Server) Target(h http.Handler) { s.webhooks.Set(s.sim.HandlerTarget(h, s.cfg.WebhookPath)) }

// TargetURL makes the endpoint at a URL, path included, the receiver of webhooks.
// It replaces the target set before; the empty string means that no webhook is set
// up, so that none is sent.
func (s *Server) TargetURL(url string) { s.webhooks.Set(s.sim.URLTarget(url)) }

// PackagesTarget makes a handler the packages endpoint that [Server.RequestPackages]
// asks, in memory and at [Config.PackagesPath].
func (s *Server) PackagesTarget(h http.Handler) {
	s.packages.Set(s.sim.HandlerTarget(h, s.cfg.PackagesPath))
}

// PackagesTargetURL makes the endpoint at a URL the packages endpoint that
// [Server.RequestPackages] asks; the empty string means that there is none.
func (s *Server) PackagesTargetURL(url string) { s.packages.Set(s.sim.URLTarget(url)) }

// Settle waits until every handler that the simulator called in memory has
// returned, also those whose answer it no longer waited for. Its error is that of
// the context.
func (s *Server) Settle(ctx context.Context) error { return s.sim.Settle(ctx) }

// RotateSecret makes another secret the active one. Webhooks are signed with it
// from now on; [OldSecret] still signs with the one before, as StackOne does while
// two secrets exist: https://docs.stackone.com/guides/webhooks
func (s *Server) RotateSecret(secret string) { s.secrets.Rotate(secret) }
