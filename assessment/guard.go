package assessment

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// errPanic and errGoexit are the faults of a provider that did not return.
var (
	errPanic  = errors.New("assessment: the provider panicked")
	errGoexit = errors.New("assessment: the provider ended its goroutine")
)

// faulty marks an error as the provider's. Without the mark a handler could take
// a *ValidationError that the provider came upon for one of the order.
func faulty(err error) error { return fmt.Errorf("%w: %w", ErrFault, err) }

// recovered calls fn in a goroutine of its own, so that not even
// runtime.Goexit gets past it, and waits for its end however long that takes.
func recovered[T any](ctx context.Context, in *Intake, fn func(context.Context) (T, error)) (T, error) {
	var (
		value T
		err   = errGoexit
		done  = make(chan struct{})
	)
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				err = errPanic
				in.logger.ErrorContext(ctx, "provider panicked", "panic", panicText(p), "stack", string(debug.Stack()))
			}
		}()
		value, err = fn(ctx)
	}()
	<-done
	return value, err
}

// panicText is what may be logged of a panic. Only the runtime's own errors are
// safe: a value that the host panicked with may be about the candidate.
func panicText(p any) string {
	if r, ok := p.(runtime.Error); ok {
		return r.Error()
	}
	return fmt.Sprintf("%T", p)
}

// guard calls fn like recovered, but gives up with [ErrInProgress] when ctx
// ends.
func guard[T any](ctx context.Context, in *Intake, operation string, ref OrderRef, fn func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	began := time.Now()
	done := make(chan outcome, 1)
	go func() {
		value, err := recovered(ctx, in, fn)
		in.observe(ctx, ProviderCall{
			Operation: operation, Order: ref, Duration: time.Since(began), Late: ctx.Err() != nil, Err: err,
		})
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			o.err = faulty(o.err)
		}
		return o.value, o.err
	case <-ctx.Done():
		var zero T
		return zero, fmt.Errorf("%w: %s: %w", ErrInProgress, operation, ctx.Err())
	}
}

// observe tells the observer. A panic there ends here: it is no reason to lose
// the provider's answer, and in this goroutine it would end the process.
func (in *Intake) observe(ctx context.Context, c ProviderCall) {
	if in.observer.Provider == nil {
		return
	}
	defer in.logPanic(ctx, "observer panicked")
	in.observer.Provider(ctx, c)
}

// logPanic has to be deferred.
func (in *Intake) logPanic(ctx context.Context, message string) {
	if p := recover(); p != nil {
		in.logger.ErrorContext(ctx, message, "panic", panicText(p), "stack", string(debug.Stack()))
	}
}
