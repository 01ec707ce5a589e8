package durable_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/assessment/storetest"
)

func TestStore(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) *database{"postgresql": newPostgres, "sqlite": newSQLite} {
		t.Run(name, func(t *testing.T) {
			var now *database // rules run one after the other
			storetest.Run(t, storetest.Config{
				New: func(t testing.TB) assessment.Store {
					now = fresh(t)
					return now.open(t, sqlstore.Options{}).Store()
				},
				Lease: time.Minute,
				Wait:  func(by time.Duration) { now.shift(t, by) },
			})
		})
	}
}

func TestStoreLookup(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		store := d.open(t, sqlstore.Options{}).Store()
		var keys []string
		for i := range 300 {
			ref := assessment.OrderRef{Vendor: assessment.Kombo, Account: `a"b\c`, ID: fmt.Sprint(i)}
			c := assessment.Claim{Key: ref.String(), Ref: ref, Token: "t"}
			_, err := store.Claim(t.Context(), c, time.Hour)
			require.NoError(t, err)
			keys = append(keys, c.Key)
		}
		answered := assessment.Claim{Key: keys[7], Token: "t", Answer: []byte("yes")}
		require.NoError(t, store.Answer(t.Context(), answered))

		found, err := store.Lookup(t.Context(), append(keys, "kombo////unknown", `it's "quoted"`))
		require.NoError(t, err)
		require.Len(t, found, 300)
		require.Equal(t, "7", found[keys[7]].Ref.ID)
		require.Equal(t, "yes", string(found[keys[7]].Answer))
		require.Empty(t, found[keys[8]].Answer)

		found, err = store.Lookup(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, found)
	})
}

// Replicas that start together migrate together.
func TestMigrate(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		for _, table := range []string{"meta", "claims", "orders", "results", "lanes", "gates", "journal", "processes", "integrations", "subjects", "habits", "refusals", "risks"} {
			_, err := d.db.Exec("DROP TABLE " + d.table(table))
			require.NoError(t, err)
		}
		store := d.open(t, sqlstore.Options{})
		require.ErrorIs(t, store.Check(t.Context()), sqlstore.ErrSchema)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := store.Migrate(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.NoError(t, store.Check(t.Context()))

		// A newer release made the tables, and says who may still work on them.
		_, err := d.db.Exec("UPDATE " + d.table("meta") + " SET version = 9")
		require.NoError(t, err)
		require.NoError(t, store.Check(t.Context()))
		require.NoError(t, store.Migrate(t.Context()))
		_, err = d.db.Exec("UPDATE " + d.table("meta") + " SET min_reader = 9")
		require.NoError(t, err)
		require.ErrorIs(t, store.Check(t.Context()), sqlstore.ErrSchema)
	})
}

// Tables of an older release get what they lack, and keep what they have. The older
// one may go on.
func TestMigrateAdds(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		for _, statement := range []string{
			"DROP TABLE " + d.table("habits"), "DROP TABLE " + d.table("refusals"), "DROP TABLE " + d.table("risks"),
			"UPDATE " + d.table("meta") + " SET version = 1",
		} {
			_, err := d.db.Exec(statement)
			require.NoError(t, err)
		}
		require.ErrorIs(t, b.store.Check(t.Context()), sqlstore.ErrSchema)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := b.store.Migrate(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.NoError(t, b.store.Check(t.Context()))
		require.Equal(t, "1", d.text(t, "SELECT CAST(min_reader AS TEXT) FROM "+d.table("meta")))
		m, err := b.store.Metrics(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, m.OrdersWaiting)
		_, err = d.db.Exec("UPDATE " + d.table("meta") + " SET version = 0")
		require.NoError(t, err)
		require.ErrorIs(t, b.store.Migrate(t.Context()), sqlstore.ErrSchema)
	})
}

// With a schema of its own, Migrate makes that too.
func TestMigrateMakesTheSchema(t *testing.T) {
	d := newPostgres(t)
	fresh := *d
	fresh.schema += "_own"
	store := fresh.open(t, sqlstore.Options{Now: "0"})
	require.NoError(t, store.Migrate(t.Context()))
	require.NoError(t, store.Check(t.Context()))
	require.NoError(t, d.open(t, sqlstore.Options{}).Check(t.Context()))
}
