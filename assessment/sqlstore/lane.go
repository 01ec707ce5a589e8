package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// lane is the right to write one order's results, held by token. In the
// database, written and final are the newest interim and final rows that were
// written, final is -1 where there was none; sentSeq and sentAt are the row that
// was sent last and its time.
type lane struct {
	ref     assessment.OrderRef
	key     string // the text of ref
	token   string
	written int64
	final   int64
	sentSeq int64
	sentAt  int64
	crashes int
	probing bool // it is a probe of a closed gate
}

// closed holds where a gate is closed for a claimant whose token is $2. A gate
// on probation lets one through, who put its token there.
var closed = `
SELECT 1 FROM {gates} g WHERE g.route = $4 AND g.account IN ('', $5)
AND ` + holdsRef("$1") + ` AND g.token <> $2 AND (g.opens > {now} OR g.probing = 1)`

// take gets the lane of an order in one statement, if a row is due, no gate is
// closed and the lane is free or its lease over. The comparison is made on the
// row as it is once it is locked, so one of many claimants wins. A holder whose
// lease ended while others got on has died; how often is counted.
var take = `
INSERT INTO {lanes} AS l (ref, token, until, written_seq, final_seq, sent_seq, sent_at, crashes)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), {now} + CAST($3 AS BIGINT), 0, -1, 0, 0, 0
WHERE EXISTS (SELECT 1 FROM {results} WHERE ref = $1 AND state = 'pending' AND due <= {now})
AND NOT EXISTS (` + closed + `)
ON CONFLICT (ref) DO UPDATE SET token = excluded.token, until = excluded.until,
  crashes = CASE WHEN l.token <> '' AND EXISTS (SELECT 1 FROM {results} WHERE settled > 0 AND settled >= l.until - CAST($3 AS BIGINT))
    THEN l.crashes + 1 ELSE l.crashes END
WHERE l.until <= {now}
RETURNING written_seq, final_seq, sent_seq, sent_at, crashes`

func (o *Outbox) take(ctx context.Context, ref assessment.OrderRef, token string) (lane, bool, error) {
	l := lane{ref: ref, key: ref.String(), token: token}
	won, err := o.d.row(ctx, o.d.db, []any{&l.written, &l.final, &l.sentSeq, &l.sentAt, &l.crashes},
		take, l.key, l.token, o.lease.Milliseconds(), routeOf(ref), Account(ref.Account))
	return l, won, err
}

// choose reads the row to write next, while the token holds the lane: the
// newest final that is newer than the one written, else, if there was none, the
// newest interim that is newer than the one written. With rank 0 none of the
// pending rows is to be written any more. Above is the highest row read, pending
// the number of rows.
const choose = `
SELECT seq, final, correction, form, body, tries, waited, made, due - {now}, MAX(seq) OVER (), COUNT(*) OVER (),
  CASE WHEN final = 1 AND seq > $3 THEN 2
    WHEN final = 0 AND $3 < 0 AND seq > $4 THEN 1
    ELSE 0 END AS eligible
FROM {results} r
WHERE r.ref = $1 AND r.state = 'pending' AND EXISTS (SELECT 1 FROM {lanes} WHERE ref = $1 AND token = $2)
ORDER BY eligible DESC, seq DESC LIMIT 1`

// chosen is the row to write and what else was read.
type chosen struct {
	seq        int64
	final      bool
	correction bool
	form       int
	body       sql.NullString
	tries      int
	waited     int64
	made       int64
	wait       time.Duration // until it is due
	top        int64
	pending    int
	eligible   bool
}

func (o *Outbox) choose(ctx context.Context, l lane) (chosen, bool, error) {
	var c chosen
	var final, correction, wait, rank int64
	found, err := o.d.row(ctx, o.d.db, []any{
		&c.seq, &final, &correction, &c.form, &c.body, &c.tries, &c.waited, &c.made, &wait, &c.top, &c.pending, &rank,
	}, choose, l.key, l.token, l.final, l.written)
	c.final, c.correction, c.eligible = final == 1, correction == 1, rank > 0
	c.wait = time.Duration(wait) * time.Millisecond
	return c, found, err
}

// release gives the lane back without having written.
const release = `UPDATE {lanes} SET token = '', until = 0 WHERE ref = $1 AND token = $2`

func (o *Outbox) release(ctx context.Context, l lane) error {
	_, err := o.d.exec(ctx, o.d.db, release, l.key, l.token)
	return err
}

// stamp renews the lease for the call and stores the time that the result is
// about to be sent with, so that a repetition bears the same one.
const stamp = `
UPDATE {lanes} SET sent_seq = $3, sent_at = $4, until = {now} + CAST($5 AS BIGINT)
WHERE ref = $1 AND token = $2`

// stamp returns the result with the time to send. It is later than what the
// vendor was told before, whatever the host says: a vendor that orders by time
// would drop it. An interim that is older than one that was written is errOlder.
func (o *Outbox) stamp(ctx context.Context, l *lane, c chosen) (assessment.Result, bool, error) {
	var r assessment.Result
	if err := json.Unmarshal([]byte(c.body.String), &r); err != nil {
		return r, false, errUndecodable
	}
	at, err := o.timeOf(ctx, l, c, r)
	if err != nil {
		return r, false, err
	}
	n, err := o.d.exec(ctx, o.d.db, stamp, l.key, l.token, c.seq, at, o.lease.Milliseconds())
	if err != nil || n == 0 {
		return r, false, err
	}
	if r.At.IsZero() || r.At.UnixMilli() != at {
		r.At = time.UnixMilli(at).UTC()
	}
	return r, true, nil
}

func (o *Outbox) timeOf(ctx context.Context, l *lane, c chosen, r assessment.Result) (int64, error) {
	at := c.made
	if !r.At.IsZero() {
		at = r.At.UnixMilli()
	}
	told := l.sentAt
	switch {
	case l.sentSeq == c.seq:
		return l.sentAt, nil
	case l.sentSeq == 0:
		start, err := o.toldAtStart(ctx, l.ref)
		if err != nil {
			return 0, err
		}
		told = max(told, start)
	case !c.final && !r.At.IsZero() && at < l.sentAt && l.sentSeq == l.written:
		return 0, errOlder
	}
	return max(at, told+1), nil
}

const startOf = `SELECT answer FROM {claims} WHERE key = $1 AND ref = '' OR ref = $1 AND ref <> ''`

// toldAtStart is the time of the update that went out with the answer to the
// start of an order, 0 if there was none. Only Ashby takes one there. Another
// process may have answered, so that no client knows of it.
func (o *Outbox) toldAtStart(ctx context.Context, ref assessment.OrderRef) (int64, error) {
	if ref.Vendor != assessment.Ashby {
		return 0, nil
	}
	c := assessment.Claim{Ref: ref}
	if _, err := o.d.row(ctx, o.d.db, []any{&c.Answer}, startOf, ref.String()); err != nil {
		return 0, err
	}
	if started, err := c.Accepted(); err == nil {
		return milli(started.At), nil
	}
	return 0, nil // imported, erased, or of a newer release
}

// errOlder is an interim that says what was, when the vendor knows what is.
var errOlder = errors.New("sqlstore: a newer update came before")

var errUndecodable = fmt.Errorf("sqlstore: the stored result cannot be read")
