package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// The kinds of runs.
const (
	runFrequent = "frequent" // what was created since the last one
	runHot      = "hot"      // what was created since something went wrong
	runFull     = "full"     // everything that is open
)

// listedMark follows the kind of a run in the database whose pages were all read.
const listedMark = "+"

const (
	runLease = 2 * time.Minute
	callTime = 75 * time.Second
	// overlap is how much of the time before the last run is asked for again: clocks
	// differ, and an order may come into the vendor's list late.
	overlap = 2 * time.Hour
	// hotAge is how old an order has to be in a hot run, which knows that
	// deliveries fail.
	hotAge = 45 * time.Second
	// activeFor is how long a delivery makes an integration an active one.
	activeFor = 30 * day
	// idsAtOnce bounds the length of a URL.
	idsAtOnce = 50
)

// integrationRun is an integration that this process asks about. Its state is in
// the database after every page, so that another process carries it on.
type integrationRun struct {
	route, account string
	token          string
	lister         assessment.OrderLister
	name           string // the account as the vendor writes it

	kind      string
	listed    bool  // all pages were read
	from      int64 // what was created since then
	began     int64
	cursor    string
	found     []string // ids of lost orders
	since     int64
	hot       hotness
	hotFrom   int64
	asked     int64
	fullNext  int64
	delivered int64
	released  int64
	failures  int
	now       int64
}

// claimRun takes the integration that is most overdue, relative to how often it is
// asked, in tenths of that; of several the one that is most in use.
const claimRun = `
UPDATE {integrations} SET token = $1, until = {now} + CAST($2 AS BIGINT)
WHERE until <= {now} AND (route, account) = (
  SELECT c.route, c.account FROM {integrations} c
  WHERE c.gone = 0 AND c.account <> '' AND c.next <= {now} AND c.until <= {now} AND c.route IN ({each}($3))
  AND NOT EXISTS (SELECT 1 FROM {gates} g WHERE g.route = c.route AND g.account IN ('', c.account) AND g.opens > {now}
    AND (g.what = 'reconcile' OR g.cause = '` + string(causeSurge) + `'))
  ORDER BY ({now} - c.next) * 10 / c.period DESC, c.delivered DESC LIMIT 1 {skip})
RETURNING route, account, run, run_from, run_began, cursor, found, since, hot, hot_from, asked, full_next, delivered, released, failures, {now}`

func (r *Reconciler) claim(ctx context.Context) (*integrationRun, bool, error) {
	run := &integrationRun{token: newToken()}
	var found string
	taken, err := r.d.row(ctx, r.d.db, []any{
		&run.route, &run.account, &run.kind, &run.from, &run.began, &run.cursor, &found, &run.since, &run.hot, &run.hotFrom,
		&run.asked, &run.fullNext, &run.delivered, &run.released, &run.failures, &run.now,
	}, claimRun, run.token, runLease.Milliseconds(), r.routes)
	if err != nil || !taken {
		return nil, false, err
	}
	if run.found = nil; found != "" {
		run.found = strings.Split(found, ",")
	}
	run.kind, run.listed = strings.CutSuffix(run.kind, listedMark)
	ref, err := scope(run.route, run.account)
	run.lister, run.name = r.listers[run.route], ref.Account
	run.begin()
	return run, err == nil, err
}

// begin decides what to ask for, unless a run is to be carried on. Nothing before
// since is ever asked for, so that nothing before it is ever started.
func (run *integrationRun) begin() {
	if run.kind != "" {
		return
	}
	run.began = run.now
	switch {
	case run.hot > 0:
		run.kind, run.from = runHot, run.hotFrom
	case run.fullNext <= run.now:
		run.kind, run.from = runFull, run.since
	default:
		run.kind, run.from = runFrequent, run.asked-overlap.Milliseconds()
	}
	run.from = max(run.from, run.since)
}

// run asks page by page, within the budget, and gives what was lost to the spool.
func (r *Reconciler) run(ctx context.Context, run *integrationRun, until time.Time, done *Reconciled) error {
	for !run.listed {
		if off, err := r.switchedOff(ctx, run); err != nil || off {
			return errors.Join(err, r.pause(context.WithoutCancel(ctx), run))
		}
		affordable, err := r.afford(ctx, run.route, until)
		if err != nil || !affordable {
			done.Spent = true
			return errors.Join(err, r.pause(context.WithoutCancel(ctx), run))
		}
		done.Calls++
		page, next, err := r.ask(ctx, run, assessment.OpenOrders{CreatedAfter: atMilli(run.from), Cursor: run.cursor})
		if err != nil {
			done.Failed++
			return r.fail(context.WithoutCancel(ctx), run, err)
		}
		if len(page) > 0 && run.kind != runFull {
			run.delivered = run.now
		}
		lost, err := r.missing(ctx, page)
		if err != nil {
			return errors.Join(err, r.pause(context.WithoutCancel(ctx), run))
		}
		for _, o := range lost {
			if !slices.Contains(run.found, o.Ref.ID) {
				run.found = append(run.found, o.Ref.ID)
			}
		}
		if len(run.found) > r.maxStarts && run.released == 0 {
			done.Surges++
			return r.surge(ctx, run)
		}
		run.cursor, run.listed = next, next == ""
		if run.listed {
			break
		}
		if held, err := r.save(ctx, run); err != nil || !held {
			return err
		}
	}
	return r.finish(ctx, run, until, done)
}

// switchedOff says whether a run that goes on has to stop: a full one may take many
// pages. It is carried on later.
func (r *Reconciler) switchedOff(ctx context.Context, run *integrationRun) (bool, error) {
	var one int
	return r.d.row(ctx, r.d.db, []any{&one}, `SELECT 1 FROM {gates}
		WHERE route = $1 AND account IN ('', $2) AND what = 'reconcile' AND opens > {now} LIMIT 1`, run.route, run.account)
}

// ask makes one call.
func (r *Reconciler) ask(ctx context.Context, run *integrationRun, q assessment.OpenOrders) (page []assessment.Order, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = errPanicked
		}
	}()
	q.Account = run.name
	return run.lister.OpenOrders(ctx, q)
}

// finish starts what was found, if it is old enough and still open, and says when
// the integration is asked next.
func (r *Reconciler) finish(ctx context.Context, run *integrationRun, until time.Time, done *Reconciled) error {
	queued, left := 0, 0
	for ids := range slices.Chunk(run.found, idsAtOnce) {
		if off, err := r.switchedOff(ctx, run); err != nil || off {
			return errors.Join(err, r.pause(context.WithoutCancel(ctx), run))
		}
		for range 2 {
			affordable, err := r.afford(ctx, run.route, until)
			if err != nil || !affordable {
				done.Spent = true
				return errors.Join(err, r.pause(context.WithoutCancel(ctx), run))
			}
			done.Calls++
		}
		n, young, err := r.start(ctx, run, ids)
		queued, left = queued+n, left+young
		done.Queued += n
		if err != nil {
			done.Failed++
			return r.fail(context.WithoutCancel(ctx), run, err)
		}
		run.found = run.found[len(ids):]
	}
	done.Runs++
	return r.schedule(ctx, run, queued, left)
}

// start gives lost orders to the spool. It asks for them once more: the database
// holds ids only while a run goes on, and they may have been settled since. Young
// ones are left to their webhook; an order does not carry the time of its creation,
// so the vendor is asked which they are.
func (r *Reconciler) start(ctx context.Context, run *integrationRun, ids []string) (queued, young int, err error) {
	age := r.minAge
	if run.kind == runHot {
		age = min(age, hotAge)
	}
	now, err := r.d.Now(ctx)
	if err != nil {
		return 0, 0, err
	}
	open, _, err := r.ask(ctx, run, assessment.OpenOrders{IDs: ids, CreatedAfter: atMilli(run.from)})
	if err != nil {
		return 0, 0, err
	}
	// After the list: an order that was created between the two is in this one only.
	lately, _, err := r.ask(ctx, run, assessment.OpenOrders{IDs: ids, CreatedAfter: now.Add(-age)})
	if err != nil {
		return 0, 0, err
	}
	lost, err := r.missing(ctx, open)
	if err != nil {
		return 0, 0, err
	}
	for _, o := range lost {
		if slices.ContainsFunc(lately, func(l assessment.Order) bool { return l.Ref.ID == o.Ref.ID }) {
			young++
			continue
		}
		o.ReceivedAt = now
		if err := r.spool.Queue(ctx, o); err != nil {
			return queued, young, err
		}
		queued++
		if err := r.d.note(ctx, r.d.db, o.Ref, NoteFound, Detail{Reason: run.kind}); err != nil {
			return queued, young, err
		}
	}
	return queued, young, nil
}

// saveRun keeps the state of a run and renews its lease.
const saveRun = `
UPDATE {integrations} SET run = $4, run_from = $5, run_began = $6, cursor = $7, found = $8, delivered = $9,
  until = CASE WHEN CAST($3 AS BIGINT) > 0 THEN {now} + CAST($3 AS BIGINT) ELSE 0 END
WHERE route = $1 AND account = $2 AND token = $10`

func (r *Reconciler) save(ctx context.Context, run *integrationRun) (held bool, err error) {
	return r.saveFor(ctx, run, runLease)
}

// pause gives the integration back in the middle of a run.
func (r *Reconciler) pause(ctx context.Context, run *integrationRun) error {
	_, err := r.saveFor(ctx, run, 0)
	return err
}

// stored is the kind of a run as the database has it.
func (run *integrationRun) stored() string {
	if run.listed {
		return run.kind + listedMark
	}
	return run.kind
}

func (r *Reconciler) saveFor(ctx context.Context, run *integrationRun, lease time.Duration) (bool, error) {
	n, err := r.d.exec(ctx, r.d.db, saveRun, run.route, run.account, lease.Milliseconds(), run.stored(), run.from, run.began,
		run.cursor, strings.Join(run.found, ","), run.delivered, run.token)
	return n > 0, err
}

// endRun ends a run and says when the next one is. What became hot meanwhile stays
// so.
const endRun = `
UPDATE {integrations} SET run = '', cursor = '', found = '', released = 0, failures = 0, token = '', until = 0,
  delivered = $4, asked = $5, full_next = $6, period = $7,
  hot = CASE WHEN hot = $8 THEN CAST($9 AS INTEGER) ELSE hot END,
  hot_from = CASE WHEN hot = $8 AND $9 = 0 THEN 0 ELSE hot_from END,
  next = CASE WHEN hot = $8 THEN {now} + CAST($10 AS BIGINT) ELSE {now} END
WHERE route = $1 AND account = $2 AND token = $3`

func (r *Reconciler) schedule(ctx context.Context, run *integrationRun, queued, young int) error {
	period := r.quiet
	if time.Duration(run.now-run.delivered)*time.Millisecond < activeFor {
		period = r.frequent
	}
	next, asked, fullNext, hot := period, run.asked, run.fullNext, run.hot
	switch run.kind {
	case runHot:
		if hot++; hot > hotOnce {
			hot = 0
		} else {
			next = hotSteps[hot]
			period = time.Minute
		}
	case runFull:
		asked, fullNext = run.began, run.now+r.full.Milliseconds()
	default:
		asked = run.began
	}
	if run.kind != runHot && hot > 0 {
		next, period = 0, time.Minute // it became hot while the run went on
	}
	if young > 0 {
		// They are older then.
		next = min(next, r.minAge)
	}
	if fullNext <= run.now {
		next = 0
	}
	n, err := r.d.exec(ctx, r.d.db, endRun, run.route, run.account, run.token, run.delivered, asked, fullNext,
		period.Milliseconds(), int(run.hot), int(hot), next.Milliseconds())
	if err == nil && n > 0 && queued > 0 {
		r.d.log.WarnContext(ctx, "lost orders found", "route", run.route, "account", run.account, "orders", queued, "run", run.kind)
	}
	return err
}

// failRun postpones a run after an error. One that fails again and again begins
// anew: its cursor may be what is wrong.
const failRun = `
UPDATE {integrations} SET failures = $4, token = '', until = 0, next = {now} + CAST($5 AS BIGINT),
  run = CASE WHEN $6 = 1 THEN '' ELSE $7 END, run_from = $8, run_began = $9, delivered = $12,
  cursor = CASE WHEN $6 = 1 THEN '' ELSE $10 END, found = CASE WHEN $6 = 1 THEN '' ELSE $11 END
WHERE route = $1 AND account = $2 AND token = $3`

const (
	lastRunBackoff = 6 * time.Hour
	startAnew      = 3
)

func (r *Reconciler) fail(ctx context.Context, run *integrationRun, err error) error {
	wait := min(lastRunBackoff, time.Minute<<min(run.failures, 12))
	wait = wait/2 + rand.N(wait/2)
	var api *assessment.APIError
	if errors.Is(err, assessment.ErrRateLimited) {
		// The window belongs to results now. That is no fault of the integration.
		wait = 15 * time.Second
		if errors.As(err, &api) {
			wait = max(wait, min(api.RetryAfter, 5*time.Minute))
		}
	} else {
		run.failures++
		r.d.log.WarnContext(ctx, "integration could not be asked", "route", run.route, "account", run.account, "error", err)
	}
	anew := run.failures > 0 && run.failures%startAnew == 0
	_, saved := r.d.exec(ctx, r.d.db, failRun, run.route, run.account, run.token, run.failures, wait.Milliseconds(), intOf(anew),
		run.stored(), run.from, run.began, run.cursor, strings.Join(run.found, ","), run.delivered)
	return saved
}

// surge closes the integration's start gate: so many lost orders are rather a
// backlog, or a database that has forgotten them. Nothing is started until
// somebody has looked.
func (r *Reconciler) surge(ctx context.Context, run *integrationRun) error {
	r.d.log.ErrorContext(ctx, "surge: more lost orders than may be started at once; starts of the integration are off",
		"route", run.route, "account", run.account, "found", len(run.found), "most", r.maxStarts)
	return r.d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := r.d.exec(ctx, tx, `UPDATE {integrations} SET run = '', cursor = '', found = '', token = '', until = 0
			WHERE route = $1 AND account = $2 AND token = $3`, run.route, run.account, run.token)
		if err != nil || n == 0 {
			return err
		}
		if _, err := r.d.exec(ctx, tx, pause, run.route, run.account, string(SwitchStarts), string(causeSurge), never, "reconciler"); err != nil {
			return err
		}
		return r.d.noteScope(ctx, tx, run.route, run.account, NoteSurge, Detail{Reason: run.kind})
	})
}

// Backfilled says what a [Reconciler.Backfill] found.
type Backfilled struct {
	Open   int // orders that the vendor lists
	Lost   int // of them nobody has taken
	Young  int // of those are left to their webhook
	Queued int // will be started
}

// Backfill starts the open orders of an integration that were created since then
// and that nobody has taken, also those from before it was first seen, however
// many. With dryRun it only counts: do that first. It keeps to the budget and may
// take its time; begun again it goes on where it was.
func (r *Reconciler) Backfill(ctx context.Context, i Integration, from time.Time, dryRun bool, by Act) (Backfilled, error) {
	var done Backfilled
	if err := errors.Join(by.check(), i.check()); err != nil {
		return done, err
	}
	run := &integrationRun{route: i.route(), account: i.account(), lister: r.listers[i.route()], name: i.Account, kind: "backfill", from: from.UnixMilli()}
	if run.lister == nil {
		return done, ErrNoIntegration
	}
	if !dryRun {
		if err := r.d.noteScope(ctx, r.d.db, run.route, run.account, NoteBackfill, by.detail(0)); err != nil {
			return done, err
		}
	}
	var ids []string
	for first := true; first || run.cursor != ""; first = false {
		page, err := r.backfillPage(ctx, run)
		if err != nil {
			return done, err
		}
		done.Open += len(page)
		lost, err := r.missing(ctx, page)
		if err != nil {
			return done, err
		}
		done.Lost += len(lost)
		for _, o := range lost {
			ids = append(ids, o.Ref.ID)
		}
	}
	if dryRun {
		return done, nil
	}
	for some := range slices.Chunk(ids, idsAtOnce) {
		queued, young, err := r.start(ctx, run, some)
		done.Queued, done.Young = done.Queued+queued, done.Young+young
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (r *Reconciler) backfillPage(ctx context.Context, run *integrationRun) ([]assessment.Order, error) {
	if ok, err := r.afford(ctx, run.route, time.Now().Add(time.Hour)); err != nil || !ok {
		return nil, errors.Join(err, ctx.Err())
	}
	page, next, err := r.ask(ctx, run, assessment.OpenOrders{CreatedAfter: atMilli(run.from), Cursor: run.cursor})
	run.cursor = next
	return page, err
}
