package durable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// connected is a vendor's client under a name.
type connected struct {
	*vendor
	name string
}

func (c connected) Connection() string { return c.name }

// A connection under a new name would take every order for a new one. The service
// does not start, until what is there was carried over; then nothing starts twice.
func TestRenamedConnection(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		was, became := ofAccount("acme", "1"), ofAccount("acme", "1")
		became.Connection = "eu"
		require.NoError(t, b.spool.Queue(t.Context(), order(was)))
		require.True(t, b.work(t, was).Done)
		b.publish(t, was, final("end"))
		check := func(names ...string) error {
			var all []assessment.Publisher
			for _, name := range names {
				all = append(all, connected{b.vendor, name})
			}
			return b.store.CheckConnections(t.Context(), all)
		}
		require.NoError(t, check(""))
		require.NoError(t, check("", "us"), "a second one")
		require.ErrorIs(t, check("eu"), sqlstore.ErrRenamed)
		service := newServiceBench(t, d, func(c *durable.Config) { c.Publishers = []assessment.Publisher{connected{b.vendor, "eu"}} })
		require.ErrorIs(t, service.service.Run(t.Context()), sqlstore.ErrRenamed)

		require.Error(t, b.store.Rename(t.Context(), assessment.Kombo, "", "eu", sqlstore.Act{}))
		require.NoError(t, b.store.Rename(t.Context(), assessment.Kombo, "", "eu", operator))
		require.NoError(t, check("eu"))
		require.ErrorIs(t, check(""), sqlstore.ErrRenamed)
		got, err := b.intake.Start(t.Context(), order(became))
		require.NoError(t, err)
		require.True(t, got.Replayed)
		require.NoError(t, b.spool.Queue(t.Context(), order(became)))
		require.Equal(t, 1, b.provider.count())
		require.Equal(t, 1, b.flush(t, became).Settled)
		require.Equal(t, became, b.vendor.got[0].ref)
		b.shift(t, time.Minute)
		require.Empty(t, b.dueOrders(t))
	})
}
