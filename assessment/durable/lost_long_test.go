package durable_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// komboClient is a client of a simulated Kombo, in memory.
func komboClient(t *testing.T, sim *kombotest.Server, connection string) *kombo.Client {
	client, err := kombo.New(kombo.Config{
		APIKey: kombotest.DefaultAPIKey, HTTPClient: sim.Client(), Connection: connection, ResultURL: "https://tests.example.com/status",
	})
	require.NoError(t, err)
	return client
}

// lost has an order placed whose webhook does not come.
func lost(t *testing.T, sim *kombotest.Server, account string, created time.Time) string {
	id, _, err := sim.PlaceOrder(t.Context(), kombotest.OrderSpec{Integration: account, CreatedAt: created}, kombotest.Lost())
	require.NoError(t, err)
	return id
}

func listOf(accounts ...sqlstore.Integration) func(context.Context) iter.Seq2[sqlstore.Integration, error] {
	return func(context.Context) iter.Seq2[sqlstore.Integration, error] {
		return func(yield func(sqlstore.Integration, error) bool) {
			for _, i := range accounts {
				if !yield(i, nil) {
					return
				}
			}
		}
	}
}

// asking is an intake with a reconciler before a simulated Kombo.
func (b *intakeBench) asking(t *testing.T, client *kombo.Client, accounts ...string) *sqlstore.Reconciler {
	var all []sqlstore.Integration
	for _, a := range accounts {
		all = append(all, sqlstore.Integration{Vendor: assessment.Kombo, Connection: client.Connection(), Account: a})
	}
	r, err := b.store.Reconciler(sqlstore.ReconcilerConfig{
		Spool: b.spool, Listers: []assessment.OrderLister{client}, CallsPerMinute: 300_000, Integrations: listOf(all...),
	})
	require.NoError(t, err)
	return r
}

// days has the reconciler look again and again, full sweeps included, and starts
// what it finds.
func (b *intakeBench) days(t *testing.T, r *sqlstore.Reconciler, n int) (calls int) {
	for range n {
		done, err := r.Tick(t.Context(), time.Minute)
		require.NoError(t, err)
		require.Zero(t, done.Failed)
		calls += done.Calls
		for _, ref := range b.dueOrders(t) {
			b.work(t, ref)
		}
		b.shift(t, 24*time.Hour)
	}
	return calls
}

// A database that has forgotten everything, against 600 open orders at Kombo: no
// candidate is invited again.
func TestEmptyStoreAgainstKombo(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		d.slow = false
		b := newIntakeBench(t, d)
		sim := simulated(t, "workday:acme")
		now, err := b.store.Now(t.Context())
		require.NoError(t, err)
		for i := range 600 {
			lost(t, sim, "workday:acme", now.Add(-time.Duration(i+1)*time.Hour))
		}
		r := b.asking(t, komboClient(t, sim, ""), "workday:acme")
		require.GreaterOrEqual(t, b.days(t, r, 10), 9)
		require.Zero(t, b.provider.count())
		require.Empty(t, b.closed(t))

		// They are there, and can be started on purpose.
		found, err := r.Backfill(t.Context(), integration("workday:acme"), now.Add(-1000*time.Hour), true, operator)
		require.NoError(t, err)
		require.Equal(t, sqlstore.Backfilled{Open: 600, Lost: 600}, found)
	})
}

// A connection under a new name makes every order of Kombo look new. The service
// does not start, and the reconciler alone invites nobody.
func TestRenamedConnectionAgainstKombo(t *testing.T) {
	databasesOfLong(t, func(t *testing.T, d *database) {
		d.slow = false
		b := newIntakeBench(t, d)
		sim := simulated(t, "workday:acme")
		now, err := b.store.Now(t.Context())
		require.NoError(t, err)
		before := size(60, 600)
		for range before {
			id := lost(t, sim, "workday:acme", now.Add(-time.Hour))
			ref := ofAccount("workday:acme", id)
			require.NoError(t, b.spool.Queue(t.Context(), order(ref)))
			b.work(t, ref)
		}
		require.Equal(t, before, b.provider.count())
		renamed := komboClient(t, sim, "eu")
		service := newServiceBench(t, d, func(c *durable.Config) { c.Publishers = []assessment.Publisher{renamed} })
		require.ErrorIs(t, service.service.Run(t.Context()), sqlstore.ErrRenamed)
		require.GreaterOrEqual(t, b.days(t, b.asking(t, renamed, "workday:acme"), 10), 9)
		require.Equal(t, before, b.provider.count())
	})
}

// All processes are killed, and for ten minutes every delivery is lost. When they are
// back, each order is started once, as soon as the budget lets them ask.
func TestLostWhileAllWereDown(t *testing.T) {
	databasesOfLong(t, func(t *testing.T, d *database) {
		d.slow = false
		const accounts, orders = 30, 300
		// With the MinAge of five minutes the youngest would have to wait for it.
		h := hostRole{Calls: size(60_000, 300), Sweep: time.Duration(size(1, 60)) * time.Second, MinAge: 30 * time.Second}
		for i := range accounts {
			h.Accounts = append(h.Accounts, fmt.Sprint("workday:a", i))
		}
		sim := simulated(t, h.Accounts...)
		h.Kombo = sim.URL()
		vendor := newChecker(t)
		service, err := durable.New(d.config(t, remoteProvider{}, remote{}))
		require.NoError(t, err)
		require.NoError(t, service.Migrate(t.Context()))
		all := d.startHosts(t, 2, h, vendor.URL)
		sim.TargetURL(all.url)
		for _, account := range h.Accounts {
			_, d, err := sim.PlaceOrder(t.Context(), kombotest.OrderSpec{Integration: account})
			require.NoError(t, err)
			require.Equal(t, kombotest.Accepted, d.Outcome, "%v", d.Err)
		}
		started := func() int { return vendor.started() }
		eventually(t, "the integrations are known", func() bool {
			return d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.table("integrations")+" WHERE account <> ''") == fmt.Sprint(accounts)
		})
		eventually(t, "orders are started", func() bool { return started() == accounts })

		all.kill()
		gap, err := service.DB().Now(t.Context())
		require.NoError(t, err)
		for i := range orders {
			lost(t, sim, h.Accounts[i%accounts], gap.Add(time.Duration(i)*9*time.Minute/orders))
		}
		d.shift(t, 10*time.Minute)
		sim.ForgetExchanges()
		began := time.Now()
		all.restart(t)
		for deadline := time.Now().Add(4 * time.Minute); started() < accounts+orders && time.Now().Before(deadline); {
			<-time.After(50 * time.Millisecond)
		}
		took := time.Since(began)
		require.Equal(t, accounts+orders, started())
		// A start that was killed before it was recorded is repeated, with the same
		// reference: the count above is of references.
		_, again := vendor.starts()
		require.LessOrEqual(t, again, accounts)
		// One call lists an integration's orders, two more prove those that were lost.
		calls := 3 * accounts
		budget := time.Duration(calls) * 5 * time.Minute / time.Duration(h.Calls)
		t.Logf("%d lost orders of %d integrations: all started after %v; %d calls, at least %d, for which the budget allows %v",
			orders, accounts, took.Round(time.Second), len(sim.Calls(kombotest.OpGetOrders)), calls, budget.Round(time.Second))
		if size(0, 1) == 1 {
			require.Less(t, took, budget+time.Minute)
		}
	})
}

// The leader of River is killed. Lost orders are looked for all the same: what is due
// within a minute, a hot integration within a minute and a half.
func TestLeaderKilled(t *testing.T) {
	d := newPostgres(t)
	d.slow = false
	const due, hot = "workday:due", "workday:hot"
	sim := simulated(t, due, hot)
	vendor := newChecker(t)
	client := komboClient(t, sim, "")
	service, err := durable.New(d.config(t, remoteProvider{}, client))
	require.NoError(t, err)
	require.NoError(t, service.Migrate(t.Context()))
	h := hostRole{Accounts: []string{due, hot}, Kombo: sim.URL(), Sweep: time.Duration(size(2, 60)) * time.Second}
	all := d.startHosts(t, 1, h, vendor.URL)
	eventually(t, "it leads", func() bool {
		return d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.schema+".river_leader") == "1"
	})
	eventually(t, "the integrations are known", func() bool {
		return d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.table("integrations")+" WHERE account <> ''") == "2"
	})
	all.add(t)
	all.add(t)
	eventually(t, "all live", func() bool {
		return d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.table("processes")) == "3"
	})
	now, err := service.DB().Now(t.Context())
	require.NoError(t, err)
	sim.ForgetExchanges()
	all.children[0].kill()
	killed := time.Now()
	require.NoError(t, service.Reconciler().MarkHot(t.Context(), "kombo", due, now, operator))
	require.NoError(t, service.Reconciler().Missed(t.Context(), integration(hot)))
	asked := func(account string) time.Duration {
		eventually(t, account+" is asked", func() bool {
			for _, e := range sim.Calls(kombotest.OpGetOrders) {
				if e.Integration == account {
					return true
				}
			}
			return false
		})
		return time.Since(killed)
	}
	first := asked(due)
	if size(0, 1) == 0 {
		d.shift(t, 61*time.Second)
	}
	second := asked(hot)
	t.Logf("asked %v after the leader was killed, a hot integration after %v", first.Round(time.Second), second.Round(time.Second))
	if size(0, 1) == 1 {
		require.LessOrEqual(t, first, time.Minute)
		require.LessOrEqual(t, second, 90*time.Second)
	}
}

func (h *hosts) kill() {
	for _, c := range h.children {
		c.kill()
	}
}

func (h *hosts) restart(t testing.TB) {
	for _, c := range h.children {
		c.run(t)
	}
}
