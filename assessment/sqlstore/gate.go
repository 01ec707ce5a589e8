package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// cause is why a gate is closed. Each cause is a row of its own, so that one
// that ends does not open what another keeps shut.
type cause string

const (
	causeLimit        cause = "limit"
	causeUnauthorized cause = "unauthorized"
	causeForbidden    cause = "forbidden"
	causeUnusable     cause = "account_unusable"
	causePaused       cause = "paused"
)

// probes are the times after which a gate that no time opens by itself lets one
// result through to see.
var probes = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// firstLimit is how long a limited account rests if the vendor does not say.
const firstLimit = 5 * time.Second

// never is when a gate that is closed by hand opens.
const never = int64(1) << 60

// probe lets the caller through gates on probation whose time has come. One of
// many gets each: who moves the opening.
const probe = `
UPDATE {gates} SET token = $3, opens = {now} + CAST($4 AS BIGINT)
WHERE route = $1 AND account IN ('', $2) AND probing = 1 AND opens <= {now}
AND EXISTS (SELECT 1 FROM {results} WHERE ref = $5 AND state = 'pending' AND due <= {now})
AND NOT EXISTS (SELECT 1 FROM {lanes} WHERE ref = $5 AND until > {now})`

// probe takes the lane of an order past gates on probation.
func (o *Outbox) probe(ctx context.Context, ref assessment.OrderRef, token string) (lane, bool, error) {
	n, err := o.d.exec(ctx, o.d.db, probe, routeOf(ref), Account(ref.Account), token, o.lease.Milliseconds(), ref.String())
	if err != nil || n == 0 {
		return lane{}, false, err
	}
	l, won, err := o.take(ctx, ref, token)
	l.probing = true
	return l, won, err
}

// closeGate closes a gate or moves its opening. A gate that waits for a proof
// rests longer with every probe that failed.
const closeGate = `
INSERT INTO {gates} AS g (route, account, cause, opens, probing, probes, token, wake, switched_by, made)
VALUES ($1, $2, $3, {now} + CAST($4 AS BIGINT), $5, 1, '', 0, '', {now})
ON CONFLICT (route, account, cause) DO UPDATE SET token = '', probes = g.probes + 1,
  opens = CASE WHEN excluded.probing = 1 AND g.probes = 1 THEN {now} + CAST($6 AS BIGINT)
    WHEN excluded.probing = 1 AND g.probes = 2 THEN {now} + CAST($7 AS BIGINT)
    WHEN excluded.probing = 1 THEN {now} + CAST($8 AS BIGINT)
    WHEN g.opens > excluded.opens THEN g.opens
    ELSE excluded.opens END
WHERE excluded.probing = 0 OR g.token = $9 OR g.opens <= {now}`

// forbiddenAt is how many orders of an account have to be forbidden before it
// is the account that is: one may have a reason of its own.
const forbiddenAt = 3

const countForbidden = `
SELECT COUNT(DISTINCT ref) FROM {results}
WHERE state = 'pending' AND route = $1 AND account = $2 AND reason = '` + string(causeForbidden) + `'`

// settleGate closes the order's gate if the verdict says so, and opens what the
// attempt was a probe for if it went through.
func (o *Outbox) settleGate(ctx context.Context, tx *sql.Tx, l lane, v verdict) error {
	route, account := routeOf(l.ref), Account(l.ref.Account)
	if v.reason == string(causeForbidden) {
		var orders int
		if _, err := o.d.row(ctx, tx, []any{&orders}, countForbidden, route, account); err != nil {
			return err
		}
		if orders >= forbiddenAt || l.probing {
			v.gate = causeForbidden
		}
	}
	switch {
	case v.gate != "":
		return o.closeGate(ctx, tx, l, v)
	case !l.probing:
		return nil
	case v.state == statePending:
		// The probe told nothing. Another may go at once.
		_, err := o.d.exec(ctx, tx, `UPDATE {gates} SET token = '', opens = {now}
			WHERE route = $1 AND account IN ('', $2) AND token = $3`, route, account, l.token)
		return err
	}
	return o.openGates(ctx, tx, l, route, account)
}

// openGates opens what the lane's attempt was a probe for.
func (o *Outbox) openGates(ctx context.Context, tx *sql.Tx, l lane, route, account string) error {
	if _, err := o.d.exec(ctx, tx, `DELETE FROM {gates} WHERE route = $1 AND account IN ('', $2) AND token = $3`,
		route, account, l.token); err != nil {
		return err
	}
	return o.d.hint(ctx, tx, Hint{Kind: HintWake, Route: route, Account: account})
}

func (o *Outbox) closeGate(ctx context.Context, tx *sql.Tx, l lane, v verdict) error {
	rest, probing := probes[0], v.gate != causeLimit
	if !probing {
		rest = orDefault(v.after, firstLimit)
	}
	route, account := routeOf(l.ref), Account(l.ref.Account)
	if _, err := o.d.exec(ctx, tx, closeGate, route, account, string(v.gate), rest.Milliseconds(), intOf(probing),
		probes[1].Milliseconds(), probes[2].Milliseconds(), probes[3].Milliseconds(), l.token); err != nil {
		return err
	}
	return o.d.wake(ctx, tx, route, account, v.gate)
}

// claimWake makes the caller the one who sees to the waker of a gate, unless one
// waits already. One that is overdue by more than a minute has been lost.
const claimWake = `
UPDATE {gates} SET wake = opens
WHERE route = $1 AND account = $2 AND cause = $3 AND opens < $4 AND wake < {now} - 60000
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
WHERE route = $1 AND account IN ('', $2)`

// The orders behind a gate: of one account the oldest first, of a whole route
// the accounts in turn.
const (
	behindAccount = `
SELECT ref, seq FROM {results} WHERE state = 'pending' AND route = $1 AND account = $2 AND due <= {now} AND form <= $4
ORDER BY seq LIMIT $3`
	behindRoute = `
SELECT ref, first FROM (
  SELECT ref, account, MIN(seq) AS first FROM {results}
  WHERE state = 'pending' AND route = $1 AND $2 = '' AND due <= {now} AND form <= $4 GROUP BY ref, account) waiting
ORDER BY ROW_NUMBER() OVER (PARTITION BY account ORDER BY first), first LIMIT $3`
)

// moveWake says when the waker comes again; 0 is never.
const moveWake = `
UPDATE {gates} SET wake = CASE WHEN $3 > 0 THEN {now} + CAST($3 AS BIGINT) ELSE 0 END WHERE route = $1 AND account = $2`

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
	refs, err := o.behind(ctx, route, account, n)
	if err != nil {
		return nil, 0, err
	}
	again := time.Duration(0)
	if len(refs) == n && probing == 0 {
		again = time.Second
	}
	return distinct(refs), again, o.moveWake(ctx, route, account, again)
}

func (o *Outbox) behind(ctx context.Context, route, account string, n int) ([]assessment.OrderRef, error) {
	query := behindAccount
	if account == "" {
		query = behindRoute
	}
	return o.d.refs(ctx, query, route, account, n, resultForm)
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

// Gate is a route or an account of it that is closed, or on probation.
type Gate struct {
	Route   string // see [Route]
	Account string // escaped like an element of a reference; empty is the whole route
	Cause   string // "limit", "unauthorized", "forbidden", "account_unusable", "paused"
	Since   time.Time
	Opens   time.Time // when it opens or is probed next; zero if it is opened by hand only
	By      string    // who closed it by hand
	Pending int       // results that wait behind it
}

const gates = `
SELECT route, account, cause, made, opens, switched_by,
  (SELECT COUNT(*) FROM {results} r WHERE r.state = 'pending' AND r.route = g.route AND (g.account = '' OR g.account = r.account))
FROM {gates} g WHERE probing = 1 OR opens > {now} ORDER BY route, account, cause`

// Gates returns all gates that are not open.
func (d *DB) Gates(ctx context.Context) ([]Gate, error) {
	var all []Gate
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var g Gate
		var made, opens int64
		if err := scan(&g.Route, &g.Account, &g.Cause, &made, &opens, &g.By, &g.Pending); err != nil {
			return err
		}
		g.Since = atMilli(made)
		if opens < never {
			g.Opens = atMilli(opens)
		}
		all = append(all, g)
		return nil
	}, gates)
	return all, err
}

const pause = `
INSERT INTO {gates} (route, account, cause, opens, probing, probes, token, wake, switched_by, made)
VALUES ($1, $2, '` + string(causePaused) + `', $3, 0, 0, '', 0, $4, {now})
ON CONFLICT (route, account, cause) DO UPDATE SET opens = excluded.opens, switched_by = excluded.switched_by`

// Pause keeps results of a route, or of one account of it, from being written
// until [DB.Resume], on all processes. They are kept.
func (d *DB) Pause(ctx context.Context, route, account string, by Act) error {
	if err := by.check(); err != nil {
		return err
	}
	_, err := d.exec(ctx, d.db, pause, route, account, never, by.Actor+": "+by.Reason)
	return err
}

// Resume opens every gate of a route, or of one account of it, whatever closed
// it. A cause that lasts closes it again.
func (d *DB) Resume(ctx context.Context, route, account string, by Act) error {
	if err := by.check(); err != nil {
		return err
	}
	return d.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := d.exec(ctx, tx, `DELETE FROM {gates} WHERE route = $1 AND account = $2`, route, account); err != nil {
			return err
		}
		return d.hint(ctx, tx, Hint{Kind: HintWake, Route: route, Account: account})
	})
}
