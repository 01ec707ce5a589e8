package kombo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// maxResultWrites is how often one result is sent at most if its fate stays
// unknown and the order is still open.
const maxResultWrites = 3

// readBackTimeout limits the question what became of a write.
const readBackTimeout = 30 * time.Second

// PublishResult writes a result or an interim update
// (https://docs.kombo.dev/assessment/v1/put-orders-assessment-order-id-result).
//
// Everything that Kombo is known to refuse is a [*assessment.ValidationError]
// before anything is sent. What its format cannot carry is listed in the
// receipt's Losses, see [Client.Preview]. An interim update is Skipped if the ATS
// takes none ([Limits.NoInterim]), if this client has written a newer one or the
// final result, and if Kombo refuses it because the order is final. A final
// result is always sent. Results of one order are written one after the other.
//
// Kombo has no idempotency key. After an answer that leaves open whether the
// write was applied, the order is read: if it shows the final status that was to
// be written, that is a success with a warning and Uncertain set; if it is still
// open the result is written again after a pause. If the order cannot be read
// either, the error is Uncertain, and doing the same again later is the right
// thing: should Kombo refuse the repetition because the order has that final
// status already, that is a success with a warning and the outcome
// [assessment.ResultAlreadyFinal]. The final status of an order cannot be changed,
// so a correction of a result that was written before ends like that, and another
// final status is an [assessment.ErrConflict].
//
// If this client wrote a final result of the order before, the status proves
// nothing about the second: the error is Uncertain then and not to be repeated
// blindly.
func (c *Client) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	return c.results.Publish(ctx, ref, r, c.encodeResult, c.writeResult)
}

// Preview does everything that [Client.PublishResult] does but the call: it
// returns the problems, the losses, and whether the update would be skipped.
func (c *Client) Preview(ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	return c.results.Preview(c.encodeResult(context.Background(), ref, r))
}

// encodeResult checks and translates a result and writes its body.
func (c *Client) encodeResult(_ context.Context, ref assessment.OrderRef, r assessment.Result) (outbound.Draft, error) {
	t := c.translate(ref, r)
	d := outbound.Draft{Ref: ref, Result: r}
	if err := t.problems.Err(); err != nil {
		return d, err
	}
	d.Receipt = assessment.Receipt{Outcome: assessment.ResultWritten, Losses: t.losses, Warnings: t.warnings}
	if t.skipped {
		d.Receipt.Outcome = assessment.ResultSkipped
		return d, nil
	}
	var err error
	d.Body, err = appendResult(&t.wire, t.files, r.Attachments)
	if r.Status.Final() && (!r.At.IsZero() || !r.CompletedAt.IsZero()) {
		d.Sum = c.results.Sum(d.Body) // else the body has a time of its own on every attempt
	}
	return d, err
}

// resultOperation is Kombo's name of the call.
const resultOperation = "PUT /assessment/orders/{id}/result"

// writeResult writes a result, and reads the order where an answer leaves open
// what became of it.
func (c *Client) writeResult(ctx context.Context, d outbound.Draft) (assessment.Receipt, error) {
	call := transport.Call{
		Operation: resultOperation,
		Method:    http.MethodPut,
		Path:      []string{"assessment", "orders", d.Ref.ID, "result"},
		Account:   d.Ref.Account,
		Order:     d.Ref,
		Class:     transport.ClassOf(d.Result.Status.Final()),
		Body:      d.Body,
	}
	receipt, doubt := d.Receipt, false
	for n := 0; ; n++ {
		written, err := c.write(ctx, call)
		receipt.Attempts += written.Attempts
		receipt.RequestID = written.RequestID
		receipt.Warnings = append(receipt.Warnings, written.Warnings...)
		if err == nil {
			return receipt, nil
		}
		var failure *assessment.APIError
		if !errors.As(err, &failure) {
			return receipt, err
		}
		failure.Attempts = receipt.Attempts
		if !doubtful(failure) {
			return receipt, after(doubt, failure, d)
		}
		doubt = doubt || failure.Uncertain
		switch c.verdict(ctx, d, failure, doubt) {
		case arrived:
			receipt.Uncertain = doubt
			if !doubt {
				receipt.Outcome = assessment.ResultAlreadyFinal
			}
			receipt.Warnings = append(receipt.Warnings, "the order has the status that was to be written: taken as written before")
			return receipt, nil
		case overtaken:
			receipt.Outcome = assessment.ResultSkipped
			receipt.Warnings = append(receipt.Warnings, "not taken: the order is final")
			return receipt, nil
		case unproven:
			return receipt, outbound.Doubt(failure)
		case endedOtherwise:
			return receipt, conflicting(failure)
		case unasked:
			return receipt, open(failure)
		case stands:
			return receipt, after(doubt, failure, d)
		}
		if n == maxResultWrites-1 || !c.transport.Pause(ctx, n, failure.RetryAfter) {
			return receipt, failure
		}
	}
}

// doubtful reports whether the order has to be read to know what a failure
// means: after a write whose fate is unknown, and after a refusal that may be
// due to the order being final.
func doubtful(failure *assessment.APIError) bool {
	if failure.Uncertain {
		failure.SafeToRepeat = true // because of what follows here
		return true
	}
	return errors.Is(failure, assessment.ErrInvalid) || errors.Is(failure, assessment.ErrConflict)
}

// after keeps the doubt that an attempt before has left: the failure of the
// repetition may be due to it, and it may still arrive. Doing the same again finds
// out, unless the status of the order proves nothing.
func after(doubt bool, failure *assessment.APIError, d outbound.Draft) *assessment.APIError {
	if !doubt || failure.Uncertain {
		return failure
	}
	class := failure.Class
	still := outbound.Doubt(failure)
	if errors.Is(failure, assessment.ErrRateLimited) {
		still.Class = class // the wait that was asked for is still the reason
	}
	still.SafeToRepeat = !d.Result.Status.Final() || d.Past.Proves(d.Sum)
	return still
}

// verdict is what an order says about a doubtful failure.
type verdict int

const (
	repeat         verdict = iota // the fate is unknown, and the order is still open
	stands                        // the failure is what it seems to be
	arrived                       // the order has the final status that was written
	overtaken                     // an interim update came after the end
	unproven                      // it has that status, but from whom nobody can tell
	endedOtherwise                // it has another final status
	unasked                       // it was refused, perhaps for being final, and cannot be read now
)

// verdict reads the order after a doubtful failure. Doubt says that an attempt
// before may have been applied.
func (c *Client) verdict(ctx context.Context, d outbound.Draft, failure *assessment.APIError, doubt bool) verdict {
	ctx, cancel := context.WithTimeout(ctx, readBackTimeout)
	defer cancel()
	status, err := c.orderStatus(ctx, d.Ref)
	_, passing := assessment.Retryable(err)
	unread := err != nil || status == ""
	final := d.Result.Status.Final()
	proof := !final || d.Past.Proves(d.Sum)
	switch {
	case passing && !failure.Uncertain:
		return unasked
	case unread && failure.Uncertain && !proof:
		return unproven // nor will the next one prove it
	case unread:
		return stands
	case status == wireOpen && failure.Uncertain:
		return repeat // as after an interim update, which can be repeated
	case status == wireOpen:
		return stands
	case !final:
		return overtaken
	case status != wireStatus(d.Result.Status):
		return endedOtherwise
	case doubt && !proof:
		return unproven
	}
	return arrived
}

// conflicting: the order was ended, but not as it was to be.
func conflicting(failure *assessment.APIError) error {
	refused := *failure
	refused.Class = assessment.ErrConflict
	refused.Uncertain, refused.SafeToRepeat = false, false
	refused.Cause = errOtherStatus
	return &refused
}

// open: whether the refusal is one that matters can be found out by doing the same
// again.
func open(failure *assessment.APIError) error {
	doubt := outbound.Doubt(failure)
	doubt.SafeToRepeat, doubt.Cause = true, errNotRead
	return doubt
}

var errNotRead = errors.New("the order could not be read")

var errOtherStatus = errors.New("the order has another final status")

// timestamp is the one form that Kombo's pattern for completed_at takes whole:
// UTC with a capital Z. Numeric offsets do not match it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
