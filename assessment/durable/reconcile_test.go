package durable_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// lister is a vendor with open orders, in pages of 250.
type lister struct {
	mu     sync.Mutex
	open   map[string][]listed // by account
	calls  []assessment.OpenOrders
	answer func(assessment.OpenOrders) error
	listed func() // after a page was made up, before it arrives
}

type listed struct {
	id      string
	created time.Time
}

func (*lister) Vendor() assessment.Vendor { return assessment.Kombo }
func (*lister) Connection() string        { return "" }

func (l *lister) OpenOrders(_ context.Context, q assessment.OpenOrders) (page []assessment.Order, next string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listed != nil {
		defer l.listed()
	}
	l.calls = append(l.calls, q)
	if l.answer != nil {
		if err := l.answer(q); err != nil {
			return nil, "", err
		}
	}
	first, _ := strconv.Atoi(q.Cursor)
	for n, o := range l.open[q.Account] {
		if n < first || o.created.Before(q.CreatedAfter) || len(q.IDs) > 0 && !slices.Contains(q.IDs, o.id) {
			continue
		}
		if len(page) == 250 {
			return page, strconv.Itoa(n), nil
		}
		page = append(page, order(ofAccount(q.Account, o.id)))
	}
	return page, "", nil
}

// asked are the accounts of the calls since the last time.
func (l *lister) asked() []assessment.OpenOrders {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := l.calls
	l.calls = nil
	return calls
}

func (l *lister) fails(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = func(assessment.OpenOrders) error { return err }
	if err == nil {
		l.answer = nil
	}
}

// reconcileBench is an intake with a reconciler before a vendor.
type reconcileBench struct {
	*intakeBench
	lister     *lister
	reconciler *sqlstore.Reconciler
	accounts   []sqlstore.Integration
	listErr    error
}

func newReconcileBench(t *testing.T, d *database, change func(*sqlstore.ReconcilerConfig)) *reconcileBench {
	d.slow = false
	b := &reconcileBench{intakeBench: newIntakeBench(t, d), lister: &lister{open: make(map[string][]listed)}}
	b.reconciler = b.another(t, change)
	return b
}

// another is the reconciler of another process.
func (b *reconcileBench) another(t *testing.T, change func(*sqlstore.ReconcilerConfig)) *sqlstore.Reconciler {
	c := sqlstore.ReconcilerConfig{
		Spool: b.spool, Listers: []assessment.OrderLister{b.lister}, CallsPerMinute: 300_000,
		Integrations: func(context.Context) iter.Seq2[sqlstore.Integration, error] {
			return func(yield func(sqlstore.Integration, error) bool) {
				for _, i := range b.accounts {
					if !yield(i, nil) {
						return
					}
				}
				if b.listErr != nil {
					yield(sqlstore.Integration{}, b.listErr)
				}
			}
		},
	}
	if change != nil {
		change(&c)
	}
	r, err := b.store.Reconciler(c)
	require.NoError(t, err)
	return r
}

func (b *reconcileBench) now(t *testing.T) time.Time {
	now, err := b.store.Now(t.Context())
	require.NoError(t, err)
	return now
}

// place adds open orders of an account that were created before now.
func (b *reconcileBench) place(t *testing.T, account string, n int, before time.Duration) {
	now := b.now(t)
	b.lister.mu.Lock()
	defer b.lister.mu.Unlock()
	for range n {
		id := fmt.Sprint("o", len(b.lister.open[account]))
		b.lister.open[account] = append(b.lister.open[account], listed{id, now.Add(-before)})
	}
}

func (b *reconcileBench) tick(t *testing.T) sqlstore.Reconciled {
	t.Helper()
	done, err := b.reconciler.Tick(t.Context(), time.Minute)
	require.NoError(t, err)
	return done
}

// start works on all that is queued and returns how many orders were started until
// now.
func (b *reconcileBench) start(t *testing.T) int {
	t.Helper()
	for _, ref := range b.dueOrders(t) {
		b.work(t, ref)
	}
	return b.provider.count()
}

func integration(account string) sqlstore.Integration {
	return sqlstore.Integration{Vendor: assessment.Kombo, Account: account}
}

// The webhook of one order was lost. It is started once, and nothing else is.
func TestReconcilerFindsALostOrder(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.tick(t)
		b.shift(t, 3*time.Hour)
		b.place(t, "acme", 4, 2*time.Hour)
		b.place(t, "acme", 1, time.Minute) // its webhook may be on its way
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "o1"))))
		_, err := b.intake.Start(t.Context(), order(ofAccount("acme", "o2")))
		require.NoError(t, err)
		b.provider.says(assessment.Started{}, errors.New("fails"))
		_, err = b.intake.Start(t.Context(), order(ofAccount("acme", "o3"))) // it was answered 5xx
		require.Error(t, err)
		b.provider.says(assessment.Started{CandidateURL: "https://tests.example.com"}, nil)
		before := b.provider.count()
		done := b.tick(t)
		require.Equal(t, 2, done.Queued, "o0 and o3: %+v", done)
		require.Equal(t, 3, b.start(t)-before, "o0, o1, o3")
		require.Zero(t, b.tick(t).Runs)

		b.shift(t, 6*time.Minute)
		require.Equal(t, 1, b.tick(t).Queued, "it was young")
		require.Equal(t, 4, b.start(t)-before)
		for range 10 {
			b.shift(t, 2*time.Hour)
			require.Zero(t, b.tick(t).Queued)
		}
		require.Equal(t, 4, b.start(t)-before)
		require.Contains(t, b.notes(t, ofAccount("acme", "o0")), sqlstore.NoteFound)
	})
}

// A page was listed; before it arrives, its orders are delivered, started and
// completed, elsewhere, and their rows have gone as far as they go.
func TestListedBeforeCompletion(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.tick(t)
		b.shift(t, 3*time.Hour)
		b.place(t, "acme", 3, 2*time.Hour)
		b.lister.listed = func() {
			b.lister.listed = nil
			for id := range 3 {
				ref := ofAccount("acme", fmt.Sprint("o", id))
				if id == 0 {
					require.NoError(t, b.spool.Queue(t.Context(), order(ref)))
					b.work(t, ref)
				} else {
					_, err := b.intake.Start(t.Context(), order(ref))
					require.NoError(t, err)
				}
				b.publish(t, ref, final("end"))
				b.flush(t, ref)
			}
			b.shift(t, 400*24*time.Hour)
			_, err := b.store.Retain(t.Context(), sqlstore.Retention{}, false)
			require.NoError(t, err)
		}
		done := b.tick(t)
		require.NotZero(t, done.Runs)
		require.Zero(t, done.Queued)
		require.Equal(t, 3, b.start(t))
	})
}

// A database that has forgotten everything, against 600 open orders.
func TestReconcilerWithAnEmptyStore(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.place(t, "acme", 600, time.Hour)
		for range 10 {
			b.tick(t)
			b.shift(t, 24*time.Hour) // full sweeps too
		}
		require.Zero(t, b.start(t))
		require.Empty(t, b.closed(t), "they are not its business")
	})
}

// Somebody set since too early. Nothing starts, whatever else is due, until
// somebody has looked; then what was found is started.
func TestReconcilerSurge(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{{Vendor: assessment.Kombo, Account: "acme", Since: b.now(t).Add(-48 * time.Hour)}, integration("other")}
		require.NoError(t, b.reconciler.Refresh(t.Context()))
		b.place(t, "acme", 600, 30*time.Hour)
		for range 8 {
			b.shift(t, 25*time.Hour)
			b.place(t, "other", 1, time.Hour)
			b.tick(t)
		}
		require.Equal(t, []string{"acme starts surge"}, b.closed(t))
		require.Equal(t, 8, b.start(t), "another integration goes on")
		late, err := b.store.Overdue(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, late.Surges)
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "by webhook"))))
		require.Equal(t, 8, b.start(t), "the integration's starts are off")
		waiting, err := b.spool.Attention(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, waiting, 1)
		require.Equal(t, "surge", waiting[0].Reason)

		require.NoError(t, b.store.Resume(t.Context(), "kombo", "acme", sqlstore.SwitchStarts, operator))
		for range 3 {
			b.tick(t)
		}
		for range 20 {
			b.start(t)
		}
		require.Equal(t, 8+1+600, b.start(t))
		acts, err := b.store.Acts(t.Context(), "kombo", "acme")
		require.NoError(t, err)
		require.Equal(t, []string{sqlstore.NoteSurge, sqlstore.NoteResumed}, []string{acts[0].What, acts[1].What})

		// The release was for once.
		b.place(t, "acme", 51, 2*time.Hour)
		b.shift(t, 25*time.Hour)
		b.tick(t)
		b.shift(t, 25*time.Hour)
		require.Equal(t, []string{"acme starts surge"}, b.closed(t))
	})
}

// Since can be moved instead: then the backlog is none.
func TestReconcilerSetSince(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{{Vendor: assessment.Kombo, Account: "acme", Since: b.now(t).Add(-480 * time.Hour)}}
		b.place(t, "acme", 60, 30*time.Hour)
		b.tick(t)
		b.shift(t, 8*24*time.Hour)
		b.tick(t)
		require.Equal(t, []string{"acme starts surge"}, b.closed(t))
		require.NoError(t, b.reconciler.SetSince(t.Context(), integration("acme"), b.now(t), operator))
		require.NoError(t, b.store.Resume(t.Context(), "kombo", "acme", sqlstore.SwitchStarts, operator))
		b.tick(t)
		require.Zero(t, b.start(t))
		require.Empty(t, b.closed(t))
		require.ErrorIs(t, b.reconciler.SetSince(t.Context(), integration("unknown"), b.now(t), operator), sqlstore.ErrNoIntegration)
	})
}

// An integration with a delivery that was answered 5xx is asked after 1, 5 and 15
// minutes, and then as often as before.
func TestReconcilerHot(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.tick(t)
		b.shift(t, 25*time.Hour)
		for range 2 {
			b.tick(t)
		}
		b.place(t, "acme", 1, 0)
		require.NoError(t, b.reconciler.Missed(t.Context(), integration("acme")))
		require.NoError(t, b.reconciler.Missed(t.Context(), integration("unknown")))
		require.Zero(t, b.tick(t).Runs)
		var minutes []int
		for minute := 1; minute <= 40; minute++ {
			b.shift(t, time.Minute)
			if b.tick(t).Runs > 0 {
				minutes = append(minutes, minute)
			}
			require.Equal(t, 1, b.start(t), "in the first minute")
		}
		require.Equal(t, []int{1, 5, 15}, minutes)
	})
}

// By hand, and for what was created since then only.
func TestReconcilerMarkHot(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme"), integration("other")}
		b.tick(t)
		b.shift(t, 25*time.Hour)
		for range 2 {
			b.tick(t)
		}
		b.lister.asked()
		since := b.now(t).Add(-3 * time.Hour)
		require.Error(t, b.reconciler.MarkHot(t.Context(), "kombo", "", since, sqlstore.Act{}))
		require.NoError(t, b.reconciler.MarkHot(t.Context(), "kombo", "acme", since, operator))
		require.Equal(t, 1, b.tick(t).Runs)
		asked := b.lister.asked()
		require.Len(t, asked, 1)
		require.Equal(t, "acme", asked[0].Account)
		require.WithinDuration(t, since, asked[0].CreatedAfter, time.Millisecond)
		require.NoError(t, b.reconciler.MarkHot(t.Context(), "kombo", "", since, operator))
		require.Equal(t, 2, b.tick(t).Runs)
		require.Zero(t, b.tick(t).Runs)
	})
}

// All processes were down for half an hour: every integration is asked for what
// came then, those in use first.
func TestBlindTime(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		never := func(c *sqlstore.ReconcilerConfig) { c.Full = 100 * 365 * 24 * time.Hour } // a full sweep asks for more
		b := newReconcileBench(t, d, never)
		b.accounts = []sqlstore.Integration{integration("quiet"), integration("busy"), integration("new")}
		beat := func(id string) sqlstore.Pulse {
			p, err := b.store.Beat(t.Context(), id)
			require.NoError(t, err)
			return p
		}
		require.Equal(t, sqlstore.Pulse{Processes: 1, Leads: true}, beat("a"), "the first of all misses nobody")
		require.Equal(t, 2, beat("b").Processes)
		b.tick(t)
		for range 25 * 6 {
			b.shift(t, 10*time.Minute)
			_, err := b.db.Exec("UPDATE " + b.table("processes") + " SET seen = seen + 600000")
			require.NoError(t, err)
			b.tick(t)
		}
		require.NoError(t, b.reconciler.Delivered(t.Context(), integration("busy")))
		b.lister.asked()
		gap := b.now(t)
		b.shift(t, time.Minute)
		require.Zero(t, beat("a").Blind)
		b.shift(t, 30*time.Minute)
		b.place(t, "quiet", 1, 10*time.Minute)
		p := beat("c")
		require.InDelta(t, 30*time.Minute, p.Blind, float64(time.Minute))
		require.Equal(t, 1, p.Processes)
		require.Zero(t, beat("b").Blind, "one notices")
		b.tick(t)
		asked := b.lister.asked()
		require.Equal(t, "busy", asked[0].Account)
		for _, q := range asked {
			if len(q.IDs) == 0 {
				require.WithinDuration(t, gap.Add(-59*time.Minute), q.CreatedAfter, time.Minute)
			}
		}
		require.Equal(t, 1, b.start(t))
	})
}

// A sweep of many pages is carried on by another process where the budget ended.
func TestFullSweepIsCarriedOn(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.tick(t)
		b.shift(t, time.Hour)
		b.place(t, "acme", 2000, time.Minute)
		for i := range 2000 {
			if i%100 != 7 {
				insert := fmt.Sprintf("INSERT INTO %s (key, ref, token, until, answer, made) VALUES ('%s', '', '', 0, CAST('erased' AS %s), 0)",
					b.table("claims"), ofAccount("acme", fmt.Sprint("o", i)), map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "BYTEA", sqlstore.SQLite: "BLOB"}[b.dialect])
				_, err := b.db.Exec(insert)
				require.NoError(t, err)
			}
		}
		b.shift(t, 8*24*time.Hour)
		b.lister.asked()
		queued, runs := 0, 0
		for range 100 {
			// Each process has the time for one page or two.
			r := b.another(t, func(c *sqlstore.ReconcilerConfig) { c.CallsPerMinute = 300 })
			done, err := r.Tick(t.Context(), time.Millisecond)
			require.NoError(t, err)
			require.LessOrEqual(t, done.Calls, 6)
			queued, runs = queued+done.Queued, runs+done.Runs
			b.shift(t, 2*time.Second)
		}
		require.Equal(t, 20, queued)
		cursors := make(map[string]int)
		for _, q := range b.lister.asked() {
			if len(q.IDs) == 0 && q.Cursor != "" {
				cursors[q.Cursor]++
			}
		}
		require.Len(t, cursors, 7)
		require.Equal(t, 20, b.start(t))
	})
}

// No more than a fifth of the vendor's limit is used, by all processes together.
func TestReconcilerBudget(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		for i := range 300 {
			b.accounts = append(b.accounts, integration(fmt.Sprint("a", i)))
		}
		of300 := func(c *sqlstore.ReconcilerConfig) { c.CallsPerMinute = 300 }
		processes := []*sqlstore.Reconciler{b.another(t, of300), b.another(t, of300)}
		require.NoError(t, processes[0].Refresh(t.Context()))
		b.shift(t, 2*time.Hour)
		began := b.now(t)
		calls, overdue := 0, 300
		for range 30 {
			for _, r := range processes {
				done, err := r.Tick(t.Context(), 50*time.Millisecond)
				require.NoError(t, err)
				calls += done.Calls
			}
			late, err := b.store.Overdue(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, late.Overdue, overdue)
			require.Greater(t, late.Oldest, time.Hour)
			overdue = late.Overdue
			b.shift(t, 2*time.Second)
		}
		most := b.now(t).Sub(began).Seconds() + 6
		require.LessOrEqual(t, float64(calls), most)
		require.Greater(t, calls, 30)
	})
}

// What fails is tried again, later and later; a limit is no fault; others go on.
func TestReconcilerFailures(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.tick(t)
		b.shift(t, 25*time.Hour)
		for range 2 {
			b.tick(t)
		}
		calls := func(hours int) int {
			b.lister.asked()
			for range hours * 60 {
				b.shift(t, time.Minute)
				b.tick(t)
			}
			return len(b.lister.asked())
		}
		b.lister.fails(&assessment.APIError{StatusCode: 500})
		n := calls(25)
		require.Greater(t, n, 3)
		require.Less(t, n, 20)
		b.lister.fails(nil)
		b.place(t, "acme", 1, time.Hour)
		calls(8)
		require.Equal(t, 1, b.start(t))
		b.listErr = errors.New("no list")
		b.shift(t, 11*time.Minute)
		_, err := b.reconciler.Tick(t.Context(), time.Second)
		require.ErrorIs(t, err, b.listErr)
	})
}

// An integration that is switched off, that is gone, or whose asking is paused, is
// not asked; what the host does not list any more goes after a while.
func TestReconcilerStopsAsking(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("removed"), integration("paused"), integration("unlisted"), integration("stays"), {Vendor: assessment.Ashby, Account: "nobody to ask"}}
		b.tick(t)
		require.NoError(t, b.reconciler.Remove(t.Context(), integration("removed")))
		require.NoError(t, b.store.Pause(t.Context(), "kombo", "paused", sqlstore.SwitchReconcile, operator))
		b.accounts = []sqlstore.Integration{integration("paused"), integration("stays")}
		for range 3 {
			b.shift(t, 11*time.Minute)
			b.tick(t)
		}
		b.lister.asked()
		b.shift(t, 25*time.Hour)
		b.tick(t)
		for _, q := range b.lister.asked() {
			require.Equal(t, "stays", q.Account)
		}
		require.NoError(t, b.store.Resume(t.Context(), "kombo", "paused", sqlstore.SwitchReconcile, operator))
		require.Equal(t, 1, b.tick(t).Runs)
		require.NoError(t, b.reconciler.Add(t.Context(), integration("removed")))
		b.tick(t)
		require.Equal(t, "removed", b.lister.asked()[1].Account)
		late, err := b.store.Overdue(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, late.Integrations)
	})
}

// Orders from before, on purpose: counted first, then started, however many.
func TestBackfill(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.tick(t)
		b.place(t, "acme", 70, 48*time.Hour)
		b.place(t, "acme", 300, 24*time.Hour)
		b.place(t, "acme", 1, time.Minute)
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "o80"))))
		from := b.now(t).Add(-25 * time.Hour)
		done, err := b.reconciler.Backfill(t.Context(), integration("acme"), from, true, operator)
		require.NoError(t, err)
		require.Equal(t, sqlstore.Backfilled{Open: 301, Lost: 300}, done)
		require.Equal(t, 1, b.start(t))
		_, err = b.reconciler.Backfill(t.Context(), integration("acme"), from, false, sqlstore.Act{})
		require.Error(t, err)
		done, err = b.reconciler.Backfill(t.Context(), integration("acme"), from, false, operator)
		require.NoError(t, err)
		require.Equal(t, sqlstore.Backfilled{Open: 301, Lost: 300, Young: 1, Queued: 299}, done)
		for range 5 {
			b.start(t)
		}
		require.Equal(t, 300, b.start(t))
		done, err = b.reconciler.Backfill(t.Context(), integration("acme"), from, false, operator)
		require.NoError(t, err)
		require.Zero(t, done.Queued)
		acts, err := b.store.Acts(t.Context(), "kombo", "acme")
		require.NoError(t, err)
		require.Len(t, acts, 2)
	})
}
