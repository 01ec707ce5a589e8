package stackone

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// PublishResult writes a result or an interim update, to the path of the order's
// Kind
// (https://docs.stackone.com/ats/api-reference/assessments/results/update-assessments-result).
//
// Everything that StackOne or the ATS is known to refuse is a
// [*assessment.ValidationError] before anything is sent. What the format cannot
// carry, or the ATS does not show, is listed in the receipt's Losses, see
// [Client.Preview]. An interim update is Skipped if the ATS takes one update only
// ([Limits.OneUpdate]), and if this client has written a newer one or the final
// result. A final result is always sent. Results of one order are written one
// after the other. A verdict that the guide of the ATS does not
// list among its results (passed, at Teamtailor and SmartRecruiters) goes as
// completed, with the verdict as source_value if StatusText is empty.
//
// Which ATS it is comes from [Config.Provider] or a cached lookup. If that fails,
// a final result is sent as to an unknown ATS, with a warning, but an interim
// update is not, because it could use up the only one that the ATS takes: a
// failure that may pass is returned and [assessment.Retryable]; after any other,
// such as for an API key that may not read accounts, the update is Skipped with
// a warning. Set [Config.Provider] then.
//
// StackOne has no idempotency key and no call that reads an order back. After an
// answer that leaves open whether the write was applied (408, 500, 502, a broken
// connection) it is repeated once. If that is refused, the first one may be the
// reason: the error then is Uncertain, matches [assessment.ErrUnavailable] and
// not what the refusal stands for, and [assessment.Retryable] says no. Look at the
// order in the ATS before doing it again.
func (c *Client) PublishResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	return c.results.Publish(ctx, ref, r, c.encodeResult, c.writeResult)
}

// Preview does everything that [Client.PublishResult] does but the call: it
// returns the problems, the losses, and whether the update would be skipped. The
// rules of the ATS are applied if [Config.Provider] is set or the client has
// looked the account up before; nothing is asked of StackOne.
func (c *Client) Preview(ref assessment.OrderRef, r assessment.Result) (assessment.Receipt, error) {
	return c.results.Preview(c.encode(context.Background(), ref, r, func() (string, error) { return c.ats.known(ref.Account) }))
}

func (c *Client) encodeResult(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (outbound.Draft, error) {
	return c.encode(ctx, ref, r, func() (string, error) { return c.ats.of(ctx, ref.Account) })
}

// encode checks and translates a result and writes its body. The ATS is asked for
// only if everything else is in order.
func (c *Client) encode(ctx context.Context, ref assessment.OrderRef, r assessment.Result, ats func() (string, error)) (outbound.Draft, error) {
	t := c.translate(ref, r)
	d := outbound.Draft{Ref: ref, Result: r}
	if len(t.problems.Problems) > 0 {
		ats = func() (string, error) { return c.ats.cached(ref.Account), nil }
	}
	key, err := ats()
	if err != nil {
		if err := t.blind(err, r); err != nil {
			return d, err
		}
	}
	t.limit(Capabilities(key), r)
	c.about(ctx, t, ref)
	if err := t.problems.Err(); err != nil {
		return d, err
	}
	d.Receipt = assessment.Receipt{Outcome: assessment.ResultWritten, Losses: t.losses, Warnings: t.warnings}
	if t.skipped {
		d.Receipt.Outcome = assessment.ResultSkipped
		return d, nil
	}
	d.Body, err = json.Marshal(&t.wire)
	return d, err
}

// about adds the candidate, if the host names one. A result that cannot be sent
// anyway is no reason to ask.
func (c *Client) about(ctx context.Context, t *translation, ref assessment.OrderRef) {
	if c.candidate == nil || t.skipped || len(t.problems.Problems) > 0 {
		return
	}
	who, err := c.candidate(ctx, ref)
	if err != nil { // its text is the host's, and may be about the candidate
		t.warnings = append(t.warnings, "sent without the candidate: Config.Candidate failed")
		return
	}
	t.problems.Text("candidate.id", who.ID)
	if who.ProfileURL != "" && !assessment.Link(who.ProfileURL).Valid() {
		t.problems.Add("candidate.profile_url", "must be an absolute http or https URL")
	}
	if who != (ResultCandidate{}) {
		t.wire.Candidate = &wireAbout{ID: who.ID, ProfileURL: outbound.URL(who.ProfileURL)}
	}
}

// resultOperation is what the call is named in the error of a result that was
// never sent, for either path.
const resultOperation = http.MethodPatch + " /unified/ats/{path}/orders/{id}/result"

func (c *Client) writeResult(ctx context.Context, d outbound.Draft) (assessment.Receipt, error) {
	path := resultPaths[d.Ref.Kind]
	call, err := c.unified(http.MethodPatch, path+"/orders/{id}/result", d.Ref.Account, path, "orders", d.Ref.ID, "result")
	if err != nil {
		return d.Receipt, err
	}
	call.Body, call.Repeat, call.Order = d.Body, transport.Again, d.Ref
	call.Class = transport.ClassOf(d.Result.Status.Final())
	written, err := c.write(ctx, call)
	receipt := d.Receipt
	receipt.Attempts = written.Attempts
	receipt.RequestID = written.RequestID
	receipt.Uncertain = written.Uncertain
	receipt.Warnings = append(receipt.Warnings, written.Warnings...)
	return receipt, err
}

// blind decides what becomes of a result where the ATS could not be found out;
// see [Client.PublishResult]. A returned error ends the call.
func (t *translation) blind(err error, r assessment.Result) error {
	const unknown = "the ATS behind the account could not be found out, so "
	if r.Status.Final() || errors.Is(err, errNoProvider) {
		t.warnings = append(t.warnings, unknown+"its rules were not applied: "+err.Error())
		return nil
	}
	if _, passing := assessment.Retryable(err); passing {
		return err
	}
	t.skipped = true
	t.warnings = append(t.warnings, "not sent: "+unknown+"it may be one that takes one update per test: "+err.Error())
	return nil
}

// write makes a call whose answer has no data. An empty body is a success by its
// status; one that is not JSON is not StackOne's, so whether the write got there
// is uncertain; so it is if the body is an error envelope.
func (c *Client) write(ctx context.Context, call transport.Call) (assessment.Receipt, error) {
	call.Empty = true
	_, answer, err := transport.JSON[wireWritten](ctx, c.transport, call)
	receipt := assessment.Receipt{Attempts: answer.Attempts, RequestID: answer.RequestID}
	if err != nil {
		attempted(&receipt, err)
	}
	if err == nil {
		receipt.Outcome = assessment.ResultWritten
	}
	return receipt, err
}

// attempted takes from a failure what is also there if no answer came.
func attempted(receipt *assessment.Receipt, err error) {
	var failure *assessment.APIError
	if errors.As(err, &failure) {
		receipt.Attempts, receipt.RequestID = failure.Attempts, failure.RequestID
	}
}
