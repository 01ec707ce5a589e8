package stackone

import (
	"context"
	"errors"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/inbound"
)

// errNobodyTold: see [WebhookConfig.Publisher].
var errNobodyTold = errors.New("stackone: rejected, but neither Publisher nor OnRejected is there to tell the recruiter")

// reject answers 200, since an answer to a webhook reaches no recruiter, and has
// the cancelled result written that does. A write that may succeed later is a
// fault: it is done when StackOne comes again.
func (h *WebhookHandler) reject(ctx context.Context, order assessment.Order, no *assessment.Rejection) inbound.Reply {
	reply := inbound.OK(assessment.DeliveryRejected)
	reply.Reason = inbound.ReasonOf(no)
	if h.c.Publisher == nil && h.c.OnRejected == nil {
		reply.Err = errNobodyTold
		return reply
	}
	teller := &teller{h: h, order: order, no: no}
	_, err := h.c.Intake.PublishRejection(ctx, order.Ref, no, teller)
	switch {
	case errors.Is(err, assessment.ErrErased):
		return inbound.Fault(err)
	case err != nil:
		after, _ := assessment.Retryable(err)
		return inbound.Later(err, after)
	}
	reply.Err = teller.refused // for the log, once: nobody else will write it
	return reply
}

// teller tells the recruiter of a rejection: through the Publisher, or OnRejected
// where there is none or it failed.
type teller struct {
	h       *WebhookHandler
	order   assessment.Order
	no      *assessment.Rejection
	refused error
}

// PublishResult implements [assessment.ResultPublisher]. A write that StackOne
// refuses for good is an outcome: the same result would be refused again.
func (t *teller) PublishResult(ctx context.Context, ref assessment.OrderRef, result assessment.Result) (assessment.Receipt, error) {
	c := &t.h.c
	if c.Publisher != nil {
		receipt, err := c.Publisher.PublishResult(ctx, ref, result)
		if err == nil {
			return receipt, nil
		}
		if _, passing := assessment.Retryable(err); c.OnRejected == nil && passing {
			return receipt, err
		}
		if c.OnRejected == nil {
			t.refused = err
			return assessment.Receipt{Outcome: outcomeOf(err)}, nil
		}
	}
	err := t.h.inbound.Do(ctx, "OnRejected", func(ctx context.Context) error {
		return c.OnRejected(ctx, t.order, t.no)
	})
	return assessment.Receipt{Outcome: assessment.ResultQueued}, err
}

// outcomeOf is what became of a write that is not tried again.
func outcomeOf(err error) assessment.ResultOutcome {
	var failure *assessment.APIError
	if errors.As(err, &failure) && failure.Uncertain {
		return assessment.ResultUncertain
	}
	return assessment.ResultRefused
}
