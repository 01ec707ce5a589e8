package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Flushed says what [Outbox.Flush] did for an order.
type Flushed struct {
	// Settled counts the results that reached an end: written, skipped, refused
	// or uncertain.
	Settled int
	// Refused are the rows that the vendor refused, or of which nobody can tell.
	// They wait in [Outbox.Attention].
	Refused []int64
	// Again says that a result waits, and how long at least; zero if none does.
	// Nobody has to come back for it: [Outbox.Due] finds it when it is time.
	Again time.Duration
	// Lost: another process took the order over, because this one outlived its
	// lease. Nothing was changed.
	Lost bool
}

// Flush writes what is pending for an order, until nothing is. It may be called
// by anybody, at any time and any number of times at once: one caller gets the
// order's lane, the others find nothing to do. Nothing to do is no error, and a
// result that was refused or has to wait is none either; an error means that the
// database failed.
func (o *Outbox) Flush(ctx context.Context, ref assessment.OrderRef) (Flushed, error) {
	var done Flushed
	token := newToken()
	for {
		l, won, err := o.take(ctx, ref, token)
		if err == nil && !won && done.Settled == 0 {
			l, won, err = o.probe(ctx, ref, token)
		}
		if err != nil || !won {
			return done, err
		}
		more, err := o.write(ctx, l, &done)
		if err != nil || !more {
			return done, err
		}
	}
}

// write settles one row of an order whose lane is held, and gives the lane
// back. It says whether to look for another.
func (o *Outbox) write(ctx context.Context, l lane, done *Flushed) (more bool, err error) {
	c, found, err := o.choose(ctx, l)
	if err != nil {
		return false, errors.Join(err, o.release(context.WithoutCancel(ctx), l))
	}
	switch {
	case !found:
		// Another process wrote what was pending before the lane was ours. Look once
		// more: something may have come meanwhile.
		return true, o.release(ctx, l)
	case !c.eligible:
		return true, o.settle(ctx, l, c, verdict{state: stateSuperseded}, done)
	case c.form > resultForm:
		done.Again = leftToNewer
		return false, o.release(ctx, l)
	case c.wait > 0:
		done.Again = c.wait
		return false, o.release(ctx, l)
	case l.crashes >= maxCrashes:
		return true, o.settle(ctx, l, c, verdict{state: stateUncertain, reason: "crashed", what: NoteUncertain}, done)
	}
	r, held, err := o.stamp(ctx, &l, c)
	switch {
	case errors.Is(err, errUndecodable):
		return true, o.settle(ctx, l, c, verdict{state: stateRefused, reason: "undecodable", what: NoteRefused}, done)
	case errors.Is(err, errOlder):
		return true, o.settle(ctx, l, c, verdict{state: stateSkipped, reason: "older", what: NoteSkipped}, done)
	case err != nil:
		return false, errors.Join(err, o.release(context.WithoutCancel(ctx), l))
	case !held:
		done.Lost = true
		return false, o.d.noteLost(ctx, l.ref, c.seq)
	}
	v := o.send(ctx, l, c, r)
	err = o.settle(ctx, l, c, v, done)
	return err == nil && v.state != statePending && !done.Lost, err
}

// leftToNewer is how long a result of a newer form is left alone before this
// process looks whether a newer one has written it.
const leftToNewer = time.Minute

// maxCrashes is how many processes may die over one order, while others got
// on, before its result is taken for what kills them.
const maxCrashes = 5

// send calls the publisher and judges what came of it. The call ends well
// before the lease does.
func (o *Outbox) send(ctx context.Context, l lane, c chosen, r assessment.Result) verdict {
	bounded, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	began := time.Now()
	var v verdict
	receipt, err := assessment.Receipt{}, o.attach(bounded, l.ref, &r)
	if err != nil {
		v = verdict{state: statePending, what: NoteFailed, reason: reasonAttachment, retry: true}
	} else {
		receipt, err = o.call(bounded, l.ref, r)
		v = judge(receipt, err)
		v.key = o.keyOf(bounded, l.ref, v)
	}
	if ctx.Err() != nil && v.state == statePending {
		// The process is ending. That says nothing of the result, which is free for
		// the next process.
		v = verdict{state: statePending, what: NoteInterrupted}
	}
	if v.state == stateWritten && c.final && receipt.Outcome == assessment.ResultAlreadyFinal && l.final >= 0 && l.sentSeq != c.seq {
		v = verdict{state: stateRefused, what: NoteRefused, reason: "already_final", detail: v.detail}
	}
	v.detail.Millis = time.Since(began).Milliseconds()
	if v.retry {
		v.next = backoff(c.tries)
		if v.counts {
			v.waited = v.next
		}
		if time.Duration(c.waited)*time.Millisecond+v.waited >= lateAfter {
			v.reason, v.next = reasonLate, lateEvery
		}
		v.next = max(v.next, v.after)
	}
	return v
}

// keyOf is the print of the key that was refused. It is asked for where a gate
// closes only.
func (o *Outbox) keyOf(ctx context.Context, ref assessment.OrderRef, v verdict) (key assessment.KeyPrint) {
	if o.keyPrint == nil || v.gate != causeUnauthorized && v.gate != causeUnusable && v.reason != string(causeForbidden) {
		return assessment.KeyPrint{}
	}
	defer func() { _ = recover() }() // of the host's key store
	key, err := o.keyPrint(ctx, ref)
	if err != nil {
		return assessment.KeyPrint{}
	}
	return key
}

// attach puts the bytes in the place of references.
func (o *Outbox) attach(ctx context.Context, order assessment.OrderRef, r *assessment.Result) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanicked
		}
	}()
	for i, a := range r.Attachments {
		if !referred(a) {
			continue
		}
		if o.attachment == nil {
			return errors.New("sqlstore: no OutboxConfig.Attachment")
		}
		if r.Attachments[i].Data, err = o.attachment(ctx, order, a.Ref); err != nil {
			return err
		}
		r.Attachments[i].Ref = ""
	}
	return nil
}

// call recovers from a publisher that panics.
func (o *Outbox) call(ctx context.Context, ref assessment.OrderRef, r assessment.Result) (receipt assessment.Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanicked
		}
	}()
	return o.publisher.PublishResult(ctx, ref, r)
}

var errPanicked = errors.New("sqlstore: the publisher, or what reads attachments, panicked")

// The back-off of a result, and when somebody should look at it: after three
// days in which it could have been sent.
const (
	firstBackoff = 2 * time.Second
	lastBackoff  = 15 * time.Minute
	lateAfter    = 72 * time.Hour
	lateEvery    = time.Hour
	reasonLate   = "late"
)

// backoff is between half and all of 2 s, 4 s, 8 s … 15 min, so that orders
// that failed together come back apart.
func backoff(tries int) time.Duration {
	most := lastBackoff
	if tries < 9 {
		most = min(lastBackoff, firstBackoff<<tries)
	}
	return most/2 + rand.N(most/2)
}

// due lists orders with something to write, the oldest first: pending, due,
// older than $1, lane free, gate open.
var due = `
SELECT r.ref, MIN(r.seq) FROM {results} r
WHERE r.state = 'pending' AND r.made <= {now} - CAST($1 AS BIGINT) AND r.due <= {now} AND r.form <= $3
AND NOT EXISTS (SELECT 1 FROM {lanes} l WHERE l.ref = r.ref AND l.until > {now})
AND NOT EXISTS (SELECT 1 FROM {gates} g WHERE g.route = r.route AND g.account IN ('', r.account) AND g.opens > {now}
  AND ` + holdsRef("r.ref") + `)
GROUP BY r.ref ORDER BY 2 LIMIT $2`

// Due returns the references of at most n orders that have results to write,
// the longest waiting first, and whose results are older than age: 0 for a loop
// that does all the work, a minute for a sweep behind a job queue. Orders that
// somebody is writing, that wait after a failure or whose gate is closed are left
// out.
func (o *Outbox) Due(ctx context.Context, n int, age time.Duration) ([]assessment.OrderRef, error) {
	return o.d.refs(ctx, due, age.Milliseconds(), n, resultForm)
}

// refs reads references; further columns are ignored.
func (d *DB) refs(ctx context.Context, query string, args ...any) ([]assessment.OrderRef, error) {
	var all []assessment.OrderRef
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var text string
		var seq int64
		if err := scan(&text, &seq); err != nil {
			return err
		}
		ref, err := assessment.ParseOrderRef(text)
		if err != nil {
			return fmt.Errorf("reference in the database: %w", err)
		}
		all = append(all, ref)
		return nil
	}, query, args...)
	return all, err
}
