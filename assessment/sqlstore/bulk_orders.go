package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// OrderFilter chooses orders that need attention. What is empty does not limit; the
// zero value is all of them.
type OrderFilter struct {
	// Route is a vendor and connection as of [Route], Account a customer as in
	// [assessment.OrderRef].
	Route, Account string
	// Reason is why: "faulting" for an hour, "undecodable", "unknown_status", "surge"
	// (the reconciler found too many at once), "invalid", or one of the latter with its
	// fields, as in [WaitingOrder.Reason]. Another one is an error.
	Reason string
	// Since and Until bound when the order was accepted, the latter exclusively.
	Since, Until time.Time
	// Refs takes only these orders.
	Refs []assessment.OrderRef
}

// The reasons that an order can need attention for.
var orderReasons = []string{reasonFaulting, reasonUndecodable, reasonUnknownStatus, string(causeSurge), reasonInvalid}

func (f OrderFilter) check() error {
	kind, _, _ := strings.Cut(f.Reason, ":")
	if f.Reason == "" || slices.Contains(orderReasons, f.Reason) || kind == reasonInvalid {
		return nil
	}
	return fmt.Errorf("sqlstore: no such reason: %q; there are %s", f.Reason, strings.Join(orderReasons, ", "))
}

// DealtOrders counts what many orders came to.
type DealtOrders struct {
	// Matched are the orders that the filter chose, those left out included.
	Matched int
	// Held are left out by [Spool.StartMany] because starts of their account or route
	// are switched off, or a surge has switched them off; see [DB.Resume]. They can be
	// discarded.
	Held int
	// Running are left out because a worker is at them.
	Running int
	// Changed will be started, or were discarded; in a dry run, would be.
	Changed int
	// Until is when the last order to be started becomes due.
	Until time.Time
}

// needy are the orders that a filter chooses; its parameters are those of
// [OrderFilter.args].
const needy = `
FROM (SELECT ref, route, account, made, tries, ` + needOf + ` AS need, CASE WHEN until > {now} THEN 1 ELSE 0 END AS running,
  CASE WHEN EXISTS (` + startsHeld + `) THEN 1 ELSE 0 END AS held FROM {orders} o WHERE ` + inNeed + `) n
WHERE ($1 = '' OR route = $1) AND ($2 = '' OR account = $2)
AND ($3 = '' OR need = $3 OR substr(need, 1, length(CAST($3 AS TEXT)) + 1) = CAST($3 AS TEXT) || ':')
AND made >= CAST($4 AS BIGINT) AND (CAST($5 AS BIGINT) = 0 OR made < CAST($5 AS BIGINT))
AND ($6 = 0 OR ref IN ({each}($7)))`

// Matching returns at most n orders that need attention and that f chooses, the oldest
// first, after the one with which the page before ended; zero for the first page.
func (s *Spool) Matching(ctx context.Context, f OrderFilter, after WaitingOrder, n int) ([]WaitingOrder, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	var last string
	if after != (WaitingOrder{}) {
		last = after.Ref.String()
	}
	var all []WaitingOrder
	err := s.d.rows(ctx, s.d.db, func(scan func(...any) error) error {
		var o WaitingOrder
		var ref string
		var made int64
		if err := scan(&ref, &o.Reason, &o.Tries, &made); err != nil {
			return err
		}
		var err error
		o.Ref, err = assessment.ParseOrderRef(ref)
		o.Made = atMilli(made)
		all = append(all, o)
		return err
	}, `SELECT ref, need, tries, made`+needy+pastPlace, append(f.args(), milli(after.Made), last, n)...)
	return all, err
}

// pastPlace pages through orders; its parameters are a place and a number.
const pastPlace = ` AND (made > CAST($8 AS BIGINT) OR (made = CAST($8 AS BIGINT) AND ref > $9)) ORDER BY made, ref LIMIT $10`

// Of those, the ones that nobody works on, and that may start.
const (
	free      = ` AND running = 0`
	startable = free + ` AND held = 0`
)

func (f OrderFilter) args() []any {
	refs := make([]string, len(f.Refs)) // a list, also if it is empty
	for i, ref := range f.Refs {
		refs[i] = ref.String()
	}
	return []any{f.Route, Account(f.Account), f.Reason, milli(f.Since), milli(f.Until), len(refs), jsonOf(refs)}
}

// StartMany has the orders that f chooses tried again, after what was in their way was
// mended, those of an unknown status too, as [Spool.StartNow] does with one. The change
// is made at once, in portions that each are whole; called again, it goes on with what
// is left. The orders then become due one after another, Many.PerMinute of them in a
// minute, the longest waiting first, whatever process lives by then.
//
// Count first, with DryRun.
func (s *Spool) StartMany(ctx context.Context, f OrderFilter, m Many) (DealtOrders, error) {
	if m.PerMinute == 0 {
		m.PerMinute = DefaultPerMinute
	}
	return s.many(ctx, f, m, startable, s.startSome)
}

// DiscardMany gives up the orders that f chooses: they are never started, and nothing
// is told to the vendor. It changes them in portions that each are whole; called again,
// it goes on with what is left. Count first, with DryRun.
func (s *Spool) DiscardMany(ctx context.Context, f OrderFilter, m Many) (DealtOrders, error) {
	return s.many(ctx, f, m, free, s.dropSome)
}

// someOrders changes orders in a transaction and returns those that it found as they
// were.
type someOrders func(context.Context, *sql.Tx, []string, Many, *DealtOrders) ([]changed, error)

func (s *Spool) many(ctx context.Context, f OrderFilter, m Many, able string, change someOrders) (DealtOrders, error) {
	if err := errors.Join(m.check(), f.check()); err != nil {
		return DealtOrders{}, err
	}
	var done DealtOrders
	if _, err := s.d.row(ctx, s.d.db, []any{&done.Matched, &done.Running, &done.Held}, `
SELECT COUNT(*), COALESCE(SUM(running), 0), COALESCE(SUM(CASE WHEN running = 0 THEN held ELSE 0 END), 0)`+needy, f.args()...); err != nil {
		return DealtOrders{}, err
	}
	if able == free {
		done.Held = 0
	}
	left := m.most(done.Matched - done.Running - done.Held)
	if m.DryRun {
		done.Changed = left
		return done, nil
	}
	for after := (place{}); left > 0; {
		refs, last, err := s.next(ctx, f, able, after, min(left, manyAtOnce))
		if err != nil || len(refs) == 0 {
			return done, err
		}
		next := done
		if err := s.d.inTurn(ctx, func(tx *sql.Tx) error {
			rows, err := change(ctx, tx, refs, m, &next)
			next.Changed += len(rows)
			return err
		}); err != nil {
			return done, err
		}
		done, after, left = next, last, left-len(refs)
	}
	return done, nil
}

// place is where a portion ended.
type place struct {
	made int64
	ref  string
}

func (s *Spool) next(ctx context.Context, f OrderFilter, able string, after place, n int) (refs []string, last place, err error) {
	err = s.d.rows(ctx, s.d.db, func(scan func(...any) error) error {
		err := scan(&last.ref, &last.made)
		refs = append(refs, last.ref)
		return err
	}, `SELECT ref, made`+needy+able+pastPlace, append(f.args(), after.made, after.ref, n)...)
	return refs, last, err
}

// orderTurn is when an order becomes due.
type orderTurn struct {
	Order string `json:"whose"`
	At    int64  `json:"at"`
}

var orderTurns = map[Dialect]string{
	PostgreSQL: `json_to_recordset(CAST($1 AS json)) AS g(whose TEXT, at BIGINT)`,
	SQLite:     `(SELECT value->>'whose' AS whose, value->>'at' AS at FROM json_each($1)) AS g`,
}

// lastTurn is when the last order of those that wait for their turn becomes due. One
// that was tried since and failed waits for something else.
const lastTurn = `
SELECT {now}, COALESCE((SELECT MAX(due) FROM {orders} WHERE state = 'queued' AND reason = '` + reasonStartNow + `' AND tries = 0), 0)`

func (s *Spool) startSome(ctx context.Context, tx *sql.Tx, refs []string, m Many, done *DealtOrders) ([]changed, error) {
	var now, last int64
	if _, err := s.d.row(ctx, tx, []any{&now, &last}, lastTurn); err != nil {
		return nil, err
	}
	list := make([]orderTurn, len(refs))
	for i, ref := range refs {
		list[i] = orderTurn{ref, m.turn(max(now, last), i)}
	}
	done.Until = atMilli(list[len(list)-1].At)
	rows, err := s.change(ctx, tx, list, `
UPDATE {orders} AS o SET state = 'queued', reason = '`+reasonStartNow+`', due = g.at, faulted = 0, tries = 0
FROM `+orderTurns[s.d.dialect]+`
WHERE o.ref = g.whose AND o.state = 'attention' AND o.body IS NOT NULL AND o.until <= {now} RETURNING ref`)
	if err != nil {
		return nil, err
	}
	return rows, s.d.noteMany(ctx, tx, rows, NoteStartNow, m.Act)
}

// barMany is [barClaim] for many orders.
const barMany = `
INSERT INTO {claims} AS c (key, ref, token, until, answer, made) SELECT g.whose, '', '', 0, $2, {now} FROM %s WHERE TRUE
ON CONFLICT (key) DO UPDATE SET token = '', answer = CASE WHEN c.answer IS NULL THEN excluded.answer ELSE c.answer END`

func (s *Spool) dropSome(ctx context.Context, tx *sql.Tx, refs []string, m Many, _ *DealtOrders) ([]changed, error) {
	rows, err := s.change(ctx, tx, refs, `
UPDATE {orders} AS o SET state = '`+orderDiscarded+`', body = NULL, token = '', until = 0, settled = {now}
WHERE o.ref IN ({each}($1)) AND `+inNeed+` AND o.until <= {now} RETURNING ref`)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	barred := make([]orderTurn, len(rows))
	for i, r := range rows {
		barred[i].Order = r.ref
	}
	if _, err := s.d.exec(ctx, tx, fmt.Sprintf(barMany, orderTurns[s.d.dialect]), jsonOf(barred), []byte(assessment.ErasedAnswer)); err != nil {
		return nil, err
	}
	return rows, s.d.noteMany(ctx, tx, rows, NoteDropped, m.Act)
}

func (s *Spool) change(ctx context.Context, tx *sql.Tx, list any, statement string) ([]changed, error) {
	var rows []changed
	err := s.d.rows(ctx, tx, func(scan func(...any) error) error {
		var c changed
		err := scan(&c.ref)
		rows = append(rows, c)
		return err
	}, statement, jsonOf(list))
	return rows, err
}
