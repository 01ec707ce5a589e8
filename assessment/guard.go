package assessment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"
)

// errPanic and errGoexit are the faults of a provider that did not return.
var (
	errPanic  = errors.New("it panicked")
	errGoexit = errors.New("it ended its goroutine")
)

// call is one call of the provider.
type call[T any] struct {
	began time.Time
	value T
	err   error
	trace []slog.Attr // of a panic, for the log
}

// newCall returns a call that has not returned: that is how it stays if the
// provider ends the goroutine.
func newCall[T any]() *call[T] { return &call[T]{began: time.Now(), err: errGoexit} }

// recovered notes what recover returned. The value of a panic may be about the
// candidate, so it is not kept.
func (c *call[T]) recovered(p any) {
	if p == nil {
		return
	}
	c.err = errPanic
	c.trace = []slog.Attr{slog.String("panic", panicText(p)), slog.String("stack", string(debug.Stack()))}
}

// panicText is what may be logged of a panic. Only the runtime's own errors are
// safe: a value that the host panicked with may be about the candidate.
func panicText(p any) string {
	if r, ok := p.(runtime.Error); ok {
		return r.Error()
	}
	return fmt.Sprintf("%T", p)
}

// guard calls fn in a goroutine of its own, on bounded, so that neither a panic nor
// runtime.Goexit gets past it. It gives up with [ErrInProgress] when bounded or the
// sender's own context ends.
func guard[T any](sender, bounded context.Context, in *Intake, operation string, ref OrderRef, fn func(context.Context) (T, error)) (T, error) {
	c := newCall[T]()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			c.recovered(recover())
			in.report(bounded, operation, ref, c.began, c.err, c.trace)
		}()
		c.value, c.err = fn(bounded)
	}()
	var zero T
	select {
	case <-done:
		if c.err == nil {
			return c.value, nil
		}
		err := faulty(c.err)
		err.logged = in.logs
		return zero, err
	case <-bounded.Done():
		return zero, fmt.Errorf("%w: %s: %w", ErrInProgress, operation, bounded.Err())
	case <-sender.Done():
		return zero, fmt.Errorf("%w: %s: %w", ErrInProgress, operation, sender.Err())
	}
}

// report tells the observer, and of a fault the log.
func (in *Intake) report(ctx context.Context, operation string, ref OrderRef, began time.Time, err error, trace []slog.Attr) {
	r := ProviderCall{Operation: operation, Order: ref, Duration: time.Since(began), Late: ctx.Err() != nil, Err: err}
	if err != nil && !errors.Is(ctx.Err(), context.Canceled) { // the sender has not hung up
		in.logger.LogAttrs(ctx, slog.LevelError, "the provider failed", append(r.LogValue().Group(), trace...)...)
	}
	in.observe(ctx, r)
}

func (in *Intake) observe(ctx context.Context, c ProviderCall) {
	if in.observer.Provider != nil {
		in.observer.Provider(ctx, c)
	}
}

// log writes one line about an order.
func (in *Intake) log(ctx context.Context, level slog.Level, message string, ref OrderRef, err error) {
	if !in.logger.Enabled(ctx, level) {
		return
	}
	in.logger.LogAttrs(ctx, level, message, about(ref, slog.String("error", errorText(err))).Group()...)
}

// logPanic has to be deferred.
func (in *Intake) logPanic(ctx context.Context, message string) {
	if p := recover(); p != nil {
		in.logger.ErrorContext(ctx, message, "panic", panicText(p), "stack", string(debug.Stack()))
	}
}
