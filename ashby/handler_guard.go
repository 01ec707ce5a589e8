package ashby

import (
	"github.com/assessbridge/assessbridge/assessment/inbound"
)

// guarded answers a call. A panic has the answer of a fault of the operation.
func (h *Handler) guarded(c call, name string, serve func(call) inbound.Reply) (reply inbound.Reply) {
	defer func() {
		p := recover()
		switch {
		case p == nil:
		case name == opStart:
			reply = failedStart(h.inbound.Panicked(c.ctx, p))
		default:
			reply = failed(h.inbound.Panicked(c.ctx, p))
		}
	}()
	return serve(c)
}
