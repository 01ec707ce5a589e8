package assessment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// writing is the write of a rejection in this process. Others that want the same
// one written wait for it.
type writing struct {
	done    chan struct{} // closed when the fields below stand
	receipt Receipt
	err     error
}

// What PublishRejection answers to a call that makes no sense, and what is left
// of a write that panicked.
var (
	errNoRejection  = errors.New("assessment: a rejection is published with an order's id, a *Rejection and a publisher")
	errWriteAborted = fmt.Errorf("%w: the write of a rejection was aborted", ErrStore)
)

// PublishRejection writes the cancelled result of an order that the provider
// rejected, through p, where the answer to the delivery could not say no: after a
// queue, for a reconciled order, and for StackOne. It is for orders with a vendor's
// id.
//
// It publishes under a claim of its own in the store, so that of any number of
// replicas one writes; once that is done the outcome is returned again and nothing
// is sent. It calls p on a context that the sender cannot cancel, for half a lease
// at most. A process that dies between the vendor's answer and the record leaves the
// identical result to be written once more. An error is p's, [ErrStore] or
// [ErrInProgress]; [Retryable] says whether to come again.
func (in *Intake) PublishRejection(ctx context.Context, ref OrderRef, no *Rejection, p ResultPublisher) (Receipt, error) {
	if err := in.ready(); err != nil {
		return Receipt{}, err
	}
	if ref.ID == "" || no == nil || isNil(p) {
		return Receipt{}, errNoRejection
	}
	w, lead := in.joinWriting(ref)
	if lead {
		in.write(in.hostContext(ctx), w, ref, no, p)
		return w.receipt, w.err
	}
	select {
	case <-w.done:
		return w.receipt, w.err
	case <-ctx.Done():
		return Receipt{}, fmt.Errorf("%w: %w", ErrInProgress, ctx.Err())
	}
}

func (in *Intake) joinWriting(ref OrderRef) (w *writing, lead bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if w, ok := in.writings[ref]; ok {
		return w, false
	}
	w = &writing{done: make(chan struct{})}
	in.writings[ref] = w
	return w, true
}

func (in *Intake) finishWriting(ref OrderRef, w *writing) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.writings, ref)
	close(w.done)
}

// write has the rejection written by this process or another.
func (in *Intake) write(ctx context.Context, w *writing, ref OrderRef, no *Rejection, p ResultPublisher) {
	defer in.finishWriting(ref, w)
	w.err = errWriteAborted // should p or the store panic
	defer in.logPanic(ctx, "publisher or store panicked")
	bounded, cancel := context.WithTimeout(ctx, in.deadline)
	defer cancel()
	claim, won, err := in.claim(bounded, rejectionClaim(ref))
	switch {
	case err != nil:
		w.err = err
	case won:
		w.receipt, w.err = in.writeClaimed(ctx, claim, ref, no, p)
	default:
		w.receipt, w.err = decodeWritten(claim)
	}
}

// writeClaimed publishes and records that it did. A claim that is not recorded
// ends, so that whoever comes next need not wait for its lease.
func (in *Intake) writeClaimed(ctx context.Context, claim Claim, ref OrderRef, no *Rejection, p ResultPublisher) (Receipt, error) {
	written := false
	defer func() {
		if !written {
			in.expire(ctx, claim)
		}
	}()
	bounded, cancel := context.WithTimeout(ctx, in.lease/2)
	defer cancel()
	receipt, err := p.PublishResult(bounded, ref, no.Result())
	if err != nil {
		return receipt, err
	}
	written = true
	if claim.Answer, err = encodeWritten(receipt); err == nil {
		_, err = in.record(ctx, bounded, claim)
	}
	if err != nil {
		receipt.Warnings = append(receipt.Warnings, "the rejection was written, but not recorded: it may be written again")
	}
	return receipt, nil
}

// rejectionKind starts the kind of the reference under which the write of a
// rejection is recorded. No vendor has such a kind, so that no order has this key.
const rejectionKind = "rejection:"

// rejectionClaim is the claim of the write of a rejection. Its key is the text of
// its reference, so that it stays when the order's final result frees orders.
func rejectionClaim(ref OrderRef) Claim {
	ref.Kind = rejectionKind + ref.Kind
	return Claim{Key: ref.String(), Ref: ref, Token: newUUID()}
}

// storedWriting is what [Claim.Answer] of the write of a rejection holds.
type storedWriting struct {
	Version   int           `json:"v"`
	Written   ResultOutcome `json:"written"`
	Uncertain bool          `json:"uncertain,omitempty"`
	RequestID string        `json:"request_id,omitempty"`
}

func encodeWritten(r Receipt) ([]byte, error) {
	return json.Marshal(storedWriting{answerVersion, r.Outcome, r.Uncertain, r.RequestID})
}

func decodeWritten(c Claim) (Receipt, error) {
	var w storedWriting
	if string(c.Answer) == ErasedAnswer {
		return Receipt{}, fmt.Errorf("%w: %s", ErrErased, c.Ref)
	}
	if err := json.Unmarshal(c.Answer, &w); err != nil || w.Version != answerVersion {
		return Receipt{}, fmt.Errorf("%w: %s", ErrUnreadable, c.Ref)
	}
	return Receipt{Outcome: w.Written, Uncertain: w.Uncertain, RequestID: w.RequestID}, nil
}
