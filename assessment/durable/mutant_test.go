package durable_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// mutant is the lane with one of its safeguards taken out.
type mutant struct {
	name, from, to string
	// breaks is the scenario in which it shows.
	breaks func(*testing.T, *bench) string
}

var mutants = []mutant{
	{"no compare-and-set", "WHERE l.until <= ", "WHERE 0 <= ", twoAtOnce},
	{"settling without token", "final_seq = $4\nWHERE ref = $1 AND token = $2", "final_seq = $4\nWHERE ref = $1 AND $2 = $2", staleSettling},
	{"cursor instead of state", "r.state = 'pending' AND EXISTS", "r.seq > (SELECT written_seq FROM LANES WHERE ref = $1) AND EXISTS", lateFinal},
	{"the stale rule on finals", "WHEN final = 1 AND seq > $3", "WHEN final = 1 AND seq > $3 AND seq > $4", lateFinal},
}

// mutate returns what turns statements into the mutant's, and whether it did.
func (d *database) mutate(m mutant) (edit func(string) string, done *atomic.Bool) {
	done = new(atomic.Bool)
	from, to := m.from, strings.ReplaceAll(m.to, "LANES", d.table("lanes"))
	if d.schema != "" {
		to = strings.ReplaceAll(m.to, "LANES", `"`+d.schema+`".assessbridge_lanes`)
	}
	if d.dialect == sqlstore.SQLite {
		from, to = strings.ReplaceAll(from, "$", "?"), strings.ReplaceAll(to, "$", "?")
	}
	return func(query string) string {
		if strings.Contains(query, from) {
			done.Store(true)
			return strings.ReplaceAll(query, from, to)
		}
		return query
	}, done
}

// TestMutants shows that each safeguard of the lane is needed, and that the
// scenarios notice when it is missing.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			require.Empty(t, m.breaks(t, newBench(t, newPostgres(t))))
			d := newPostgres(t)
			edit, done := d.mutate(m)
			b := d.bench(t, d.over(t, d.tampered(t, edit), sqlstore.Options{}), sqlstore.OutboxConfig{})
			require.NotEmpty(t, m.breaks(t, b))
			require.True(t, done.Load(), "the statement to change was not found")
		})
	}
}

// gauge counts the calls in flight for one order.
type gauge struct{ now, most atomic.Int32 }

func (g *gauge) enter() {
	if n := g.now.Add(1); n > g.most.Load() {
		g.most.Store(n)
	}
}

// twoAtOnce flushes an order while it is being written.
func twoAtOnce(t *testing.T, b *bench) string {
	var g gauge
	b.publish(t, komboRef("1"), final("end"))
	var nested atomic.Bool
	b.vendor.during = func(context.Context) {
		g.enter()
		defer g.now.Add(-1)
		if !nested.Swap(true) {
			b.flush(t, komboRef("1"))
		}
	}
	b.flush(t, komboRef("1"))
	if g.most.Load() > 1 {
		return "in flight twice"
	}
	return ""
}

// staleSettling has a process wake up from a call that outlived its lease,
// while another writes the order.
func staleSettling(t *testing.T, b *bench) string {
	var g gauge
	ref := komboRef("1")
	first, second := make(chan struct{}), make(chan struct{})
	calls := make(chan struct{}, 8)
	var n atomic.Int32
	b.vendor.during = func(context.Context) {
		switch n.Add(1) {
		case 1: // the one that outlives its lease
			calls <- struct{}{}
			<-first
		case 3: // the other's second result
			g.enter()
			calls <- struct{}{}
			<-second
			g.now.Add(-1)
		default:
			g.enter()
			g.now.Add(-1)
		}
	}
	b.publish(t, ref, interim("one"))
	var stale, other sync.WaitGroup
	flush := func() { _, _ = b.outbox.Flush(context.WithoutCancel(t.Context()), ref) }
	stale.Go(flush)
	<-calls
	b.shift(t, 3*time.Minute)
	b.publish(t, ref, interim("two"))
	b.flush(t, ref) // call 2 writes "two"
	b.publish(t, ref, final("end"))
	other.Go(flush)
	<-calls // call 3 is in flight
	close(first)
	stale.Wait()
	b.flush(t, ref) // nobody may get in
	close(second)
	other.Wait()
	if g.most.Load() > 1 {
		return "in flight twice"
	}
	return ""
}

// lateFinal commits a final behind an interim that was written.
func lateFinal(t *testing.T, b *bench) string {
	tx, err := b.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = b.outbox.PublishTx(t.Context(), tx, sqlstore.Message{Ref: komboRef("1"), Result: final("end")})
	require.NoError(t, err)
	b.publish(t, komboRef("1"), interim("started"))
	b.flush(t, komboRef("1"))
	require.NoError(t, tx.Commit())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a mutant may never come to an end
	defer cancel()
	_, _ = b.outbox.Flush(ctx, komboRef("1"))
	if got := b.vendor.summaries(); len(got) != 2 || got[1] != "end" {
		return "the final is lost"
	}
	return ""
}
