package kombotest

import (
	"context"
	"net/http"
	"testing"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Server is a simulated Kombo environment. Its methods may be called concurrently.
type Server struct {
	*world
	cfg     Config
	sim     *simkit.Simulator[*Server]
	secrets *simkit.Secrets
	target  simkit.Setting[simkit.Target]
	ats     simkit.Setting[func(PassthroughCall) PassthroughAnswer]
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
		Self: s, Name: "kombotest", Inbound: string(ToKombo), Outbound: string(FromKombo),
		Seed: cfg.Seed, Clock: cfg.Clock, MaxExchanges: cfg.MaxExchanges, Limits: simkit.Limits(cfg.Limits),
		Dial: cfg.DialContext, Followed: s.followed, API: s.api(),
	})
	s.world = newWorld(cfg, s.sim.IDs)
	for _, spec := range cfg.Integrations {
		if _, err := s.Integration(spec); err != nil {
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

// URL returns the base URL of the API, version segment included, as in
// "http://127.0.0.1:41234/v1". The first call opens the socket. It returns the
// empty string if no loopback socket can be opened or the simulator is closed.
func (s *Server) URL() string {
	if base := s.sim.URL(); base != "" {
		return base + basePath
	}
	return ""
}

// ServeHTTP serves the API, so that a program can mount the simulator in a server
// of its own. Paths start with /v1.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.sim.ServeHTTP(w, r) }

// Target makes a handler the receiver of webhooks, in memory and at
// [Config.WebhookPath]. It replaces the target set before.
func (s *Server) Target(h http.Handler) {
	s.target.Set(s.sim.HandlerTarget(h, s.cfg.WebhookPath))
}

// TargetURL makes the endpoint at a URL, path included, the receiver of webhooks.
// It replaces the target set before; the empty string means that no webhook is
// set up, so that none is sent.
func (s *Server) TargetURL(url string) { s.target.Set(s.sim.URLTarget(url)) }

// Settle waits until every handler that the simulator called in memory has
// returned, also those whose answer it no longer waited for. Its error is that of
// the context.
func (s *Server) Settle(ctx context.Context) error { return s.sim.Settle(ctx) }

// RotateSecret replaces the webhook secret. Webhooks are signed with the new one
// from now on; [OldSecret] still signs with the one before.
func (s *Server) RotateSecret(secret string) { s.secrets.Rotate(secret) }
