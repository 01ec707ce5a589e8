package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// next decides whether there is another attempt and how long to wait for it.
func (e *exchange) next(ctx context.Context) (wait time.Duration, again bool) {
	o := &e.current
	e.toldToWait = !o.ok && o.asked > e.client.config.MaxWait
	switch {
	case o.ok, ctx.Err() != nil:
		return 0, false
	case e.keyChanged():
		return 0, true
	case !o.retry, !e.harmless(), e.retries >= e.client.config.MaxRetries:
		return 0, false
	}
	wait, inTime := e.client.wait(ctx, e.pauseAfter(o), o.asked)
	if !inTime {
		e.toldToWait = o.asked > 0
		return 0, false
	}
	e.retries++
	return wait, true
}

// pauseAfter is the least wait before the next attempt. A limit without a word on
// when it ends is one of concurrency or of the ATS, or not documented: it is left
// alone for about a second at first (https://docs.kombo.dev/assessment/guides/concurrency-limiting).
func (e *exchange) pauseAfter(o *outcome) time.Duration {
	config := &e.client.config
	if !o.limited() || o.asked > 0 {
		return backoff(config.MinBackoff, config.MaxBackoff, e.retries)
	}
	wait := config.MaxBackoff
	if e.retries < 32 {
		wait = min(wait, time.Second<<e.retries)
	}
	return wait*3/4 + rand.N(max(wait/2, 1))
}

// wait returns how long to wait before another attempt: as long as the vendor
// asks, and at least for a while. It is not inTime if the vendor asks for more than
// the limit, or if the context would end first.
func (c *Client) wait(ctx context.Context, least, asked time.Duration) (wait time.Duration, inTime bool) {
	wait = max(asked, least)
	return wait, asked <= c.config.MaxWait && !outlasts(ctx, wait)
}

// Pause waits before a caller repeats a call by itself for the n-th time, from 0,
// by the rules of a retry; asked is [assessment.APIError.RetryAfter]. It reports
// false, at once where it can tell, if there is no time for another attempt.
func (c *Client) Pause(ctx context.Context, n int, asked time.Duration) bool {
	wait, inTime := c.wait(ctx, backoff(c.config.MinBackoff, c.config.MaxBackoff, n), asked)
	if !inTime {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// harmless reports whether another attempt cannot apply a write twice where
// that matters.
func (e *exchange) harmless() bool {
	switch e.call.repeat() {
	case Read, Same:
		return true
	case Again:
		return !e.maybe || e.doubted == 0
	default:
		return !e.maybe
	}
}

// keyChanged asks for the key again, once, after the vendor has refused it: it
// may have been replaced since the call began. A refused call was not carried
// out, so this holds for writes too.
func (e *exchange) keyChanged() bool {
	status := e.current.answer.StatusCode
	refused := status == http.StatusUnauthorized || status == http.StatusForbidden
	if !refused || e.askKey == nil || e.renewed || !e.harmless() {
		return false
	}
	e.renewed = true
	key, err := e.askKey()
	if err != nil {
		e.current.cause = err
		return false
	}
	if key == e.key {
		return false
	}
	e.oldKey, e.key = e.key, key
	return true
}

func (e *exchange) logRepeat(ctx context.Context) {
	logger := e.client.config.Logger
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	a := e.attempt()
	attrs := []slog.Attr{
		slog.String("vendor", string(a.Vendor)),
		slog.String("connection", a.Connection),
		slog.String("operation", a.Operation),
		slog.String("account", a.Account),
		slog.Int("attempt", a.Number),
		slog.Int("status", a.StatusCode),
		slog.String("code", a.Code),
		slog.Duration("wait", a.Wait),
	}
	if a.Err != nil {
		attrs = append(attrs, slog.String("cause", a.Err.Error()))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "call is repeated", attrs...)
}

// backoff is exponential with full jitter: random between 0 and least·2ⁿ, at
// most greatest. Callers that failed together do not come back together:
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
func backoff(least, greatest time.Duration, n int) time.Duration {
	ceiling := least
	for ; n > 0 && ceiling < greatest; n-- {
		if ceiling > greatest/2 { // doubling could overflow
			ceiling = greatest
			break
		}
		ceiling *= 2
	}
	return rand.N(max(ceiling, 1))
}

// outlasts reports whether a wait would end with the deadline instead of a
// request.
func outlasts(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && wait >= time.Until(deadline)
}

// passing reports whether a connection error can pass by itself. A name that
// does not exist and a certificate that is not trusted are the same the next time,
// and who cancels wants no other attempt.
func passing(err error) bool {
	var name *net.DNSError
	if errors.As(err, &name) {
		return !name.IsNotFound
	}
	return !errors.Is(err, context.Canceled) && !isTLS(err)
}

// unsent reports whether an error proves that the vendor has not received the
// whole request.
func unsent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect" || op.Op == "socks connect") {
		return true
	}
	return isA[*net.DNSError](err) || isCertificate(err)
}

// isTLS reports whether the two sides cannot agree on an encrypted connection.
func isTLS(err error) bool {
	return isCertificate(err) || isA[tls.AlertError](err) || isA[*tls.ECHRejectionError](err)
}

// isCertificate reports whether the handshake ended before anything of the
// request was sent.
func isCertificate(err error) bool {
	return isA[*tls.CertificateVerificationError](err) ||
		isA[tls.RecordHeaderError](err) ||
		isA[x509.UnknownAuthorityError](err) ||
		isA[x509.HostnameError](err) ||
		isA[x509.CertificateInvalidError](err) ||
		isA[x509.SystemRootsError](err)
}

func isA[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}
