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

// Attention is a result that somebody has to deal with: refused by the vendor,
// uncertain, or unwritten for three days in which it could have been sent.
type Attention struct {
	Seq    int64
	Ref    assessment.OrderRef
	State  string // "refused", "uncertain", "pending" (late)
	Reason string // codes and paths, no text of the vendor's
	Made   time.Time
	// Settled is when it was refused; zero for a late one, which is still tried.
	Settled time.Time
	// HasBody says that it can be re-driven: bodies are removed in time.
	HasBody bool
	// Answer is what the vendor last answered, in codes.
	Answer Detail
}

// Attention returns at most n results that need attention, the oldest first,
// after the row number after (0 for the first page).
func (o *Outbox) Attention(ctx context.Context, after int64, n int) ([]Attention, error) {
	return o.Matching(ctx, Filter{Uncertain: true, Late: true}, after, n)
}

// Matching is [Outbox.Attention] of those that f chooses.
func (o *Outbox) Matching(ctx context.Context, f Filter, after int64, n int) ([]Attention, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	var all []Attention
	err := o.d.rows(ctx, o.d.db, func(scan func(...any) error) error {
		a, err := scanAttention(scan)
		all = append(all, a)
		return err
	}, `SELECT r.seq, r.ref, r.state, r.reason, r.receipt, r.made, r.settled, CASE WHEN r.body IS NULL THEN 0 ELSE 1 END
FROM {results} r WHERE r.seq > $12 AND `+o.d.matching()+` ORDER BY r.seq LIMIT $13`, append(f.args(), after, n)...)
	return all, err
}

func scanAttention(scan func(...any) error) (a Attention, err error) {
	var ref, receipt string
	var made, settled, body int64
	if err := scan(&a.Seq, &ref, &a.State, &a.Reason, &receipt, &made, &settled, &body); err != nil {
		return a, err
	}
	a.Made, a.Settled, a.HasBody = atMilli(made), atMilli(settled), body == 1
	if receipt != "" {
		if err := json.Unmarshal([]byte(receipt), &a.Answer); err != nil {
			return a, fmt.Errorf("receipt: %w", err)
		}
	}
	a.Ref, err = assessment.ParseOrderRef(ref)
	return a, err
}

// ErrNoAttention: the row is not refused or uncertain, or its body is gone.
var ErrNoAttention = errors.New("sqlstore: no refused or uncertain result with a body")

const redrive = `
UPDATE {results} SET state = 'pending', reason = '', tries = 0, waited = 0, due = 0, settled = 0
WHERE seq = $1 AND state IN ('refused', 'uncertain') AND body IS NOT NULL RETURNING ref`

// Redrive has a refused or uncertain result written again as it is, after what
// was in its way was mended. If a newer final was written meanwhile, it is
// dropped for that one. An uncertain one may reach the vendor twice.
func (o *Outbox) Redrive(ctx context.Context, seq int64, by Act) error {
	return o.revive(ctx, NoteRedriven, seq, by, redrive, seq)
}

const amend = `
UPDATE {results} SET state = 'pending', reason = '', tries = 0, waited = 0, due = 0, settled = 0, body = $2, digest = $3, form = $4
WHERE seq = $1 AND final = $5 AND state IN ('refused', 'uncertain') RETURNING ref`

// Amend has another result written in the place of a refused or uncertain one:
// a final for a final, an interim for an interim.
func (o *Outbox) Amend(ctx context.Context, seq int64, r assessment.Result, by Act) error {
	if err := validate(r); err != nil {
		return err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("sqlstore: result: %w", err)
	}
	return o.revive(ctx, NoteAmended, seq, by, amend, seq, string(body), digest(body), resultForm, intOf(r.Status.Final()))
}

func (o *Outbox) revive(ctx context.Context, what string, seq int64, by Act, statement string, args ...any) error {
	return o.act(ctx, what, seq, by, func(tx *sql.Tx, ref assessment.OrderRef) error {
		return o.d.hint(ctx, tx, resultHint(ref))
	}, statement, args...)
}

const discard = `
UPDATE {results} SET state = 'discarded', body = NULL, settled = {now}
WHERE seq = $1 AND (state IN ('refused', 'uncertain') OR (state = 'pending' AND reason = 'late')) RETURNING ref`

// freeIfFinal frees the natural key of an order whose final was discarded.
const freeIfFinal = `
DELETE FROM {claims} WHERE ref = $1 AND ref <> '' AND EXISTS (SELECT 1 FROM {results} WHERE seq = $2 AND final = 1)`

// Discard gives a result up that needs attention.
func (o *Outbox) Discard(ctx context.Context, seq int64, by Act) error {
	return o.act(ctx, NoteDiscarded, seq, by, func(tx *sql.Tx, ref assessment.OrderRef) error {
		_, err := o.d.exec(ctx, tx, freeIfFinal, ref.String(), seq)
		return err
	}, discard, seq)
}

// act changes a row by hand, journals it and does what follows from it.
func (o *Outbox) act(ctx context.Context, what string, seq int64, by Act,
	then func(*sql.Tx, assessment.OrderRef) error, statement string, args ...any) error {
	if err := by.check(); err != nil {
		return err
	}
	return o.d.inTx(ctx, func(tx *sql.Tx) error {
		var text string
		found, err := o.d.row(ctx, tx, []any{&text}, statement, args...)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoAttention
		}
		ref, err := assessment.ParseOrderRef(text)
		if err != nil {
			return err
		}
		if err := o.d.note(ctx, tx, ref, what, by.detail(seq)); err != nil {
			return err
		}
		return then(tx, ref)
	})
}

// Lag is what a route has to write.
type Lag struct {
	Route   string
	Pending int
	Finals  int
	Oldest  time.Duration // age of the oldest pending result
}

const lag = `
SELECT route, COUNT(*), SUM(final), {now} - MIN(made) FROM {results} WHERE state = 'pending' GROUP BY route ORDER BY route`

// Lag returns what waits, for each route that has something to write.
func (o *Outbox) Lag(ctx context.Context) ([]Lag, error) {
	var all []Lag
	err := o.d.rows(ctx, o.d.db, func(scan func(...any) error) error {
		var l Lag
		var oldest int64
		err := scan(&l.Route, &l.Pending, &l.Finals, &oldest)
		l.Oldest = time.Duration(oldest) * time.Millisecond
		all = append(all, l)
		return err
	}, lag)
	return all, err
}
