package ashbytest

import (
	"context"
	"net/http"
	"testing"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Server is a simulated Ashby with its customers. Its methods may be called concurrently.
type Server struct {
	*world
	cfg Config
	sim *simkit.Simulator[*Server]
	// The endpoints of the provider.
	partner simkit.Setting[simkit.Target]
	webhook simkit.Setting[simkit.Target]
}

// New returns a simulator for a program. It opens no socket until [Server.URL] is
// called. The caller closes it with [Server.Close].
func New(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg}
	s.sim = simkit.New(simkit.Config[*Server]{
		Self: s, Name: "ashbytest", Inbound: string(ToAshby), Outbound: string(FromAshby),
		Seed: cfg.Seed, Clock: cfg.Clock, MaxExchanges: cfg.MaxExchanges, Limits: simkit.Limits(cfg.Limits),
		Dial: cfg.DialContext, Followed: s.followed, API: s.api(),
	})
	s.world = newWorld(cfg, s.sim.IDs)
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
// of its own at the root.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.sim.ServeHTTP(w, r) }

// Target makes a handler the provider's endpoints, in memory and below
// [Config.PartnerPath]. It replaces the target set before.
func (s *Server) Target(h http.Handler) { s.partner.Set(s.sim.HandlerTarget(h, s.cfg.PartnerPath)) }

// TargetURL makes the base URL the place of the provider's endpoints, with or
// without a trailing slash: "https://example.com/ashby" is called at
// "https://example.com/ashby/assessment.list". It replaces the target set before;
// the empty string removes it.
// https://developers.ashbyhq.com/docs/creating-an-assessments-integration
func (s *Server) TargetURL(base string) { s.partner.Set(s.sim.URLTarget(base)) }

// WebhookTarget makes a handler the receiver of webhooks of every organization, in
// memory and at [Config.WebhookPath]. It replaces the one set before.
func (s *Server) WebhookTarget(h http.Handler) {
	s.webhook.Set(s.sim.HandlerTarget(h, s.cfg.WebhookPath))
}

// WebhookTargetURL makes the endpoint at a URL, path included, the receiver of
// webhooks. It replaces the one set before; the empty string means that no webhook
// is set up.
func (s *Server) WebhookTargetURL(url string) { s.webhook.Set(s.sim.URLTarget(url)) }

// Settle waits until every handler that the simulator called in memory has
// returned, also those whose answer it no longer waited for. Its error is that of
// the context.
func (s *Server) Settle(ctx context.Context) error { return s.sim.Settle(ctx) }
