package simkit

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config is what a simulator tells its workshop. S is the simulator's own type.
type Config[S any] struct {
	Self S
	// Name is the package of the simulator, which begins the text of its errors.
	Name string
	// Inbound and Outbound are the directions of exchanges.
	Inbound, Outbound string
	Seed              uint64
	// Clock gives the time of exchanges.
	Clock func() time.Time
	// MaxExchanges bounds the log; zero: [DefaultMaxExchanges]; negative: no limit.
	MaxExchanges int
	// Dial opens the connections to URLs of the provider; nil: a [net.Dialer] does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Followed is called with every exchange that ended; nil: nobody follows.
	Followed func(Exchange)
	Limits   Limits
	API      API[S]
}

// API is what is the vendor's own about answering a call.
type API[S any] struct {
	// Route finds the operation of a call; nil: there is none.
	Route func(*Call) func() Reply
	// Missing answers a call that has no operation.
	Missing func(*Call) Reply
	// Key returns the valid API key of a call, and sets its Account; empty: the call
	// is refused anyway and counts against no limit.
	Key func(*Call) string
	// CountsInFlight tells which operations count as being at work; nil: all.
	CountsInFlight func(op string) bool
	// Limited answers a call that is beyond a limit.
	Limited func(Standing) Reply
	// Finish adds to every answer what the vendor has on all of them; nil: nothing.
	Finish func(*Call, Standing, Reply) Reply
}

// Simulator is the half of a simulated vendor that all vendors share.
type Simulator[S any] struct {
	*IDs
	cfg      Config[S]
	endpoint *Endpoint
	sockets  *http.Transport // of requests to URLs of the provider
	log      *exchangeLog
	meter    *meter
	queue    faultQueue[S]
	closed   chan struct{}

	mu         sync.Mutex
	targets    []*Endpoint
	deliveries int
}

// New returns a simulator that has no socket and no goroutine until it is used.
func New[S any](cfg Config[S]) *Simulator[S] {
	if cfg.MaxExchanges == 0 {
		cfg.MaxExchanges = DefaultMaxExchanges
	}
	s := &Simulator[S]{
		IDs:     NewIDs(cfg.Seed),
		cfg:     cfg,
		sockets: &http.Transport{DialContext: cfg.Dial},
		log:     &exchangeLog{limit: cfg.MaxExchanges, hook: cfg.Followed},
		meter:   newMeter(cfg.Limits),
		queue:   faultQueue[S]{queues: map[string][]Fault[S]{}, calls: map[string]int{}},
		closed:  make(chan struct{}),
	}
	s.endpoint = NewEndpoint(s)
	return s
}

// Close ends the simulator: open connections are closed, slow answers end, and later
// calls find nobody listening. It may be called more than once.
func (s *Simulator[S]) Close() {
	s.mu.Lock()
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	targets := s.targets
	s.targets = nil
	s.mu.Unlock()
	s.endpoint.Close()
	for _, target := range targets {
		target.Close()
	}
	s.sockets.CloseIdleConnections()
}

// Client returns a client that reaches the API in memory, whatever the host is.
func (s *Simulator[S]) Client() *http.Client { return s.endpoint.Client() }

// URL returns the base URL of the loopback socket, opened by the first call; empty:
// none can be opened, or the simulator is closed.
func (s *Simulator[S]) URL() string { return s.endpoint.URL() }

// Now is the time of the clock.
func (s *Simulator[S]) Now() time.Time { return s.cfg.Clock() }

// Pause waits and tells whether it is worth going on: false when the caller has gone
// or the simulator was closed.
func (s *Simulator[S]) Pause(ctx context.Context, d time.Duration) bool {
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

// Fail queues faults for an operation, or for any with "*". Each of the next calls
// takes one; the queue of the operation itself comes first.
func (s *Simulator[S]) Fail(op string, faults ...Fault[S]) { s.queue.add(op, faults) }

// Chaos chooses the fault of every call for which none is queued; nil ends it.
func (s *Simulator[S]) Chaos(choose func(op string, n int) Fault[S]) { s.queue.setChaos(choose) }

// PendingFaults is the number of queued faults that no call has taken yet.
func (s *Simulator[S]) PendingFaults() int { return s.queue.pending() }

// RandomFault chooses one of so many faults for a call, with a probability: -1: none.
// The choice depends on the seed and the arguments alone.
func (s *Simulator[S]) RandomFault(probability float64, faults int, op string, n int) int {
	if faults == 0 || s.Fraction("chaos/"+op, n) >= probability {
		return -1
	}
	return int(s.Fraction("fault/"+op, n) * float64(faults))
}

// Exchanges returns the exchanges that are kept, in the order in which they ended.
func (s *Simulator[S]) Exchanges() []Exchange { return s.log.all() }

// ForgetExchanges drops the exchanges kept so far.
func (s *Simulator[S]) ForgetExchanges() { s.log.forget() }

// ServeHTTP implements [http.Handler]: it serves the API.
func (s *Simulator[S]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller hung up while sending: nobody reads an answer
	}
	s.exchange(r.Context(), newCall(r, body)).write(r.Context(), w, s.Pause)
}

// exchange answers one call and keeps it.
func (s *Simulator[S]) exchange(ctx context.Context, c *Call) Reply {
	e := Exchange{ID: s.log.begin(), Direction: s.cfg.Inbound, Time: s.Now(), Method: c.Method}
	began := time.Now()
	rep, fault := s.answer(ctx, c)
	e.Op, e.Account, e.Order, e.URL, e.Fault, e.Notes = c.Op, c.Account, c.Order, c.shownURL(), fault, c.notes
	e.RequestHeader, e.RequestBody = redactedHeader(c.Header), c.Body
	e.Duration = time.Since(began)
	if rep.Reset {
		e.Err = "connection reset before an answer"
	} else {
		e.Status, e.ResponseHeader, e.ResponseBody = rep.Status, redactedHeader(rep.Header), rep.allSent()
	}
	s.log.keep(e)
	return rep
}

// answer finds the operation, counts the call and lets a fault happen.
func (s *Simulator[S]) answer(ctx context.Context, c *Call) (rep Reply, fault string) {
	api := s.cfg.API
	operation := api.Route(c)
	if operation == nil {
		return s.finish(c, Standing{}, api.Missing(c)), ""
	}
	standing, leave := s.enter(c)
	defer leave()
	if standing.Excess != WithinLimits {
		return s.finish(c, standing, api.Limited(standing)), ""
	}
	f := s.queue.next(c.Op)
	c.Warnings = f.warnings
	return s.play(ctx, f, operation, func(r Reply) Reply { return s.finish(c, standing, r) }), f.String()
}

func (s *Simulator[S]) enter(c *Call) (Standing, func()) {
	if s.cfg.API.Key == nil {
		return Standing{}, func() {}
	}
	key := s.cfg.API.Key(c)
	if key == "" {
		return Standing{}, func() {}
	}
	counts := s.cfg.API.CountsInFlight == nil || s.cfg.API.CountsInFlight(c.Op)
	return s.meter.enter(key, c.Account, counts)
}

func (s *Simulator[S]) finish(c *Call, standing Standing, r Reply) Reply {
	if s.cfg.API.Finish == nil || r.Reset || r.Foreign {
		return r
	}
	return s.cfg.API.Finish(c, standing, r)
}

// play runs an operation, or does not, as the fault demands. The headers of a fault
// come last: they may take away what the vendor has on every answer.
func (s *Simulator[S]) play(ctx context.Context, f Fault[S], operation func() Reply, finish func(Reply) Reply) Reply {
	before, after := f.delay+f.wait, time.Duration(0)
	if f.applied {
		before, after = f.outer, before
	}
	if !s.Pause(ctx, before) {
		return Reply{Reset: true}
	}
	var rep Reply
	if !f.skips {
		rep = operation()
	}
	if f.rewrite != nil {
		rep = f.rewrite(s.cfg.Self, rep)
	}
	rep = finish(rep)
	rep.Header = maps.Clone(rep.Header)
	for name, value := range f.header {
		rep.SetHeader(name, value)
	}
	if !s.Pause(ctx, after) {
		return Reply{Reset: true}
	}
	return rep
}
