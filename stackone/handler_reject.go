package stackone

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
)

// rejectTimeout bounds the write of a rejection, which the sender waits for but
// cannot end.
const rejectTimeout = 30 * time.Second

var (
	// errUntold: see [WebhookConfig.Publisher].
	errUntold = errors.New("stackone: rejected, but neither Publisher nor OnRejected is there to tell the recruiter")
	// errHalted: the host's function panicked while another delivery waited.
	errHalted = errors.New("stackone: the rejection was not written to the end")
)

// reject answers 200, since an answer to a webhook reaches no recruiter, and
// writes the cancelled result that does. A write that may succeed later is a
// fault: the same rejection is written when StackOne comes again. Of deliveries
// that overlap one writes, and the others are answered as it is.
func (h *WebhookHandler) reject(ctx context.Context, order assessment.Order, no *assessment.Rejection) inbound.Reply {
	entry, mine := h.written.begin(order.Ref)
	if mine {
		return h.tell(ctx, entry, order, no)
	}
	select {
	case <-entry.ended:
		return entry.again
	case <-ctx.Done():
		return inbound.Later(ctx.Err(), 0)
	}
}

// tell writes a rejection and ends its entry, also if the host panics.
func (h *WebhookHandler) tell(ctx context.Context, entry *rejected, order assessment.Order, no *assessment.Rejection) (reply inbound.Reply) {
	again, settled := inbound.Later(errHalted, 0), false
	defer func() { h.written.end(order.Ref, entry, again, settled) }()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rejectTimeout)
	defer cancel()
	failure := h.pass(ctx, order, no)
	if fault, passing := faultOf(failure); passing {
		again = fault
		return fault
	}
	again, settled = inbound.OK(assessment.DeliveryRejected), true
	reply = again
	reply.Err = failure // for the log, once: nobody else will write it
	return reply
}

// hostError is a failure of OnRejected, which is always taken for one that may
// pass.
type hostError struct{ error }

// faultOf is the answer to a failure that may pass.
func faultOf(failure error) (fault inbound.Reply, passing bool) {
	if host, ok := failure.(hostError); ok {
		return inbound.Later(host.error, 0), true
	}
	after, passing := assessment.Retryable(failure)
	return inbound.Later(failure, after), passing
}

// pass gives a rejection to the Publisher, or to OnRejected where there is none or
// it failed.
func (h *WebhookHandler) pass(ctx context.Context, order assessment.Order, no *assessment.Rejection) error {
	if h.c.Publisher == nil && h.c.OnRejected == nil {
		return errUntold
	}
	if h.c.Publisher != nil {
		_, err := h.c.Publisher.PublishResult(ctx, order.Ref, no.Result())
		if err == nil || h.c.OnRejected == nil {
			return err
		}
	}
	if err := h.c.OnRejected(ctx, order, no); err != nil {
		return hostError{err}
	}
	return nil
}

// writtenLimit is how many rejections are remembered.
const writtenLimit = 1024

// rejected is an order whose rejection is being written or was.
type rejected struct {
	ended chan struct{}
	again inbound.Reply // to the other deliveries; set before ended is closed
}

// writtenOff knows the orders whose rejection is being written, and the latest
// of which it was, so that a redelivery does not write it again: some ATSs refuse
// a second result. It is a courtesy, not a guarantee, and does not outlive the
// process.
type writtenOff struct {
	mu   sync.Mutex
	refs map[assessment.OrderRef]*rejected
	ring []assessment.OrderRef // those that were written
	next int
}

// begin returns the entry of an order. If it is the caller's own, nobody has
// written the rejection, and the caller has to end the entry.
func (w *writtenOff) begin(ref assessment.OrderRef) (entry *rejected, mine bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if entry, found := w.refs[ref]; found {
		return entry, false
	}
	if w.refs == nil {
		w.refs = make(map[assessment.OrderRef]*rejected)
	}
	entry = &rejected{ended: make(chan struct{})}
	w.refs[ref] = entry
	return entry, true
}

// end tells those who wait how they answer. What is settled is remembered in
// place of the oldest; anything else is forgotten.
func (w *writtenOff) end(ref assessment.OrderRef, entry *rejected, again inbound.Reply, settled bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	entry.again = again
	close(entry.ended)
	switch {
	case !settled:
		delete(w.refs, ref)
	case len(w.ring) < writtenLimit:
		w.ring = append(w.ring, ref)
	default:
		delete(w.refs, w.ring[w.next])
		w.ring[w.next] = ref
		w.next = (w.next + 1) % writtenLimit
	}
}
