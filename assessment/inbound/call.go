package inbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// ErrGoexit is the fault of a function of the host's that ended its goroutine.
var ErrGoexit = errors.New("a function of the host's ended its goroutine")

// outcome is what a function of the host's came to.
type outcome[T any] struct {
	value   T
	err     error
	aborted bool // it panicked with [http.ErrAbortHandler]
}

// Call calls a function of the host's in a goroutine of its own and waits for it no
// longer than ctx lives, whether or not the function heeds that: then the error
// matches [assessment.ErrInProgress], upon which a sender comes again. A panic is
// logged without its value and is [ErrPanic]; only [http.ErrAbortHandler] goes on
// to the server. Name says in an error which function it was.
//
// Give it a context that the sender cannot cancel, such as that of
// [assessment.Intake.HostContext]: what the sender has been told is done must be
// done also if it hangs up.
func Call[T any](ctx context.Context, h *Handler, name string, fn func(context.Context) (T, error)) (T, error) {
	done := make(chan outcome[T], 1)
	go func() {
		o := outcome[T]{err: ErrGoexit}
		defer func() { done <- o }()
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				o.err, o.aborted = ErrPanic, true
			default:
				o.err = h.Panicked(ctx, p)
			}
		}()
		o.value, o.err = fn(ctx)
	}()
	select {
	case o := <-done:
		if o.aborted {
			panic(http.ErrAbortHandler)
		}
		return o.value, o.err
	case <-ctx.Done():
		var zero T
		return zero, fmt.Errorf("%w: %s: %w", assessment.ErrInProgress, name, ctx.Err())
	}
}

// HostContext returns the context on which a function of the host's runs where
// there is no intake to make it: as [assessment.Intake.HostContext] does, from a
// base that may be nil, and with a deadline.
func HostContext(request context.Context, base func(context.Context) context.Context, deadline time.Duration) (context.Context, context.CancelFunc) {
	ctx := request
	if base != nil {
		if ctx = base(request); ctx == nil {
			ctx = context.Background()
		}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), deadline)
}

// Do is [Call] for a function that returns nothing but an error.
func (h *Handler) Do(ctx context.Context, name string, fn func(context.Context) error) error {
	_, err := Call(ctx, h, name, func(ctx context.Context) (struct{}, error) { return struct{}{}, fn(ctx) })
	return err
}
