package kombo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
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
// receipt's Losses, see [Client.Preview]. An interim update to an ATS that takes
// none ([Limits.NoInterim]) is Skipped.
//
// Kombo has no idempotency key. After an answer that leaves open whether the
// write was applied, the order is read: if it shows the status that was to be
// written, that is a success with a warning and Uncertain set; if it is still
// open the result is written again after a pause. If the order cannot be read either, the
// error is Uncertain, and doing the same again later is the right thing: should
// Kombo refuse the repetition because the order has that final status already,
// that is a success with a warning and the outcome [assessment.ResultAlreadyFinal]. The final status of an
// order cannot be changed, so a correction of a result that was written before
// ends like that.
func (c *Client) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	body, receipt, err := c.encodeResult(ref, r)
	if err != nil || receipt.Outcome == assessment.ResultSkipped {
		return receipt, err
	}
	call := transport.Call{
		Operation: "PUT /assessment/orders/{id}/result",
		Method:    http.MethodPut,
		Path:      []string{"assessment", "orders", ref.ID, "result"},
		Account:   ref.Account,
		Body:      body,
	}
	for n := range maxResultWrites {
		var written assessment.Receipt
		written, err = c.write(ctx, call)
		receipt.Attempts += written.Attempts
		receipt.RequestID = written.RequestID
		receipt.Warnings = append(receipt.Warnings, written.Warnings...)
		var failure *assessment.APIError
		if !errors.As(err, &failure) || !doubtful(failure, r.Status) {
			break
		}
		failure.Attempts = receipt.Attempts
		receipt.Uncertain = receipt.Uncertain || failure.Uncertain
		var applied bool
		applied, err = c.applied(ctx, ref, wireStatus(r.Status), failure)
		if applied {
			if !receipt.Uncertain {
				receipt.Outcome = assessment.ResultAlreadyFinal
			}
			receipt.Warnings = append(receipt.Warnings, "the order has the status that was to be written: taken as written before")
			return receipt, nil
		}
		if err != nil {
			break
		}
		err = failure
		if n == maxResultWrites-1 || !c.transport.Pause(ctx, n, failure.RetryAfter) {
			break
		}
	}
	// Of a write that succeeded after all nothing is left open.
	receipt.Uncertain = false
	if err != nil {
		receipt.Outcome = ""
	}
	return receipt, err
}

// Preview does everything that [Client.PublishResult] does but the call: it
// returns the problems, the losses, and whether the update would be skipped.
func (c *Client) Preview(ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	_, receipt, err := c.encodeResult(ref, r)
	return receipt, err
}

// doubtful reports whether the order has to be read to know what a failure
// means: after a write whose fate is unknown, and after a refusal that may be
// due to the same final status written before.
func doubtful(failure *assessment.APIError, written assessment.Status) bool {
	if failure.Uncertain {
		failure.SafeToRepeat = true // because of what follows here
		return true
	}
	return written.Final() && (errors.Is(failure, assessment.ErrInvalid) || errors.Is(failure, assessment.ErrConflict))
}

// applied reads the order after a doubtful failure. It says yes if the order
// shows the final status that was written. It returns no error if the write is
// to be repeated: its fate was unknown, and the order is still open, as after an
// interim update, which can be repeated. In all other cases the failure stands;
// if the order was ended otherwise it is a conflict.
func (c *Client) applied(ctx context.Context, ref assessment.OrderRef, written string, failure *assessment.APIError) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, readBackTimeout)
	defer cancel()
	status, err := c.orderStatus(ctx, ref)
	switch _, passing := assessment.Retryable(err); {
	case passing && !failure.Uncertain: // was it refused because it was written before?
		open := *failure
		open.Class, open.Cause = assessment.ErrUnavailable, fmt.Errorf("the order could not be read: %w", err)
		open.Uncertain, open.SafeToRepeat = true, true
		return false, &open
	case err != nil, status == "":
		return false, failure
	case status == wireOpen && failure.Uncertain:
		return false, nil
	case status == wireOpen:
		return false, failure
	case status == written:
		return true, nil
	}
	conflict := *failure
	conflict.Class = assessment.ErrConflict
	conflict.Uncertain, conflict.SafeToRepeat = false, false
	conflict.Cause = fmt.Errorf("the order has another final status: %s", status)
	return false, &conflict
}

// encodeResult checks and translates a result and writes its body.
func (c *Client) encodeResult(ref assessment.OrderRef, r assessment.Result) ([]byte, assessment.Receipt, error) {
	t := c.translate(ref, r)
	receipt := assessment.Receipt{Outcome: assessment.ResultWritten, Losses: t.losses, Warnings: t.warnings}
	if err := t.problems.Err(); err != nil {
		return nil, assessment.Receipt{}, err
	}
	if t.skipped {
		receipt.Outcome = assessment.ResultSkipped
		return nil, receipt, nil
	}
	body, err := appendResult(&t.wire, t.files, r.Attachments)
	return body, receipt, err
}

// timestamp is the one form that Kombo's pattern for completed_at takes whole:
// UTC with a capital Z. Numeric offsets do not match it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
