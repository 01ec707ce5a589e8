package simkit

import "context"

// OnceWritten cancels when a request has been written, as a sender that hangs up at
// once does.
func OnceWritten(ctx context.Context, cancel context.CancelFunc) context.Context {
	return (&Plan{HangsUp: true}).watch(ctx, cancel)
}
