package durable_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// What an order and a result cost the database, in statements. More may be
// needed one day; nobody should add one without noticing.
func TestStatements(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		var n atomic.Int64
		pool := d.tampered(t, func(query string) string {
			n.Add(1)
			return query
		})
		b := newIntakeBench(t, d)
		store := d.over(t, pool, sqlstore.Options{})
		outbox, err := store.Outbox(sqlstore.OutboxConfig{Publisher: b.vendor})
		require.NoError(t, err)
		intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: b.provider, Store: store.Store()})
		require.NoError(t, err)
		spool, err := store.Spool(sqlstore.SpoolConfig{Intake: intake})
		require.NoError(t, err)
		costs := func(do func()) int64 {
			before := n.Load()
			do()
			return n.Load() - before
		}
		require.EqualValues(t, 1, costs(func() { require.NoError(t, spool.Queue(t.Context(), order(komboRef("1")))) }), "queue")
		require.EqualValues(t, 6, costs(func() {
			_, err := spool.Work(t.Context(), komboRef("1"))
			require.NoError(t, err)
		}), "start")
		publish := func(r assessment.Result) {
			_, err := outbox.Publish(t.Context(), sqlstore.Message{Ref: komboRef("1"), Result: r})
			require.NoError(t, err)
		}
		flush := func() {
			_, err := outbox.Flush(t.Context(), komboRef("1"))
			require.NoError(t, err)
		}
		require.EqualValues(t, 1, costs(func() { publish(interim("i")) }), "publish")
		require.EqualValues(t, 7, costs(flush), "write an interim")
		publish(final("f"))
		require.EqualValues(t, 8, costs(flush), "write a final")
		require.EqualValues(t, 2, costs(flush), "nothing to do")
	})
}

// The tombstone of an order stays for good, so it has to be small.
func TestTombstoneSize(t *testing.T) {
	d := newPostgres(t)
	b := newIntakeBench(t, d)
	n := size(20_000, 1_000_000)
	const ref = "'kombo///workday:CBNMt7dSNCzBdnRTx87dev4E/AvZkS2hXq9mT5wLc' || lpad(CAST(i AS TEXT), 10, '0')"
	for table, values := range map[string]string{
		"claims": ref + ", '', '', 0, convert_to('{\"v\":1,\"at\":\"2026-01-02T03:04:05.678Z\",\"started\":{},\"settled\":true}', 'UTF8'), 1",
		"orders": ref + ", 'kombo', '', substr(md5(CAST(i AS TEXT)), 1, 22), 1, NULL, 'started', '', 0, 0, 0, '', 0, 1, 1",
		"lanes":  ref + ", '', 0, 1, 1, 1, 1, 0",
	} {
		_, err := d.db.Exec(fmt.Sprintf("INSERT INTO %s SELECT %s FROM generate_series(1, %d) AS i", d.table(table), values, n))
		require.NoError(t, err)
	}
	bytes, err := strconv.Atoi(b.text(t, "SELECT CAST(SUM(pg_total_relation_size(oid)) AS TEXT) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'assessbridge_%' AND relnamespace = '"+d.schema+"'::regnamespace"))
	require.NoError(t, err)
	t.Logf("%d bytes for each of %d settled orders", bytes/n, n)
	require.LessOrEqual(t, bytes/n, 1024)
}

// BenchmarkWrite publishes a final for each order and writes them with 16
// workers: what the database lets through, before any vendor's limit (Kombo's 5
// a second, StackOne's 16).
func BenchmarkWrite(b *testing.B) {
	for name, fresh := range map[string]func(testing.TB) *database{"postgresql": newPostgres, "sqlite": newSQLite} {
		b.Run(name, func(b *testing.B) {
			d := fresh(b)
			outbox, err := d.open(b, sqlstore.Options{}).Outbox(sqlstore.OutboxConfig{Publisher: new(vendor)})
			require.NoError(b, err)
			b.ResetTimer()
			began := time.Now()
			refs := make(chan assessment.OrderRef)
			var all sync.WaitGroup
			for range 16 {
				all.Go(func() {
					for ref := range refs {
						_, err := outbox.Publish(b.Context(), sqlstore.Message{Ref: ref, Result: final("end")})
						if err == nil {
							_, err = outbox.Flush(b.Context(), ref)
						}
						if err != nil {
							b.Error(err)
						}
					}
				})
			}
			for i := range b.N {
				refs <- komboRef(strconv.Itoa(i))
			}
			close(refs)
			all.Wait()
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "writes/s")
		})
	}
}
