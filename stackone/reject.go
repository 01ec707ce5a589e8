package stackone

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/inbound"
)

// rejectTimeout bounds the write of a rejection, which the sender waits for but
// cannot end.
const rejectTimeout = 30 * time.Second

// errUntold: see [WebhookConfig.Publisher].
var errUntold = errors.New("stackone: rejected, but neither Publisher nor OnRejected is there to tell the recruiter")

// reject answers 200, since an answer to a webhook reaches no recruiter, and
// writes the cancelled result that does. A write that may succeed later is a
// fault: the same rejection is written when StackOne comes again.
func (h *WebhookHandler) reject(ctx context.Context, order assessment.Order, no *assessment.Rejection) inbound.Reply {
	reply := inbound.OK(assessment.DeliveryRejected)
	if h.written.has(order.Ref) {
		return reply
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rejectTimeout)
	defer cancel()
	var failure error
	if h.c.Publisher != nil {
		_, failure = h.c.Publisher.PublishResult(ctx, order.Ref, no.Result(order.ReceivedAt))
	}
	if h.c.OnRejected != nil && (failure != nil || h.c.Publisher == nil) {
		if err := h.c.OnRejected(ctx, order, no); err != nil {
			return inbound.Later(err, 0)
		}
		failure = nil
	}
	if h.c.OnRejected == nil && h.c.Publisher == nil {
		failure = errUntold
	}
	if after, ok := assessment.Retryable(failure); ok {
		return inbound.Later(failure, after)
	}
	h.written.add(order.Ref)
	reply.Err = failure // for the log: nobody else will write it
	return reply
}

// writtenLimit is how many rejections are remembered.
const writtenLimit = 1024

// writtenOff remembers the latest orders whose rejection was written, so that a
// redelivery does not write it again: some ATSs refuse a second result. It is a
// courtesy, not a guarantee, and does not outlive the process.
type writtenOff struct {
	mu   sync.Mutex
	refs map[assessment.OrderRef]bool
	ring []assessment.OrderRef
	next int
}

func (w *writtenOff) has(ref assessment.OrderRef) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refs[ref]
}

func (w *writtenOff) add(ref assessment.OrderRef) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refs == nil {
		w.refs = make(map[assessment.OrderRef]bool)
	}
	if w.refs[ref] {
		return
	}
	if len(w.ring) < writtenLimit {
		w.ring = append(w.ring, ref)
	} else {
		delete(w.refs, w.ring[w.next])
		w.ring[w.next] = ref
		w.next = (w.next + 1) % writtenLimit
	}
	w.refs[ref] = true
}
