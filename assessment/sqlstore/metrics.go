package sqlstore

import (
	"context"
	"time"
)

// Metrics is the state of the tables in numbers, for alarms. One process asks for
// it every 30 seconds; that is one statement. [DB.Expiring] tells of refused results
// that soon cannot be re-driven any more.
type Metrics struct {
	OrdersWaiting    int           // accepted, neither started nor rejected
	OldestOrder      time.Duration // the age of the oldest of them
	OrdersAttention  int           // of them, those that fail for an hour or cannot be read
	ResultsPending   int
	OldestFinal      time.Duration // the age of the oldest pending final that no gate holds and no failure postpones
	Refused          int           // results that the vendors refused
	Uncertain        int           // results of which nobody can tell
	Late             int           // results unwritten for three days in which they could have been
	GatesClosed      int           // gates that are closed or on probation
	ReconcileOverdue int           // integrations that should have been asked
	OldestReconcile  time.Duration // how long the most overdue of them is overdue
}

const metrics = `
SELECT (SELECT COUNT(*) FROM {orders} WHERE state IN ('queued', 'attention')),
  (SELECT COALESCE({now} - MIN(made), 0) FROM {orders} WHERE state IN ('queued', 'attention')),
  (SELECT COUNT(*) FROM {orders} WHERE state = 'attention'),
  (SELECT COUNT(*) FROM {results} WHERE state = 'pending'),
  (SELECT COALESCE({now} - MIN(CASE WHEN r.due > r.made THEN r.due ELSE r.made END), 0) FROM {results} r
    WHERE r.state = 'pending' AND r.final = 1 AND r.due <= {now}
    AND NOT EXISTS (SELECT 1 FROM {gates} g WHERE g.route = r.route AND g.account IN ('', r.account) AND (g.opens > {now} OR g.probing = 1))),
  (SELECT COUNT(*) FROM {results} WHERE state = 'refused'),
  (SELECT COUNT(*) FROM {results} WHERE state = 'uncertain'),
  (SELECT COUNT(*) FROM {results} WHERE state = 'pending' AND reason = 'late'),
  (SELECT COUNT(*) FROM {gates} WHERE probing = 1 OR opens > {now}),
  (SELECT COUNT(*) FROM {integrations} WHERE gone = 0 AND next < {now}),
  (SELECT COALESCE({now} - MIN(next), 0) FROM {integrations} WHERE gone = 0 AND next < {now})`

// Metrics reads the state of the tables.
func (d *DB) Metrics(ctx context.Context) (Metrics, error) {
	var m Metrics
	var order, final, reconcile int64
	_, err := d.row(ctx, d.db, []any{
		&m.OrdersWaiting, &order, &m.OrdersAttention, &m.ResultsPending, &final, &m.Refused, &m.Uncertain, &m.Late,
		&m.GatesClosed, &m.ReconcileOverdue, &reconcile,
	}, metrics)
	m.OldestOrder, m.OldestFinal, m.OldestReconcile = millis(order), millis(final), millis(reconcile)
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
