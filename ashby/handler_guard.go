package ashby

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
)

// What may become of a function of the host's instead of an answer.
var (
	errPanic  = errors.New("ashby: a function of the host's panicked")
	errGoexit = errors.New("ashby: a function of the host's ended its goroutine")
)

// outcome is what a function of the host's came to.
type outcome[T any] struct {
	value   T
	err     error
	aborted bool // it panicked with [http.ErrAbortHandler]
}

// ask calls a function of the host's and waits for it no longer than ctx lives,
// whether or not it heeds that. Its panic is an error, but for
// [http.ErrAbortHandler], which goes on to the server.
func ask[T any](ctx context.Context, h *Handler, name string, fn func(context.Context) (T, error)) (T, error) {
	done := make(chan outcome[T], 1)
	go func() {
		o := outcome[T]{err: errGoexit}
		defer func() { done <- o }()
		defer func() {
			if p := recover(); p != nil {
				o.err, o.aborted = h.panicked(ctx, p), p == http.ErrAbortHandler
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

// panicked logs a panic without its value, which may be about a candidate.
func (h *Handler) panicked(ctx context.Context, p any) error {
	if p != http.ErrAbortHandler {
		h.c.Logger.ErrorContext(ctx, "panic while a call was answered", "vendor", assessment.Ashby,
			"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	}
	return errPanic
}

// guarded answers a call. A panic, such as of an observer, has the answer of a
// fault of the operation.
func (h *Handler) guarded(c call, name string, serve func(call) inbound.Reply) (reply inbound.Reply) {
	defer func() {
		p := recover()
		switch {
		case p == nil:
		case p == http.ErrAbortHandler:
			panic(p)
		case name == opStart:
			reply = fault(h.panicked(c.ctx, p))
		default:
			reply = failed(h.panicked(c.ctx, p))
		}
	}()
	return serve(c)
}
