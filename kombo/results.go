package kombo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// maxResultWrites is how often one result is sent at most if its fate stays
// unknown and the order is still open.
const maxResultWrites = 3

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
// open the result is written again. If the order cannot be read either, the
// error is Uncertain, and doing the same again later is the right thing.
func (c *Client) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	body, receipt, err := c.encodeResult(ref, r)
	if err != nil || receipt.Skipped {
		return receipt, err
	}
	call := transport.Call{
		Operation: "PUT /assessment/orders/{id}/result",
		Method:    http.MethodPut,
		Path:      []string{"assessment", "orders", ref.ID, "result"},
		Body:      transport.Bytes(body),
	}
	selectIntegration(&call, ref.Account)
	for range maxResultWrites {
		var written assessment.Receipt
		written, err = c.write(ctx, call)
		receipt.Attempts += written.Attempts
		receipt.RequestID = written.RequestID
		receipt.Warnings = append(receipt.Warnings, written.Warnings...)
		failure, uncertain := uncertainty(err)
		if !uncertain {
			return receipt, withAttempts(err, receipt.Attempts)
		}
		applied, readErr := c.applied(ctx, ref, wireStatus(r.Status), failure)
		if readErr != nil {
			return receipt, withAttempts(readErr, receipt.Attempts)
		}
		if applied {
			receipt.Uncertain = true
			receipt.Warnings = append(receipt.Warnings,
				"the answer was lost, but the order has the status written: taken as applied")
			return receipt, nil
		}
	}
	return receipt, withAttempts(err, receipt.Attempts)
}

// Preview does everything that [Client.PublishResult] does but the call: it
// returns the problems, the losses, and whether the update would be skipped.
func (c *Client) Preview(ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	_, receipt, err := c.encodeResult(ref, r)
	return receipt, err
}

func uncertainty(err error) (*assessment.APIError, bool) {
	var failure *assessment.APIError
	if !errors.As(err, &failure) || !failure.Uncertain {
		return nil, false
	}
	// Another attempt later reads the order again, so it does no harm.
	failure.SafeToRepeat = true
	return failure, true
}

// withAttempts counts the requests of all writes in the error.
func withAttempts(err error, attempts int) error {
	var failure *assessment.APIError
	if errors.As(err, &failure) {
		failure.Attempts = attempts
	}
	return err
}

// applied reads the order after a write whose fate is unknown. It says yes if
// the order shows the final status that was written, and no if it is open: an
// interim update leaves it open and can be repeated. An order that shows
// neither was ended by somebody else, which is a conflict. If it cannot be read
// the failure stands.
func (c *Client) applied(ctx context.Context, ref assessment.OrderRef, written string, failure *assessment.APIError) (bool, error) {
	status, err := c.orderStatus(ctx, ref)
	switch {
	case err != nil || status == "":
		return false, failure
	case status == wireOpen:
		return false, nil
	case status == written:
		return true, nil
	}
	conflict := *failure
	conflict.Class = assessment.ErrConflict
	conflict.Uncertain, conflict.SafeToRepeat = false, false
	conflict.Message = "the answer was lost, and the order has another final status: " + status
	return false, &conflict
}

// encodeResult checks and translates a result and writes its body.
func (c *Client) encodeResult(ref assessment.OrderRef, r assessment.Result) ([]byte, assessment.Receipt, error) {
	t := c.translate(ref, r)
	receipt := assessment.Receipt{Losses: t.losses, Warnings: t.warnings, Skipped: t.skipped}
	if err := t.problems.Err(); err != nil {
		return nil, assessment.Receipt{}, err
	}
	if t.skipped {
		return nil, receipt, nil
	}
	body, err := appendResult(&t.wire, r.Attachments)
	return body, receipt, err
}

// timestamp is the one form that Kombo's pattern for completed_at takes whole:
// UTC with a capital Z. Numeric offsets do not match it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
