package assessment

import (
	"context"
	"fmt"
	"time"
)

// Adopt records an order with a vendor's id that already runs, so that a
// redelivery or the reconciler does not start it. The provider is not called. An
// order that was answered before keeps its answer; one that is being started is
// [ErrInProgress].
func (in *Intake) Adopt(ctx context.Context, ref OrderRef, s Started) error {
	return in.AdoptOrder(ctx, Order{Ref: ref}, s)
}

// AdoptOrder is Adopt for an order that has [Order.Dedupe], which a reference does
// not tell. Ref.ID is the id that the vendor knows the order by.
func (in *Intake) AdoptOrder(ctx context.Context, o Order, s Started) error {
	if err := in.ready(); err != nil {
		return err
	}
	if o.Ref.ID == "" {
		var p ValidationError
		p.Add("ref.id", "required")
		return p.Err()
	}
	key, err := in.orderKey(o)
	if err != nil {
		return err
	}
	if err := checkStarted(&o, s); err != nil {
		return fmt.Errorf("assessment: adopt %s: %w", o.Ref, err)
	}
	answer, err := encodeStarted(time.Now().UTC().Truncate(time.Millisecond), s)
	if err != nil {
		return fmt.Errorf("assessment: adopt %s: %w", o.Ref, err)
	}
	mine := Claim{Key: key, Ref: o.Ref, Token: newUUID()}
	got, err := in.store.Claim(ctx, mine, in.lease)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrStore, err)
	case len(got.Answer) > 0:
		return nil
	case got.Token != mine.Token:
		return ErrInProgress
	}
	mine.Answer = answer
	if err := in.store.Answer(ctx, mine); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}
