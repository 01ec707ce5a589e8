package durable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// leaving is the account of a customer who leaves. No other name contains it.
const leaving = "leaver/42 %_"

func leavingRef(id string) assessment.OrderRef { return ofAccount(leaving, id) }

// stays are accounts whose references lie around those of the leaving one.
var stays = []string{"leaver/42 %", "leaver/42 %_2", "leaver", "zz"}

// fill makes every kind of row for an account: orders of two kinds that are queued,
// fail, were started, rejected, started at once; results that are pending, written,
// refused, uncertain; gates, acts and an integration.
func (b *reconcileBench) fill(t *testing.T, account string) {
	t.Helper()
	ctx := t.Context()
	of := func(id string, kind assessment.Kind) assessment.OrderRef {
		ref := ofAccount(account, id)
		ref.Kind = kind
		return ref
	}
	b.provider.says(assessment.Started{CandidateURL: "https://tests.example.com/" + marker}, nil)
	for i, kind := range []assessment.Kind{"", assessment.KindBackgroundCheck} {
		started := of(fmt.Sprint("started-", i), kind)
		require.NoError(t, b.spool.Queue(ctx, order(started)))
		b.work(t, started)
		b.publish(t, started, interim(marker))
		b.flush(t, started)
		require.NoError(t, b.spool.Queue(ctx, order(of(fmt.Sprint("queued-", i), kind))))
	}
	_, err := b.intake.Start(ctx, order(of("at once", "")))
	require.NoError(t, err)
	b.provider.says(assessment.Started{}, assessment.Reject("no seats for "+marker))
	require.NoError(t, b.spool.Queue(ctx, order(of("rejected", ""))))
	b.work(t, of("rejected", "")) // its result is pending
	b.vendor.says(assessment.Receipt{}, template)
	b.publish(t, of("started-0", ""), final(marker))
	b.flush(t, of("started-0", "")) // refused
	b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 408, Uncertain: true})
	b.publish(t, of("started-1", assessment.KindBackgroundCheck), final(marker))
	b.flush(t, of("started-1", assessment.KindBackgroundCheck)) // uncertain
	b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 429, RetryAfter: time.Hour})
	b.publish(t, of("limited", ""), final(marker))
	b.flush(t, of("limited", "")) // pending, and a gate is closed
	b.vendor.says(written, nil)
	require.NoError(t, b.reconciler.Add(ctx, integration(account)))
	require.NoError(t, b.reconciler.MarkHot(ctx, "kombo", sqlstore.Account(account), b.now(t), operator))
}

// rowsOf counts the rows of all tables that name an account.
func (d *database) rowsOf(t *testing.T, account string) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	like := "/" + sqlstore.Account(account) + "/"
	for table, columns := range map[string][]string{
		"claims": {"key", "ref"}, "orders": {"ref"}, "results": {"ref"}, "lanes": {"ref"}, "subjects": {"ref"}, "journal": {"ref"},
	} {
		for _, column := range columns {
			refs := d.text(t, "SELECT "+column+" FROM "+d.table(table)+" WHERE "+column+" <> ''")
			for ref := range strings.FieldsSeq(refs) {
				if strings.Contains(ref, like) {
					counts[table]++
				}
			}
		}
	}
	for _, table := range []string{"gates", "integrations"} {
		for name := range strings.FieldsSeq(d.text(t, "SELECT account FROM "+d.table(table)+" WHERE account <> ''")) {
			if name == sqlstore.Account(account) {
				counts[table]++
			}
		}
	}
	return counts
}

func total(counts map[string]int) (n int64) {
	for _, rows := range counts {
		n += int64(rows)
	}
	return n
}

func (b *reconcileBench) offboard(t *testing.T, o sqlstore.Offboarding) sqlstore.Offboarded {
	t.Helper()
	done, err := b.store.Offboard(t.Context(), assessment.Kombo, "", leaving, o)
	require.NoError(t, err)
	return done
}

// An account goes from every table, and no other one does; the count is told first
// and has to be confirmed. One row of the journal says what happened.
func TestOffboard(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.fill(t, leaving)
		before := make(map[string]map[string]int)
		for _, account := range stays {
			b.fill(t, account)
			before[account] = d.rowsOf(t, account)
		}
		counts := d.rowsOf(t, leaving)
		require.Len(t, counts, 8, "every table has rows: %v", counts)

		dry := b.offboard(t, sqlstore.Offboarding{Act: operator, DryRun: true})
		require.Equal(t, total(counts), dry.Rows())
		require.Equal(t, sqlstore.Offboarded{
			Orders: int64(counts["orders"]), Results: int64(counts["results"]), Claims: int64(counts["claims"]),
			Lanes: int64(counts["lanes"]), Subjects: int64(counts["subjects"]), Journal: int64(counts["journal"]),
			Gates: int64(counts["gates"]), Integrations: 1,
			OrdersWaiting: 2, ResultsWaiting: 4, // refused, uncertain, limited, the rejection
		}, dry)
		require.Equal(t, counts, d.rowsOf(t, leaving), "a dry run changes nothing")
		for name, o := range map[string]sqlstore.Offboarding{
			"nobody did it":        {Most: dry.Rows()},
			"nothing confirmed":    {Act: operator},
			"too little":           {Act: operator, Most: dry.Rows() - 1},
			"a negative number":    {Act: operator, Most: -1},
			"nobody, in a dry run": {DryRun: true},
		} {
			_, err := b.store.Offboard(t.Context(), assessment.Kombo, "", leaving, o)
			require.Error(t, err, name)
			require.Equal(t, counts, d.rowsOf(t, leaving), name)
		}
		_, err := b.store.Offboard(t.Context(), assessment.Kombo, "", leaving, sqlstore.Offboarding{Act: operator, Most: 3})
		require.ErrorIs(t, err, sqlstore.ErrMoreRows)
		_, err = b.store.Offboard(t.Context(), assessment.Kombo, "", "", sqlstore.Offboarding{Act: operator, DryRun: true})
		require.ErrorIs(t, err, assessment.ErrInvalid)

		calls := len(b.vendor.got)
		done := b.offboard(t, sqlstore.Offboarding{Act: operator, Most: dry.Rows()})
		require.True(t, done.Done)
		dry.Done = true
		require.Equal(t, dry, done)
		require.Equal(t, map[string]int{"journal": 1}, d.rowsOf(t, leaving))
		for account, rows := range before {
			require.Equal(t, rows, d.rowsOf(t, account), account)
		}
		acts, err := b.store.Acts(t.Context(), "kombo", sqlstore.Account(leaving))
		require.NoError(t, err)
		require.Len(t, acts, 1)
		require.Equal(t, sqlstore.NoteOffboarded, acts[0].What)
		require.Equal(t, operator.Actor, acts[0].Detail.Actor)
		require.Equal(t, operator.Reason, acts[0].Detail.Reason)
		done.Done = false
		require.Equal(t, &done, acts[0].Detail.Removed)

		// Again, it changes nothing, and needs no number.
		require.Equal(t, sqlstore.Offboarded{Done: true}, b.offboard(t, sqlstore.Offboarding{Act: operator}))
		again, err := b.store.Acts(t.Context(), "kombo", sqlstore.Account(leaving))
		require.NoError(t, err)
		require.Equal(t, acts, again)
		require.Len(t, b.vendor.got, calls, "the vendor was told nothing")
		// It stays when the journal's other rows go.
		b.shift(t, 500*24*time.Hour)
		_, err = b.store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"journal": 1}, d.rowsOf(t, leaving))
	})
}

// Whatever comes late for an account that was offboarded starts nothing and stores
// nothing, whichever way it comes, until somebody lets the account in again.
func TestOffboardedAccountLate(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.fill(t, leaving)
		b.offboard(t, sqlstore.Offboarding{Act: operator, Most: 1000})
		starts := b.provider.count()
		b.provider.says(assessment.Started{CandidateURL: "https://tests.example.com"}, nil)
		late := order(leavingRef("started-0"))
		natural := ashbyStart("app-1")
		natural.Ref.Account = "gone"
		_, err := b.store.Offboard(t.Context(), assessment.Ashby, "", "gone", sqlstore.Offboarding{Act: operator})
		require.NoError(t, err)
		b.accounts = []sqlstore.Integration{integration(leaving)} // the host lists it still
		b.place(t, leaving, 3, time.Hour)

		everyWay := func(want error) {
			t.Helper()
			_, err := b.intake.Start(t.Context(), late)
			require.ErrorIs(t, err, want, "inline, or by a host's own queue")
			_, err = b.intake.Start(t.Context(), natural)
			require.ErrorIs(t, err, want, "without a vendor's id")
			require.ErrorIs(t, b.spool.Queue(t.Context(), order(leavingRef("queued-0"))), want)
			require.ErrorIs(t, b.spool.Queue(t.Context(), order(leavingRef("new"))), want)
			_, err = b.outbox.Publish(t.Context(), sqlstore.Message{Ref: late.Ref, Result: final(marker)})
			require.ErrorIs(t, err, want)
			_, err = b.outbox.PublishResult(t.Context(), leavingRef("new"), interim(marker))
			require.ErrorIs(t, err, want)
			b.imports(t, sqlstore.ImportOptions{}) // of nothing
			_, err = b.store.Import(t.Context(), source(sqlstore.Imported{Ref: leavingRef("old"), State: sqlstore.ImportRunning}), sqlstore.ImportOptions{})
			require.ErrorIs(t, err, want)
		}
		everyWay(assessment.ErrErased)
		_, err = b.outbox.Publish(t.Context(), sqlstore.Message{Ref: late.Ref, Result: final(marker)})
		require.ErrorIs(t, err, sqlstore.ErrOffboarded)
		b.shift(t, 11*time.Minute)
		b.tick(t)
		b.shift(t, 25*time.Hour)
		b.tick(t)
		require.Empty(t, b.lister.asked())
		require.Equal(t, map[string]int{"journal": 1}, d.rowsOf(t, leaving))
		require.Equal(t, map[string]int{"journal": 1}, d.rowsOf(t, "gone"))
		require.Equal(t, starts, b.provider.count())

		require.Error(t, b.store.Readmit(t.Context(), assessment.Kombo, "", leaving, sqlstore.Act{}))
		require.ErrorIs(t, b.store.Readmit(t.Context(), assessment.Kombo, "", "never heard of", operator), sqlstore.ErrNotOffboarded)
		for account, vendor := range map[string]assessment.Vendor{leaving: assessment.Kombo, "gone": assessment.Ashby} {
			require.NoError(t, b.store.Readmit(t.Context(), vendor, "", account, operator))
		}
		everyWay(nil)
		require.Equal(t, starts+2, b.provider.count())
		words := []string{}
		acts, err := b.store.Acts(t.Context(), "kombo", sqlstore.Account(leaving))
		require.NoError(t, err)
		for _, a := range acts {
			words = append(words, a.What)
		}
		require.Equal(t, []string{sqlstore.NoteOffboardedOnce, sqlstore.NoteReadmitted}, words)
		// And it can leave again; both stay told.
		require.True(t, b.offboard(t, sqlstore.Offboarding{Act: operator, Most: 1000}).Done)
		require.Equal(t, map[string]int{"journal": 3}, d.rowsOf(t, leaving))
	})
}

// With Keep what waits comes to its end, and new orders are refused meanwhile. Then
// the same call removes the account.
func TestOffboardKeep(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.fill(t, leaving)
		b.provider.says(assessment.Started{CandidateURL: "https://tests.example.com"}, nil)
		keep := sqlstore.Offboarding{Act: operator, Keep: true, Most: 1000}
		counts := d.rowsOf(t, leaving)
		for range 2 {
			require.Equal(t, sqlstore.Offboarded{OrdersWaiting: 2, ResultsWaiting: 4}, b.offboard(t, keep))
		}
		counts["journal"]++
		require.Equal(t, counts, d.rowsOf(t, leaving), "tombstones stay")
		b.lister.asked()
		b.accounts = []sqlstore.Integration{integration(leaving)}
		b.shift(t, 2*time.Hour)
		b.tick(t)
		require.Empty(t, b.lister.asked())

		require.ErrorIs(t, b.spool.Queue(t.Context(), order(leavingRef("new"))), sqlstore.ErrOffboarded)
		_, err := b.intake.Start(t.Context(), order(leavingRef("new")))
		require.ErrorIs(t, err, assessment.ErrErased)
		require.NoError(t, b.spool.Queue(t.Context(), order(leavingRef("queued-0"))), "delivered again")
		got, err := b.intake.Start(t.Context(), order(leavingRef("started-0")))
		require.NoError(t, err)
		require.True(t, got.Replayed)

		starts := b.provider.count()
		for _, ref := range b.dueOrders(t) {
			b.work(t, ref)
		}
		require.Equal(t, starts+2, b.provider.count(), "queued orders are started")
		b.publish(t, leavingRef("queued-0"), final("end"))
		for _, id := range b.due(t, 0) {
			b.flush(t, leavingRef(id))
		}
		require.Equal(t, sqlstore.Offboarded{ResultsWaiting: 2}, b.offboard(t, keep), "refused and uncertain")
		_, err = b.outbox.DiscardMany(t.Context(), sqlstore.Filter{Uncertain: true}, many())
		require.NoError(t, err)
		require.True(t, b.offboard(t, keep).Done)
		require.Equal(t, map[string]int{"journal": 1}, d.rowsOf(t, leaving))
		_, err = b.outbox.Publish(t.Context(), sqlstore.Message{Ref: leavingRef("queued-0"), Result: final("more")})
		require.ErrorIs(t, err, sqlstore.ErrOffboarded)
	})
}

// Cut off after any of its statements, it is carried on by the next call, and the
// journal's row counts every row once.
func TestOffboardIsCarriedOn(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.fill(t, leaving)
		dry := b.offboard(t, sqlstore.Offboarding{Act: operator, DryRun: true})
		cuts, finished := 0, false
		for n := 1; !finished; n += 7 {
			left := n
			pool := b.tampered(t, func(query string) string {
				if !strings.Contains(query, "DELETE FROM") && !strings.Contains(query, "SET detail") {
					return query
				}
				if left--; left < 0 {
					return "SELECT nothing FROM nowhere"
				}
				return query
			})
			cut, err := b.over(t, pool, sqlstore.Options{}).Offboard(t.Context(), assessment.Kombo, "", leaving,
				sqlstore.Offboarding{Act: operator, Most: dry.Rows()})
			if finished = err == nil; finished {
				require.True(t, cut.Done)
				break
			}
			cuts++
			require.Equal(t, sqlstore.Worked{}, b.work(t, leavingRef("queued-0")), "nothing of it is started meanwhile")
			require.Empty(t, b.due(t, 0), "and nothing is written")
		}
		require.Greater(t, cuts, 2)
		require.Equal(t, map[string]int{"journal": 1}, d.rowsOf(t, leaving))
		acts, err := b.store.Acts(t.Context(), "kombo", sqlstore.Account(leaving))
		require.NoError(t, err)
		require.Equal(t, &dry, acts[0].Detail.Removed)
	})
}

// A result that is being written, and an order that is being started, while the
// account goes leave nothing behind.
func TestOffboardBesideWork(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		d.slow = true
		leave := func() { b.offboard(t, sqlstore.Offboarding{Act: operator, Most: 1000}) }
		b.publish(t, leavingRef("1"), final(marker))
		require.NoError(t, b.spool.Queue(t.Context(), order(leavingRef("2"))))
		b.provider.answer = func(assessment.Order) (assessment.Started, error) {
			b.vendor.during = func(context.Context) { leave() }
			require.True(t, b.flush(t, leavingRef("1")).Lost)
			return assessment.Started{CandidateURL: "https://tests.example.com/" + marker}, nil
		}
		b.work(t, leavingRef("2"))
		require.Len(t, b.vendor.got, 1)
		require.Equal(t, map[string]int{"journal": 1}, d.rowsOf(t, leaving))
	})
}

// More rows than go in one transaction, and one more that came in beside it.
func TestOffboardInPortions(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		var old []sqlstore.Imported
		for i := range 1200 {
			old = append(old, sqlstore.Imported{Ref: leavingRef(fmt.Sprint(i)), State: sqlstore.ImportFinal, Candidate: fmt.Sprint("c", i)})
		}
		b.imports(t, sqlstore.ImportOptions{}, old...)
		transactions, beside := 0, false
		pool := b.tampered(t, func(query string) string {
			if strings.Contains(query, "DELETE FROM") {
				transactions++
			}
			if strings.Contains(query, "SELECT MIN(ref) FROM") && transactions > 0 && !beside {
				beside = true // everything was removed once
				_, err := d.db.Exec("INSERT INTO " + d.table("journal") + " (ref, at, what, detail) VALUES ('" + leavingRef("7").String() + "', 0, 'order.started', '{}')")
				require.NoError(t, err)
			}
			return query
		})
		done, err := b.over(t, pool, sqlstore.Options{}).Offboard(t.Context(), assessment.Kombo, "", leaving, sqlstore.Offboarding{Act: operator, Most: 3600})
		require.NoError(t, err)
		require.Equal(t, sqlstore.Offboarded{Orders: 1200, Claims: 1200, Lanes: 1200, Journal: 1, Done: true}, done)
		require.GreaterOrEqual(t, transactions, 9)
	})
}

// No byte of the account is left in any table, River's included, nor in the
// emergency folder, but for the one row that says that it was offboarded.
func TestServiceOffboard(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		folder := t.TempDir()
		b := newServiceBench(t, d, nil)
		c := d.config(t, b.provider, b.vendor)
		c.Emergency = folder
		service, err := durable.New(c)
		require.NoError(t, err)
		b.service = service
		const gone = "4711.gone"
		save := func(account string) {
			ref := ofAccount(account, "saved")
			body := `{"ref":"` + ref.String() + `","candidate":{"id":"c-1","email":"` + marker + `"}}`
			require.NoError(t, os.WriteFile(filepath.Join(folder, "order-"+hashed(ref.String())+".json"), []byte(body), 0o600))
		}
		b.provider.answer = func(o assessment.Order) (assessment.Started, error) {
			switch o.Ref.ID {
			case "rejected":
				return assessment.Started{}, assessment.Reject("no seats for " + marker)
			case "fails":
				return assessment.Started{}, errors.New(marker)
			}
			return assessment.Started{CandidateURL: "https://tests.example.com/" + marker}, nil
		}
		b.run(t)
		for _, account := range []string{gone, "stays"} {
			for _, id := range []string{"started", "rejected", "fails"} {
				require.NoError(t, service.Queue(t.Context(), order(ofAccount(account, id))))
			}
			require.NoError(t, service.DB().Pause(t.Context(), "kombo", sqlstore.Account(account), sqlstore.SwitchReconcile, operator))
		}
		eventually(t, "the rejections are written", func() bool { return b.vendor.count() == 2 })
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422, Message: marker, Body: []byte(marker)})
		for _, account := range []string{gone, "stays"} {
			_, err = service.Publish(t.Context(), sqlstore.Message{Ref: ofAccount(account, "started"), Result: final(marker)})
			require.NoError(t, err)
		}
		eventually(t, "the results are refused", func() bool { return b.vendor.count() == 4 })
		require.NoError(t, b.stop())
		save(gone)
		save("stays")
		jobs := b.count(t, b.jobTable())

		dry, err := service.Offboard(t.Context(), assessment.Kombo, "", gone, sqlstore.Offboarding{Act: operator, DryRun: true})
		require.NoError(t, err)
		require.Equal(t, 1, dry.Files)
		require.GreaterOrEqual(t, dry.Jobs, 5)
		require.Equal(t, jobs, b.count(t, b.jobTable()))
		done, err := service.Offboard(t.Context(), assessment.Kombo, "", gone, sqlstore.Offboarding{Act: operator, Most: dry.Rows()})
		require.NoError(t, err)
		dry.Done = true
		require.Equal(t, dry, done)

		require.Equal(t, jobs-done.Jobs, b.count(t, b.jobTable()))
		for _, table := range d.allTables(t) {
			if !strings.HasSuffix(table, "assessbridge_journal") {
				d.lacksIn(t, table, gone)
			}
		}
		require.Equal(t, 1, b.count(t, b.table("journal")+" WHERE ref LIKE '%4711.gone%' OR detail LIKE '%4711.gone%'"))
		require.Positive(t, b.count(t, b.table("orders")+" WHERE ref LIKE '%stays%'"))
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Len(t, left, 1)
		require.Equal(t, "order-"+hashed(ofAccount("stays", "saved").String())+".json", left[0].Name())

		// A late delivery is refused at once, also one that was saved meanwhile.
		save(gone)
		began := time.Now()
		fresh := newServiceBench(t, d, func(c *durable.Config) { c.Emergency = folder })
		fresh.run(t)
		require.ErrorIs(t, fresh.service.Queue(t.Context(), order(ofAccount(gone, "started"))), assessment.ErrErased)
		require.Less(t, time.Since(began), durable.DefaultQueueWait)
		eventually(t, "the folder is empty", func() bool {
			left, err := os.ReadDir(folder)
			return err == nil && len(left) == 0
		})
		require.NoError(t, fresh.stop())
		require.Equal(t, 1, b.count(t, b.table("journal")+" WHERE ref LIKE '%4711.gone%'"))
		require.Zero(t, b.count(t, b.table("orders")+" WHERE ref LIKE '%4711.gone%'"))
	})
}

// With Keep an order in the emergency folder waits like a queued one.
func TestServiceOffboardKeepsSavedOrders(t *testing.T) {
	d := newSQLite(t)
	folder := t.TempDir()
	b := newServiceBench(t, d, func(c *durable.Config) { c.Emergency = folder })
	ref := ofAccount("gone", "saved")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "order-"+hashed(ref.String())+".json"), []byte(`{"ref":"`+ref.String()+`"}`), 0o600))
	done, err := b.service.Offboard(t.Context(), assessment.Kombo, "", "gone", sqlstore.Offboarding{Act: operator, Keep: true, Most: 100})
	require.NoError(t, err)
	require.Equal(t, durable.Offboarded{Offboarded: sqlstore.Offboarded{OrdersWaiting: 1}}, done)
	b.run(t)
	eventually(t, "it is started", func() bool { return b.provider.count() == 1 })
	require.NoError(t, b.stop())
	done, err = b.service.Offboard(t.Context(), assessment.Kombo, "", "gone", sqlstore.Offboarding{Act: operator, Keep: true, Most: 100})
	require.NoError(t, err)
	require.True(t, done.Done)
	require.NoError(t, b.service.Readmit(t.Context(), assessment.Kombo, "", "gone", operator))
}

// While an account's rows are being removed nobody can switch it on again.
func TestOffboardingIsNotResumed(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.fill(t, leaving)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		store := b.over(t, b.tampered(t, func(query string) string {
			if matches(query, "DELETE FROM %slanes") {
				cancel()
			}
			return query
		}), sqlstore.Options{})
		_, err := store.Offboard(ctx, assessment.Kombo, "", leaving, sqlstore.Offboarding{Act: operator, Most: 1000})
		require.Error(t, err)
		closed := func() (causes []string) {
			gates, err := b.store.Gates(t.Context())
			require.NoError(t, err)
			for _, g := range gates {
				causes = append(causes, string(g.What)+" "+g.Cause)
			}
			return causes
		}
		for _, what := range []sqlstore.Switch{sqlstore.SwitchStarts, sqlstore.SwitchResults} {
			require.NoError(t, b.store.Resume(t.Context(), "kombo", sqlstore.Account(leaving), what, operator))
			require.Contains(t, closed(), string(what)+" offboarding")
		}
	})
}
