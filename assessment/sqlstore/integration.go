package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Integration is one customer's connection at a vendor that can be asked for open
// orders.
type Integration struct {
	Vendor     assessment.Vendor
	Connection string
	Account    string // as in [assessment.OrderRef.Account]
	// Since is from when on orders are the reconciler's: it never starts one that was
	// created before. Zero is the time at which the integration was first seen. It
	// counts then only; [Reconciler.SetSince] changes it.
	Since time.Time
}

func (i Integration) check() error {
	if i.Vendor == "" || i.Account == "" {
		return invalid("integration", "needs a vendor and an account")
	}
	return nil
}

func (i Integration) route() string   { return Route(i.Vendor, i.Connection) }
func (i Integration) account() string { return Account(i.Account) }
func (i Integration) ref() assessment.OrderRef {
	return assessment.OrderRef{Vendor: i.Vendor, Connection: i.Connection, Account: i.Account}
}

// hotness is how often a hot integration is asked in a row.
type hotness int

const (
	hotOnce   hotness = 3 // the last step
	hotThrice hotness = 1
)

// hotSteps are the waits before a hot integration is asked: 1, 5 and 15 minutes
// after what made it hot.
var hotSteps = map[hotness]time.Duration{1: time.Minute, 2: 4 * time.Minute, 3: 10 * time.Minute}

const (
	refreshEvery = 10 * time.Minute
	// unlistedFor is how long an integration may be missing in the host's list
	// before it is not asked any more: one list may be incomplete.
	unlistedFor = 25 * time.Minute
)

const insertIntegration = `
INSERT INTO {integrations} AS i (route, account, since, next, period, hot, hot_from, delivered, seen, asked, full_next,
  run, run_from, run_began, cursor, found, released, failures, gone, token, until, made)
`

var addIntegration = insertIntegration + `
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CASE WHEN CAST($3 AS BIGINT) > 0 THEN CAST($3 AS BIGINT) ELSE {now} END, {now} + CAST($4 AS BIGINT),
  CAST($6 AS BIGINT), 0, 0, {now}, {now}, 0, {now} + CAST($5 AS BIGINT), '', 0, 0, '', '', 0, 0, 0, '', 0, {now}
WHERE NOT ` + isLeaving("$7") + `
ON CONFLICT (route, account) DO UPDATE SET seen = {now}, gone = 0`

// noIntegration is the rest of a row, after next, that only keeps a time for all
// processes. It is gone, so that nobody asks about it.
const noIntegration = `1, 0, 0, 0, 0, 0, 0, '', 0, 0, '', '', 0, 0, 1, '', 0, {now}`

// Add takes an integration in, as an event of the vendor's tells of it. One that
// is known is left as it is, and one that was offboarded is not taken; see
// [DB.Readmit].
func (r *Reconciler) Add(ctx context.Context, i Integration) error {
	if err := i.check(); err != nil {
		return err
	}
	return r.add(ctx, r.d.db, i)
}

func (r *Reconciler) add(ctx context.Context, q runner, i Integration) error {
	since := int64(0)
	if !i.Since.IsZero() {
		since = i.Since.UnixMilli()
	}
	// The first questions are spread, or 3,000 new ones would all be due together.
	_, err := r.d.exec(ctx, q, addIntegration, i.route(), i.account(), since,
		rand.N(r.frequent).Milliseconds(), rand.N(r.full).Milliseconds(), r.frequent.Milliseconds(), accountRef(i.ref()))
	return err
}

// Remove stops asking for an integration, as an event of the vendor's says that it
// is gone. Everything else stays; see [DB.Offboard].
func (r *Reconciler) Remove(ctx context.Context, i Integration) error {
	_, err := r.d.exec(ctx, r.d.db, `UPDATE {integrations} SET gone = {now} WHERE route = $1 AND account = $2 AND gone = 0`,
		i.route(), i.account())
	return err
}

// SetSince changes from when on orders of an integration are the reconciler's.
// Earlier ones are never started by it; an earlier time invites those who ordered
// since then and were not started.
func (r *Reconciler) SetSince(ctx context.Context, i Integration, since time.Time, by Act) error {
	if err := by.check(); err != nil {
		return err
	}
	return r.d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := r.d.exec(ctx, tx, `UPDATE {integrations} SET since = $3, run = '', cursor = '', found = ''
			WHERE route = $1 AND account = $2`, i.route(), i.account(), since.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNoIntegration
		}
		return r.d.noteScope(ctx, tx, i.route(), i.account(), NoteSince, by.detail(0))
	})
}

// ErrNoIntegration: the reconciler does not know this integration.
var ErrNoIntegration = errors.New("sqlstore: no such integration")

// claimRefresh lets one process read the host's list. The row of no route is the
// reconciler's own.
const claimRefresh = insertIntegration + `
VALUES ('', '', 0, {now} + CAST($1 AS BIGINT), ` + noIntegration + `)
ON CONFLICT (route, account) DO UPDATE SET next = excluded.next WHERE i.next <= {now}
RETURNING {now}`

// Refresh reads the host's list of integrations if ten minutes have passed since
// somebody did. Those that are not listed any more are not asked any more.
func (r *Reconciler) Refresh(ctx context.Context) error {
	if r.integrations == nil {
		return nil
	}
	var now int64
	mine, err := r.d.row(ctx, r.d.db, []any{&now}, claimRefresh, refreshEvery.Milliseconds())
	if err != nil || !mine {
		return err
	}
	if err := r.list(ctx, r.integrations(ctx)); err != nil {
		// Soon again, by whoever comes then.
		_, later := r.d.exec(context.WithoutCancel(ctx), r.d.db, `UPDATE {integrations} SET next = {now} + 60000 WHERE route = '' AND account = ''`)
		return errors.Join(fmt.Errorf("sqlstore: list of integrations: %w", err), later)
	}
	_, err = r.d.exec(ctx, r.d.db, `UPDATE {integrations} SET gone = {now}
		WHERE gone = 0 AND account <> '' AND seen < {now} - CAST($1 AS BIGINT) AND route IN ({each}($2))`,
		unlistedFor.Milliseconds(), r.routes)
	return err
}

func (r *Reconciler) list(ctx context.Context, all iter.Seq2[Integration, error]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanicked
		}
	}()
	for i, err := range all {
		if err == nil {
			err = i.check()
		}
		if err == nil && r.listers[i.route()] == nil {
			continue // nobody can be asked for its orders
		}
		if err == nil {
			err = r.add(ctx, r.d.db, i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// heat makes integrations hot: of one account, of a route, or all.
const heat = `
UPDATE {integrations} SET hot = $4, period = 60000, failures = 0,
  hot_from = CASE WHEN hot_from = 0 OR hot_from > CAST($3 AS BIGINT) THEN CAST($3 AS BIGINT) ELSE hot_from END,
  next = CASE WHEN CAST($5 AS BIGINT) = 0 OR next > {now} + CAST($5 AS BIGINT) THEN {now} + CAST($5 AS BIGINT) ELSE next END
WHERE gone = 0 AND account <> '' AND ($1 = '' OR route = $1) AND ($2 = '' OR account = $2)`

func (d *DB) markHot(ctx context.Context, r runner, route, account string, from int64, how hotness, after time.Duration) error {
	_, err := d.exec(ctx, r, heat, route, account, from, int(how), after.Milliseconds())
	return err
}

// MarkHot has all integrations of a route, or one account of it, looked through
// soon for orders that were created since. Use it where deliveries may have been
// lost that nobody noticed.
func (r *Reconciler) MarkHot(ctx context.Context, route, account string, since time.Time, by Act) error {
	if err := by.check(); err != nil {
		return err
	}
	return r.d.inTx(ctx, func(tx *sql.Tx) error {
		if err := r.d.markHot(ctx, tx, route, account, since.UnixMilli(), hotOnce, 0); err != nil {
			return err
		}
		return r.d.noteScope(ctx, tx, route, account, NoteHot, by.detail(0))
	})
}

// Missed has an integration asked after 1, 5 and 15 minutes: a delivery of it was
// not taken, or the vendor says that something is wrong with it. An unknown one is
// no error.
func (r *Reconciler) Missed(ctx context.Context, i Integration) error {
	now, err := r.d.Now(ctx)
	if err != nil {
		return err
	}
	return r.d.markHot(ctx, r.d.db, i.route(), i.account(), now.Add(-blindMargin).UnixMilli(), hotThrice, hotSteps[hotThrice])
}

// Blind has all integrations of a route looked through, those with recent orders
// first: deliveries of it were not taken since then.
func (r *Reconciler) Blind(ctx context.Context, route string, since time.Time) error {
	return r.d.markHot(ctx, r.d.db, route, "", since.Add(-blindMargin).UnixMilli(), hotOnce, 0)
}

// Delivered says that an integration is in use, so that it is asked hourly and not
// daily. Once an hour is enough.
func (r *Reconciler) Delivered(ctx context.Context, i Integration) error {
	_, err := r.d.exec(ctx, r.d.db, `UPDATE {integrations} SET delivered = {now},
		next = CASE WHEN next > {now} + CAST($3 AS BIGINT) THEN {now} + CAST($3 AS BIGINT) ELSE next END
		WHERE route = $1 AND account = $2 AND gone = 0 AND delivered < {now} - CAST($3 AS BIGINT)`,
		i.route(), i.account(), r.frequent.Milliseconds())
	return err
}

// Known returns how many integrations of a route are asked for orders: all, or one
// account of it.
func (r *Reconciler) Known(ctx context.Context, route, account string) (n int, err error) {
	_, err = r.d.row(ctx, r.d.db, []any{&n}, `SELECT COUNT(*) FROM {integrations}
		WHERE gone = 0 AND account <> '' AND route = $1 AND ($2 = '' OR account = $2)`, route, account)
	return n, err
}

// Overdue is how far the reconciler is behind.
type Overdue struct {
	Integrations int           // that are asked
	Overdue      int           // of them should have been asked before now
	Oldest       time.Duration // how long ago, at most
	Hot          int           // of them may have lost orders
	Surges       int           // integrations whose start gate a surge has closed
}

const overdue = `
SELECT COUNT(*), COALESCE(SUM(CASE WHEN next <= {now} THEN 1 ELSE 0 END), 0), COALESCE({now} - MIN(next), 0),
  COALESCE(SUM(CASE WHEN hot > 0 THEN 1 ELSE 0 END), 0),
  (SELECT COUNT(*) FROM {gates} WHERE what = 'starts' AND cause = '` + string(causeSurge) + `')
FROM {integrations} WHERE gone = 0 AND account <> ''`

// Overdue returns how far the reconciler is behind, for metrics.
func (d *DB) Overdue(ctx context.Context) (Overdue, error) {
	var o Overdue
	var oldest int64
	_, err := d.row(ctx, d.db, []any{&o.Integrations, &o.Overdue, &oldest, &o.Hot, &o.Surges}, overdue)
	o.Oldest = time.Duration(max(oldest, 0)) * time.Millisecond
	return o, err
}
