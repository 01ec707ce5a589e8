package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// The states of a result.
const (
	statePending    = "pending"
	stateWritten    = "written"
	stateSkipped    = "skipped"
	stateSuperseded = "superseded"
	stateRefused    = "refused"
	stateUncertain  = "uncertain"
	stateDiscarded  = "discarded"
	stateErased     = "erased"
)

// verdict is what an attempt means for its row.
type verdict struct {
	state  string
	what   string // the journal's word
	reason string
	detail Detail
	retry  bool          // try again after a back-off
	counts bool          // the time until then is time in which it could have been sent
	after  time.Duration // the least time to wait
	gate   cause         // close the order's gate
	key    assessment.KeyPrint
	next   time.Duration // until the next try
	waited time.Duration // counted time until then
}

// judge tells what the publisher's answer means. Only a vendor's answer, or a
// check that stands for it, refuses a result.
func judge(receipt assessment.Receipt, err error) verdict {
	d := Detail{Outcome: string(receipt.Outcome), RequestID: plain(receipt.RequestID), Attempts: receipt.Attempts}
	var api *assessment.APIError
	if errors.As(err, &api) {
		d.HTTPStatus, d.Code, d.Operation = api.StatusCode, plain(api.Code), operation(api.Operation)
		d.RequestID, d.Attempts = plain(api.RequestID), api.Attempts
	}
	var invalid *assessment.ValidationError
	switch {
	case err == nil && receipt.Outcome == assessment.ResultSkipped:
		return verdict{state: stateSkipped, what: NoteSkipped, detail: d}
	case err == nil && receipt.Uncertain:
		return verdict{state: stateUncertain, what: NoteUncertain, reason: "unconfirmed", detail: d}
	case err == nil:
		return verdict{state: stateWritten, what: NoteWritten, detail: d}
	case errors.As(err, &invalid):
		return verdict{state: stateRefused, what: NoteRefused, reason: "invalid: " + paths(invalid), detail: d}
	case errors.Is(err, assessment.ErrNoKey):
		// The host's key store failed. That says nothing about the account or the
		// result, and time until it works does not count.
		return verdict{state: statePending, what: NoteNoKey, reason: reasonNoKey, detail: d, retry: true}
	case api == nil:
		// A fault on this side: no publisher, no key, a panic.
		return verdict{state: statePending, what: NoteFailed, detail: d, retry: true, counts: true}
	case errors.Is(err, assessment.ErrRateLimited):
		return verdict{state: statePending, what: NoteLimited, detail: d, gate: causeLimit, after: api.RetryAfter}
	case errors.Is(err, assessment.ErrForbidden):
		return verdict{state: statePending, what: NoteGated, reason: string(causeForbidden), detail: d, retry: true, counts: true}
	case gateOf(err) != "":
		return verdict{state: statePending, what: NoteGated, detail: d, gate: gateOf(err)}
	case api.Uncertain && !api.SafeToRepeat:
		return verdict{state: stateUncertain, what: NoteUncertain, reason: reasonOf(api), detail: d}
	case errors.Is(err, assessment.ErrUnavailable):
		return verdict{state: statePending, what: NoteFailed, detail: d, retry: true, counts: true, after: api.RetryAfter}
	}
	if after, again := assessment.Retryable(err); again {
		return verdict{state: statePending, what: NoteFailed, detail: d, retry: true, counts: true, after: after}
	}
	return verdict{state: stateRefused, what: NoteRefused, reason: reasonOf(api), detail: d}
}

// reasonNoKey marks a pending result that could not be tried because the host had
// no key for its account.
const reasonNoKey = "no_key"

// reasonAttachment marks a pending result whose file the host could not give.
const reasonAttachment = "attachment"

// gateOf says which trouble of a key or an account an error is, if any. It is
// no refusal of the result.
func gateOf(err error) cause {
	switch {
	case errors.Is(err, assessment.ErrUnauthorized):
		return causeUnauthorized
	case errors.Is(err, assessment.ErrAccountUnusable):
		return causeUnusable
	}
	return ""
}

// reasonOf names a refusal by codes only: the vendor's text may quote the
// candidate.
func reasonOf(e *assessment.APIError) string {
	for _, class := range []error{assessment.ErrNotFound, assessment.ErrConflict, assessment.ErrInvalid, assessment.ErrNotSupported} {
		if errors.Is(e, class) {
			return strings.TrimSpace(class.Error() + " " + plain(e.Code))
		}
	}
	return strings.TrimSpace("refused " + plain(e.Code))
}

// codeLike is a word of a machine: nothing else of a vendor's is stored.
var codeLike = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,80}$`)

// operationLike is a client's word for a call, a method and a path with the ids
// left out.
var operationLike = regexp.MustCompile(`^[A-Za-z0-9_.:/{} -]{1,120}$`)

func operation(text string) string {
	if operationLike.MatchString(text) {
		return text
	}
	return ""
}

func plain(text string) string {
	if codeLike.MatchString(text) {
		return text
	}
	return ""
}

func paths(e *assessment.ValidationError) string {
	var all []string
	for _, p := range e.Problems {
		all = append(all, p.Path)
	}
	return strings.Join(all, ", ")
}

// settleRow ends or postpones the row. A row that somebody erased or discarded
// meanwhile stays as it is.
const settleRow = `
UPDATE {results} SET state = $2, reason = $3, receipt = $4, tries = tries + $5, waited = waited + $6,
  due = CASE WHEN $7 > 0 THEN {now} + CAST($7 AS BIGINT) ELSE 0 END,
  settled = CASE WHEN $2 = 'pending' THEN 0 ELSE {now} END
WHERE seq = $1 AND state = 'pending'`

// supersede drops the rows that a written one made needless. It does not touch
// rows above the highest that was read: they came later.
const supersede = `
UPDATE {results} SET state = 'superseded', body = NULL, settled = {now}
WHERE ref = $1 AND state = 'pending' AND seq <= $2 AND seq <> $3`

// leave gives the lane back with what was written. It is the fence: once the
// token is gone nothing of this attempt may be recorded.
const leave = `
UPDATE {lanes} SET token = '', until = 0, crashes = 0, written_seq = $3, final_seq = $4
WHERE ref = $1 AND token = $2`

// settle records a verdict and gives the lane back, in one transaction and on a
// context of its own, which lasts as long as the lease: a result that was
// written must not be written again because the caller had no time left or the
// database was busy.
func (o *Outbox) settle(ctx context.Context, l lane, c chosen, v verdict, done *Flushed) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.lease-o.timeout)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		held, err := o.settleOnce(ctx, l, c, v)
		if err == nil {
			return o.settled(ctx, l, c, v, held, done)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// settled tells what the settling came to.
func (o *Outbox) settled(ctx context.Context, l lane, c chosen, v verdict, held bool, done *Flushed) error {
	switch {
	case !held:
		done.Lost = true
		return o.d.noteLost(ctx, l.ref, c.seq)
	case v.state == statePending:
		done.Again = v.next
	default:
		done.Settled++
	}
	if v.state == stateRefused || v.state == stateUncertain {
		done.Refused = append(done.Refused, c.seq)
		o.d.log.ErrorContext(ctx, "result needs attention", "order", l.ref, "state", v.state, "reason", v.reason)
	}
	return nil
}

func (o *Outbox) settleOnce(ctx context.Context, l lane, c chosen, v verdict) (held bool, err error) {
	err = o.d.inTx(ctx, func(tx *sql.Tx) error {
		written, final := advance(l, c, v.state)
		n, err := o.d.exec(ctx, tx, leave, l.key, l.token, written, final)
		if held = n == 1; err != nil || !held {
			return err
		}
		if v.state == stateSuperseded {
			_, err := o.d.exec(ctx, tx, supersede, l.key, c.top, 0)
			return err
		}
		if err := o.settleChosen(ctx, tx, l, c, v); err != nil {
			return err
		}
		return o.settleAround(ctx, tx, l, c, v)
	})
	return held, err
}

func (o *Outbox) settleChosen(ctx context.Context, tx *sql.Tx, l lane, c chosen, v verdict) error {
	v.detail.Seq, v.detail.Reason = c.seq, v.reason
	if _, err := o.d.exec(ctx, tx, settleRow, c.seq, v.state, v.reason, receiptText(v.detail), intOf(v.retry),
		v.waited.Milliseconds(), v.next.Milliseconds()); err != nil {
		return err
	}
	return o.d.note(ctx, tx, l.ref, v.what, v.detail)
}

// settleAround does what the verdict means for other rows: the needless ones,
// the natural key and the gates.
func (o *Outbox) settleAround(ctx context.Context, tx *sql.Tx, l lane, c chosen, v verdict) error {
	if c.pending > 1 && passed(v.state) {
		if _, err := o.d.exec(ctx, tx, supersede, l.key, c.top, c.seq); err != nil {
			return err
		}
	}
	if c.final && v.state == stateWritten {
		if _, err := o.d.exec(ctx, tx, forget, l.key); err != nil {
			return err
		}
	}
	return o.settleGate(ctx, tx, l, v)
}

// passed says whether a row in this state has, or may have, reached the vendor
// or is taken for it: older ones must not follow it.
func passed(state string) bool {
	return state == stateWritten || state == stateSkipped || state == stateUncertain
}

// advance returns how far the lane has come. Behind a row whose fate nobody
// knows nothing older may go out, but the row itself may go out again.
func advance(l lane, c chosen, state string) (written, final int64) {
	written, final = l.written, l.final
	reached := c.seq
	switch {
	case state == stateUncertain:
		reached = c.seq - 1
	case !passed(state):
		return written, final
	}
	if c.final {
		return max(written, reached), max(final, reached)
	}
	return max(written, reached), final
}

// receiptText is what stays of a receipt: codes, no text of the vendor's.
func receiptText(d Detail) string {
	d.Seq = 0
	text, err := json.Marshal(d)
	if err != nil {
		return "{}" // a Detail holds strings and numbers only
	}
	return string(text)
}
