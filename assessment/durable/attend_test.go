package durable_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
)

// attend calls Attend until the end of the test.
func (b *serviceBench) attend(t *testing.T) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- b.service.Attend(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { require.NoError(t, stop()) })
	return stop
}

// A host whose own client runs the jobs has everything else from Attend: limits are
// shared, a new key is noticed, lost orders are asked for, and the end is a drain.
func TestAttend(t *testing.T) {
	d := newPostgres(t)
	client := &askable{vendor: new(vendor), lister: &lister{open: make(map[string][]listed)}, pacing: assessment.Pacing{InFlight: 7}}
	b := newServiceBench(t, d, func(c *durable.Config) {
		c.Publishers = []assessment.Publisher{client}
		c.Outbox.KeyPrint = func(context.Context, assessment.OrderRef) (assessment.KeyPrint, error) {
			return assessment.KeyPrint{Print: "new"}, nil
		}
	})
	c := &river.Config{Schema: d.schema, Logger: slog.New(slog.DiscardHandler), PollOnly: true}
	require.NoError(t, b.service.AddTo(c))
	jobs, err := river.NewClient(riverdatabasesql.New(d.db), c)
	require.NoError(t, err)
	require.NoError(t, jobs.Start(context.WithoutCancel(t.Context())))
	t.Cleanup(func() { _ = jobs.Stop(context.WithoutCancel(t.Context())) })
	_, err = d.db.Exec("INSERT INTO " + d.table("gates") + ` (route, account, what, cause, under, print, opens, probing, probes, token, wake, switched_by, made)
		VALUES ('kombo', 'acme', 'results', 'unauthorized', '', 'old', 9000000000000, 1, 4, '', 0, '', 0)`)
	require.NoError(t, err)
	_, err = b.service.DB().Beat(t.Context(), "another process")
	require.NoError(t, err)

	stop := b.attend(t)
	eventually(t, "limits are shared", func() bool { return client.Pacing() == assessment.Pacing{InFlight: 7, Processes: 2} })
	eventually(t, "the gate is probed under the new key", func() bool {
		return b.count(t, b.table("gates")+" WHERE print = 'new' AND opens < 9000000000000") == 1
	})
	require.NoError(t, b.service.Reconciler().Add(t.Context(), integration("acme")))
	require.NoError(t, b.service.Queue(t.Context(), order(ofAccount("acme", "1"))))
	eventually(t, "the order is started", func() bool { return b.provider.count() == 1 })
	require.NoError(t, stop())
	require.ErrorIs(t, b.service.Queue(t.Context(), order(ofAccount("acme", "2"))), assessment.ErrDraining)
}

// An integration with deliveries is asked hourly from then on, and not daily: those
// that Queue takes, and those that an observer sees answered.
func TestServiceTellsOfDeliveries(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		client := &askable{vendor: new(vendor), lister: &lister{open: make(map[string][]listed)}}
		b := newServiceBench(t, d, func(c *durable.Config) { c.Publishers = []assessment.Publisher{client} })
		for _, account := range []string{"queued", "inline", "refused", "quiet"} {
			require.NoError(t, b.service.Reconciler().Add(t.Context(), integration(account)))
		}
		soon := func() string {
			return b.text(t, "SELECT account FROM "+b.table("integrations")+" WHERE account <> '' AND delivered > 0 AND next < 9000000000000 ORDER BY account")
		}
		forget := func() {
			_, err := d.db.Exec("UPDATE " + d.table("integrations") + " SET delivered = 0, next = 9000000000000 WHERE account <> ''")
			require.NoError(t, err)
		}
		forget()
		require.NoError(t, b.service.Queue(t.Context(), order(ofAccount("queued", "1"))))
		watch := b.service.Watch(assessment.Observer{})
		watch.Delivery(t.Context(), assessment.Delivery{Vendor: assessment.Kombo, Account: "inline", StatusCode: 200})
		watch.Delivery(t.Context(), assessment.Delivery{Vendor: assessment.Kombo, Account: "refused", StatusCode: 400})
		require.Empty(t, soon(), "no statement stands before the vendor's 200")
		b.run(t)
		eventually(t, "the reconciler knows", func() bool { return soon() == "inline queued" })

		// Within the hour it is not told again.
		forget()
		require.NoError(t, b.service.Queue(t.Context(), order(ofAccount("queued", "2"))))
		require.NoError(t, b.service.Queue(t.Context(), order(ofAccount("quiet", "1"))))
		eventually(t, "another one is told of", func() bool { return soon() != "" })
		require.Equal(t, "quiet", soon())
	})
}
