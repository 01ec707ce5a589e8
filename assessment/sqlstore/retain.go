package sqlstore

import (
	"context"
	"time"
)

const day = 24 * time.Hour

// Retention is how long things are kept; the zero value is [DefaultRetention].
// Negative keeps for good. Orders lose their body when they are settled, and
// superseded results at once. What is pending is never removed.
type Retention struct {
	ResultBodies    time.Duration // of written results, since they were; 7 days
	AttentionBodies time.Duration // of refused and uncertain results; 30 days, the rows stay
	Answers         time.Duration // the provider's answers with their links, since the order's final; 90 days
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
	table, set, where string // set is empty where whole rows go
	after             func(Retention) time.Duration
	count             func(*Retained) *int64
}

var expiries = []expiry{
	{
		"{results}", "body = NULL",
		`body IS NOT NULL AND state IN ('written', 'skipped') AND settled > 0 AND settled <= {now} - CAST($1 AS BIGINT)`,
		func(r Retention) time.Duration { return r.ResultBodies }, func(r *Retained) *int64 { return &r.ResultBodies },
	},
	{
		"{results}", "body = NULL",
		`body IS NOT NULL AND state IN ('refused', 'uncertain') AND settled > 0 AND settled <= {now} - CAST($1 AS BIGINT)`,
		func(r Retention) time.Duration { return r.AttentionBodies }, func(r *Retained) *int64 { return &r.AttentionBodies },
	},
	{
		"{claims}", "answer = CAST('erased' AS {bytes}), token = ''",
		`answer IS NOT NULL AND token <> '' AND EXISTS (SELECT 1 FROM {results} r WHERE r.ref = CASE WHEN {claims}.ref = '' THEN {claims}.key ELSE {claims}.ref END AND r.final = 1
			AND r.state = 'written' AND r.settled > 0 AND r.settled <= {now} - CAST($1 AS BIGINT))`,
		func(r Retention) time.Duration { return r.Answers }, func(r *Retained) *int64 { return &r.Answers },
	},
	{
		"{results}", "",
		`state NOT IN ('pending', 'refused', 'uncertain') AND settled > 0 AND settled <= {now} - CAST($1 AS BIGINT)`,
		func(r Retention) time.Duration { return r.Settled }, func(r *Retained) *int64 { return &r.Settled },
	},
	{
		"{journal}", "", `at <= {now} - CAST($1 AS BIGINT) AND what NOT IN ('` + NoteOffboarding + `', '` + NoteOffboarded + `', '` + NoteRenamed + `')`,
		func(r Retention) time.Duration { return r.Journal }, func(r *Retained) *int64 { return &r.Journal },
	},
}

// Retain removes what is older than r says; with dryRun it only counts. Orders
// and the fences of their lanes stay: an order delivered again next year starts
// nothing, and no interim follows a final.
func (d *DB) Retain(ctx context.Context, r Retention, dryRun bool) (Retained, error) {
	var done Retained
	r = r.orDefault()
	for _, e := range expiries {
		after := e.after(r)
		if after < 0 {
			continue
		}
		n, err := d.expire(ctx, e, after, dryRun)
		if err != nil {
			return done, err
		}
		*e.count(&done) = n
	}
	return done, nil
}

func (d *DB) expire(ctx context.Context, e expiry, after time.Duration, dryRun bool) (int64, error) {
	switch {
	case dryRun:
		var n int64
		_, err := d.row(ctx, d.db, []any{&n}, `SELECT COUNT(*) FROM `+e.table+` WHERE `+e.where, after.Milliseconds())
		return n, err
	case e.set == "":
		return d.exec(ctx, d.db, `DELETE FROM `+e.table+` WHERE `+e.where, after.Milliseconds())
	}
	return d.exec(ctx, d.db, `UPDATE `+e.table+` SET `+e.set+` WHERE `+e.where, after.Milliseconds())
}
