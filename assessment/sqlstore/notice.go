package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

const (
	// blindRefusals is how many deliveries of a route may be refused for their
	// signature within blindWithin before the route counts as blind.
	blindRefusals = 5
	blindWithin   = 5 * time.Minute
	// riskFor is how long an order that nobody can be asked for counts as one that may
	// be lost, and hotRunsIn the time in which the reconciler looks for the others:
	// what it does not find then is not open at the vendor any more.
	riskFor   = day
	hotRunsIn = 20 * time.Minute
	// habitsKept is after how long an account that does not order is forgotten, and
	// refusalsKept after how long single refusals that never end are.
	habitsKept   = 60 * day
	refusalsKept = day
)

// Noticed is what a process has seen of deliveries since it told last; see
// [DB.Notice]. It holds no person's data.
type Noticed struct {
	Orders  map[Integration]int   // orders that were taken, by account
	Refused map[string]int        // deliveries that were refused for their signature, by route
	AtRisk  []assessment.OrderRef // orders whose delivery was answered with a fault
}

// Empty says whether there is nothing to tell.
func (n Noticed) Empty() bool { return len(n.Orders)+len(n.Refused)+len(n.AtRisk) == 0 }

const (
	noticeOrders = `
INSERT INTO {habits} AS h (route, account, orders, pause, made, seen) VALUES ($1, $2, $3, 0, {now}, {now})
ON CONFLICT (route, account) DO UPDATE SET orders = h.orders + excluded.orders, seen = {now},
  pause = CASE WHEN {now} - h.seen > h.pause - ({now} - h.seen) / 10 THEN {now} - h.seen ELSE h.pause - ({now} - h.seen) / 10 END`

	noticeRefused = `
INSERT INTO {refusals} AS r (route, minute, n) VALUES ($1, {now} / 60000, $2)
ON CONFLICT (route, minute) DO UPDATE SET n = r.n + excluded.n`

	noticeRisk = `INSERT INTO {risks} (ref, route, account, made) VALUES ($1, $2, $3, {now}) ON CONFLICT (ref) DO NOTHING`
)

// Notice adds up what all processes see of deliveries, for [DB.Metrics]. Each calls
// it once in a while with what is new; durable does.
func (d *DB) Notice(ctx context.Context, n Noticed) error {
	if n.Empty() {
		return nil
	}
	return d.inTx(ctx, func(tx *sql.Tx) error {
		for _, i := range slices.SortedFunc(maps.Keys(n.Orders), byAccount) {
			if _, err := d.exec(ctx, tx, noticeOrders, i.route(), i.account(), n.Orders[i]); err != nil {
				return err
			}
		}
		for _, route := range slices.Sorted(maps.Keys(n.Refused)) {
			if _, err := d.exec(ctx, tx, noticeRefused, route, n.Refused[route]); err != nil {
				return err
			}
		}
		for _, ref := range slices.SortedFunc(slices.Values(n.AtRisk), byText) {
			if _, err := d.exec(ctx, tx, noticeRisk, ref.String(), routeOf(ref), Account(ref.Account)); err != nil {
				return err
			}
		}
		return nil
	})
}

// byAccount and byText have processes that tell of the same at once lock their rows
// in the same order.
func byAccount(a, b Integration) int { return byText(a.ref(), b.ref()) }

func byText(a, b assessment.OrderRef) int { return cmp.Compare(a.String(), b.String()) }

// taken holds for orders at risk that need no care any more: the spool or the
// provider has them, or the reconciler has looked for them, or nobody can.
const taken = `
EXISTS (SELECT 1 FROM {orders} o WHERE o.ref = {risks}.ref)
OR EXISTS (SELECT 1 FROM {claims} c WHERE c.key = {risks}.ref AND c.answer IS NOT NULL)
OR made < {now} - CAST($1 AS BIGINT)
OR made < {now} - CAST($2 AS BIGINT) AND EXISTS (
  SELECT 1 FROM {integrations} i WHERE i.route = {risks}.route AND i.account = {risks}.account AND i.gone = 0 AND i.hot = 0)`

// Review goes over what processes noticed ([DB.Notice]): it forgets orders at risk
// that are taken by now, accounts that have not ordered for two months and old
// refusals, and returns the routes that were blind and are not any more, each with the
// time since when: more than five deliveries of them were refused for their signature
// within five minutes. One caller gets a route; it tells [Reconciler.Blind].
func (d *DB) Review(ctx context.Context) (map[string]time.Time, error) {
	for _, old := range []struct {
		statement string
		args      []any
	}{
		{`DELETE FROM {risks} WHERE ` + taken, []any{riskFor.Milliseconds(), hotRunsIn.Milliseconds()}},
		{`DELETE FROM {habits} WHERE seen < {now} - CAST($1 AS BIGINT)`, []any{habitsKept.Milliseconds()}},
		{`DELETE FROM {refusals} WHERE minute < {now} / 60000 - CAST($1 AS BIGINT)`, []any{int64(refusalsKept / time.Minute)}},
	} {
		if _, err := d.exec(ctx, d.db, old.statement, old.args...); err != nil {
			return nil, err
		}
	}
	return d.endRefusals(ctx)
}

// overRefusals are the rows of routes whose refusals are over, each with how many
// there were in the minutes from it on that count together.
const overRefusals = `
SELECT route, minute, (SELECT SUM(w.n) FROM {refusals} w
  WHERE w.route = r.route AND w.minute >= r.minute AND w.minute < r.minute + CAST($1 AS BIGINT))
FROM {refusals} r WHERE NOT EXISTS (
  SELECT 1 FROM {refusals} l WHERE l.route = r.route AND l.minute > {now} / 60000 - CAST($1 AS BIGINT))`

func (d *DB) endRefusals(ctx context.Context) (map[string]time.Time, error) {
	last, since := make(map[string]int64), make(map[string]time.Time)
	if err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var route string
		var minute, n int64
		if err := scan(&route, &minute, &n); err != nil {
			return err
		}
		last[route] = max(last[route], minute)
		if at := atMilli(minute * time.Minute.Milliseconds()); n > blindRefusals && (since[route].IsZero() || at.Before(since[route])) {
			since[route] = at
		}
		return nil
	}, overRefusals, int64(blindWithin/time.Minute)); err != nil {
		return nil, err
	}
	for route, minute := range last {
		n, err := d.exec(ctx, d.db, `DELETE FROM {refusals} WHERE route = $1 AND minute <= $2`, route, minute)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			delete(since, route) // another process has it
		}
	}
	return since, nil
}
