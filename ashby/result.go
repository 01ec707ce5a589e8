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
// It does not free the order: publish final results through an [assessment.Router]
// that has the intake's store, or call [assessment.Store.Forget] afterwards. Until
// then the recruiter who orders the same package again gets the finished test.
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
// An interim update is Skipped if this client has written a newer one, by At, or
// the final result. A final result is always sent, and stamped after whatever was
// written. Updates of one assessment are written one after the other. Who is
// still waiting when the context or [Config.Timeout] ends gets an
// [*assessment.APIError] with [assessment.ErrUnavailable] and no attempts:
// nothing was sent.
func (c *Client) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	return c.results.Publish(ctx, ref, r, c.encodeUpdate, c.writeUpdate)
}

// Preview does everything that [Client.PublishResult] does but the call: it
// returns the problems, the losses, and whether the update would be skipped.
func (c *Client) Preview(ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	return c.results.Preview(c.encodeUpdate(context.Background(), ref, r))
}

// encodeUpdate checks and translates a result and writes its body without the
// timestamp.
func (c *Client) encodeUpdate(_ context.Context, ref assessment.OrderRef, r assessment.Result) (outbound.Draft, error) {
	d := outbound.Draft{Ref: ref, Result: r}
	var problems outbound.Problems
	// The account is required with a single key too, because every order that came
	// through a [Handler] has one.
	problems.Ref(ref, outbound.RefRules{
		Vendor: assessment.Ashby, Connection: c.connection, Account: "the name of the customer",
	})
	t := translate(c.wording, r)
	problems.Problems = append(problems.Problems, t.problems.Problems...)
	if err := problems.Err(); err != nil {
		return d, err
	}
	t.wire.AssessmentID = ref.ID
	var err error
	if d.Body, err = json.Marshal(t.wire); err != nil {
		return d, fmt.Errorf("ashby: encode update: %w", err)
	}
	d.Receipt = assessment.Receipt{Outcome: assessment.ResultWritten, Losses: t.losses, Warnings: t.warnings}
	return d, nil
}

// writeUpdate sends an update with its timestamp.
func (c *Client) writeUpdate(ctx context.Context, d outbound.Draft) (assessment.Receipt, error) {
	u := update{at: d.Result.At, sum: c.results.Sum(d.Body), final: d.Result.Status.Final()}
	var timestamp int64
	c.results.Do(d.Ref, func(line *timeline) { timestamp = line.stamp(u) })
	call := operation(d.Ref.Account, opUpdate, stamped(d.Body, timestamp))
	call.Repeat, call.Order = transport.Same, d.Ref
	call.Class = transport.ClassOf(d.Result.Status.Final())
	_, written, err := c.write(ctx, call)
	written.Losses = d.Receipt.Losses
	written.Warnings = append(d.Receipt.Warnings, written.Warnings...)
	return written, err
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
