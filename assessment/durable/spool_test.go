package durable_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

func TestQueuedOrderStartsOnce(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		o := order(komboRef("1"))
		o.Job.Name = "Engineer"
		require.NoError(t, b.spool.Queue(t.Context(), o))
		require.NoError(t, b.spool.Queue(t.Context(), o))
		require.Equal(t, []assessment.OrderRef{o.Ref}, b.dueOrders(t))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { _, _ = b.spool.Work(context.WithoutCancel(t.Context()), o.Ref) })
		}
		all.Wait()
		require.Equal(t, "started", b.orders(t))
		require.Len(t, b.provider.starts, 1)
		require.Equal(t, o, b.provider.starts[0])
		d.lacks(t, "orders", marker)

		// Delivered again, next year.
		b.shift(t, 366*24*time.Hour)
		require.NoError(t, b.spool.Queue(t.Context(), o))
		require.Empty(t, b.dueOrders(t))
		require.Equal(t, sqlstore.Worked{}, b.work(t, o.Ref))
		require.Len(t, b.provider.starts, 1)
		require.Equal(t, []string{sqlstore.NoteQueued, sqlstore.NoteStarted}, b.notes(t, o.Ref))
		require.ErrorIs(t, b.spool.Queue(t.Context(), order(komboRef(""))), assessment.ErrInvalid)
	})
}

// A rejection is told once, in the transaction that ends the order.
func TestQueuedOrderIsRejected(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.provider.says(assessment.Started{}, assessment.Reject("no seats"))
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		require.True(t, b.work(t, komboRef("1")).Done)
		require.Equal(t, "rejected", b.orders(t))
		// The reconciler meets the order as well.
		require.NoError(t, b.intake.Work(t.Context(), order(komboRef("1")), b.outbox))
		require.Equal(t, "pending", b.states(t, komboRef("1")))
		b.flush(t, komboRef("1"))
		require.Len(t, b.vendor.got, 1)
		got := b.vendor.got[0].r
		require.Equal(t, assessment.StatusCancelled, got.Status)
		require.Equal(t, "no seats", got.Reason)
	})
}

// Killed anywhere between the delivery and the vendor's answer, the vendor gets
// one cancelled result.
func TestRejectionKilledAtEveryPoint(t *testing.T) {
	points := map[string]string{
		"before the claim":            "INSERT INTO %sclaims",
		"before the answer is stored": "SET answer = ",
		"before the order ends":       "faulted = ",
		"before the result is stored": "INSERT INTO %sresults",
		"before the journal":          "INSERT INTO %sjournal",
	}
	for name, at := range points {
		t.Run(name, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newIntakeBench(t, d)
				b.provider.says(assessment.Started{}, assessment.Reject("no seats"))
				require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
				b.dies(t, at)
				b.shift(t, 10*time.Minute) // the leases of the dead process
				for range 3 {
					b.work(t, komboRef("1"))
					b.flush(t, komboRef("1"))
				}
				require.Equal(t, "rejected", b.orders(t))
				require.Len(t, b.vendor.got, 1)
				require.Equal(t, assessment.StatusCancelled, b.vendor.got[0].r.Status)
			})
		})
	}
}

// dies works on the order in a process of which nothing arrives at the database
// from a statement on.
func (b *intakeBench) dies(t *testing.T, at string) {
	var dead atomic.Bool
	pool := b.tampered(t, func(query string) string {
		if dead.Load() || matches(query, at) {
			dead.Store(true)
			return "SELECT nothing FROM nowhere"
		}
		return query
	})
	store := b.over(t, pool, sqlstore.Options{})
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: b.provider, Store: store.Store()})
	require.NoError(t, err)
	spool, err := store.Spool(sqlstore.SpoolConfig{Intake: intake, Lease: 600 * time.Millisecond})
	require.NoError(t, err)
	_, _ = spool.Work(t.Context(), komboRef("1"))
	require.True(t, dead.Load())
}

func TestFaultingOrder(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.provider.says(assessment.Started{}, errors.New(marker))
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		again := b.work(t, komboRef("1")).Again
		require.Positive(t, again)
		require.LessOrEqual(t, again, 5*time.Second)
		require.Empty(t, b.dueOrders(t))
		for range 8 {
			require.Equal(t, "queued", b.orders(t))
			b.shift(t, 7*time.Minute)
			b.work(t, komboRef("1"))
		}
		b.shift(t, 16*time.Minute)
		again = b.work(t, komboRef("1")).Again
		require.LessOrEqual(t, again, 15*time.Minute)
		require.Equal(t, "attention", b.orders(t))
		waiting, err := b.spool.Attention(t.Context(), 10)
		require.NoError(t, err)
		require.Len(t, waiting, 1)
		require.Equal(t, "faulting", waiting[0].Reason)
		d.lacks(t, "journal", marker)

		// It is tried all the same, and at once when somebody says so.
		b.provider.answer = nil
		require.NoError(t, b.spool.StartNow(t.Context(), komboRef("1"), operator))
		require.True(t, b.work(t, komboRef("1")).Done)
		require.Equal(t, "started", b.orders(t))
		require.ErrorIs(t, b.spool.StartNow(t.Context(), komboRef("1"), operator), sqlstore.ErrNoOrder)
	})
}

// An order that is ended by hand is not started by whoever meets it next.
func TestOrderEndedByHand(t *testing.T) {
	for name, c := range map[string]struct {
		end     func(context.Context, *sqlstore.Spool) error
		state   string
		results string
	}{
		"rejected": {func(ctx context.Context, s *sqlstore.Spool) error {
			return s.RejectOrder(ctx, komboRef("1"), "not offered any more", operator)
		}, "rejected", "pending"},
		"discarded": {func(ctx context.Context, s *sqlstore.Spool) error { return s.Discard(ctx, komboRef("1"), operator) }, "discarded", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newIntakeBench(t, d)
				require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
				require.NoError(t, c.end(t.Context(), b.spool))
				require.Equal(t, c.state, b.orders(t))
				require.Equal(t, c.results, b.states(t, komboRef("1")))
				b.work(t, komboRef("1"))
				_, err := b.intake.Start(t.Context(), order(komboRef("1")))
				require.ErrorIs(t, err, assessment.ErrErased)
				require.Empty(t, b.provider.starts)
				d.lacks(t, "orders", marker)
				require.ErrorIs(t, c.end(t.Context(), b.spool), sqlstore.ErrNoOrder)
			})
		})
	}
}

// An order that this release cannot read waits; one of a newer form is left to
// a newer process.
func TestUnreadableOrder(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		_, err := b.db.Exec("UPDATE " + b.table("orders") + " SET body = 'no order', form = 2")
		require.NoError(t, err)
		require.Empty(t, b.dueOrders(t))
		require.Equal(t, sqlstore.Worked{}, b.work(t, komboRef("1")))
		require.Equal(t, "queued", b.orders(t))
		_, err = b.db.Exec("UPDATE " + b.table("orders") + " SET form = 1")
		require.NoError(t, err)
		require.Positive(t, b.work(t, komboRef("1")).Again)
		require.Equal(t, "attention", b.orders(t))
	})
}

// A process that ends during a start leaves the order to the next one.
func TestInterruptedStart(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		require.NoError(t, b.intake.Drain(t.Context()))
		require.False(t, b.work(t, komboRef("1")).Done)
		require.Equal(t, "queued", b.orders(t))
		require.Equal(t, []assessment.OrderRef{komboRef("1")}, b.dueOrders(t))
	})
}

func TestErase(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		tables := []string{"claims", "orders", "results", "lanes", "gates", "journal"}
		for _, id := range []string{"waiting", "started", "written", "other"} {
			require.NoError(t, b.spool.Queue(t.Context(), order(komboRef(id))))
			if id != "waiting" {
				b.work(t, komboRef(id))
			}
			if id == "written" || id == "other" {
				b.publish(t, komboRef(id), final(marker))
				b.flush(t, komboRef(id))
			}
		}
		b.publish(t, komboRef("started"), final(marker))
		for _, id := range []string{"waiting", "started", "written"} {
			require.NoError(t, b.store.Erase(t.Context(), komboRef(id)))
		}
		refs, err := b.store.EraseSubject(t.Context(), assessment.Kombo, "", "workday:acme", "c-other")
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{komboRef("other")}, refs)
		refs, err = b.store.EraseSubject(t.Context(), assessment.Kombo, "", "workday:acme", "c-other")
		require.NoError(t, err)
		require.Empty(t, refs)
		for _, table := range tables {
			d.lacks(t, table, marker)
		}
		calls, starts := len(b.vendor.got), len(b.provider.starts)
		for _, id := range []string{"waiting", "started", "written", "other"} {
			require.NoError(t, b.spool.Queue(t.Context(), order(komboRef(id))))
			b.work(t, komboRef(id))
			b.flush(t, komboRef(id))
			_, err := b.intake.Start(t.Context(), order(komboRef(id)))
			require.ErrorIs(t, err, assessment.ErrErased)
			require.Contains(t, b.notes(t, komboRef(id)), sqlstore.NoteErased)
		}
		require.Len(t, b.vendor.got, calls)
		require.Len(t, b.provider.starts, starts)
		require.NoError(t, b.store.Erase(t.Context(), komboRef("unknown")))
		require.Empty(t, b.notes(t, komboRef("unknown")))

		_, err = d.open(t, sqlstore.Options{}).EraseSubject(t.Context(), assessment.Kombo, "", "a", "c")
		require.ErrorIs(t, err, sqlstore.ErrNoSubjectKey)
	})
}

// What is in flight when its order is erased settles nothing.
func TestEraseInFlight(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.publish(t, komboRef("1"), final(marker))
		b.vendor.during = func(context.Context) {
			require.NoError(t, b.store.Erase(context.WithoutCancel(t.Context()), komboRef("1")))
		}
		require.True(t, b.flush(t, komboRef("1")).Lost)
		require.Equal(t, "erased", b.states(t, komboRef("1")))
		require.Empty(t, b.due(t, 0))
		d.lacks(t, "results", marker)
	})
}

func TestRetain(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		for _, id := range []string{"written", "refused", "pending"} {
			require.NoError(t, b.spool.Queue(t.Context(), order(komboRef(id))))
			b.work(t, komboRef(id))
			b.publish(t, komboRef(id), final(marker+id))
		}
		b.flush(t, komboRef("written"))
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422})
		b.flush(t, komboRef("refused"))

		steps := []struct {
			days int
			want sqlstore.Retained
		}{
			{6, sqlstore.Retained{}},
			{8, sqlstore.Retained{ResultBodies: 1}},
			{31, sqlstore.Retained{AttentionBodies: 1}},
			{91, sqlstore.Retained{Answers: 1}},
			{401, sqlstore.Retained{Settled: 1, Journal: 5}},
		}
		past := 0
		for _, s := range steps {
			b.shift(t, time.Duration(s.days-past)*24*time.Hour)
			past = s.days
			for _, dry := range []bool{true, true, false} {
				got, err := b.store.Retain(t.Context(), sqlstore.Retention{}, dry)
				require.NoError(t, err)
				require.Equal(t, s.want, got, "after %d days, dry run %t", s.days, dry)
			}
			got, err := b.store.Retain(t.Context(), sqlstore.Retention{}, false)
			require.NoError(t, err)
			require.Zero(t, got)
		}
		d.lacks(t, "results", marker+"written")
		d.lacks(t, "results", marker+"refused")
		// What was refused and what is pending stay, and so does every tombstone.
		require.Equal(t, "refused", b.states(t, komboRef("refused")))
		b.vendor.says(written, nil)
		b.flush(t, komboRef("pending"))
		require.Equal(t, "written", b.states(t, komboRef("pending")))
		starts := len(b.provider.starts)
		for _, id := range []string{"written", "refused", "pending"} {
			require.NoError(t, b.spool.Queue(t.Context(), order(komboRef(id))))
			b.work(t, komboRef(id))
			_, _ = b.intake.Start(t.Context(), order(komboRef(id)))
		}
		require.Len(t, b.provider.starts, starts)
		calls := len(b.vendor.got)
		b.publish(t, komboRef("written"), interim("after a year"))
		b.flush(t, komboRef("written"))
		require.Len(t, b.vendor.got, calls, "the fence of the final stays")

		kept, err := b.store.Retain(t.Context(), sqlstore.Retention{ResultBodies: -1, AttentionBodies: -1, Answers: -1, Settled: -1, Journal: -1}, true)
		require.NoError(t, err)
		require.Zero(t, kept)
	})
}
