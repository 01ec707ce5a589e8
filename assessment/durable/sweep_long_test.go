package durable_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// Retention has taken all that it may of orders that are still open at the vendor. A
// full sweep starts none of them again.
func TestFullSweepAfterRetention(t *testing.T) {
	databasesOfLong(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		n, accounts := size(300, 10_000), 10
		began := b.now(t)
		for i := range accounts {
			b.accounts = append(b.accounts, sqlstore.Integration{Vendor: assessment.Kombo, Account: fmt.Sprint("a", i), Since: began.Add(-48 * time.Hour)})
			b.place(t, fmt.Sprint("a", i), n/accounts, 24*time.Hour)
		}
		for i := range n {
			ref := ofAccount(fmt.Sprint("a", i%accounts), fmt.Sprint("o", i/accounts))
			require.NoError(t, b.spool.Queue(t.Context(), order(ref)))
			b.work(t, ref)
			if i%2 == 0 { // the vendor has the final and lists the order as open all the same
				b.publish(t, ref, final("end"))
				b.flush(t, ref)
			}
		}
		require.Equal(t, n, b.provider.count())
		b.shift(t, 500*24*time.Hour)
		gone, err := b.store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		require.EqualValues(t, n/2, gone.Settled)
		require.NotZero(t, gone.Answers)
		for range 3 {
			b.tick(t)
			b.shift(t, 8*24*time.Hour)
		}
		pages := 0
		for _, q := range b.lister.asked() {
			if q.CreatedAfter.Before(began.Add(-24 * time.Hour)) {
				pages++
			}
		}
		require.GreaterOrEqual(t, pages, 2*accounts, "full sweeps")
		require.Empty(t, b.dueOrders(t))
		require.Equal(t, n, b.provider.count())
		require.Empty(t, b.closed(t))
	})
}

// slowLister is a vendor whose open orders take three pages, on the shifted clock.
type slowLister struct {
	lister
	d     *database
	since time.Time
	last  map[string]time.Duration // when each account was asked last
	first time.Duration            // until all were asked
	worst time.Duration            // between two questions about one account, after settled
	calls int
}

// settled is when the first questions are over: they are for all that is open since
// then, three pages each.
const settled = 5 * time.Hour

func (l *slowLister) OpenOrders(_ context.Context, q assessment.OpenOrders) (page []assessment.Order, next string, err error) {
	l.calls++
	whole := q.CreatedAfter.Equal(l.since)
	if whole && len(q.Cursor) < 2 {
		next = q.Cursor + "."
	}
	if inUse := q.Account[len(q.Account)-1]%5 > 0; whole || inUse {
		page = []assessment.Order{order(ofAccount(q.Account, "known"))}
		if before, ok := l.last[q.Account]; ok && inUse && q.Cursor == "" && before > settled {
			l.worst = max(l.worst, l.d.shifted-before)
		}
	}
	if q.Cursor == "" {
		if l.last[q.Account] == 0 {
			l.first = l.d.shifted
		}
		l.last[q.Account] = l.d.shifted
	}
	return page, next, nil
}

// Three thousand integrations, four of five in use, with three pages of open orders
// each: all are asked hourly, and looked through whole twice a day instead of once a
// week, within a fifth of Kombo's 300 calls a minute.
func TestManyIntegrationsWithinTheBudget(t *testing.T) {
	d := newPostgres(t)
	b := newIntakeBench(t, d)
	n, perMinute := size(50, 3000), size(5, 300)
	now, err := b.store.Now(t.Context())
	require.NoError(t, err)
	l := &slowLister{d: d, since: now.Add(-30 * 24 * time.Hour).Truncate(time.Millisecond), last: make(map[string]time.Duration)}
	var all []sqlstore.Integration
	var known []sqlstore.Imported
	for i := range n {
		account := fmt.Sprint("workday:a", i)
		all = append(all, sqlstore.Integration{Vendor: assessment.Kombo, Account: account, Since: l.since})
		known = append(known, running(ofAccount(account, "known")))
	}
	b.imports(t, sqlstore.ImportOptions{}, known...)
	r, err := b.store.Reconciler(sqlstore.ReconcilerConfig{
		Spool: b.spool, Listers: []assessment.OrderLister{l}, CallsPerMinute: perMinute, Integrations: listOf(all...), Full: 12 * time.Hour,
	})
	require.NoError(t, err)
	require.NoError(t, r.Refresh(t.Context()))
	const hours = 18
	every := 5 * time.Minute / time.Duration(perMinute)
	for d.shifted < hours*time.Hour {
		// Five calls may be made at once, and take as long as they take: it is the shifted
		// clock that counts. For a sixth the process would have to wait for longer than it
		// has patience.
		done, err := r.Tick(t.Context(), every/2)
		require.NoError(t, err)
		require.Zero(t, done.Queued+done.Surges+done.Failed)
		d.shift(t, 5*every)
	}
	late, err := b.store.Overdue(t.Context())
	require.NoError(t, err)
	budget := int(d.shifted/every) + 5
	t.Logf("%d integrations in %d hours: %d calls of %d; all asked once after %v, then at most %v between two questions, %d overdue at the end",
		n, hours, l.calls, budget, l.first, l.worst, late.Overdue)
	require.LessOrEqual(t, l.calls, budget)
	require.LessOrEqual(t, l.worst, 100*time.Minute)
	require.LessOrEqual(t, late.Overdue, n/3)
	whole, err := b.store.Now(t.Context())
	require.NoError(t, err)
	require.Equal(t, "0", b.text(t, fmt.Sprintf("SELECT CAST(COUNT(*) AS TEXT) FROM %s WHERE account <> '' AND full_next < %d",
		b.table("integrations"), whole.Add(-time.Hour).UnixMilli())), "all were looked through whole")
	require.Zero(t, b.provider.count())
}
