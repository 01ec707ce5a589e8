package durable_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

var freshDatabases = map[string]func(testing.TB) *database{"postgresql": newPostgres, "sqlite": newSQLite}

// BenchmarkService queues an order and publishes its final result, through River,
// until the vendor has all of them.
func BenchmarkService(b *testing.B) {
	for name, fresh := range freshDatabases {
		b.Run(name, func(b *testing.B) {
			d := fresh(b)
			d.slow = false
			written := new(vendor)
			service, err := durable.New(d.config(b, new(provider), asKombo{written}))
			require.NoError(b, err)
			require.NoError(b, service.Migrate(b.Context()))
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			go func() { ended <- service.Run(ctx) }()
			b.ResetTimer()
			began := time.Now()
			for i := range b.N {
				ref := komboRef(strconv.Itoa(i))
				require.NoError(b, service.Queue(b.Context(), order(ref)))
				_, err := service.Publish(b.Context(), sqlstore.Message{Ref: ref, Result: final("end")})
				require.NoError(b, err)
			}
			for len(written.summaries()) < b.N {
				<-time.After(5 * time.Millisecond)
			}
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "orders+results/s")
			b.StopTimer()
			stop()
			require.NoError(b, <-ended)
		})
	}
}

// BenchmarkJournal writes results with and without the journal's statement.
func BenchmarkJournal(b *testing.B) {
	for name, fresh := range freshDatabases {
		for _, kept := range []bool{true, false} {
			b.Run(name+"/kept="+strconv.FormatBool(kept), func(b *testing.B) {
				d := fresh(b)
				d.slow = false
				pool, err := d.openTampered(func(query string) string {
					if !kept && strings.Contains(query, "journal (ref, at, what, detail)") {
						// A statement with the same parameters that stores nothing.
						return unjournaled[d.dialect]
					}
					return query
				})
				require.NoError(b, err)
				b.Cleanup(func() { _ = pool.Close() })
				outbox, err := d.over(b, pool, sqlstore.Options{}).Outbox(sqlstore.OutboxConfig{Publisher: new(vendor)})
				require.NoError(b, err)
				b.ResetTimer()
				for i := range b.N {
					ref := komboRef(strconv.Itoa(i))
					_, err := outbox.Publish(b.Context(), sqlstore.Message{Ref: ref, Result: final("end")})
					require.NoError(b, err)
					_, err = outbox.Flush(b.Context(), ref)
					require.NoError(b, err)
				}
			})
		}
	}
}

// unjournaled takes the parameters of a note and stores nothing.
var unjournaled = map[sqlstore.Dialect]string{
	sqlstore.PostgreSQL: `SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT)`,
	sqlstore.SQLite:     `DELETE FROM clock WHERE ?1 = ?2 AND ?2 = ?3 AND ms < 0`,
}

// asKombo is a stand-in as the publisher of one vendor.
type asKombo struct{ *vendor }

func (asKombo) Vendor() assessment.Vendor { return assessment.Kombo }
func (asKombo) Connection() string        { return "" }
