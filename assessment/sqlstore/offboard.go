package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
)

// ErrOffboarded: the account was offboarded. It matches [assessment.ErrErased]:
// handlers answer 410, and nothing is tried again. [DB.Readmit] lets it in again.
var ErrOffboarded = fmt.Errorf("sqlstore: the account was offboarded: %w", assessment.ErrErased)

// ErrMoreRows: [DB.Offboard] would have to remove more rows than was confirmed.
var ErrMoreRows = errors.New("sqlstore: more rows than were confirmed")

// Offboarding says how an account is removed.
type Offboarding struct {
	// Act says who does it, and why; it stays in the journal.
	Act
	// DryRun only counts.
	DryRun bool
	// Keep lets what waits come to its end: orders that are queued are started, and
	// results are written and can still be published. Nothing is removed until
	// nothing waits any more, and the call is made again then. Without Keep what
	// waits is discarded: queued orders, and results that are pending, refused or
	// uncertain.
	Keep bool
	// Most is how many rows may be removed, as a dry run told it ([Offboarded.Rows]).
	// If there are more, nothing is removed and the error is [ErrMoreRows].
	Most int64
}

// Offboarded counts what [DB.Offboard] removed, or would, in rows.
type Offboarded struct {
	// Orders, Results, Claims, Lanes, Subjects, Journal, Gates and Integrations are the
	// rows of the tables. What waits is among them.
	Orders       int64 `json:"orders,omitempty"`
	Results      int64 `json:"results,omitempty"`
	Claims       int64 `json:"claims,omitempty"`
	Lanes        int64 `json:"lanes,omitempty"`
	Subjects     int64 `json:"subjects,omitempty"`
	Journal      int64 `json:"journal,omitempty"`
	Gates        int64 `json:"gates,omitempty"`
	Integrations int64 `json:"integrations,omitempty"`
	// OrdersWaiting were accepted and not started, ResultsWaiting were published and
	// neither written nor superseded: pending, refused, uncertain.
	OrdersWaiting  int64 `json:"orders_waiting,omitempty"`
	ResultsWaiting int64 `json:"results_waiting,omitempty"`
	// Done: nothing is left but the journal's row that says so.
	Done bool `json:"-"`
}

// Rows is how many rows there are in all tables together.
func (o Offboarded) Rows() int64 {
	return o.Orders + o.Results + o.Claims + o.Lanes + o.Subjects + o.Journal + o.Gates + o.Integrations
}

// Waiting is how many orders and results have not come to their end.
func (o Offboarded) Waiting() int64 { return o.OrdersWaiting + o.ResultsWaiting }

// removal is one step of an offboarding.
type removal struct {
	column
	only  string // of its rows, those that this holds for
	count func(*Offboarded) *int64
	also  func(*Offboarded) *int64 // nil, or what they count as besides
}

const (
	orderWaits  = ` AND state IN ('queued', 'attention')`
	resultWaits = ` AND state IN ('pending', 'refused', 'uncertain')`
	// marks are the journal's rows that say that an account was offboarded.
	marks = `('` + NoteOffboarding + `', '` + NoteOffboarded + `', '` + NoteOffboardedOnce + `', '` + NoteReadmitted + `')`
)

// removals are the steps in their order. Lanes go first: who holds one settles
// nothing any more. What waits goes before what is only remembered.
var removals = []removal{
	{column{"{lanes}", "ref"}, "", func(o *Offboarded) *int64 { return &o.Lanes }, nil},
	{column{"{results}", "ref"}, resultWaits, func(o *Offboarded) *int64 { return &o.Results }, func(o *Offboarded) *int64 { return &o.ResultsWaiting }},
	{column{"{orders}", "ref"}, orderWaits, func(o *Offboarded) *int64 { return &o.Orders }, func(o *Offboarded) *int64 { return &o.OrdersWaiting }},
	{column{"{results}", "ref"}, ` AND state NOT IN ('pending', 'refused', 'uncertain')`, func(o *Offboarded) *int64 { return &o.Results }, nil},
	{column{"{orders}", "ref"}, ` AND state NOT IN ('queued', 'attention')`, func(o *Offboarded) *int64 { return &o.Orders }, nil},
	{column{"{claims}", "key"}, "", func(o *Offboarded) *int64 { return &o.Claims }, nil},
	{column{"{claims}", "ref"}, "", func(o *Offboarded) *int64 { return &o.Claims }, nil},
	{column{"{subjects}", "ref"}, "", func(o *Offboarded) *int64 { return &o.Subjects }, nil},
	{column{"{journal}", "ref"}, ` AND what NOT IN ` + marks, func(o *Offboarded) *int64 { return &o.Journal }, nil},
}

// ofAccount are the steps for tables that name the account in a column. The gates
// that an offboarding closes itself are no rows to confirm.
var ofAccount = []struct {
	table, counted string
	count          func(*Offboarded) *int64
}{
	{"{gates}", ` AND cause <> '` + string(causeOffboarding) + `'`, func(o *Offboarded) *int64 { return &o.Gates }},
	{"{integrations}", "", func(o *Offboarded) *int64 { return &o.Integrations }},
}

// noticed are tables of what alarms are about. Their rows are no rows to confirm.
var noticed = []string{"{habits}", "{risks}"}

// Offboard removes a customer who has left: everything that is kept of the account,
// tombstones included, which nothing else removes. Call it with DryRun first; it
// tells the count that the real call has to confirm. The account is the customer as
// in [assessment.OrderRef].
//
// From the first real call on the vendor is not asked for orders of the account any
// more, and no new order of it is taken. With Keep that is all, for as long as
// something waits ([Offboarded.Done] is false then; call again later). Without it,
// starts and results of the account stop on all processes at once and all rows go,
// in portions that each are whole. A call that was cut off is carried on by the
// next; one on an account that is gone changes nothing.
//
// One row of the journal stays for good, under [DB.Acts]: that the account was
// offboarded, when, by whom, why, and how many rows of each table went. Because of
// it a late delivery of the account starts nothing and stores nothing, whichever way
// it comes: handlers answer 410, Queue and Publish return [ErrOffboarded], the
// reconciler skips the account even if the host still lists it, and an import
// refuses it. [DB.Readmit] is for a customer who comes back.
//
// A call to the provider or the vendor that is under way at this moment is not
// called back; what it comes to is not recorded. Job queues and files are not
// touched: [github.com/assessbridge/assessbridge/assessment/durable.Service.Offboard]
// removes those of its own.
func (d *DB) Offboard(ctx context.Context, vendor assessment.Vendor, connection, account string, o Offboarding) (Offboarded, error) {
	if err := o.check(); err != nil {
		return Offboarded{}, err
	}
	if vendor == "" || account == "" {
		return Offboarded{}, invalid("account", "needs a vendor and an account")
	}
	a := leaver{d: d, vendor: vendor, connection: connection, account: account, by: o.Act}
	found, err := a.count(ctx)
	switch {
	case err != nil:
		return Offboarded{}, err
	case o.DryRun:
		return found, nil
	case o.Keep && found.Waiting() > 0:
		return Offboarded{OrdersWaiting: found.OrdersWaiting, ResultsWaiting: found.ResultsWaiting}, a.begin(ctx, NoteOffboarding)
	case found.Rows() > o.Most:
		return Offboarded{}, fmt.Errorf("%w: %d, and %d confirmed", ErrMoreRows, found.Rows(), max(o.Most, 0))
	}
	if err := a.begin(ctx, NoteOffboarded); err != nil {
		return Offboarded{}, err
	}
	return a.remove(ctx)
}

// leaver is an account that is being offboarded.
type leaver struct {
	d                   *DB
	vendor              assessment.Vendor
	connection, account string
	by                  Act
	done                Offboarded // by this call
}

func (a *leaver) ref() assessment.OrderRef {
	return assessment.OrderRef{Vendor: a.vendor, Connection: a.connection, Account: a.account}
}

func (a *leaver) key() (route, account string) {
	return Route(a.vendor, a.connection), Account(a.account)
}

// count says what there is.
func (a *leaver) count(ctx context.Context) (Offboarded, error) {
	var found Offboarded
	spans, err := a.d.spans(ctx, a.d.db, a.vendor, a.connection, a.account)
	if err != nil {
		return found, err
	}
	for _, step := range removals {
		for _, s := range spans {
			var n int64
			if _, err := a.d.row(ctx, a.d.db, []any{&n}, `SELECT COUNT(*) FROM `+step.within()+step.only, s.first, s.last); err != nil {
				return found, err
			}
			step.add(&found, n)
		}
	}
	route, account := a.key()
	for _, step := range ofAccount {
		if _, err := a.d.row(ctx, a.d.db, []any{step.count(&found)},
			`SELECT COUNT(*) FROM `+step.table+` WHERE route = $1 AND account = $2`+step.counted, route, account); err != nil {
			return found, err
		}
	}
	return found, nil
}

func (r removal) add(to *Offboarded, n int64) {
	*r.count(to) += n
	if r.also != nil {
		*r.also(to) += n
	}
}

// offboardLock is the advisory lock under which one process at a time marks an
// account.
const offboardLock = 0x6f666662_6f617264

// begin marks the account, in the journal's row that stays, and stops asking for
// its orders. Unless what waits may go on, it is stopped in the same transaction.
func (a *leaver) begin(ctx context.Context, what string) error {
	route, account := a.key()
	return a.d.inTx(ctx, func(tx *sql.Tx) error {
		if a.d.dialect == PostgreSQL {
			if _, err := a.d.exec(ctx, tx, `SELECT pg_advisory_xact_lock($1)`, int64(offboardLock)); err != nil {
				return err
			}
		}
		if err := a.mark(ctx, tx, what); err != nil {
			return err
		}
		if _, err := a.d.exec(ctx, tx, `UPDATE {integrations} SET gone = {now} WHERE route = $1 AND account = $2 AND gone = 0`, route, account); err != nil {
			return err
		}
		if what == NoteOffboarding {
			return nil
		}
		for _, s := range []Switch{SwitchStarts, SwitchResults} {
			if _, err := a.d.exec(ctx, tx, pause, route, account, string(s), string(causeOffboarding), never, a.by.Actor+": "+a.by.Reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// mark writes the row, or moves it on. An account that is gone stays so.
func (a *leaver) mark(ctx context.Context, tx *sql.Tx, what string) error {
	was, _, err := a.marked(ctx, tx)
	switch {
	case err != nil, was == NoteOffboarded, was == what:
		return err
	case was == "":
		return a.d.note(ctx, tx, a.ref(), what, a.by.detail(0))
	}
	_, err = a.d.exec(ctx, tx, `UPDATE {journal} SET at = {now}, what = $2, detail = $3 WHERE ref = $1 AND what = '`+NoteOffboarding+`'`,
		a.ref().String(), what, jsonOf(a.by.detail(0)))
	return err
}

// marked reads the row; what is empty if there is none.
func (a *leaver) marked(ctx context.Context, tx *sql.Tx) (what string, detail Detail, err error) {
	var text string
	found, err := a.d.row(ctx, tx, []any{&what, &text}, `UPDATE {journal} SET at = at
		WHERE ref = $1 AND what IN ('`+NoteOffboarding+`', '`+NoteOffboarded+`') RETURNING what, detail`, a.ref().String())
	if err != nil || !found {
		return "", detail, err
	}
	return what, detail, json.Unmarshal([]byte(text), &detail)
}

// removeRounds bounds how often an offboarding looks for what came in beside it.
const removeRounds = 5

// remove takes everything away. What was under way when the account was marked may
// still add a row, so it looks again until there is none.
func (a *leaver) remove(ctx context.Context) (Offboarded, error) {
	for range removeRounds {
		if err := a.removeOnce(ctx); err != nil {
			return a.done, err
		}
		left, err := a.count(ctx)
		if err != nil {
			return a.done, err
		}
		if a.done.Done = left.Rows() == 0; a.done.Done {
			return a.done, nil
		}
	}
	return a.done, nil
}

func (a *leaver) removeOnce(ctx context.Context) error {
	spans, err := a.d.spans(ctx, a.d.db, a.vendor, a.connection, a.account)
	if err != nil {
		return err
	}
	for _, step := range removals {
		for _, s := range spans {
			if err := a.empty(ctx, step, s); err != nil {
				return err
			}
		}
	}
	route, account := a.key()
	return a.counted(ctx, func(tx *sql.Tx, done *Offboarded) error {
		for _, table := range noticed {
			if _, err := a.d.exec(ctx, tx, `DELETE FROM `+table+` WHERE route = $1 AND account = $2`, route, account); err != nil {
				return err
			}
		}
		for _, step := range ofAccount {
			n, err := a.d.exec(ctx, tx, `DELETE FROM `+step.table+` WHERE route = $1 AND account = $2`+step.counted, route, account)
			if err != nil {
				return err
			}
			*step.count(done) += n
		}
		_, err := a.d.exec(ctx, tx, `DELETE FROM {gates} WHERE route = $1 AND account = $2`, route, account)
		return err
	})
}

// empty takes the rows of a span away, a portion in each transaction.
func (a *leaver) empty(ctx context.Context, step removal, s span) error {
	for more := true; more; {
		if err := a.counted(ctx, func(tx *sql.Tx, done *Offboarded) error {
			var last sql.NullString
			_, err := a.d.row(ctx, tx, []any{&last}, `SELECT MAX(ref) FROM (SELECT `+step.name+` AS ref FROM `+
				step.within()+step.only+` ORDER BY `+step.name+` LIMIT $3) portion`, s.first, s.last, manyAtOnce)
			if more = err == nil && last.Valid; !more {
				return err
			}
			n, err := a.d.exec(ctx, tx, `DELETE FROM `+step.within()+step.only+` AND `+step.name+` <= $3`, s.first, s.last, last.String)
			step.add(done, n)
			s.first = last.String // nothing is left before it
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// counted does a part of the work and adds what it removed to the journal's row, in
// one transaction.
func (a *leaver) counted(ctx context.Context, work func(*sql.Tx, *Offboarded) error) error {
	next := a.done
	err := a.d.inTx(ctx, func(tx *sql.Tx) error {
		var now Offboarded
		if err := work(tx, &now); err != nil || now.Rows() == 0 {
			return err
		}
		next = next.plus(now)
		what, detail, err := a.marked(ctx, tx)
		if err != nil || what == "" {
			return err
		}
		if detail.Removed == nil {
			detail.Removed = new(Offboarded)
		}
		total := detail.Removed.plus(now)
		detail.Removed = &total
		_, err = a.d.exec(ctx, tx, `UPDATE {journal} SET detail = $3 WHERE ref = $1 AND what = $2`, a.ref().String(), what, jsonOf(detail))
		return err
	})
	if err == nil {
		a.done = next
	}
	return err
}

func (o Offboarded) plus(p Offboarded) Offboarded {
	return Offboarded{
		Orders: o.Orders + p.Orders, Results: o.Results + p.Results, Claims: o.Claims + p.Claims, Lanes: o.Lanes + p.Lanes,
		Subjects: o.Subjects + p.Subjects, Journal: o.Journal + p.Journal, Gates: o.Gates + p.Gates,
		Integrations: o.Integrations + p.Integrations, OrdersWaiting: o.OrdersWaiting + p.OrdersWaiting,
		ResultsWaiting: o.ResultsWaiting + p.ResultsWaiting,
	}
}

// Readmit lets an account in again that was offboarded, or whose offboarding with
// Keep is not over. Its journal goes on; nothing else of it is there. An account that
// was not offboarded is [ErrNotOffboarded].
func (d *DB) Readmit(ctx context.Context, vendor assessment.Vendor, connection, account string, by Act) error {
	if err := by.check(); err != nil {
		return err
	}
	a := leaver{d: d, vendor: vendor, connection: connection, account: account}
	return d.inTx(ctx, func(tx *sql.Tx) error {
		n, err := d.exec(ctx, tx, `UPDATE {journal} SET what = '`+NoteOffboardedOnce+`' WHERE ref = $1 AND what IN ('`+
			NoteOffboarding+`', '`+NoteOffboarded+`')`, a.ref().String())
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotOffboarded
		}
		route, name := a.key()
		if _, err := d.exec(ctx, tx, `DELETE FROM {gates} WHERE route = $1 AND account = $2 AND cause = '`+string(causeOffboarding)+`'`, route, name); err != nil {
			return err
		}
		return d.note(ctx, tx, a.ref(), NoteReadmitted, by.detail(0))
	})
}

// ErrNotOffboarded: there is no offboarding of the account to take back.
var ErrNotOffboarded = errors.New("sqlstore: the account was not offboarded")

// hasLeft holds where the account whose reference stands in the place of the
// parameter was offboarded; isLeaving also while what waits of it may go on.
func hasLeft(parameter string) string {
	return `EXISTS (SELECT 1 FROM {journal} WHERE ref = ` + parameter + ` AND what = '` + NoteOffboarded + `')`
}

func isLeaving(parameter string) string {
	return `EXISTS (SELECT 1 FROM {journal} WHERE ref = ` + parameter + ` AND what IN ('` + NoteOffboarding + `', '` + NoteOffboarded + `'))`
}

// left reports whether an account was offboarded.
func (d *DB) left(ctx context.Context, r QueryRow, scope string) (bool, error) {
	var one int
	return scanned(r(ctx, d.text(`SELECT 1 WHERE `+hasLeft("$1")), scope).Scan(&one))
}
