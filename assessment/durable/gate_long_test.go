package durable_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// keyed is a vendor's client whose keys come from a store.
type keyed struct {
	*vendor
	keys *keyStore
}

func (k keyed) KeyPrint(ctx context.Context, account string) (assessment.KeyPrint, error) {
	return k.keys.print(ctx, assessment.OrderRef{Account: account})
}

// A service whose key was revoked, for ten days: every result waits, the probes burn
// none of them, and with another key all are written.
func TestServiceTenDaysClosed(t *testing.T) {
	databasesOfLong(t, func(t *testing.T, d *database) {
		keys := &keyStore{only: "revoked"}
		b := newServiceBench(t, d, nil)
		b.vendor.refuses(401)
		service, err := durable.New(d.config(t, b.provider, keyed{b.vendor, keys}))
		require.NoError(t, err)
		b.service = service
		b.run(t)
		n := size(100, 1000)
		for i := range n {
			_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: ofAccount(fmt.Sprint("a", i%20), fmt.Sprint(i)), Result: final("end")})
			require.NoError(t, err)
		}
		closed := func() int { return b.count(t, b.table("gates")+" WHERE account = '' AND cause = 'unauthorized'") }
		eventually(t, "the key's gate is closed", func() bool { return closed() == 1 })
		idle := func() bool { return b.count(t, b.table("lanes")+" WHERE token <> ''") == 0 }
		eventually(t, "nothing is in flight", idle) // or what comes back after the shift is taken for a probe
		probes := b.vendor.count()
		days := size(5, 1) // at a time
		for range 10 / days {
			b.shift(t, time.Duration(days)*24*time.Hour)
			eventually(t, "it is probed", func() bool { return b.vendor.count() > probes })
			eventually(t, "the probe has ended", idle)
			probes = b.vendor.count()
		}
		require.Equal(t, n, b.count(t, b.table("results")+" WHERE state = 'pending' AND tries = 0"), "nothing is burned")

		keys.change("another", nil)
		b.vendor.accounts(nil)
		written := func() int { return b.count(t, b.table("results")+" WHERE state = 'written'") }
		began := time.Now()
		within(t, 10*time.Minute, "all are written", func() bool { return written() == n })
		t.Logf("%d of %d written in %v after ten days, %d probes in vain", written(), n, time.Since(began).Round(time.Second), probes)
		require.Zero(t, b.count(t, b.table("results")+" WHERE state <> 'written'"))
		require.Zero(t, b.count(t, b.table("gates")))
	})
}

// Processes that are killed again and again under load give up no order and no
// result: that a process died over it says nothing of a row, while it happens to all.
func TestKillsGiveNothingUp(t *testing.T) {
	databasesOfLong(t, func(t *testing.T, d *database) {
		kills := size(5, 100)
		k := d.killRun(t, "service", -1)
		children := make([]*child, k.processes)
		for i := range children {
			children[i] = start(t, k.role)
		}
		ctx, stop := context.WithCancel(t.Context())
		var publishing sync.WaitGroup
		publishing.Go(func() { k.keepPublishing(ctx, t) })
		defer publishing.Wait()
		defer stop()
		for k.kills < kills {
			<-time.After(300 * time.Millisecond)
			k.works(t)
			victim := children[rand.N(len(children))]
			victim.kill()
			victim.run(t)
			k.kills++
		}
		stop()
		publishing.Wait()
		within(t, 5*time.Minute, "everything is done", func() bool {
			return k.pending(t) == "0" && k.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+k.table("orders")+" WHERE state <> 'started'") == "0"
		})
		require.Empty(t, k.checker.check(k.lastFinal))
		require.Empty(t, k.text(t, "SELECT state || ' ' || reason || ' ' || COUNT(*) FROM "+k.table("results")+
			" WHERE state NOT IN ('written', 'superseded') OR reason <> '' GROUP BY state, reason"))
		least, again := k.checker.starts()
		require.Positive(t, least)
		t.Logf("%d kills, %d orders, %d calls, %d repeats, %d starts again", k.kills, len(k.lastFinal), k.checker.calls, k.checker.repeats(), again)
		require.LessOrEqual(t, k.checker.repeats(), k.kills*16)
	})
}

// mostPending keeps a load from piling up faster than it can be worked on.
const mostPending = 200

// keepPublishing queues orders, each with an interim and a final, until ctx ends.
func (k *killRun) keepPublishing(ctx context.Context, t *testing.T) {
	for i := 0; ctx.Err() == nil; i++ {
		ref := komboRef(fmt.Sprint(i))
		for _, r := range []assessment.Result{interim("interim 0"), final("end")} {
			if err := k.publish(context.WithoutCancel(ctx), sqlstore.Message{Ref: ref, Result: r}); err != nil {
				t.Error(err)
				return
			}
		}
		k.lastFinal[ref.String()] = "end"
		for ctx.Err() == nil && i%20 == 0 && k.many() {
			<-time.After(10 * time.Millisecond)
		}
	}
}

func (k *killRun) many() bool {
	var n int
	err := k.db.QueryRow("SELECT COUNT(*) FROM " + k.table("results") + " WHERE state = 'pending'").Scan(&n)
	return err == nil && n > mostPending
}
