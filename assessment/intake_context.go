package assessment

import (
	"cmp"
	"context"
)

// HostContext returns the context on which a function of the host's has to run
// that may store something: the sender's hanging up does not cancel it, and it
// ends with the intake's deadline. [IntakeConfig.BaseContext] makes it. Call it
// before the sender is answered, and cancel when the function has returned.
func (in *Intake) HostContext(request context.Context) (context.Context, context.CancelFunc) {
	if in == nil {
		return context.WithTimeout(context.WithoutCancel(request), DefaultDeadline)
	}
	return context.WithTimeout(in.hostContext(request), cmp.Or(in.deadline, DefaultDeadline))
}

// hostContext is HostContext without the deadline. Nothing in it leads back to
// request if BaseContext is set.
func (in *Intake) hostContext(request context.Context) context.Context {
	if in.baseContext == nil {
		return context.WithoutCancel(request)
	}
	base := in.baseContext(request)
	if base == nil {
		return context.Background()
	}
	return context.WithoutCancel(base)
}
