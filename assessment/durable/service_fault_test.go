package durable_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// page is what a jobs page does: it looks at jobs and retries them.
func (d *database) page(t testing.TB) *river.Client[*sql.Tx] {
	var driver riverdriver.Driver[*sql.Tx] = riverdatabasesql.New(d.db)
	if d.dialect == sqlstore.SQLite {
		driver = riversqlite.New(d.db)
	}
	client, err := river.NewClient(driver, &river.Config{Schema: d.schema, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return client
}

// A refused result is seen in the API and on the jobs page, with its reason and
// nothing personal; after what was wrong is mended, Retry on the page writes it
// once.
func TestServiceRefused(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		var log lockedBuffer
		b := newServiceBench(t, d, func(c *durable.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422, Code: "NO", Message: marker, Body: []byte(marker)})
		b.run(t)
		for range 2 { // a second job for the same row has no mark and re-drives nothing
			_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: komboRef("1"), Result: final("end"), DedupeID: "a"})
			require.NoError(t, err)
		}
		cancelled := func() string {
			return b.text(t, "SELECT CAST(id AS TEXT) FROM "+b.jobTable()+" WHERE state = 'cancelled'")
		}
		eventually(t, "the job is cancelled", func() bool { return cancelled() != "" })
		b.shift(t, 8*24*time.Hour)
		all, err := b.service.Outbox().Attention(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, "invalid NO", all[0].Reason)
		require.Contains(t, b.text(t, "SELECT CAST(errors AS TEXT) FROM "+b.jobTable()+" WHERE state = 'cancelled'"), "needs attention")
		for _, column := range []string{"args", "metadata", "errors"} {
			require.NotContains(t, b.text(t, "SELECT COALESCE(CAST("+column+" AS TEXT), '') FROM "+b.jobTable()), marker)
		}
		for _, table := range []string{"results", "journal", "lanes"} {
			d.lacks(t, table, marker)
		}
		require.NotContains(t, log.String(), marker)

		b.vendor.says(written, nil)
		var id int64
		_, err = fmt.Sscan(cancelled(), &id)
		require.NoError(t, err)
		_, err = d.page(t).JobRetry(t.Context(), id)
		require.NoError(t, err)
		eventually(t, "the result is written", func() bool { return b.count(t, b.table("results")+" WHERE state = 'written'") == 1 })
		_, err = d.page(t).JobRetry(t.Context(), id) // and once more, when there is nothing left
		require.NoError(t, err)
		eventually(t, "the job ends", func() bool {
			return b.count(t, b.jobTable()+" WHERE state NOT IN ('completed') AND kind = 'assessbridge_flush.v1'") == 0
		})
		require.Equal(t, 2, b.vendor.count())
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Results of a closed account delay nobody else's and burn nothing, and go out
// when the account opens.
func TestServiceClosedAccount(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil)
		n := size(100, 20000)
		b.vendor.accounts(map[string]error{"limited": &assessment.APIError{StatusCode: 429, RetryAfter: time.Hour}})
		tx, err := d.db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for i := range n {
			_, err := b.service.PublishTx(t.Context(), tx, sqlstore.Message{Ref: ofAccount("limited", fmt.Sprint(i)), Result: final("end")})
			require.NoError(t, err)
		}
		require.NoError(t, tx.Commit())
		b.run(t)
		eventually(t, "the jobs are done", func() bool { return b.count(t, b.jobTable()+" WHERE state = 'completed'") >= n })
		limited := b.vendor.count()
		require.LessOrEqual(t, limited, 16, "as many as were in flight when the gate closed")

		began := time.Now()
		_, err = b.service.Publish(t.Context(), sqlstore.Message{Ref: ofAccount("healthy", "1"), Result: final("end")})
		require.NoError(t, err)
		eventually(t, "the healthy account's result is written", func() bool { return b.count(t, b.table("results")+" WHERE state = 'written'") == 1 })
		t.Logf("beside %d pending results of a closed account: %v", n, time.Since(began))
		require.Equal(t, "0", b.text(t, "SELECT CAST(MAX(tries) AS TEXT) FROM "+b.table("results")))
		require.Equal(t, 1, b.count(t, b.jobTable()+" WHERE kind = 'assessbridge_wake.v1' AND state = 'scheduled'"), "one waker")

		// Opened by hand: the waker deals the rest out.
		b.vendor.accounts(nil)
		require.NoError(t, b.service.DB().Resume(t.Context(), "kombo", "limited", sqlstore.SwitchResults, operator))
		eventually(t, "results go out", func() bool { return b.count(t, b.table("results")+" WHERE state = 'written'") > 30 })
	})
}

// The lookups of one account hang: candidates of others are invited.
func TestServiceLookupsOfOneAccountHang(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		hang := make(chan struct{})
		b := newServiceBench(t, d, func(c *durable.Config) {
			c.Complete = map[assessment.Vendor]func(context.Context, *assessment.Order) error{
				assessment.StackOne: func(ctx context.Context, o *assessment.Order) error {
					if o.Ref.Account == "hangs" {
						select {
						case <-hang:
						case <-ctx.Done():
							return ctx.Err()
						}
					}
					o.Candidate.FirstName = "looked up"
					return nil
				},
			}
		}).run(t)
		stackone := func(account, id string) assessment.OrderRef {
			return assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: id}
		}
		for i := range 40 {
			require.NoError(t, b.service.Queue(t.Context(), order(stackone("hangs", fmt.Sprint(i)))))
		}
		require.NoError(t, b.service.Queue(t.Context(), order(stackone("fine", "1"))))
		require.NoError(t, b.service.Queue(t.Context(), order(komboRef("1"))))
		eventually(t, "the others are started", func() bool { return b.provider.count() == 2 })
		close(hang)
		eventually(t, "all are started", func() bool { return b.provider.count() == 42 })
		for _, o := range b.provider.starts {
			require.Equal(t, o.Ref.Vendor == assessment.StackOne, o.Candidate.FirstName == "looked up")
		}
	})
}

// While the database is away nothing that needs it is answered as if it were
// stored. StackOne's orders wait on disk.
func TestServiceDatabaseAway(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		for _, emergency := range []bool{false, true} {
			folder := t.TempDir()
			var log lockedBuffer
			b := newServiceBench(t, d, func(c *durable.Config) {
				c.QueueWait = 300 * time.Millisecond
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
				if emergency {
					c.Emergency = folder
				}
			})
			id := fmt.Sprint(emergency)
			stackone := assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: "acme", ID: id}
			hidden := d.table("orders") + "_away"
			_, err := d.db.Exec("ALTER TABLE " + d.table("orders") + " RENAME TO " + unqualified(hidden))
			require.NoError(t, err)
			require.ErrorIs(t, b.service.Queue(t.Context(), order(komboRef(id))), assessment.ErrStore)
			err = b.service.Queue(t.Context(), order(stackone))
			files, globErr := filepath.Glob(filepath.Join(folder, "*"))
			require.NoError(t, globErr)
			if !emergency {
				require.ErrorIs(t, err, assessment.ErrStore)
				require.Contains(t, log.String(), "order_lost_risk")
				require.Empty(t, files)
			} else {
				require.NoError(t, err)
				require.Len(t, files, 1)
				info, err := os.Stat(files[0])
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
				// Erasure reaches the folder.
				gone := stackone
				gone.ID = "erased"
				require.NoError(t, b.service.Queue(t.Context(), order(gone)))
				_ = b.service.Erase(t.Context(), gone)
				files, err = filepath.Glob(filepath.Join(folder, "*"))
				require.NoError(t, err)
				require.Len(t, files, 1)
			}
			require.NotContains(t, log.String(), marker)
			require.Zero(t, b.provider.count())
			_, err = d.db.Exec("ALTER TABLE " + hidden + " RENAME TO " + unqualified(d.table("orders")))
			require.NoError(t, err)

			b.run(t)
			require.NoError(t, b.service.Queue(t.Context(), order(komboRef(id)))) // the vendor comes again
			want := 1
			if emergency {
				want = 2
			}
			eventually(t, "they are started", func() bool { return b.provider.count() == want })
			require.NoError(t, b.stop())
			require.Equal(t, want, b.provider.count())
			left, err := filepath.Glob(filepath.Join(folder, "*"))
			require.NoError(t, err)
			require.Empty(t, left)
		}
	})
}

func unqualified(table string) string {
	return table[strings.LastIndex(table, ".")+1:]
}

// A drain under load ends in time, gives every lease back and loses nothing.
func TestServiceDrain(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, func(c *durable.Config) { c.Drain = 4 * time.Second }).run(t)
		release := make(chan struct{})
		b.vendor.during = func(ctx context.Context) {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		b.vendor.answer = func(assessment.OrderRef, assessment.Result) (assessment.Receipt, error) {
			select {
			case <-release:
				return written, nil
			default:
				return assessment.Receipt{}, &assessment.APIError{Cause: context.Canceled}
			}
		}
		for i := range 30 {
			_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: komboRef(fmt.Sprint(i)), Result: final("end")})
			require.NoError(t, err)
		}
		eventually(t, "calls are in flight", func() bool { return b.vendor.count() > 3 })
		require.NoError(t, b.stop())
		require.Equal(t, 0, b.count(t, b.table("lanes")+" WHERE token <> ''"))
		require.Equal(t, 30, b.count(t, b.table("results")+" WHERE state = 'pending'"))

		close(release)
		next, err := durable.New(d.config(t, b.provider, b.vendor))
		require.NoError(t, err)
		b.service = next
		b.run(t)
		eventually(t, "the next process writes them", func() bool { return b.count(t, b.table("results")+" WHERE state = 'written'") == 30 })
	})
}

// A newer release beside this one: its results and its jobs are left to it.
func TestServiceBesideANewerRelease(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil)
		for _, id := range []string{"1", "2"} {
			_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: komboRef(id), Result: final(id)})
			require.NoError(t, err)
		}
		_, err := d.db.Exec("UPDATE " + b.table("results") + " SET form = 2, body = 'newer' WHERE ref = '" + komboRef("1").String() + "'")
		require.NoError(t, err)
		_, err = d.db.Exec("UPDATE " + b.table("meta") + " SET version = 2")
		require.NoError(t, err)
		_, err = d.page(t).Insert(t.Context(), newerArgs{}, &river.InsertOpts{Queue: "assessbridge_results"})
		require.NoError(t, err)
		b.run(t)
		eventually(t, "the one that it reads is written", func() bool { return b.vendor.count() == 1 })
		require.NoError(t, b.stop())
		require.Equal(t, []string{"2"}, b.vendor.summaries())
		require.Equal(t, 1, b.count(t, b.table("results")+" WHERE state = 'pending' AND body = 'newer'"))
		require.Equal(t, "available", b.text(t, "SELECT state FROM "+b.jobTable()+" WHERE kind = 'assessbridge_flush.v2'"))
		require.Equal(t, 0, b.count(t, b.jobTable()+" WHERE state IN ('discarded', 'cancelled')"))
	})
}

type newerArgs struct{}

func (newerArgs) Kind() string { return "assessbridge_flush.v2" }

// A host with a River client of its own runs our jobs in it.
func TestServiceInTheHostsClient(t *testing.T) {
	d := newPostgres(t)
	b := newServiceBench(t, d, nil)
	c := &river.Config{Schema: d.schema, Logger: slog.New(slog.DiscardHandler), PollOnly: true}
	require.NoError(t, b.service.AddTo(c))
	require.Error(t, b.service.AddTo(&river.Config{Schema: "another"}))
	client, err := river.NewClient(riverdatabasesql.New(d.db), c)
	require.NoError(t, err)
	require.NoError(t, client.Start(context.WithoutCancel(t.Context())))
	t.Cleanup(func() { _ = client.Stop(context.WithoutCancel(t.Context())) })
	_, err = b.service.Publish(t.Context(), sqlstore.Message{Ref: komboRef("1"), Result: final("end")})
	require.NoError(t, err)
	eventually(t, "the result is written", func() bool { return b.vendor.count() == 1 })
}

func TestNewRefuses(t *testing.T) {
	good := func() durable.Config {
		return durable.Config{SQLite: new(sql.DB), Provider: new(provider), Publishers: []assessment.Publisher{new(vendor)}}
	}
	_, err := durable.New(good())
	require.NoError(t, err)
	for name, change := range map[string]func(*durable.Config){
		"no database":        func(c *durable.Config) { c.SQLite = nil },
		"two databases":      func(c *durable.Config) { c.PostgreSQL = newPostgres(t).pgxPool(t) },
		"no provider":        func(c *durable.Config) { c.Provider = nil },
		"no publisher":       func(c *durable.Config) { c.Publishers = nil },
		"SQLite, schema":     func(c *durable.Config) { c.Schema = "a" },
		"negative wait":      func(c *durable.Config) { c.QueueWait = -1 },
		"emergency, missing": func(c *durable.Config) { c.Emergency = filepath.Join(t.TempDir(), "missing") },
	} {
		t.Run(name, func(t *testing.T) {
			c := good()
			change(&c)
			_, err := durable.New(c)
			require.Error(t, err)
			require.False(t, errors.Is(err, context.Canceled))
		})
	}
}
