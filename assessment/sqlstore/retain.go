package sqlstore

import (
	"context"
	"math"
	"time"
)

const day = 24 * time.Hour

// Retention is how long things are kept; the zero value is [DefaultRetention].
// Negative keeps for good. Orders lose their body when they are settled, and
// superseded results at once. What is pending is never removed.
type Retention struct {
	ResultBodies    time.Duration // of written results, since they were; 7 days
	AttentionBodies time.Duration // of refused and uncertain results; 30 days, the rows stay
	Answers         time.Duration // what is personal in the provider's answers, since the order's end; 90 days
	Settled         time.Duration // whole rows of settled results; 400 days
	Journal         time.Duration // 400 days
}

// DefaultRetention returns what is kept for how long unless it is said
// otherwise.
func DefaultRetention() Retention {
	return Retention{ResultBodies: 7 * day, AttentionBodies: 30 * day, Answers: 90 * day, Settled: 400 * day, Journal: 400 * day}
}

func (r Retention) orDefault() Retention {
	standard := DefaultRetention()
	return Retention{
		ResultBodies:    orDefault(r.ResultBodies, standard.ResultBodies),
		AttentionBodies: orDefault(r.AttentionBodies, standard.AttentionBodies),
		Answers:         orDefault(r.Answers, standard.Answers),
		Settled:         orDefault(r.Settled, standard.Settled),
		Journal:         orDefault(r.Journal, standard.Journal),
	}
}

// Retained counts what [DB.Retain] removed, or would.
type Retained struct {
	ResultBodies, AttentionBodies, Answers, Settled, Journal int64
}

// expiry is one rule of retention: what it does to which rows.
type expiry struct {
	rows  aged
	do    string // to the rows whose numbers follow it
	where string // of the aged rows, those that this holds for
	after func(Retention) time.Duration
	count func(*Retained) *int64
}

// aged are the rows of a table by the time from which their age counts. There is
// an index on it.
type aged struct{ table, at, number, indexed string }

var (
	agedResults = aged{"{results}", "settled", "seq", " AND settled > 0"}
	agedJournal = aged{"{journal}", "at", "id", ""}
)

var expiries = []expiry{
	{
		agedResults, `UPDATE {results} SET body = NULL`, `body IS NOT NULL AND state IN ('written', 'skipped')`,
		func(r Retention) time.Duration { return r.ResultBodies }, func(r *Retained) *int64 { return &r.ResultBodies },
	},
	{
		agedResults, `UPDATE {results} SET body = NULL`, `body IS NOT NULL AND state IN ('refused', 'uncertain')`,
		func(r Retention) time.Duration { return r.AttentionBodies }, func(r *Retained) *int64 { return &r.AttentionBodies },
	},
	{
		agedResults, `DELETE FROM {results}`, `state NOT IN ('pending', 'refused', 'uncertain')`,
		func(r Retention) time.Duration { return r.Settled }, func(r *Retained) *int64 { return &r.Settled },
	},
	{
		agedJournal, `DELETE FROM {journal}`, `what NOT IN ('` + NoteOffboarding + `', '` + NoteOffboarded + `', '` + NoteRenamed + `')`,
		func(r Retention) time.Duration { return r.Journal }, func(r *Retained) *int64 { return &r.Journal },
	},
}

// Retain removes what is older than r says; with dryRun it only counts. Orders
// and the fences of their lanes stay: an order delivered again next year starts
// nothing and is answered as one that was taken or rejected before, and no interim
// follows a final. Of the provider's answer that is what is left then: see
// [assessment.Claim.Settled].
//
// It works in portions of a thousand rows, each a statement of its own, so that
// nobody waits for it longer than for one of them, and ends between two of them when
// ctx does. What it counted until then is done; called again, it goes on with what is
// left. Job queues clean up after themselves, as River does.
func (d *DB) Retain(ctx context.Context, r Retention, dryRun bool) (Retained, error) {
	var done Retained
	now, err := d.Now(ctx)
	if err != nil {
		return done, err
	}
	r = r.orDefault()
	if r.Answers >= 0 {
		if err := d.settleAnswers(ctx, now.Add(-r.Answers).UnixMilli(), dryRun, &done.Answers); err != nil {
			return done, err
		}
	}
	for _, e := range expiries {
		after := e.after(r)
		if after < 0 {
			continue
		}
		if err := d.expire(ctx, e, now.Add(-after).UnixMilli(), dryRun, e.count(&done)); err != nil {
			return done, err
		}
	}
	return done, nil
}

// retainAtOnce is how many rows a statement of retention looks at.
const retainAtOnce = 1000

// portion reads the next rows in their order, and which of them a rule is about.
// Those it is not about are read as well: else one statement might search the whole
// table for the last of a portion.
func (e expiry) portion() string {
	return `SELECT ` + e.rows.at + `, ` + e.rows.number + `, CASE WHEN ` + e.where + ` THEN 1 ELSE 0 END FROM ` + e.rows.table + `
WHERE ` + e.rows.at + ` <= $1 AND ` + e.rows.at + ` >= $2 AND (` + e.rows.at + ` > $2 OR ` + e.rows.number + ` > $3)` + e.rows.indexed + `
ORDER BY ` + e.rows.at + `, ` + e.rows.number + ` LIMIT $4`
}

// change is made only where the rule still holds.
func (e expiry) change(dialect Dialect) string {
	return e.do + ` WHERE ` + e.rows.number + ` IN (` + numbers[dialect] + `) AND ` + e.where
}

// expire applies a rule to the rows up to a time, in milliseconds, and counts them.
func (d *DB) expire(ctx context.Context, e expiry, until int64, dryRun bool, count *int64) error {
	at, number := int64(math.MinInt64), int64(0)
	for {
		read, due := 0, []int64(nil)
		if err := d.rows(ctx, d.db, func(scan func(...any) error) error {
			var is int64
			err := scan(&at, &number, &is)
			if read++; is == 1 {
				due = append(due, number)
			}
			return err
		}, e.portion(), until, at, number, retainAtOnce); err != nil {
			return err
		}
		var err error
		n := int64(len(due))
		if n > 0 && !dryRun {
			n, err = d.exec(ctx, d.db, e.change(d.dialect), jsonOf(due))
		}
		*count += n
		if err != nil || read < retainAtOnce {
			return err
		}
	}
}
