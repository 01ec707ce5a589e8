package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Switch is what can be switched off, for a route or for one account of it.
type Switch string

// The switches.
const (
	// SwitchStarts: orders are accepted and stored, and not started. An order whose
	// vendor waits for the provider's answer gets [assessment.ErrPaused], upon which
	// handlers answer 503.
	SwitchStarts Switch = "starts"
	// SwitchResults: results are stored and not written.
	SwitchResults Switch = "results"
	// SwitchReconcile: the vendor is not asked for lost orders.
	SwitchReconcile Switch = "reconcile"
)

func (s Switch) check() error {
	switch s {
	case SwitchStarts, SwitchResults, SwitchReconcile:
		return nil
	}
	return fmt.Errorf("sqlstore: no such switch: %q", string(s))
}

// scope is the route or account of it as a reference without an id. The journal
// has its acts under that reference.
func scope(route, account string) (assessment.OrderRef, error) {
	vendor, connection, _ := strings.Cut(route, "/")
	ref, err := assessment.ParseOrderRef(vendor + "/" + connection + "//" + account + "/")
	switch {
	case err != nil:
	case ref.Vendor == "":
		err = errors.New("empty")
	case Route(ref.Vendor, ref.Connection) != route: // "kombo/" would be nobody's
		err = fmt.Errorf("want %q", Route(ref.Vendor, ref.Connection))
	}
	if err != nil {
		return ref, fmt.Errorf("sqlstore: no such route or account: %w", err)
	}
	return ref, nil
}

// startsHeld holds where starts of the order o are switched off.
const startsHeld = `SELECT 1 FROM {gates} s WHERE s.route = o.route AND s.account IN ('', o.account) AND s.what = 'starts' AND s.opens > {now}`

// Admit implements [assessment.Admitter]: it answers [assessment.ErrPaused] while
// starts are switched off.
func (s *Store) Admit(ctx context.Context, ref assessment.OrderRef) error {
	var c string
	held, err := s.d.row(ctx, s.d.db, []any{&c}, `SELECT cause FROM {gates}
		WHERE route = $1 AND account IN ('', $2) AND what = 'starts' AND opens > {now} ORDER BY account LIMIT 1`,
		routeOf(ref), Account(ref.Account))
	if err != nil || !held {
		return err
	}
	return fmt.Errorf("%w (%s)", assessment.ErrPaused, c)
}

var _ assessment.Admitter = (*Store)(nil)

// Gate is a route or an account of it that is closed, or on probation.
type Gate struct {
	Route   string          // see [Route]
	Account string          // escaped like an element of a reference; empty is the whole route
	What    Switch          // what it holds up
	Kind    assessment.Kind // the kind of the orders whose results it holds up; empty: all
	// Cause is "limit", "unauthorized", "forbidden", "account_unusable", "paused",
	// "surge": the reconciler found more lost orders than it may start; or
	// "offboarding": the account's rows are being removed.
	Cause   string
	Since   time.Time
	Age     time.Duration // since then, by the database's clock
	Opens   time.Time     // when it opens or is probed next; zero if it is opened by hand only
	By      string        // who closed it by hand, and why
	Pending int           // results, or orders, that wait behind it
}

var gates = `
SELECT route, account, what, cause, under, made, {now} - made, opens, switched_by,
  CASE what WHEN 'results' THEN
    (SELECT COUNT(*) FROM {results} r WHERE r.state = 'pending' AND r.route = g.route AND (g.account = '' OR g.account = r.account)
      AND ` + holdsRef("r.ref") + `)
  WHEN 'starts' THEN
    (SELECT COUNT(*) FROM {orders} o WHERE o.state IN ('queued', 'attention') AND o.route = g.route AND (g.account = '' OR g.account = o.account))
  ELSE 0 END
FROM {gates} g WHERE probing = 1 OR opens > {now} ORDER BY route, account, what, cause, under`

// Gates returns all gates that are not open.
func (d *DB) Gates(ctx context.Context) ([]Gate, error) {
	var all []Gate
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var g Gate
		var under string
		var made, age, opens int64
		if err := scan(&g.Route, &g.Account, &g.What, &g.Cause, &under, &made, &age, &opens, &g.By, &g.Pending); err != nil {
			return err
		}
		if under != "" {
			ref, err := assessment.ParseOrderRef(under)
			if err != nil {
				return err
			}
			g.Kind = ref.Kind
		}
		g.Since, g.Age = atMilli(made), time.Duration(age)*time.Millisecond
		if opens < never {
			g.Opens = atMilli(opens)
		}
		all = append(all, g)
		return nil
	}, gates)
	return all, err
}

const pause = `
INSERT INTO {gates} (route, account, what, cause, under, print, opens, probing, probes, token, wake, switched_by, made)
VALUES ($1, $2, $3, $4, '', '', $5, 0, 0, '', 0, $6, {now})
ON CONFLICT (route, account, what, cause, under) DO UPDATE SET opens = excluded.opens, switched_by = excluded.switched_by`

// Pause switches something of a route, or of one account of it, off until
// [DB.Resume], at once on all processes. What waits is kept. Route and account
// are written as [Route] and [Account] do; an empty account is the whole route.
func (d *DB) Pause(ctx context.Context, route, account string, what Switch, by Act) error {
	return d.switched(ctx, route, account, what, by, NotePaused, func(tx *sql.Tx) error {
		_, err := d.exec(ctx, tx, pause, route, account, string(what), string(causePaused), never, by.Actor+": "+by.Reason)
		return err
	})
}

// Resume opens every gate of the switch for a route, or for one account of it,
// whatever closed it but an offboarding. A cause that lasts closes it again. What
// waits is dealt out at the pace at which it can be done. After a surge it also lets
// the reconciler's next run start what it finds, however much that is.
func (d *DB) Resume(ctx context.Context, route, account string, what Switch, by Act) error {
	return d.switched(ctx, route, account, what, by, NoteResumed, func(tx *sql.Tx) error {
		return d.resume(ctx, tx, route, account, what)
	})
}

func (d *DB) resume(ctx context.Context, tx *sql.Tx, route, account string, what Switch) error {
	surge, err := d.exec(ctx, tx, `DELETE FROM {gates} WHERE route = $1 AND account = $2 AND what = $3 AND cause = $4`,
		route, account, string(what), string(causeSurge))
	if err != nil {
		return err
	}
	if _, err := d.exec(ctx, tx, `DELETE FROM {gates} WHERE route = $1 AND account = $2 AND what = $3 AND cause <> $4`,
		route, account, string(what), string(causeOffboarding)); err != nil {
		return err
	}
	switch {
	case surge > 0:
		if err := d.release(ctx, tx, route, account); err != nil {
			return err
		}
	case what == SwitchResults:
		return d.hint(ctx, tx, Hint{Kind: HintWake, Route: route, Account: account})
	}
	if what == SwitchStarts {
		return d.hint(ctx, tx, Hint{Kind: HintStarts, Route: route, Account: account})
	}
	return nil
}

// switched does an act on a route or an account and journals it.
func (d *DB) switched(ctx context.Context, route, account string, what Switch, by Act, note string, do func(*sql.Tx) error) error {
	if err := errors.Join(by.check(), what.check()); err != nil {
		return err
	}
	ref, err := scope(route, account)
	if err != nil {
		return err
	}
	return d.inTx(ctx, func(tx *sql.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		detail := by.detail(0)
		detail.Code = string(what)
		return d.note(ctx, tx, ref, note, detail)
	})
}

// Reopen has the gates of an account probed at once that wait for a proof: a sign
// came that the account is in order again. An account that is not closes again with
// the answer to the probe.
func (d *DB) Reopen(ctx context.Context, route, account string) error {
	return d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := d.exec(ctx, tx, `UPDATE {gates} SET opens = {now}, token = '', probes = 1
			WHERE route = $1 AND account = $2 AND what = 'results' AND probing = 1`, route, account)
		if err != nil || n == 0 {
			return err
		}
		return d.hint(ctx, tx, Hint{Kind: HintWake, Route: route, Account: account})
	})
}

// keyGate is a gate that a key closed.
type keyGate struct{ route, account, print string }

// CheckKeys has those gates probed at once whose key has changed since it was
// refused, and returns how many. Call it once in a while; durable does. Keys that
// cannot be asked for now are left for the next time.
func (o *Outbox) CheckKeys(ctx context.Context) (int, error) {
	if o.keyPrint == nil {
		return 0, nil
	}
	var closed []keyGate
	if err := o.d.rows(ctx, o.d.db, func(scan func(...any) error) error {
		var g keyGate
		err := scan(&g.route, &g.account, &g.print)
		closed = append(closed, g)
		return err
	}, `SELECT DISTINCT route, account, print FROM {gates} WHERE probing = 1 AND print <> '' AND opens > {now}`); err != nil {
		return 0, err
	}
	changed := 0
	for _, g := range closed {
		ref, err := scope(g.route, g.account)
		if err != nil {
			return changed, err
		}
		key, err := o.askKey(ctx, ref)
		if err != nil || key.Print == "" || key.Print == g.print {
			continue
		}
		if err := o.d.rekey(ctx, g, key.Print); err != nil {
			return changed, err
		}
		changed++
	}
	return changed, nil
}

func (o *Outbox) askKey(ctx context.Context, ref assessment.OrderRef) (key assessment.KeyPrint, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errPanicked
		}
	}()
	return o.keyPrint(ctx, ref)
}

// rekey has a gate probed under its new key.
func (d *DB) rekey(ctx context.Context, g keyGate, print string) error {
	return d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := d.exec(ctx, tx, `UPDATE {gates} SET opens = {now}, token = '', probes = 1, print = $4
			WHERE route = $1 AND account = $2 AND probing = 1 AND print = $3`, g.route, g.account, g.print, print)
		if err != nil || n == 0 {
			return err
		}
		return d.hint(ctx, tx, Hint{Kind: HintWake, Route: g.route, Account: g.account})
	})
}

// KeyErrors returns how many results wait because the host has no key for their
// accounts now.
func (d *DB) KeyErrors(ctx context.Context) (n int, err error) {
	_, err = d.row(ctx, d.db, []any{&n}, `SELECT COUNT(*) FROM {results} WHERE state = 'pending' AND reason = $1`, reasonNoKey)
	return n, err
}

// The orders that wait for starts to be switched on, of a whole route the accounts
// in turn.
const waitingStarts = `
SELECT ref, due FROM {orders} o
WHERE state IN ('queued', 'attention') AND body IS NOT NULL AND route = $1 AND ($2 = '' OR account = $2)
AND due <= {now} AND until <= {now} AND form <= $4 AND NOT EXISTS (` + startsHeld + `)
ORDER BY ROW_NUMBER() OVER (PARTITION BY account ORDER BY due, made), made LIMIT $3`

// Wake is what follows a [HintStarts]: it returns the orders to start now, at most
// n, and after how long to come again; zero if there are no more.
func (s *Spool) Wake(ctx context.Context, route, account string, n int) ([]assessment.OrderRef, time.Duration, error) {
	refs, err := s.d.refs(ctx, waitingStarts, route, account, n, orderForm)
	if err != nil || len(refs) < n {
		return refs, 0, err
	}
	return refs, time.Second, nil
}

// release lets the reconciler's next run of an account start what it finds.
func (d *DB) release(ctx context.Context, tx *sql.Tx, route, account string) error {
	_, err := d.exec(ctx, tx, `UPDATE {integrations} SET released = 1, next = {now}, failures = 0
		WHERE route = $1 AND account = $2`, route, account)
	return err
}

// noteScope journals what concerns a route or an account and no order.
func (d *DB) noteScope(ctx context.Context, r runner, route, account, what string, detail Detail) error {
	ref, err := scope(route, account)
	if err != nil {
		return err
	}
	return d.note(ctx, r, ref, what, detail)
}

// Acts returns what was done by hand, and by guards, to a route or to one account
// of it, the oldest first. It is [DB.Timeline] of a reference without an id.
func (d *DB) Acts(ctx context.Context, route, account string) ([]Note, error) {
	ref, err := scope(route, account)
	if err != nil {
		return nil, err
	}
	return d.Timeline(ctx, ref)
}
