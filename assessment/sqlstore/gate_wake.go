package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// claimWake makes the caller the one who sees to the waker of a gate, unless one
// waits already. One that is overdue by more than a minute has been lost.
const claimWake = `
UPDATE {gates} SET wake = opens
WHERE route = $1 AND account = $2 AND what = 'results' AND cause = $3 AND opens < $4 AND wake < {now} - 60000
RETURNING opens - {now}`

func (d *DB) wake(ctx context.Context, tx *sql.Tx, route, account string, c cause) error {
	var after int64
	mine, err := d.row(ctx, tx, []any{&after}, claimWake, route, account, string(c), never)
	if err != nil || !mine {
		return err
	}
	return d.hint(ctx, tx, Hint{Kind: HintWake, Route: route, Account: account, After: time.Duration(max(after, 0)) * time.Millisecond})
}

// openingOf is how long a waker has to wait for a gate, and whether it is on
// probation.
const openingOf = `
SELECT COALESCE(MAX(opens - {now}), 0), COALESCE(MAX(probing), 0) FROM {gates}
WHERE route = $1 AND account IN ('', $2) AND what = 'results'`

// The orders behind a gate: of one account the oldest first, of a whole route
// the accounts in turn. A probe has to be one that a gate on probation holds.
var (
	behindAccount = `
SELECT ref, seq FROM {results} r WHERE state = 'pending' AND route = $1 AND account = $2 AND due <= {now} AND form <= $4
AND ` + onProbation + ` ORDER BY seq LIMIT $3`
	behindRoute = `
SELECT ref, first FROM (
  SELECT ref, account, MIN(seq) AS first FROM {results} r
  WHERE state = 'pending' AND route = $1 AND $2 = '' AND due <= {now} AND form <= $4 AND ` + onProbation + ` GROUP BY ref, account) waiting
ORDER BY ROW_NUMBER() OVER (PARTITION BY account ORDER BY first), first LIMIT $3`
)

var onProbation = `($5 = 0 OR EXISTS (SELECT 1 FROM {gates} g WHERE g.route = $1 AND g.account IN ('', $2)
  AND g.probing = 1 AND g.opens <= {now} AND ` + holdsRef("r.ref") + `))`

// moveWake says when the waker comes again; 0 is never.
const moveWake = `
UPDATE {gates} SET wake = CASE WHEN $3 > 0 THEN {now} + CAST($3 AS BIGINT) ELSE 0 END
WHERE route = $1 AND account = $2 AND what = 'results'`

// Wake is what the waker of a gate ([HintWake]) does: it returns the orders to
// flush now, at most n, and after how long to come again; zero if its work is
// done. While the gate is closed there are none. A gate on probation gets one.
func (o *Outbox) Wake(ctx context.Context, route, account string, n int) ([]assessment.OrderRef, time.Duration, error) {
	var wait, probing int64
	if _, err := o.d.row(ctx, o.d.db, []any{&wait, &probing}, openingOf, route, account); err != nil {
		return nil, 0, err
	}
	if wait > never/2 {
		return nil, 0, o.moveWake(ctx, route, account, 0) // closed by hand; Resume gives a hint
	}
	if wait > 0 {
		again := time.Duration(wait) * time.Millisecond
		return nil, again, o.moveWake(ctx, route, account, again)
	}
	if probing > 0 {
		n = 1
	}
	refs, err := o.behind(ctx, route, account, n, probing)
	if err != nil {
		return nil, 0, err
	}
	again := time.Duration(0)
	if len(refs) == n && probing == 0 {
		again = time.Second
	}
	return distinct(refs), again, o.moveWake(ctx, route, account, again)
}

func (o *Outbox) behind(ctx context.Context, route, account string, n int, probing int64) ([]assessment.OrderRef, error) {
	query := behindAccount
	if account == "" {
		query = behindRoute
	}
	return o.d.refs(ctx, query, route, account, n, resultForm, probing)
}

func (o *Outbox) moveWake(ctx context.Context, route, account string, again time.Duration) error {
	_, err := o.d.exec(ctx, o.d.db, moveWake, route, account, again.Milliseconds())
	return err
}

func distinct(refs []assessment.OrderRef) []assessment.OrderRef {
	seen := make(map[assessment.OrderRef]bool, len(refs))
	return slices.DeleteFunc(refs, func(ref assessment.OrderRef) bool {
		known := seen[ref]
		seen[ref] = true
		return known
	})
}
