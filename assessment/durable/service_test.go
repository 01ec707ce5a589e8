package durable_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// serviceBench is a running service between a provider and a vendor.
type serviceBench struct {
	*database
	service  *durable.Service
	provider *provider
	vendor   *vendor
	stop     func() error
}

// Vendor and Connection make the stand-in a publisher for Kombo.
func (*vendor) Vendor() assessment.Vendor { return assessment.Kombo }
func (*vendor) Connection() string        { return "" }

// pgxPool opens the database as a host that uses pgx does.
func (d *database) pgxPool(t testing.TB) *pgxpool.Pool {
	pool, err := pgxpool.New(context.WithoutCancel(t.Context()), d.dsn)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// config is one on d for a provider and a vendor. Time shifts as d does, and
// sweeps are frequent.
func (d *database) config(t testing.TB, p assessment.Provider, publishers ...assessment.Publisher) durable.Config {
	c := durable.Config{
		Provider: p, Publishers: publishers, Schema: d.schema,
		Store: d.options(sqlstore.Options{}), SubjectKey: []byte("key"), Sweep: 2 * time.Second, Drain: 10 * time.Second,
	}
	if d.dialect == sqlstore.SQLite {
		c.SQLite = d.db
	} else {
		c.PostgreSQL = d.pgxPool(t)
	}
	return c
}

func newServiceBench(t *testing.T, d *database, change func(*durable.Config)) *serviceBench {
	d.slow = false
	b := &serviceBench{database: d, provider: new(provider), vendor: new(vendor)}
	c := d.config(t, b.provider, b.vendor)
	if change != nil {
		change(&c)
	}
	var err error
	b.service, err = durable.New(c)
	require.NoError(t, err)
	require.NoError(t, b.service.Migrate(t.Context()))
	return b
}

// run starts the service and has it drained at the end.
func (b *serviceBench) run(t *testing.T) *serviceBench {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- b.service.Run(ctx) }()
	b.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return b
}

// eventually waits for what other goroutines do. How long that takes is no part
// of any promise here.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	patiently(t, 2*time.Minute, what, condition)
}

// patiently is eventually for what may take longer.
func patiently(t testing.TB, most time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(most)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", most, what)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (v *vendor) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.got)
}

func (p *provider) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.starts)
}

// count counts the rows of a table that match.
func (b *serviceBench) count(t testing.TB, rows string) int {
	t.Helper()
	n, err := strconv.Atoi(b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+rows))
	require.NoError(t, err)
	return n
}

// jobTable is River's.
func (d *database) jobTable() string {
	if d.schema != "" {
		return d.schema + ".river_job"
	}
	return "river_job"
}

func TestServiceCarriesAnOrderThrough(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil).run(t)
		ref := komboRef("1")
		require.NoError(t, b.service.Queue(t.Context(), order(ref)))
		require.NoError(t, b.service.Queue(t.Context(), order(ref)))
		eventually(t, "the order is started", func() bool { return b.provider.count() == 1 })
		_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: ref, Result: final("end")})
		require.NoError(t, err)
		eventually(t, "the result is written", func() bool { return b.vendor.count() == 1 })

		b.provider.says(assessment.Started{}, assessment.Reject("no seats"))
		require.NoError(t, b.service.Queue(t.Context(), order(komboRef("2"))))
		eventually(t, "the rejection is written", func() bool { return b.vendor.count() == 2 })
		require.Equal(t, "no seats", b.vendor.got[1].r.Reason)
		require.NoError(t, b.stop())
		require.ErrorIs(t, b.service.Queue(t.Context(), order(komboRef("3"))), assessment.ErrDraining)
		require.Equal(t, 2, b.vendor.count())
		require.Equal(t, 2, b.provider.count())

		// Jobs hold references only, and erasure reaches the rest.
		require.NoError(t, b.service.Erase(t.Context(), ref))
		require.NoError(t, b.service.Erase(t.Context(), komboRef("2")))
		for _, table := range []string{"claims", "orders", "results", "journal"} {
			d.lacks(t, table, marker)
		}
		for _, column := range []string{"args", "metadata", "errors"} {
			require.NotContains(t, b.text(t, "SELECT COALESCE(CAST("+column+" AS TEXT), '') FROM "+b.jobTable()), marker)
		}
	})
}

func TestServicePublishTx(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil)
		for _, commit := range []bool{false, true} {
			tx, err := d.db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			for range 2 {
				_, err = b.service.PublishTx(t.Context(), tx, sqlstore.Message{Ref: komboRef("1"), Result: final("end")})
				require.NoError(t, err)
			}
			if commit {
				require.NoError(t, tx.Commit())
				require.Equal(t, 1, b.count(t, b.jobTable()), "one row, one job")
				continue
			}
			require.NoError(t, tx.Rollback())
			require.Equal(t, 0, b.count(t, b.jobTable()))
			require.Equal(t, 0, b.count(t, b.table("results")))
		}
		b.run(t)
		eventually(t, "the result is written", func() bool { return b.vendor.count() == 1 })
	})
}

func TestServicePublishPgx(t *testing.T) {
	d := newPostgres(t)
	b := newServiceBench(t, d, nil).run(t)
	pool := d.pgxPool(t)
	for _, commit := range []bool{false, true} {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		for range 2 {
			_, err = b.service.PublishPgx(t.Context(), tx, sqlstore.Message{Ref: komboRef("1"), Result: final(fmt.Sprint(commit))})
			require.NoError(t, err)
		}
		if commit {
			require.NoError(t, tx.Commit(t.Context()))
		} else {
			require.NoError(t, tx.Rollback(t.Context()))
		}
	}
	eventually(t, "the result is written", func() bool { return b.vendor.count() == 1 })
	require.Equal(t, []string{"true"}, b.vendor.summaries())
	require.Equal(t, 1, b.count(t, b.table("results")))

	lite := newServiceBench(t, newSQLite(t), nil)
	_, err := lite.service.PublishPgx(t.Context(), nil, sqlstore.Message{})
	require.Error(t, err)
}

// River's table may be lost, and every job in it.
func TestServiceWithoutJobs(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil).run(t)
		n := size(40, 2000)
		for i := range n {
			if i%10 == 0 {
				_, err := d.db.Exec("DELETE FROM " + b.jobTable())
				require.NoError(t, err)
			}
			ref := komboRef(fmt.Sprint(i))
			require.NoError(t, b.service.Queue(t.Context(), order(ref)))
			_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: ref, Result: final("end")})
			require.NoError(t, err)
		}
		_, err := d.db.Exec("DELETE FROM " + b.jobTable())
		require.NoError(t, err)
		eventually(t, "everything is started and written", func() bool { return b.provider.count() == n && b.vendor.count() == n })
	})
}

// Two processes on one SQLite file would wait for each other; the second is
// refused, and welcome when the first has ended.
func TestServiceOnSQLiteIsAlone(t *testing.T) {
	d := newSQLite(t)
	b := newServiceBench(t, d, nil).run(t)
	eventually(t, "it runs", func() bool { return b.count(t, "river_leader") == 1 })
	other := newServiceBench(t, d, nil)
	require.ErrorIs(t, other.service.Run(t.Context()), durable.ErrSecondProcess)
	require.NoError(t, b.stop())
	other.run(t)
	eventually(t, "the other one runs", func() bool {
		return other.service.Queue(t.Context(), order(komboRef("1"))) == nil && other.provider.count() == 1
	})
}

func TestServiceNeedsItsTables(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil)
		_, err := d.db.Exec("DROP TABLE " + d.table("meta"))
		require.NoError(t, err)
		require.ErrorIs(t, b.service.Run(t.Context()), sqlstore.ErrSchema)
	})
}
