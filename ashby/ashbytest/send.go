package ashbytest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"time"
)

// Outcome is what Ashby makes of the answer to a call or a webhook.
type Outcome string

// The outcomes of a request that Ashby sends.
const (
	// Succeeded: the documented success; for a webhook any 2xx.
	Succeeded Outcome = "succeeded"
	// Declined: a documented refusal, which a recruiter gets to see: 409 or 422 to a
	// start, the error envelope elsewhere. For a wrong key any refusal.
	Declined Outcome = "declined"
	// Failed: any other answer, or none in time.
	Failed Outcome = "failed"
	// Unread: the provider answered, or was left to, and nobody listened.
	Unread Outcome = "unread"
	// NotSent: nothing was sent.
	NotSent Outcome = "not sent"
)

// received is what came back.
type received struct {
	status int
	header http.Header
	body   []byte
	err    error
	hungUp bool // the sender did not wait for the answer
}

var (
	errHungUp   = errors.New("ashbytest: the sender hung up")
	errNoTarget = errors.New("ashbytest: there is no target")
	errLost     = errors.New("ashbytest: lost before it was sent")
)

// transmit makes one request.
func (s *Server) transmit(ctx context.Context, p *plan, t target, header http.Header, body []byte) received {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var r received
	r.status, r.header, r.body, r.err = t.post(p.watch(ctx, cancel), header, body)
	// One that goes at once has gone, even if the provider was quicker.
	if p.hangsUp && (r.err != nil || p.hangUpAfter <= 0) {
		return received{err: errHungUp, hungUp: true}
	}
	return r
}

// watch makes the sender hang up after the request was written, if it is planned.
func (p *plan) watch(ctx context.Context, hangUp context.CancelFunc) context.Context {
	if !p.hangsUp {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) {
			if p.hangUpAfter <= 0 {
				hangUp()
				return
			}
			timer := time.AfterFunc(p.hangUpAfter, hangUp)
			context.AfterFunc(ctx, func() { timer.Stop() })
		},
	})
}

// ready waits as planned and tells why nothing is to be sent, if so.
func (s *Server) ready(ctx context.Context, p *plan, t target) error {
	switch {
	case t.transport == nil:
		return errNoTarget
	case p.lost:
		return errLost
	case !s.pause(ctx, p.late):
		return context.Cause(ctx)
	}
	return nil
}
