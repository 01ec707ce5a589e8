package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Filter chooses results that need attention. What is empty does not limit; the
// zero value is everything that was refused.
type Filter struct {
	// Route is a vendor and connection as of [Route], Account a customer as in
	// [assessment.OrderRef].
	Route, Account string
	// Uncertain also takes results of which nobody can tell whether the vendor has
	// them: re-driven they may reach it twice.
	Uncertain bool
	// Late, for [Outbox.DiscardMany], also takes results that are unwritten for three
	// days and still tried.
	Late bool
	// Code and Operation are the vendor's error code and the client's operation.
	Code, Operation string
	// Since and Until bound when the result was refused (a late one: published), the
	// latter exclusively.
	Since, Until time.Time
	// State takes only one of "refused", "uncertain" and "late", which then need not
	// be asked for as well.
	State string
	// Refs takes only results of these orders.
	Refs []assessment.OrderRef
}

// stateLate is what [Filter.State] calls a pending result that is overdue.
const stateLate = "late"

func (f Filter) check() error {
	if slices.Contains([]string{"", stateRefused, stateUncertain, stateLate}, f.State) {
		return nil
	}
	return fmt.Errorf("sqlstore: no such state: %q", f.State)
}

// Many says how to deal with many results or orders.
type Many struct {
	// Act says who does it, and why; it is noted for each of them.
	Act
	// DryRun only counts.
	DryRun bool
	// Max is how many to change, the oldest first; zero is all.
	Max int
	// PerMinute is how many re-driven results, or orders that are started, become due
	// in a minute, those of earlier calls that are still due counted;
	// [DefaultPerMinute] if zero.
	PerMinute int
}

func (m Many) check() error {
	if m.Max < 0 || m.PerMinute < 0 {
		return errors.New("sqlstore: negative Max or PerMinute")
	}
	return m.Act.check()
}

// most is how many of so many to change.
func (m Many) most(of int) int {
	if m.Max > 0 {
		return min(of, m.Max)
	}
	return of
}

// turn is when the one with the index i becomes due, if they do so one after
// another: the first a step after start.
func (m Many) turn(start int64, i int) int64 {
	return start + int64(i+1)*time.Minute.Milliseconds()/int64(m.PerMinute)
}

// DefaultPerMinute leaves most of every vendor's limit to what is published
// meanwhile.
const DefaultPerMinute = 120

// Dealt counts what many results came to.
type Dealt struct {
	// Matched are the results that the filter chose, those left out included.
	Matched int
	// Newer are left out because the vendor has a newer result that they must not
	// follow. They can be discarded only.
	Newer int
	// Gone are left out because retention has removed their bodies; publish the
	// result again.
	Gone int
	// Changed were re-driven or discarded; in a dry run, would be.
	Changed int
	// Until is when the last re-driven result becomes due.
	Until time.Time
}

// manyAtOnce is how many rows a transaction changes.
const manyAtOnce = 500

// The receipt's fields, where there is one.
var receiptField = map[Dialect]string{
	PostgreSQL: `COALESCE(CAST(NULLIF(r.receipt, '') AS json)->>'%s', '')`,
	SQLite:     `COALESCE(json_extract(NULLIF(r.receipt, ''), '$.%s'), '')`,
}

// matching holds for the rows that a filter chooses; its parameters are those of
// [Filter.args].
func (d *DB) matching() string {
	field := receiptField[d.dialect]
	return `(r.state IN ('refused', 'uncertain') OR r.reason = 'late')
AND (r.state = 'refused' OR ($1 = 1 AND r.state = 'uncertain') OR ($2 = 1 AND r.state = 'pending'))
AND ($3 = '' OR r.route = $3) AND ($4 = '' OR r.account = $4)
AND ($5 = '' OR ` + fmt.Sprintf(field, "code") + ` = $5) AND ($6 = '' OR ` + fmt.Sprintf(field, "operation") + ` = $6)
AND CASE WHEN r.settled > 0 THEN r.settled ELSE r.made END >= CAST($7 AS BIGINT)
AND (CAST($8 AS BIGINT) = 0 OR CASE WHEN r.settled > 0 THEN r.settled ELSE r.made END < CAST($8 AS BIGINT))
AND ($9 = '' OR $9 = CASE r.state WHEN 'pending' THEN 'late' ELSE r.state END)
AND ($10 = 0 OR r.ref IN ({each}($11)))`
}

func (f Filter) args() []any {
	refs := make([]string, len(f.Refs)) // a list, also if it is empty
	for i, ref := range f.Refs {
		refs[i] = ref.String()
	}
	return []any{
		intOf(f.Uncertain || f.State == stateUncertain), intOf(f.Late || f.State == stateLate), f.Route, Account(f.Account),
		f.Code, f.Operation, milli(f.Since), milli(f.Until), f.State, len(refs), jsonOf(refs),
	}
}

// overtaken holds for a row that the vendor has something newer than.
const overtaken = `EXISTS (SELECT 1 FROM {lanes} l WHERE l.ref = r.ref
AND (l.final_seq >= r.seq OR (r.final = 0 AND (l.final_seq >= 0 OR l.written_seq > r.seq))))`

// RedriveMany has the results that f chooses written again as they are, after what
// was in their way was mended. The change is made at once, in portions that each
// are whole; called again, it goes on with what is left. The results then become
// due one after another, Many.PerMinute of them in a minute, whatever process lives
// by then, so that what is published meanwhile is not held up by them. To stop them,
// pause the route.
//
// Count first, with DryRun.
func (o *Outbox) RedriveMany(ctx context.Context, f Filter, m Many) (Dealt, error) {
	if f.Late = false; f.State == stateLate {
		return Dealt{}, errors.New("sqlstore: late results are tried already")
	}
	if m.PerMinute == 0 {
		m.PerMinute = DefaultPerMinute
	}
	return o.many(ctx, f, m, ` AND r.body IS NOT NULL AND NOT `+overtaken, o.redriveSome)
}

// DiscardMany gives up the results that f chooses, in portions that each are
// whole; called again, it goes on with what is left. Count first, with DryRun.
func (o *Outbox) DiscardMany(ctx context.Context, f Filter, m Many) (Dealt, error) {
	return o.many(ctx, f, m, ``, o.discardSome)
}

// some changes rows in a transaction and returns those that it found as they were.
type some func(context.Context, *sql.Tx, []int64, Many, *Dealt) ([]changed, error)

type changed struct {
	seq int64
	ref string
}

func (o *Outbox) many(ctx context.Context, f Filter, m Many, able string, change some) (Dealt, error) {
	if err := errors.Join(m.check(), f.check()); err != nil {
		return Dealt{}, err
	}
	done, err := o.countMany(ctx, f)
	if err != nil {
		return Dealt{}, err
	}
	left := done.Matched
	if able == "" {
		done.Newer, done.Gone = 0, 0
	} else {
		left -= done.Newer + done.Gone
	}
	if left = m.most(left); m.DryRun {
		done.Changed = left
		return done, nil
	}
	after := int64(0)
	for left > 0 {
		seqs, err := o.next(ctx, f, able, after, min(left, manyAtOnce))
		if err != nil || len(seqs) == 0 {
			return done, err
		}
		if err := o.portion(ctx, seqs, m, change, &done); err != nil {
			return done, err
		}
		after, left = seqs[len(seqs)-1], left-len(seqs)
	}
	return done, nil
}

func (o *Outbox) countMany(ctx context.Context, f Filter) (Dealt, error) {
	var done Dealt
	_, err := o.d.row(ctx, o.d.db, []any{&done.Matched, &done.Newer, &done.Gone}, `
SELECT COUNT(*), COALESCE(SUM(CASE WHEN newer = 1 THEN 1 ELSE 0 END), 0),
  COALESCE(SUM(CASE WHEN newer = 0 AND gone = 1 THEN 1 ELSE 0 END), 0)
FROM (SELECT CASE WHEN `+overtaken+` THEN 1 ELSE 0 END AS newer, CASE WHEN r.body IS NULL THEN 1 ELSE 0 END AS gone
  FROM {results} r WHERE `+o.d.matching()+`) chosen`, f.args()...)
	return done, err
}

func (o *Outbox) next(ctx context.Context, f Filter, able string, after int64, n int) ([]int64, error) {
	var seqs []int64
	err := o.d.rows(ctx, o.d.db, func(scan func(...any) error) error {
		var seq int64
		err := scan(&seq)
		seqs = append(seqs, seq)
		return err
	}, `SELECT r.seq FROM {results} r WHERE r.seq > $12 AND `+o.d.matching()+able+` ORDER BY r.seq LIMIT $13`, append(f.args(), after, n)...)
	return seqs, err
}

// portion changes rows and notes it, in one transaction.
func (o *Outbox) portion(ctx context.Context, seqs []int64, m Many, change some, done *Dealt) error {
	next := *done
	err := o.d.inTurn(ctx, func(tx *sql.Tx) error {
		rows, err := change(ctx, tx, seqs, m, &next)
		next.Changed += len(rows)
		return err
	})
	if err == nil {
		*done = next
	}
	return err
}

// bulkLock is the advisory lock under which one process at a time deals with many
// rows ("assessbr" + 2).
const bulkLock = 0x617373657373_6272 + 2

// inTurn is inTx for one portion of many at a time: two calls at once must not give
// the same turns to their rows, nor wait for each other's rows in a circle.
func (d *DB) inTurn(ctx context.Context, work func(*sql.Tx) error) error {
	return d.inTx(ctx, func(tx *sql.Tx) error {
		if d.dialect == PostgreSQL { // SQLite has one writer
			if _, err := d.exec(ctx, tx, `SELECT pg_advisory_xact_lock($1)`, int64(bulkLock)); err != nil {
				return err
			}
		}
		return work(tx)
	})
}

// revival is when a row becomes due.
type revival struct {
	Num int64 `json:"num"`
	At  int64 `json:"at"`
}

// reasonRedriven marks a pending row that waits for its turn among many.
const reasonRedriven = "redriven"

var revivals = map[Dialect]string{
	PostgreSQL: `json_to_recordset(CAST($1 AS json)) AS g(num BIGINT, at BIGINT)`,
	SQLite:     `(SELECT value->>'num' AS num, value->>'at' AS at FROM json_each($1)) AS g`,
}

// lastRevival is when the last row of those that wait for their turn becomes due.
const lastRevival = `
SELECT {now}, COALESCE((SELECT MAX(due) FROM {results} WHERE state = 'pending' AND reason = '` + reasonRedriven + `'), 0)`

func (o *Outbox) redriveSome(ctx context.Context, tx *sql.Tx, seqs []int64, m Many, done *Dealt) ([]changed, error) {
	var now, last int64
	if _, err := o.d.row(ctx, tx, []any{&now, &last}, lastRevival); err != nil {
		return nil, err
	}
	list := make([]revival, len(seqs))
	for i, seq := range seqs {
		list[i] = revival{seq, m.turn(max(now, last), i)}
	}
	done.Until = atMilli(list[len(list)-1].At)
	rows, err := o.change(ctx, tx, list, `
UPDATE {results} AS r SET state = 'pending', reason = '`+reasonRedriven+`', tries = 0, waited = 0, due = g.at, settled = 0
FROM `+revivals[o.d.dialect]+`
WHERE r.seq = g.num AND r.state IN ('refused', 'uncertain') AND r.body IS NOT NULL RETURNING seq, ref`)
	if err != nil {
		return nil, err
	}
	return rows, o.d.noteMany(ctx, tx, rows, NoteRedriven, m.Act)
}

func (o *Outbox) discardSome(ctx context.Context, tx *sql.Tx, seqs []int64, m Many, _ *Dealt) ([]changed, error) {
	rows, err := o.change(ctx, tx, seqs, `
UPDATE {results} SET state = 'discarded', body = NULL, settled = {now}
WHERE seq IN (`+numbers[o.d.dialect]+`) AND (state IN ('refused', 'uncertain') OR (state = 'pending' AND reason = 'late')) RETURNING seq, ref`)
	if err != nil {
		return nil, err
	}
	if _, err := o.d.exec(ctx, tx, `DELETE FROM {claims} WHERE ref <> '' AND ref IN (SELECT ref FROM {results} WHERE final = 1 AND seq IN (`+
		numbers[o.d.dialect]+`))`, jsonOf(seqsOf(rows))); err != nil {
		return nil, err
	}
	return rows, o.d.noteMany(ctx, tx, rows, NoteDiscarded, m.Act)
}

// numbers are those of the JSON list $1.
var numbers = map[Dialect]string{
	PostgreSQL: `SELECT CAST(v AS BIGINT) FROM json_array_elements_text(CAST($1 AS json)) AS v`,
	SQLite:     `SELECT value FROM json_each($1)`,
}

func (o *Outbox) change(ctx context.Context, tx *sql.Tx, list any, statement string) ([]changed, error) {
	var rows []changed
	err := o.d.rows(ctx, tx, func(scan func(...any) error) error {
		var c changed
		err := scan(&c.seq, &c.ref)
		rows = append(rows, c)
		return err
	}, statement, jsonOf(list))
	return rows, err
}

func seqsOf(rows []changed) []int64 {
	seqs := make([]int64, len(rows))
	for i, r := range rows {
		seqs[i] = r.seq
	}
	return seqs
}

// jsonOf is the text of a list of numbers, texts and plain structs, which always has
// one.
func jsonOf(list any) string {
	text, _ := json.Marshal(list)
	return string(text)
}

var notes = map[Dialect]string{
	PostgreSQL: `json_to_recordset(CAST($1 AS json)) AS g(ref TEXT, detail TEXT)`,
	SQLite:     `(SELECT value->>'ref' AS ref, value->>'detail' AS detail FROM json_each($1)) AS g`,
}

// noteMany journals an act for each row.
func (d *DB) noteMany(ctx context.Context, tx *sql.Tx, rows []changed, what string, by Act) error {
	type entry struct {
		Ref    string `json:"ref"`
		Detail string `json:"detail"`
	}
	list := make([]entry, len(rows))
	for i, r := range rows {
		list[i] = entry{r.ref, jsonOf(by.detail(r.seq))}
	}
	_, err := d.exec(ctx, tx, `INSERT INTO {journal} (ref, at, what, detail) SELECT ref, {now}, $2, detail FROM `+notes[d.dialect]+` WHERE TRUE`,
		jsonOf(list), what)
	return err
}
