package assessment

import (
	"context"
	"errors"
	"log/slog"
)

// Work is what a queue's worker does with an order that a handler's Queue took:
// it starts it, and if the provider says no it publishes the cancelled result,
// because the vendor was answered long ago; see [Intake.PublishRejection]. With a
// nil error the job is done; [Retryable] tells whether to do it again after any
// other. It is for vendors that give every order an id; of the others a rejection
// is returned as it is.
func (in *Intake) Work(ctx context.Context, o Order, p ResultPublisher) error {
	accepted, err := in.Start(ctx, o)
	no, rejected := asRejection(err)
	switch {
	case rejected && len(o.Dedupe) > 0:
		return err // the intake minted the id, and the rejection freed it: nobody knows it
	case rejected:
		if _, err = in.PublishRejection(ctx, o.Ref, no, p); err == nil {
			in.decided(ctx, o.Ref, DeliveryRejected)
		}
	case errors.Is(err, ErrErased):
		in.decided(ctx, o.Ref, DeliveryErased)
	case err == nil && accepted.Replayed:
		in.decided(ctx, accepted.Ref, DeliveryReplayed)
	case err == nil:
		in.decided(ctx, accepted.Ref, DeliveryAccepted)
	}
	return err
}

// decided logs what became of an order of a queue, which no handler reports.
func (in *Intake) decided(ctx context.Context, ref OrderRef, outcome DeliveryOutcome) {
	in.logger.LogAttrs(ctx, slog.LevelInfo, "order worked on",
		about(ref, slog.String("outcome", string(outcome))).Group()...)
}
