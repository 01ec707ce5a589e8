package simkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Target is an endpoint of the provider. The zero value is none.
type Target struct {
	URL string
	via http.RoundTripper
}

// IsSet tells whether there is a target.
func (t Target) IsSet() bool { return t.via != nil }

// At is the target at another URL.
func (t Target) At(address string) Target {
	t.URL = address
	return t
}

// inMemoryHost is where handlers are called: a name that no network knows.
const inMemoryHost = "http://provider.example"

// HandlerTarget makes a handler a target, in memory and at a path. It runs as it would
// behind a server: on a goroutine of its own, with a context that ends when the
// sender hangs up.
func (s *Simulator[S]) HandlerTarget(h http.Handler, path string) Target {
	e := NewEndpoint(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets = append(s.targets, e)
	return Target{URL: inMemoryHost + path, via: e}
}

// URLTarget makes the endpoint at a URL a target; the empty URL is none.
func (s *Simulator[S]) URLTarget(address string) Target {
	if address == "" {
		return Target{}
	}
	return Target{URL: address, via: s.sockets}
}

// Settle waits until every handler that was called in memory has returned, also those
// whose answer nobody waited for. Its error is that of the context.
func (s *Simulator[S]) Settle(ctx context.Context) error {
	s.mu.Lock()
	targets := slices.Clone(s.targets)
	s.mu.Unlock()
	for _, target := range targets {
		if err := target.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Reasons for which nothing is sent, or nobody heard the answer.
var (
	errHungUp   = errors.New("the sender hung up")
	errNoTarget = errors.New("there is no target")
	errLost     = errors.New("lost before it was sent")
)

// Ready waits as planned and tells why nothing is to be sent, if so.
func (s *Simulator[S]) Ready(ctx context.Context, p *Plan, t Target) error {
	switch {
	case !t.IsSet():
		return s.err(errNoTarget)
	case p.Lost:
		return s.err(errLost)
	case !s.Pause(ctx, p.Late):
		return s.err(context.Cause(ctx))
	}
	return nil
}

func (s *Simulator[S]) err(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s.cfg.Name, err)
}

// NextDelivery numbers a delivery, which may be several exchanges.
func (s *Simulator[S]) NextDelivery() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries++
	return s.deliveries
}

// Repeat sends as often as the plan says, one after the other or at once. The first
// result is that of the delivery, the others those of its copies.
func Repeat[D any](p *Plan, send func(i int) D) (first D, copies []D) {
	all := make([]D, 1+p.Copies)
	if p.AtOnce {
		Together(len(all), func(i int) { all[i] = send(i) })
	} else {
		for i := range all {
			all[i] = send(i)
		}
	}
	return all[0], all[1:]
}

// Together does work n times at once and waits for all.
func Together(n int, work func(i int)) {
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { work(i) })
	}
	group.Wait()
}

// Request is one request to the provider.
type Request struct {
	Op       string
	Account  string
	Order    string
	Delivery int
	Method   string // empty: POST
	Target   Target
	Header   http.Header
	Body     []byte
	Timeout  time.Duration
	// Judge is told the answer before the exchange is kept, and returns the notes of
	// the exchange; nil: there are none.
	Judge func(Answer) []string
}

// Answer is what came back.
type Answer struct {
	Exchange int // the id of the exchange
	Status   int // 0: no answer
	Header   http.Header
	Body     []byte
	Err      error // why there was no answer
	HungUp   bool  // the sender did not wait for it
}

// Send makes one request and keeps the exchange.
func (s *Simulator[S]) Send(ctx context.Context, p *Plan, r Request) Answer {
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	e := Exchange{
		ID: s.log.begin(), Direction: s.cfg.Outbound, Op: r.Op, Account: r.Account, Order: r.Order, Delivery: r.Delivery,
		Time: s.Now(), Method: r.Method, URL: RedactedURL(r.Target.URL),
		RequestHeader: redactedHeader(r.Header), RequestBody: r.Body, Fault: p.Fault(),
	}
	began := time.Now()
	a := s.transmit(ctx, p, r)
	a.Exchange = e.ID
	e.Duration = time.Since(began)
	e.Status, e.ResponseHeader, e.ResponseBody = a.Status, redactedHeader(a.Header), a.Body
	if a.Err != nil {
		e.Err = a.Err.Error()
	}
	if r.Judge != nil {
		e.Notes = r.Judge(a)
	}
	s.log.keep(e)
	return a
}

func (s *Simulator[S]) transmit(ctx context.Context, p *Plan, r Request) Answer {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	a := r.do(p.watch(ctx, cancel))
	// One that goes at once has gone, even if the provider was quicker.
	if p.HangsUp && (a.Err != nil || p.HangUpAfter <= 0) {
		a = Answer{Err: errHungUp, HungUp: true}
	}
	a.Err = s.err(a.Err)
	return a
}

// maxAnswer is how much of an answer is read.
const maxAnswer = 1 << 20

// do does not follow redirects: an endpoint has one address.
func (r Request) do(ctx context.Context) Answer {
	request, err := http.NewRequestWithContext(ctx, r.Method, r.Target.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{Err: withoutURL(err)}
	}
	request.Header = r.Header.Clone()
	client := &http.Client{
		Transport:     r.Target.via,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{Err: withoutURL(err)}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return Answer{Err: err}
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}
}

// withoutURL takes the address out of an error: it may carry a token.
func withoutURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// watch makes the sender hang up after the request was written, if it is planned.
func (p *Plan) watch(ctx context.Context, hangUp context.CancelFunc) context.Context {
	if !p.HangsUp {
		return ctx
	}
	var used net.Conn
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { used = info.Conn },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err != nil {
				return // it will be written once more, on another connection
			}
			wait := p.HangUpAfter
			if wait <= 0 {
				wait = flushTime
				// net/http says that it has written before it has flushed.
				if c, inMemory := used.(*conn); inMemory {
					c.onceWritten(hangUp)
					wait = time.Second // there may be nothing left to flush
				}
			}
			timer := time.AfterFunc(wait, hangUp)
			context.AfterFunc(ctx, func() { timer.Stop() })
		},
	})
}

// flushTime is more than net/http needs to flush what it has written.
const flushTime = 5 * time.Millisecond

// Secrets are the secret that signs and the one before it. The zero value is not of
// use: see [NewSecrets].
type Secrets struct {
	mu           sync.Mutex
	current, old string
}

// NewSecrets returns the secrets before any rotation. The old one was never valid.
func NewSecrets(current string) *Secrets {
	return &Secrets{current: current, old: current + "-before-rotation"}
}

// Rotate replaces the secret that signs.
func (s *Secrets) Rotate(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.old, s.current = s.current, secret
}

// Sign signs a body as planned, else as the vendor does. The secret overrides the
// current one if it is not empty. An empty signature is not sent.
func (s *Secrets) Sign(p *Plan, sign Signer, override string, body []byte) string {
	s.mu.Lock()
	secret, old := s.current, s.old
	s.mu.Unlock()
	if override != "" {
		secret = override
	}
	if p.Sign != nil {
		return p.Sign(secret, old, body)
	}
	return sign(secret, body)
}
