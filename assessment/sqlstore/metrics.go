package sqlstore

import (
	"context"
	"time"
)

// Metrics is the state of the tables in numbers, for alarms. One process asks for
// it every 30 seconds (the one that leads, see [Pulse]); that is one statement, which
// reads what waits and what is wrong, and nothing that is settled. All numbers are
// zero where all is well. [DB.Expiring] tells of refused results that soon cannot be
// re-driven any more.
type Metrics struct {
	OrdersWaiting   int           // accepted, neither started nor rejected
	OldestOrder     time.Duration // the age of the oldest of them that no switch holds
	OrdersAttention int           // of those waiting: they fail for an hour, or cannot be read
	LostRisk        int           // orders that were answered with a fault, and are not taken yet; see [DB.Review]

	ResultsPending  int
	OldestFinal     time.Duration // how long a final, at most, could have been written and was not; what a gate holds does not count
	NoKey           int           // results that wait because the host has no key for their account now
	Refused         int           // results that the vendors refused
	Uncertain       int           // results of which nobody can tell
	Late            int           // results unwritten for three days in which they could have been
	OldestAttention time.Duration // since when the oldest refused or uncertain result, whose body is kept, waits for somebody

	GatesClosed int // gates that are closed or on probation, for whatever cause
	GatesKey    int // of them, those of a key that all accounts of a route share: it is refused
	GatesAccess int // of them, those of accounts whose key is refused, or which the vendor cannot use
	GatesPaused int // of them, switched off by hand
	GatesSurge  int // of them, starts that the reconciler switched off: there is more to start than it may

	ReconcileOverdue int           // integrations that should have been asked, or cannot be
	OldestReconcile  time.Duration // how long the most overdue of them is overdue

	SignaturesRefused int // deliveries of one route, the most, that were refused for their signature within five minutes
	AccountsSilent    int // accounts that used to order and do not; see [DB.Silent]
}

// ageOf is how long ago the least of what is selected was, zero if there is none.
func ageOf(least, from string) string {
	return `(SELECT COALESCE({now} - MIN(` + least + `), 0) FROM ` + from + `)`
}

func countOf(from string) string { return `(SELECT COUNT(*) FROM ` + from + `)` }

const (
	ordersWait = `{orders} o WHERE o.state IN ('queued', 'attention')`
	notOpen    = `{gates} WHERE (probing = 1 OR opens > {now})`
	byProof    = ` AND cause IN ('` + string(causeUnauthorized) + `', '` + string(causeForbidden) + `', '` + string(causeUnusable) + `')`
	// overdueSince is when an integration should have been asked. One whose run cannot
	// come to its end, or fails, is tried again later and later.
	overdueSince = `CASE WHEN i.failures > 0 THEN CASE WHEN i.asked > 0 THEN i.asked ELSE i.made END + i.period
    WHEN i.run <> '' AND i.run_began < i.next THEN i.run_began ELSE i.next END`
	overdueOnes = `{integrations} i WHERE i.gone = 0 AND ` + overdueSince + ` < {now}
    AND NOT EXISTS (SELECT 1 FROM {gates} g WHERE g.route = i.route AND g.account IN ('', i.account) AND g.opens > {now}
      AND (g.what = 'reconcile' OR g.cause = '` + string(causeSurge) + `'))`
)

var openFinals = `{results} r WHERE r.state = 'pending' AND r.final = 1
    AND NOT EXISTS (SELECT 1 FROM {gates} g WHERE g.route = r.route AND g.account IN ('', r.account) AND ` + holdsRef("r.ref") + ` AND (g.opens > {now} OR g.probing = 1))`

// unwritten is how long a result could have been written and was not: the waits
// between its tries, and since it is due. One that is to be written later, as many
// that were re-driven, has not waited. One whose file cannot be had is never late,
// but somebody has to know.
const unwritten = `CASE WHEN r.reason = '` + reasonAttachment + `' THEN {now} - r.made
  ELSE r.waited + CASE WHEN r.due > {now} THEN 0 WHEN r.due > r.made THEN {now} - r.due ELSE {now} - r.made END END`

// usedTo are accounts that order no more: they had ten orders in more than a week,
// which has a weekend, and are silent for twice their longest pause, and two days at
// least. After two months it is no news any more ([DB.Review] forgets them), and an
// account that has left is none.
const usedTo = `{habits} h WHERE h.orders >= 10 AND h.seen - h.made > 604800000 AND h.seen < {now} - 172800000 AND h.seen > {now} - 5184000000
  AND {now} - h.seen > 2 * h.pause
  AND NOT EXISTS (SELECT 1 FROM {integrations} i WHERE i.route = h.route AND i.account = h.account AND i.gone > 0)`

var metrics = `SELECT ` +
	countOf(ordersWait) + `, ` +
	ageOf(`o.made`, ordersWait+` AND NOT EXISTS (`+startsHeld+`)`) + `, ` +
	countOf(`{orders} WHERE state = 'attention'`) + `, ` +
	countOf(`{risks}`) + `, ` +
	countOf(`{results} WHERE state = 'pending'`) + `, ` +
	`(SELECT COALESCE(MAX(` + unwritten + `), 0) FROM ` + openFinals + `), ` +
	countOf(`{results} WHERE state = 'pending' AND reason = '`+reasonNoKey+`'`) + `, ` +
	countOf(`{results} WHERE state = 'refused'`) + `, ` +
	countOf(`{results} WHERE state = 'uncertain'`) + `, ` +
	countOf(`{results} WHERE state = 'pending' AND reason = 'late'`) + `, ` +
	ageOf(`settled`, `{results} WHERE state IN ('refused', 'uncertain') AND body IS NOT NULL`) + `, ` +
	countOf(notOpen) + `, ` +
	countOf(notOpen+byProof+` AND account = ''`) + `, ` +
	countOf(notOpen+byProof+` AND account <> ''`) + `, ` +
	countOf(notOpen+` AND cause = '`+string(causePaused)+`'`) + `, ` +
	countOf(notOpen+` AND cause = '`+string(causeSurge)+`'`) + `, ` +
	countOf(overdueOnes) + `, ` +
	ageOf(overdueSince, overdueOnes) + `, ` +
	`(SELECT COALESCE(MAX(n), 0) FROM (SELECT SUM(n) AS n FROM {refusals} WHERE minute > {now} / 60000 - 5 GROUP BY route) routes), ` +
	countOf(usedTo)

// Metrics reads the state of the tables.
func (d *DB) Metrics(ctx context.Context) (Metrics, error) {
	var m Metrics
	var order, final, attention, reconcile int64
	_, err := d.row(ctx, d.db, []any{
		&m.OrdersWaiting, &order, &m.OrdersAttention, &m.LostRisk,
		&m.ResultsPending, &final, &m.NoKey, &m.Refused, &m.Uncertain, &m.Late, &attention,
		&m.GatesClosed, &m.GatesKey, &m.GatesAccess, &m.GatesPaused, &m.GatesSurge,
		&m.ReconcileOverdue, &reconcile, &m.SignaturesRefused, &m.AccountsSilent,
	}, metrics)
	m.OldestOrder, m.OldestFinal, m.OldestAttention, m.OldestReconcile = millis(order), millis(final), millis(attention), millis(reconcile)
	return m, err
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }

// AccountLag is what an account has to write.
type AccountLag struct {
	Route, Account string // see [Route] and [Account]
	Pending        int
	Oldest         time.Duration
}

// TopAccounts returns the n accounts with the most pending results: thousands of
// accounts are no labels of a metric.
func (d *DB) TopAccounts(ctx context.Context, n int) ([]AccountLag, error) {
	var all []AccountLag
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var a AccountLag
		var oldest int64
		err := scan(&a.Route, &a.Account, &a.Pending, &oldest)
		a.Oldest = millis(oldest)
		all = append(all, a)
		return err
	}, `SELECT route, account, COUNT(*), {now} - MIN(made) FROM {results} WHERE state = 'pending'
GROUP BY route, account ORDER BY 3 DESC, route, account LIMIT $1`, n)
	return all, err
}

// SilentAccount is an account that used to order and does not.
type SilentAccount struct {
	Route, Account string // see [Route] and [Account]
	Orders         int    // that it has ordered, as far as is known
	Since          time.Duration
	Pause          time.Duration // its longest pause before
}

// Silent returns n accounts that used to order and do not, the busiest first: they had
// ten orders in more than a week, and the last is longer ago than twice their longest
// pause, and than two days. After two months they are not told of any more. It knows
// of deliveries that were told ([DB.Notice]).
func (d *DB) Silent(ctx context.Context, n int) ([]SilentAccount, error) {
	var all []SilentAccount
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var a SilentAccount
		var since, pause int64
		err := scan(&a.Route, &a.Account, &a.Orders, &since, &pause)
		a.Since, a.Pause = millis(since), millis(pause)
		all = append(all, a)
		return err
	}, `SELECT h.route, h.account, h.orders, {now} - h.seen, h.pause FROM `+usedTo+` ORDER BY h.orders DESC, h.route, h.account LIMIT $1`, n)
	return all, err
}

// RiskyOrder is an order that may be lost.
type RiskyOrder struct {
	Ref string // the text of its reference
	Age time.Duration
}

// AtRisk returns n orders whose delivery was answered with a fault and that are not
// taken yet, the oldest first. The reconciler finds those of vendors that can be
// asked. For the others the customer has to order again, unless the vendor delivers
// again; they are told of for a day.
func (d *DB) AtRisk(ctx context.Context, n int) ([]RiskyOrder, error) {
	var all []RiskyOrder
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var o RiskyOrder
		var age int64
		err := scan(&o.Ref, &age)
		o.Age = millis(age)
		all = append(all, o)
		return err
	}, `SELECT ref, {now} - made FROM {risks} ORDER BY made, ref LIMIT $1`, n)
	return all, err
}
