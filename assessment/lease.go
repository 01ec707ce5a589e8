package assessment

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// lease keeps a claim while the provider runs. Most starts end before the first
// renewal is due, so a lease is a timer and nothing more until then.
type lease struct {
	in        *Intake
	ctx       context.Context
	run       *run
	claim     Claim
	abandonAt time.Time

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
	cancel  context.CancelFunc // of the renewal under way; nil if there is none
	renewed chan struct{}      // closed when that renewal has ended
}

func (in *Intake) keepLease(ctx context.Context, r *run, claim Claim, began time.Time) *lease {
	l := &lease{in: in, ctx: ctx, run: r, claim: claim, abandonAt: began.Add(in.abandonAfter)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(l.pause(began), l.tick)
	return l
}

// pause is the time until the next tick.
func (l *lease) pause(now time.Time) time.Duration {
	return max(min(l.in.lease/3, l.abandonAt.Sub(now)), 1)
}

// stop ends the renewals and returns when none is under way.
func (l *lease) stop() {
	l.mu.Lock()
	l.stopped = true
	l.timer.Stop()
	cancel, renewed := l.cancel, l.renewed
	l.mu.Unlock()
	if cancel != nil {
		cancel()
		<-renewed
	}
}

// tick renews or, when its time has come, abandons.
func (l *lease) tick() {
	ctx, ok := l.begin()
	if !ok {
		return
	}
	defer l.end()
	defer l.in.logPanic(ctx, "store panicked")
	if time.Now().Before(l.abandonAt) {
		l.renew(ctx)
	} else {
		l.abandon(ctx)
	}
}

func (l *lease) begin() (ctx context.Context, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return nil, false
	}
	ctx, l.cancel = context.WithTimeout(l.ctx, l.in.lease/3)
	l.renewed = make(chan struct{})
	return ctx, true
}

func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel()
	close(l.renewed)
	l.cancel, l.renewed = nil, nil
	if now := time.Now(); !l.stopped && now.Before(l.abandonAt) {
		l.timer.Reset(l.pause(now))
	}
}

func (l *lease) renew(ctx context.Context) {
	// Without a Ref, so that an order cancelled meanwhile is not recorded anew.
	got, err := l.in.store.Claim(ctx, Claim{Key: l.claim.Key, Token: l.claim.Token}, l.in.lease)
	if errors.Is(ctx.Err(), context.Canceled) || err == nil && got.Token == l.claim.Token {
		return
	}
	l.in.log(ctx, slog.LevelWarn, "lease not renewed while the provider runs", l.claim.Ref, err)
	if (err == nil || errors.Is(err, ErrClaimLost)) && l.claim.natural() {
		// Cancelled on another replica: who comes now asks for a new order.
		l.in.detach(l.run)
	}
}

// abandon ends the lease of a start whose provider does not return. A redelivery
// then starts the order again, beside the stuck call and with the same Ref.
func (l *lease) abandon(ctx context.Context) {
	l.in.detach(l.run)
	report := ProviderCall{
		Operation: "start", Order: l.claim.Ref, Duration: l.in.abandonAfter, Late: true, Abandoned: true,
	}
	l.in.logger.LogAttrs(ctx, slog.LevelError, "start abandoned: the provider has not returned", report.LogValue().Group()...)
	l.in.expire(ctx, l.claim)
	l.in.observe(ctx, report)
}
