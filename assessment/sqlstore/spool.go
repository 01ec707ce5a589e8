package sqlstore

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// DefaultOrderLease is how long an order stays reserved by a process that died
// while it started it.
const DefaultOrderLease = 90 * time.Second

// SpoolConfig configures [DB.Spool].
type SpoolConfig struct {
	// Intake starts the orders; required. Its store should be [DB.Store].
	Intake *assessment.Intake
	// Complete, if set, fills in what a delivery did not say (StackOne's lookups),
	// where there is time for it. Its error is a fault: the order is tried again.
	Complete func(context.Context, *assessment.Order) error
	// Lease is how long a worker may take before another begins, and how long the
	// order of a process that died waits; [DefaultOrderLease] if zero. It has to
	// outlast Complete and the intake's deadline.
	Lease time.Duration
}

// Spool keeps orders from the moment at which the vendor is answered until the
// provider has taken or rejected them. A row stays for good, without its body, so
// that the same order delivered again starts nothing. It is safe for concurrent
// use.
type Spool struct {
	d        *DB
	intake   *assessment.Intake
	complete func(context.Context, *assessment.Order) error
	lease    time.Duration
}

// Spool returns the spool over the database.
func (d *DB) Spool(c SpoolConfig) (*Spool, error) {
	if c.Intake == nil {
		return nil, errors.New("sqlstore: spool needs an Intake")
	}
	s := &Spool{d: d, intake: c.Intake, complete: c.Complete, lease: orDefault(c.Lease, DefaultOrderLease)}
	if s.lease <= 0 {
		return nil, errors.New("sqlstore: spool with a negative lease")
	}
	return s, nil
}

var insertOrder = `
INSERT INTO {orders} (ref, route, account, subject, form, body, state, reason, tries, faulted, due, token, until, made, settled)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS INTEGER), CAST($6 AS TEXT),
  'queued', '', 0, 0, 0, '', 0, {now}, 0
WHERE NOT ` + isLeaving("$7") + `
ON CONFLICT (ref) DO NOTHING`

// Queue stores an order, to be started by a worker; it is what a handler's Queue
// field takes. With a nil error the order is durable. An order that is known, in
// whatever state, is left as it is. An order without an id cannot be queued,
// because nobody could write its result: that is a
// [*assessment.ValidationError]. One that is not known and whose account was
// offboarded, or is about to be, is [ErrOffboarded].
func (s *Spool) Queue(ctx context.Context, o assessment.Order) error {
	if o.Ref.Vendor == "" || o.Ref.ID == "" {
		return invalid("ref", "needs a vendor and an id")
	}
	body, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("sqlstore: order: %w", err)
	}
	return s.d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := s.d.exec(ctx, tx, insertOrder, o.Ref.String(), routeOf(o.Ref), Account(o.Ref.Account),
			s.d.subjectOf(o), orderForm, string(body), accountRef(o.Ref))
		if err != nil {
			return err
		}
		if n == 0 {
			return s.d.known(ctx, tx, o.Ref)
		}
		return s.d.hint(ctx, tx, orderHint(o.Ref))
	})
}

// known is [ErrOffboarded] for an order that is not in the spool, because its account
// is leaving.
func (d *DB) known(ctx context.Context, tx *sql.Tx, ref assessment.OrderRef) error {
	var one int
	refused, err := d.row(ctx, tx, []any{&one}, `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {orders} WHERE ref = $1) AND `+isLeaving("$2"),
		ref.String(), accountRef(ref))
	if err == nil && refused {
		return ErrOffboarded
	}
	return err
}

func orderHint(ref assessment.OrderRef) Hint {
	return Hint{Kind: HintOrder, Ref: ref, Route: routeOf(ref), Account: Account(ref.Account)}
}

// subjectOf is what finds the orders of a person again, empty without a key or
// an id.
func (d *DB) subjectOf(o assessment.Order) string {
	return d.subject(o.Ref.Vendor, o.Ref.Connection, o.Ref.Account, o.CandidateID())
}

func (d *DB) subject(vendor assessment.Vendor, connection, account, candidate string) string {
	if len(d.options.SubjectKey) == 0 || candidate == "" {
		return ""
	}
	mac := hmac.New(sha256.New, d.options.SubjectKey)
	// The text of a reference keeps its elements apart.
	mac.Write([]byte(assessment.OrderRef{Vendor: vendor, Connection: connection, Account: account, ID: candidate}.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// takeOrder reserves an order for one worker.
const takeOrder = `
UPDATE {orders} AS o SET token = $2, until = {now} + CAST($3 AS BIGINT)
WHERE ref = $1 AND state IN ('queued', 'attention') AND body IS NOT NULL AND until <= {now} AND due <= {now} AND form <= $4
AND NOT EXISTS (` + startsHeld + `)
RETURNING body, tries, faulted, reason, {now}`

// work is an order that a worker holds.
type work struct {
	ref     assessment.OrderRef
	token   string
	body    string
	tries   int
	faulted int64 // since when it fails, 0 if it did not
	reason  string
	now     int64
}

// Worked says what [Spool.Work] did with an order.
type Worked struct {
	// Done: the order was started or rejected.
	Done bool
	// Again says how long the order waits before the next try; zero if there is
	// nothing to do.
	Again time.Duration
}

// Work starts a queued order through the intake and records what became of it:
// started, rejected (the cancelled result is in the outbox with it), or to be
// tried again. It may be called by anybody, at any time, also at once. Nothing to
// do is no error, and a fault of the provider is none either: the order waits,
// from 5 seconds up to 15 minutes, for ever; after an hour it needs attention. An
// error means that the database failed.
func (s *Spool) Work(ctx context.Context, ref assessment.OrderRef) (Worked, error) {
	w := work{ref: ref, token: newToken()}
	taken, err := s.d.row(ctx, s.d.db, []any{&w.body, &w.tries, &w.faulted, &w.reason, &w.now}, takeOrder,
		ref.String(), w.token, s.lease.Milliseconds(), orderForm)
	if err != nil || !taken {
		return Worked{}, err
	}
	e := s.start(ctx, w)
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.lease/3)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := s.settle(settling, w, e)
		if err == nil {
			return Worked{Done: e.state != orderQueued && e.state != orderAttention, Again: e.next}, nil
		}
		select {
		case <-time.After(wait):
		case <-settling.Done():
			return Worked{}, errors.Join(err, settling.Err())
		}
	}
}

// The states of an order.
const (
	orderQueued    = "queued"
	orderAttention = "attention"
	orderStarted   = "started"
	orderRejected  = "rejected"
	orderDiscarded = "discarded"
	orderErased    = "erased"
)

// end is what an attempt to start an order came to.
type end struct {
	state   string
	what    string
	reason  string
	next    time.Duration
	faulted int64
	no      *assessment.Rejection
}

// The back-off of an order, and when somebody should look at it.
const (
	firstOrderBackoff = 5 * time.Second
	lastOrderBackoff  = 15 * time.Minute
	faultingAfter     = time.Hour
)

func (s *Spool) start(ctx context.Context, w work) end {
	var o assessment.Order
	if err := json.Unmarshal([]byte(w.body), &o); err != nil {
		return end{state: orderAttention, what: NoteAttention, reason: reasonUndecodable, next: lastOrderBackoff, faulted: w.faulted}
	}
	// The body has the name that the account had when the order came.
	o.Ref = w.ref
	if s.intake.Holds(o) && w.reason != reasonStartNow && w.reason != reasonFaulting { // those were started by hand
		return end{state: orderAttention, what: NoteAttention, reason: reasonUnknownStatus, next: untilByHand, faulted: w.faulted}
	}
	bounded, cancel := context.WithTimeout(ctx, s.lease*2/3)
	defer cancel()
	err := s.try(bounded, &o)
	var no *assessment.Rejection
	var invalid *assessment.ValidationError
	switch {
	case err == nil:
		return end{state: orderStarted, what: NoteStarted}
	case errors.As(err, &no) && no != nil:
		return end{state: orderRejected, what: NoteRejected, no: no}
	case errors.Is(err, assessment.ErrErased):
		return end{state: orderErased, what: NoteErased}
	case errors.As(err, &invalid):
		return end{state: orderAttention, what: NoteAttention, reason: reasonInvalid + ": " + paths(invalid), next: lastOrderBackoff, faulted: w.faulted}
	case ctx.Err() != nil, errors.Is(err, assessment.ErrDraining), errors.Is(err, assessment.ErrPaused):
		return end{state: orderQueued, what: NoteInterrupted, reason: keptReason(w), faulted: w.faulted} // the process is ending, or starts were switched off
	}
	return s.failed(w)
}

const (
	// reasonStartNow marks an order that somebody wants started, also if the intake
	// holds its status.
	reasonStartNow = "start_now"
	// Why an order needs attention. One of a surge has no reason of its own.
	reasonFaulting      = "faulting"
	reasonUndecodable   = "undecodable"
	reasonUnknownStatus = "unknown_status"
	reasonInvalid       = "invalid" // and the fields
	// untilByHand is how long an order waits that nothing but a person decides on.
	untilByHand = 365 * day
)

// keptReason keeps the mark over faults.
func keptReason(w work) string {
	if w.reason == reasonStartNow {
		return w.reason
	}
	return ""
}

// failed postpones an order. One that has failed for an hour needs attention,
// and is tried all the same.
func (s *Spool) failed(w work) end {
	e := end{state: orderQueued, what: NoteFault, reason: keptReason(w), faulted: w.faulted, next: orderBackoff(w.tries)}
	if e.faulted == 0 {
		e.faulted = w.now
	}
	if w.now-e.faulted >= faultingAfter.Milliseconds() {
		e.state, e.reason = orderAttention, reasonFaulting
	}
	return e
}

func orderBackoff(tries int) time.Duration {
	most := lastOrderBackoff
	if tries < 8 {
		most = min(lastOrderBackoff, firstOrderBackoff<<tries)
	}
	return most/2 + rand.N(most/2)
}

func (s *Spool) try(ctx context.Context, o *assessment.Order) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanicked
		}
	}()
	if s.complete != nil {
		if err := s.complete(ctx, o); err != nil {
			return err
		}
	}
	_, err = s.intake.Start(ctx, *o)
	return err
}

// settleOrder records the end of an attempt, if the worker still holds the
// order. With the last one goes what the tombstone does not need.
const settleOrder = `
UPDATE {orders} SET state = $3, reason = $4, token = '', until = 0, faulted = $5,
  tries = CASE WHEN CAST($6 AS BIGINT) > 0 THEN tries + 1 ELSE tries END,
  due = CASE WHEN CAST($6 AS BIGINT) > 0 THEN {now} + CAST($6 AS BIGINT) ELSE 0 END,
  body = CASE WHEN $7 = 1 THEN NULL ELSE body END,
  account = CASE WHEN $7 = 1 THEN '' ELSE account END,
  subject = CASE WHEN $3 = 'erased' THEN '' ELSE subject END,
  settled = CASE WHEN $7 = 1 THEN {now} ELSE 0 END
WHERE ref = $1 AND token = $2 AND state IN ('queued', 'attention')`

func (s *Spool) settle(ctx context.Context, w work, e end) error {
	settled := e.state != orderQueued && e.state != orderAttention
	return s.d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := s.d.exec(ctx, tx, settleOrder, w.ref.String(), w.token, e.state, e.reason, e.faulted,
			e.next.Milliseconds(), intOf(settled))
		if err != nil || n == 0 {
			return err
		}
		if e.no != nil {
			if err := s.d.reject(ctx, tx, w.ref, e.no); err != nil {
				return err
			}
		}
		return s.d.note(ctx, tx, w.ref, e.what, Detail{Reason: e.reason})
	})
}

// reject puts the rejection's result into the outbox, once for each order.
func (d *DB) reject(ctx context.Context, tx *sql.Tx, ref assessment.OrderRef, no *assessment.Rejection) error {
	r, err := newRow(Message{Ref: ref, Result: no.Result()}, rejecting)
	if err != nil {
		return err
	}
	done, err := d.insert(ctx, onTx(tx), r)
	switch {
	case errors.Is(err, ErrDedupeConflict):
		return nil // it was rejected before, in other words
	case err != nil, done.Duplicate:
		return err
	}
	return d.hint(ctx, tx, resultHint(ref))
}

const dueOrders = `
SELECT ref, due FROM {orders} o
WHERE state IN ('queued', 'attention') AND body IS NOT NULL AND NOT EXISTS (` + startsHeld + `)
AND made <= {now} - CAST($1 AS BIGINT) AND due <= {now} AND until <= {now} AND form <= $3
ORDER BY due, made LIMIT $2`

// Due returns the references of at most n orders that wait to be started and
// are older than age, as [Outbox.Due] does for results.
func (s *Spool) Due(ctx context.Context, n int, age time.Duration) ([]assessment.OrderRef, error) {
	return s.d.refs(ctx, dueOrders, age.Milliseconds(), n, orderForm)
}

// DueOf is [Spool.Due] for one account: its orders that nobody works on.
func (s *Spool) DueOf(ctx context.Context, route, account string, n int) ([]assessment.OrderRef, error) {
	return s.d.refs(ctx, `SELECT ref, due FROM {orders} o
WHERE state IN ('queued', 'attention') AND body IS NOT NULL AND NOT EXISTS (`+startsHeld+`) AND route = $1 AND account = $2
AND due <= {now} AND until <= {now} AND form <= $4 ORDER BY due, made LIMIT $3`, route, account, n, orderForm)
}

// WaitingOrder is an order that needs attention. It is tried all the same.
type WaitingOrder struct {
	Ref    assessment.OrderRef
	Reason string // see [OrderFilter.Reason]; of an invalid one with the fields: "invalid: package.id"
	Tries  int
	Made   time.Time
}

// inNeed holds for orders o that need attention, those that a surge holds up among
// them, and needOf says why.
const (
	inNeed = `o.state IN ('queued', 'attention') AND (o.state = 'attention' OR EXISTS (SELECT 1 FROM {gates} g
  WHERE g.route = o.route AND g.account = o.account AND g.what = 'starts' AND g.cause = '` + string(causeSurge) + `'))`
	needOf = `CASE WHEN o.state = 'attention' THEN o.reason ELSE '` + string(causeSurge) + `' END`
)

// Attention returns at most n orders that need attention, the oldest first.
func (s *Spool) Attention(ctx context.Context, n int) ([]WaitingOrder, error) {
	return s.Matching(ctx, OrderFilter{}, WaitingOrder{}, n)
}

// Waiting returns the number of orders that wait and the age of the oldest.
func (s *Spool) Waiting(ctx context.Context) (n int, oldest time.Duration, err error) {
	var age int64
	_, err = s.d.row(ctx, s.d.db, []any{&n, &age},
		`SELECT COUNT(*), COALESCE({now} - MIN(made), 0) FROM {orders} WHERE state IN ('queued', 'attention')`)
	return n, time.Duration(age) * time.Millisecond, err
}

// ErrNoOrder: no such order waits in the spool.
var ErrNoOrder = errors.New("sqlstore: no such order is waiting")

// StartNow has a waiting order tried without further delay.
func (s *Spool) StartNow(ctx context.Context, ref assessment.OrderRef, by Act) error {
	return s.act(ctx, ref, by, NoteStartNow, func(tx *sql.Tx) error { return s.d.hint(ctx, tx, orderHint(ref)) },
		`UPDATE {orders} SET state = 'queued', reason = '`+reasonStartNow+`', due = 0, faulted = 0
		WHERE ref = $1 AND state IN ('queued', 'attention') AND body IS NOT NULL`)
}

// RejectOrder says no to a waiting order in the provider's place: the recruiter
// reads text, and the order is never started.
func (s *Spool) RejectOrder(ctx context.Context, ref assessment.OrderRef, text string, by Act) error {
	return s.act(ctx, ref, by, NoteRejected, func(tx *sql.Tx) error {
		var now int64
		if _, err := s.d.row(ctx, tx, []any{&now}, `SELECT {now}`); err != nil {
			return err
		}
		var no *assessment.Rejection
		if !errors.As(assessment.Reject(text), &no) {
			return errors.New("sqlstore: not a rejection")
		}
		no.At = atMilli(now)
		if err := s.d.reject(ctx, tx, ref, no); err != nil {
			return err
		}
		return s.d.bar(ctx, tx, ref)
	}, endOrder(orderRejected))
}

// Discard gives a waiting order up: it is never started, and nothing is told to
// the vendor.
func (s *Spool) Discard(ctx context.Context, ref assessment.OrderRef, by Act) error {
	return s.act(ctx, ref, by, NoteDropped, func(tx *sql.Tx) error { return s.d.bar(ctx, tx, ref) }, endOrder(orderDiscarded))
}

func endOrder(state string) string {
	return `UPDATE {orders} SET state = '` + state + `', body = NULL, token = '', until = 0, settled = {now}
		WHERE ref = $1 AND state IN ('queued', 'attention') AND until <= {now}`
}

func (s *Spool) act(ctx context.Context, ref assessment.OrderRef, by Act, what string, then func(*sql.Tx) error, statement string) error {
	if err := by.check(); err != nil {
		return err
	}
	return s.d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := s.d.exec(ctx, tx, statement, ref.String())
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%w: %s", ErrNoOrder, strconv.Quote(ref.String()))
		}
		if err := s.d.note(ctx, tx, ref, what, by.detail(0)); err != nil {
			return err
		}
		return then(tx)
	})
}

// barClaim keeps an order from being started by whoever meets it next, such as
// the reconciler.
const barClaim = `
INSERT INTO {claims} AS c (key, ref, token, until, answer, made) VALUES ($1, '', '', 0, $2, {now})
ON CONFLICT (key) DO UPDATE SET token = '', answer = CASE WHEN c.answer IS NULL THEN excluded.answer ELSE c.answer END`

func (d *DB) bar(ctx context.Context, tx *sql.Tx, ref assessment.OrderRef) error {
	_, err := d.exec(ctx, tx, barClaim, ref.String(), []byte(assessment.ErasedAnswer))
	return err
}
