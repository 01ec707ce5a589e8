package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// The defaults of [ReconcilerConfig].
const (
	DefaultMaxStarts      = 50
	DefaultMinAge         = 5 * time.Minute
	DefaultCallsPerMinute = 300
)

// ReconcilerConfig configures [DB.Reconciler].
type ReconcilerConfig struct {
	// Spool takes the orders that were lost, and its workers start them; required.
	Spool *Spool
	// Listers are the vendors' clients that can be asked; at least one.
	Listers []assessment.OrderLister
	// Integrations lists all integrations, every ten minutes, in one process. If nil,
	// those are known that [Reconciler.Add] was told of.
	Integrations func(context.Context) iter.Seq2[Integration, error]
	// MaxStarts is how many orders a run may start; [DefaultMaxStarts] if zero. A run
	// that finds more starts none and closes the integration's start gate with the
	// cause "surge", until somebody calls [DB.Resume].
	MaxStarts int
	// MinAge leaves younger orders to their webhook; [DefaultMinAge] if zero.
	MinAge time.Duration
	// CallsPerMinute is the vendor's limit for a key; [DefaultCallsPerMinute] if zero,
	// which is what Kombo's documentation shows. A fifth of it is used.
	CallsPerMinute int
	// Frequent is how often an integration with a delivery in 30 days is asked, Quiet
	// any other one, and Full how often all of its open orders are read: an hour, a
	// day, a week if zero.
	Frequent, Quiet, Full time.Duration
}

// Reconciler asks vendors for orders whose delivery was lost, within a fifth of
// the vendor's limit: one call for each quiet integration and hour. Results go
// before it, but this module's clients leave it a fiftieth of every window that
// results fill. It keeps its
// schedule in the database, so that any number of processes may run it, and so
// that a killed one is carried on. It is safe for concurrent use.
//
// No run starts an order that was created before the integration was first seen
// ([Integration.Since]), nor more than MaxStarts at once: neither an empty database
// nor a connection under a new name invites a backlog.
type Reconciler struct {
	d            *DB
	spool        *Spool
	listers      map[string]assessment.OrderLister // by route
	routes       string                            // as a JSON list
	integrations func(context.Context) iter.Seq2[Integration, error]
	maxStarts    int
	minAge       time.Duration
	callEvery    time.Duration
	frequent     time.Duration
	quiet        time.Duration
	full         time.Duration
}

// budgetPart is the part of a vendor's limit that is used to ask for lost orders.
const budgetPart = 5

// Reconciler returns the reconciler over the database.
func (d *DB) Reconciler(c ReconcilerConfig) (*Reconciler, error) {
	switch {
	case c.Spool == nil:
		return nil, errors.New("sqlstore: reconciler needs a Spool")
	case len(c.Listers) == 0:
		return nil, errors.New("sqlstore: reconciler needs a vendor to ask")
	case c.MaxStarts < 0 || c.MinAge < 0 || c.CallsPerMinute < 0 || c.Frequent < 0 || c.Quiet < 0 || c.Full < 0:
		return nil, errors.New("sqlstore: reconciler with a negative number")
	}
	r := &Reconciler{
		d: d, spool: c.Spool, listers: make(map[string]assessment.OrderLister), integrations: c.Integrations,
		maxStarts: c.MaxStarts, minAge: orDefault(c.MinAge, DefaultMinAge),
		frequent: orDefault(c.Frequent, time.Hour), quiet: orDefault(c.Quiet, day), full: orDefault(c.Full, 7*day),
	}
	if r.maxStarts == 0 {
		r.maxStarts = DefaultMaxStarts
	}
	calls := c.CallsPerMinute
	if calls == 0 {
		calls = DefaultCallsPerMinute
	}
	r.callEvery = budgetPart * time.Minute / time.Duration(calls)
	var routes []string
	for _, l := range c.Listers {
		route := Route(l.Vendor(), l.Connection())
		if r.listers[route] != nil {
			return nil, fmt.Errorf("sqlstore: two vendors to ask for %q", route)
		}
		r.listers[route] = l
		routes = append(routes, route)
	}
	r.routes = jsonOf(routes)
	return r, nil
}

// Reconciled says what a [Reconciler.Tick] did.
type Reconciled struct {
	Runs   int // that came to their end
	Calls  int // of the vendors' APIs
	Queued int // lost orders that were found and will be started
	Surges int // runs that found more than they may start
	Failed int // runs that ended with an error of the vendor's; they are tried again
	// Spent: the budget was used up before the work was.
	Spent bool
}

// Tick asks for what is due until nothing is, patience is over, or ctx ends. Call
// it every 10 to 60 seconds from any number of processes: they share the work and
// the budget. An error means that the database, or the host's list of
// integrations, failed; integrations that are known are asked all the same.
func (r *Reconciler) Tick(ctx context.Context, patience time.Duration) (Reconciled, error) {
	var done Reconciled
	listed := r.Refresh(ctx)
	until := time.Now().Add(patience)
	for first := true; ctx.Err() == nil && !done.Spent && (first || time.Now().Before(until)); first = false {
		run, found, err := r.claim(ctx)
		if err != nil || !found {
			return done, errors.Join(listed, err)
		}
		if err := r.run(ctx, run, until, &done); err != nil {
			return done, errors.Join(listed, err)
		}
	}
	return done, listed
}

// spend takes one call of the budget of a route, or says how long there is none.
// It is one row for all processes: the time at which the next call is due.
const spend = insertIntegration + `
VALUES ($1, '', 0, {now} - CAST($3 AS BIGINT) + CAST($2 AS BIGINT), ` + noIntegration + `)
ON CONFLICT (route, account) DO UPDATE SET
  next = CASE WHEN i.next < {now} - CAST($3 AS BIGINT) THEN {now} - CAST($3 AS BIGINT) ELSE i.next END + CAST($2 AS BIGINT)
WHERE i.next <= {now}
RETURNING 1`

// burst is how many calls may be made at once after a rest.
const burst = 5

func (r *Reconciler) spend(ctx context.Context, route string) (wait time.Duration, err error) {
	var one int
	every := max(r.callEvery.Milliseconds(), 1)
	got, err := r.d.row(ctx, r.d.db, []any{&one}, spend, route, every, burst*every)
	if err != nil || got {
		return 0, err
	}
	var ms int64
	if _, err := r.d.row(ctx, r.d.db, []any{&ms}, `SELECT next - {now} FROM {integrations} WHERE route = $1 AND account = ''`, route); err != nil {
		return 0, err
	}
	return max(time.Duration(ms)*time.Millisecond, time.Millisecond), nil
}

// afford waits for a call of the budget, until the given time at most.
func (r *Reconciler) afford(ctx context.Context, route string, until time.Time) (bool, error) {
	for {
		wait, err := r.spend(ctx, route)
		if err != nil || wait == 0 {
			return err == nil, err
		}
		if time.Now().Add(wait).After(until) {
			return false, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false, nil
		}
	}
}

// missing returns the orders of a page that nobody has taken, in one statement and
// one or two of the intake's store for those that are not in the spool.
func (r *Reconciler) missing(ctx context.Context, page []assessment.Order) ([]assessment.Order, error) {
	var refs []assessment.OrderRef
	for _, o := range page {
		if o.Ref.ID != "" && !o.Status.Final() {
			refs = append(refs, o.Ref)
		}
	}
	if len(refs) == 0 {
		return nil, nil
	}
	spooled, err := r.d.spooled(ctx, refs)
	if err != nil {
		return nil, err
	}
	states, err := r.spool.intake.States(ctx, refs)
	if err != nil {
		return nil, err
	}
	var lost []assessment.Order
	for _, o := range page {
		if o.Ref.ID == "" || o.Status.Final() || spooled[o.Ref.String()] {
			continue
		}
		if strings.Contains(o.Ref.ID, ",") {
			r.d.log.WarnContext(ctx, "order with a comma in its id cannot be asked for", "order", o.Ref)
			continue
		}
		switch states[o.Ref] {
		case assessment.OrderUnknown, assessment.OrderClaimed, assessment.OrderRejected:
			lost = append(lost, o)
		}
	}
	return lost, nil
}

// spooled says which orders are in the spool, in whatever state: it sees to them.
func (d *DB) spooled(ctx context.Context, refs []assessment.OrderRef) (map[string]bool, error) {
	known := make(map[string]bool)
	err := d.rows(ctx, d.db, func(scan func(...any) error) error {
		var ref string
		err := scan(&ref)
		known[ref] = true
		return err
	}, `SELECT ref FROM {orders} WHERE ref IN ({each}($1))`, jsonOf(refs))
	return known, err
}
