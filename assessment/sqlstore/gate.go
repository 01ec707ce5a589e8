package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"
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
	causeSurge        cause = "surge"
	causeOffboarding  cause = "offboarding" // until everything is removed
)

// probes are the times after which a gate that no time opens by itself lets one
// result through to see.
var probes = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute}

// firstLimit is how long a limited account rests if the vendor does not say.
const firstLimit = 5 * time.Second

// never is when a gate that is closed by hand opens.
const never = int64(1) << 60

// holds is what a gate g of results needs to hold up the reference that stands in
// the place of %: one may hold one operation of its account only, whose
// references begin alike.
const holds = `g.what = 'results' AND substr(%, 1, length(g.under)) = g.under`

func holdsRef(ref string) string { return strings.ReplaceAll(holds, "%", ref) }

// probe lets the caller through gates on probation whose time has come, if
// nothing else is closed. One of many gets each: who moves the opening.
var probe = `
UPDATE {gates} AS g SET token = $3, opens = {now} + CAST($4 AS BIGINT)
WHERE g.route = $1 AND g.account IN ('', $2) AND ` + holdsRef("$5") + ` AND g.probing = 1 AND g.opens <= {now}
AND EXISTS (SELECT 1 FROM {results} WHERE ref = $5 AND state = 'pending' AND due <= {now})
AND NOT EXISTS (SELECT 1 FROM {lanes} WHERE ref = $5 AND until > {now})
AND NOT EXISTS (SELECT 1 FROM {gates} o WHERE o.route = $1 AND o.account IN ('', $2) AND o.what = 'results'
  AND o.opens > {now} AND substr($5, 1, length(o.under)) = o.under)`

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
INSERT INTO {gates} AS g (route, account, what, cause, under, print, opens, probing, probes, token, wake, switched_by, made)
VALUES ($1, $2, 'results', $3, $10, $11, {now} + CAST($4 AS BIGINT), $5, 1, '', 0, '', {now})
ON CONFLICT (route, account, what, cause, under) DO UPDATE SET token = '', probes = g.probes + 1, print = excluded.print,
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
WHERE state = 'pending' AND route = $1 AND account = $2 AND reason = '` + string(causeForbidden) + `'
AND substr(ref, 1, length($3)) = $3`

// operationOf is how the references of an account begin whose results are written
// by the same operation of the vendor: that depends on the kind of the order, if
// the vendor tells kinds. It is empty if all are.
func operationOf(ref assessment.OrderRef) string {
	if ref.Kind == "" {
		return ""
	}
	ref.ID = ""
	return ref.String()
}

// settleGate closes the order's gate if the verdict says so, and opens what the
// attempt was a probe for if it went through.
func (o *Outbox) settleGate(ctx context.Context, tx *sql.Tx, l lane, v verdict) error {
	route, account := routeOf(l.ref), Account(l.ref.Account)
	if v.reason == string(causeForbidden) {
		var orders int
		if _, err := o.d.row(ctx, tx, []any{&orders}, countForbidden, route, account, operationOf(l.ref)); err != nil {
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
			WHERE route = $1 AND account IN ('', $2) AND what = 'results' AND token = $3`, route, account, l.token)
		return err
	}
	return o.openGates(ctx, tx, l, route, account)
}

// openGates opens what the lane's attempt was a probe for, and has those woken
// who waited.
func (o *Outbox) openGates(ctx context.Context, tx *sql.Tx, l lane, route, account string) error {
	var opened []string
	err := o.d.rows(ctx, tx, func(scan func(...any) error) error {
		var account string
		err := scan(&account)
		opened = append(opened, account)
		return err
	}, `DELETE FROM {gates} WHERE route = $1 AND account IN ('', $2) AND what = 'results' AND token = $3 RETURNING account`,
		route, account, l.token)
	if err != nil {
		return err
	}
	slices.Sort(opened)
	for _, account := range slices.Compact(opened) {
		if err := o.d.hint(ctx, tx, Hint{Kind: HintWake, Route: route, Account: account}); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) closeGate(ctx context.Context, tx *sql.Tx, l lane, v verdict) error {
	rest, probing := probes[0], v.gate != causeLimit
	if !probing {
		rest = orDefault(v.after, firstLimit)
	}
	route, account, under := routeOf(l.ref), Account(l.ref.Account), ""
	if v.gate == causeForbidden {
		under = operationOf(l.ref)
	}
	if v.gate == causeUnauthorized && v.key.Shared {
		whole, err := o.keyFails(ctx, tx, route, account, v.key.Print)
		if err != nil {
			return err
		}
		if whole {
			account = ""
		}
	}
	if _, err := o.d.exec(ctx, tx, closeGate, route, account, string(v.gate), rest.Milliseconds(), intOf(probing),
		probes[1].Milliseconds(), probes[2].Milliseconds(), probes[3].Milliseconds(), l.token, under, v.key.Print); err != nil {
		return err
	}
	return o.d.wake(ctx, tx, route, account, v.gate)
}

// keyFails says whether it is the key of all accounts that is refused: another
// account got the same answer to it. Their own gates are then part of the key's.
func (o *Outbox) keyFails(ctx context.Context, tx *sql.Tx, route, account, print string) (bool, error) {
	var others int
	if _, err := o.d.row(ctx, tx, []any{&others}, `SELECT COUNT(*) FROM {gates}
		WHERE route = $1 AND account <> $2 AND what = 'results' AND cause = $3 AND print = $4`,
		route, account, string(causeUnauthorized), print); err != nil || others == 0 {
		return false, err
	}
	_, err := o.d.exec(ctx, tx, `DELETE FROM {gates}
		WHERE route = $1 AND account <> '' AND what = 'results' AND cause = $2 AND print = $3`,
		route, string(causeUnauthorized), print)
	return true, err
}
