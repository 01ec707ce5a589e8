package ashby

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

const opUpdate = "assessment.update"

// PublishResult writes a result or an interim update
// (https://developers.ashbyhq.com/docs/assessmentupdate). The customer's key needs
// the permission candidatesWrite.
//
// Everything that is known to be refused is a [*assessment.ValidationError] before
// anything is sent: a completion without a report URL, two attributes with one ID,
// an ID that this package uses itself. What the format cannot carry is listed in
// the receipt's Losses, see [Client.Preview].
//
// Ashby has no idempotency key. After an answer that leaves open what became of
// the update it is repeated, exactly as it was; so a queue can go on with the same
// Result.At after an error that is Uncertain. With the same At and the same
// content an update keeps its timestamp. Otherwise timestamps are At in
// milliseconds, or one more than that of the latest update of the assessment,
// whichever is later; without At they are the time now.
//
// Updates of one assessment are written one after the other. Who is still waiting
// when the context or [Config.Timeout] ends gets an [*assessment.APIError] with
// [assessment.ErrUnavailable] and no attempts: nothing was sent.
func (c *Client) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	body, receipt, err := c.encodeUpdate(ref, r)
	if err != nil {
		return receipt, err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	mine, err := c.timeline.enter(ctx, subject{ref.Account, ref.ID})
	if err != nil {
		return receipt, &assessment.APIError{
			Vendor: assessment.Ashby, Operation: opUpdate, Account: ref.Account,
			Class: assessment.ErrUnavailable, Cause: fmt.Errorf("still waiting for another update of the assessment: %w", err),
		}
	}
	defer c.timeline.leave(mine)
	call := operation(ref.Account, opUpdate, stamped(body, c.timeline.stamp(mine, r.At, body)))
	call.Repeat = transport.Same
	_, written, err := c.write(ctx, call)
	written.Losses = receipt.Losses
	written.Warnings = append(receipt.Warnings, written.Warnings...)
	return written, err
}

// bounded gives a context without a deadline that of [Config.Timeout].
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// Preview does everything that [Client.PublishResult] does but the call: it
// returns the problems and the losses.
func (c *Client) Preview(ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	_, receipt, err := c.encodeUpdate(ref, r)
	return receipt, err
}

// encodeUpdate checks and translates a result and writes its body without the
// timestamp.
func (c *Client) encodeUpdate(ref assessment.OrderRef, r assessment.Result) ([]byte, assessment.Receipt, error) {
	var problems outbound.Problems
	// The account is required with a single key too, because every order that came
	// through a [Handler] has one.
	problems.Ref(ref, outbound.RefRules{
		Vendor: assessment.Ashby, Connection: c.connection, Account: "the name of the customer",
	})
	t := translate(c.labels, r)
	problems.Problems = append(problems.Problems, t.problems.Problems...)
	if err := problems.Err(); err != nil {
		return nil, assessment.Receipt{}, err
	}
	t.wire.AssessmentID = ref.ID
	body, err := json.Marshal(t.wire)
	if err != nil {
		return nil, assessment.Receipt{}, fmt.Errorf("ashby: encode update: %w", err)
	}
	return body, assessment.Receipt{Outcome: assessment.ResultWritten, Losses: t.losses, Warnings: t.warnings}, nil
}

// stamped puts the timestamp in front. The body begins with the id, so there is
// always something behind the comma.
func stamped(body []byte, timestamp int64) []byte {
	out := make([]byte, 0, len(body)+len(`{"timestamp":,`)+20)
	out = append(out, `{"timestamp":`...)
	out = strconv.AppendInt(out, timestamp, 10)
	out = append(out, ',')
	return append(out, body[1:]...)
}
