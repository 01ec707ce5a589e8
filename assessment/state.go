package assessment

import (
	"context"
	"fmt"
)

// OrderState is what a store knows of an order.
type OrderState string

// The states of an order in a store.
const (
	// OrderUnknown: there is no record.
	OrderUnknown OrderState = ""
	// OrderClaimed: its start began and was not answered. It may still run, or it
	// failed and can be started again.
	OrderClaimed OrderState = "claimed"
	// OrderStarted: the provider took it.
	OrderStarted OrderState = "started"
	// OrderRejected: the provider said no, and no result is recorded that says so;
	// see [Intake.PublishRejection].
	OrderRejected OrderState = "rejected"
	// OrderRejectionWritten: the provider said no, and the vendor was told.
	OrderRejectionWritten OrderState = "rejection_written"
	// OrderErased: its data was erased.
	OrderErased OrderState = "erased"
	// OrderUnreadable: it was answered in a form that this release does not read.
	OrderUnreadable OrderState = "unreadable"
)

// States returns what the store knows of orders with a vendor's id, those that are
// unknown left out. It asks the store once, and a second time if there are
// rejections. A store that is no [Lookup] is [ErrNotSupported], and one that cannot
// be asked [ErrStore].
func (in *Intake) States(ctx context.Context, refs []OrderRef) (map[OrderRef]OrderState, error) {
	if err := in.ready(); err != nil {
		return nil, err
	}
	found, err := in.lookup(ctx, refs, func(ref OrderRef) string { return ref.String() })
	if err != nil {
		return nil, err
	}
	states := make(map[OrderRef]OrderState, len(found))
	var rejected []OrderRef
	for ref, claim := range found {
		states[ref] = stateOf(claim)
		if states[ref] == OrderRejected {
			rejected = append(rejected, ref)
		}
	}
	if len(rejected) == 0 {
		return states, nil
	}
	writings, err := in.lookup(ctx, rejected, func(ref OrderRef) string { return rejectionClaim(ref).Key })
	if err != nil {
		return nil, err
	}
	for ref, claim := range writings {
		if _, err := decodeWritten(claim); len(claim.Answer) > 0 && err == nil {
			states[ref] = OrderRejectionWritten
		}
	}
	return states, nil
}

// lookup asks the store for the records of refs, by their keys.
func (in *Intake) lookup(ctx context.Context, refs []OrderRef, key func(OrderRef) string) (map[OrderRef]Claim, error) {
	store, ok := in.store.(Lookup)
	if !ok {
		return nil, fmt.Errorf("assessment: the store cannot look up many orders at once: %w", ErrNotSupported)
	}
	keys := make([]string, len(refs))
	for i, ref := range refs {
		keys[i] = key(ref)
	}
	records, err := store.Lookup(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	found := make(map[OrderRef]Claim, len(records))
	for i, ref := range refs {
		if claim, ok := records[keys[i]]; ok {
			found[ref] = claim
		}
	}
	return found, nil
}

func stateOf(c Claim) OrderState {
	if len(c.Answer) == 0 {
		return OrderClaimed
	}
	if string(c.Answer) == ErasedAnswer {
		return OrderErased
	}
	_, err := c.Accepted()
	if _, rejected := asRejection(err); rejected {
		return OrderRejected
	}
	if err != nil {
		return OrderUnreadable
	}
	return OrderStarted
}
