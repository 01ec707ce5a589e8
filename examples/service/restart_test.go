package main

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// Killed and started again: what was started before stays started once, although
// everything is delivered again and two processes look for lost orders at once.
func TestRestart(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		t.Parallel()
		const orders, completed = 500, 100
		p := w.start(t, oldRelease)
		p.ready(t)
		var refs []assessment.OrderRef
		for range orders {
			id, delivery, err := w.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
			require.NoError(t, err)
			require.Equal(t, 200, delivery.Status)
			refs = append(refs, komboRef(id))
		}
		eventually(t, "all are started", func() bool { return w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state = 'started'`) == orders })
		for _, ref := range refs[:completed] {
			w.put(t.Context(), t, ref, finalResult)
		}
		eventually(t, "some are completed", func() bool {
			return w.number(t, `SELECT COUNT(*) FROM {results} WHERE state = 'written'`) == completed
		})

		p.kill()
		p.run(t)
		p.ready(t)
		if w.schema != "" {
			w.start(t, oldRelease).ready(t)
		}
		var all sync.WaitGroup
		for part := range 10 {
			all.Go(func() {
				for i := part; i < orders; i += 10 {
					delivery, err := w.kombo.Redeliver(t.Context(), refs[i].ID)
					if err != nil || delivery.Status != 200 {
						t.Errorf("answered %d: %v", delivery.Status, err)
					}
				}
			})
		}
		all.Wait()
		lists := len(w.kombo.Calls(kombotest.OpGetOrders))
		eventually(t, "both looked for lost orders", func() bool { return len(w.kombo.Calls(kombotest.OpGetOrders)) >= lists+8 })
		require.Equal(t, orders, w.number(t, `SELECT COUNT(*) FROM tests`))
		require.Equal(t, orders, w.number(t, `SELECT SUM(starts) FROM tests`))
	})
}

// Killed again and again while orders and results of all vendors flow: nothing
// is lost, and nothing is repeated but what a killed process was at.
func TestKills(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		processes := []*process{w.start(t, oldRelease)}
		if w.schema != "" {
			processes = append(processes, w.start(t, oldRelease))
		}
		for _, p := range processes {
			p.ready(t)
		}
		w.known(t)
		_, end := w.flow(t)
		kills := size(6, 50)
		for i := range kills {
			<-time.After(400 * time.Millisecond)
			p := processes[i%len(processes)]
			p.kill()
			p.run(t)
			p.ready(t)
		}
		w.settled(t, end(), kills*16)
	})
}

// SIGTERM under load: out within the drain and a little, with no lease left.
func TestDrain(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		w.set("DRAIN", "3s")
		p := w.start(t, oldRelease)
		p.ready(t)
		w.kombo.Chaos(func(string, int) kombotest.Fault { return kombotest.Slow(300 * time.Millisecond) })
		w.known(t)
		_, end := w.flow(t)
		<-time.After(2 * time.Second)
		w.kombo.Chaos(func(string, int) kombotest.Fault { return kombotest.Slow(20 * time.Second) }) // calls that have to be cut off
		<-time.After(500 * time.Millisecond)
		took := p.terminate(t)
		require.Less(t, took, 5*time.Second)
		require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {lanes} WHERE token <> ''`), "lanes held")
		require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {orders} WHERE token <> ''`), "orders held")
		w.kombo.Chaos(nil)
		p.run(t)
		p.ready(t)
		w.settled(t, end(), 40)
	})
}

// Two releases side by side: the old one goes on, is killed and comes back after
// the new one has migrated; rolled back, the new one's work waits for it.
func TestTwoReleases(t *testing.T) {
	w := newWorld(t, postgres(t), "")
	before := w.start(t, oldRelease)
	before.ready(t)
	w.known(t)
	stop, end := w.flow(t)
	<-time.After(time.Second)
	after := w.start(t, newRelease)
	after.ready(t)
	eventually(t, "migrated", func() bool { return w.number(t, `SELECT version FROM {meta}`) == 3 })
	<-time.After(time.Second)
	before.kill()
	before.run(t)
	before.ready(t)
	<-time.After(time.Second)
	require.Positive(t, w.number(t, `SELECT COUNT(*) FROM {results} WHERE form = 2`), "work of the new form")

	// Back to the old release alone, in the middle of it.
	after.kill()
	w.leave(after)
	<-time.After(2 * time.Second)
	stop()
	eventually(t, "the old release does what is its own", func() bool {
		return w.number(t, `SELECT COUNT(*) FROM {results} WHERE state = 'pending' AND form = 1 AND ref NOT IN (SELECT ref FROM {results} WHERE form = 2)`) == 0
	})
	require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {results} WHERE state IN ('refused', 'uncertain')`))
	require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state NOT IN ('started', 'queued')`))
	require.Zero(t, w.number(t, `SELECT COUNT(*) FROM assessbridge.river_job WHERE state IN ('discarded', 'cancelled')`))

	// And forward again.
	after.run(t)
	after.ready(t)
	w.settled(t, end(), 2*16)
	require.Zero(t, w.number(t, `SELECT COUNT(*) FROM assessbridge.river_job WHERE state IN ('discarded', 'cancelled')`))
}

// A host in about a hundred lines gets all of it: two processes, one killed, one
// ended and started again, transactions of pgx and of database/sql.
func TestSmallHost(t *testing.T) {
	w := newWorld(t, postgres(t), "")
	w.set("ASHBY_OUR_KEY", ashbytest.DefaultPartnerKey)
	w.set("ASHBY_KEY", ashbytest.DefaultAPIKey)
	w.set("KOMBO_INTEGRATION", kombotest.DefaultIntegration)
	w.set("RECONCILE", "1s")
	_, err := w.db.Exec(`CREATE TABLE tests (ref TEXT PRIMARY KEY, starts INTEGER NOT NULL, state TEXT NOT NULL DEFAULT '')`)
	require.NoError(t, err)
	processes := []*process{w.start(t, smallHost), w.start(t, smallHost)}
	for _, p := range processes {
		p.ready(t)
	}
	w.known(t)
	_, end := w.flow(t)
	<-time.After(time.Second)
	processes[0].kill()
	processes[0].run(t)
	processes[0].ready(t)
	processes[1].terminate(t)
	processes[1].run(t)
	processes[1].ready(t)
	w.settled(t, end(), 2*16)
	require.Zero(t, w.number(t, `SELECT COUNT(*) FROM tests WHERE state <> 'completed'`), "the host's own rows")
}
