package durable_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
)

// askable is a vendor that can be asked and paced.
type askable struct {
	*vendor
	*lister
	mu     sync.Mutex
	pacing assessment.Pacing
}

func (*askable) Vendor() assessment.Vendor { return assessment.Kombo }
func (*askable) Connection() string        { return "" }

func (a *askable) Pacing() assessment.Pacing {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pacing
}

func (a *askable) SetPacing(p assessment.Pacing) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pacing = p
	return nil
}

// A running service tells its clients how many processes there are, and starts an
// order whose delivery it answered 5xx.
func TestServiceAsksForLostOrders(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		client := &askable{vendor: new(vendor), lister: &lister{open: make(map[string][]listed)}, pacing: assessment.Pacing{InFlight: 7}}
		b := newServiceBench(t, d, func(c *durable.Config) {
			c.Publishers = []assessment.Publisher{client}
			c.Integrations = func(context.Context) iter.Seq2[sqlstore.Integration, error] {
				return func(yield func(sqlstore.Integration, error) bool) { yield(integration("acme"), nil) }
			}
		})
		_, err := b.service.DB().Beat(t.Context(), "another process")
		require.NoError(t, err)
		var passed int
		watch := b.service.Watch(assessment.Observer{Delivery: func(context.Context, assessment.Delivery) { passed++ }})
		require.NoError(t, b.service.Reconciler().Refresh(t.Context()))
		watch.Delivery(t.Context(), assessment.Delivery{Vendor: assessment.Kombo, Account: "acme", StatusCode: 503})
		require.Equal(t, 1, passed)
		now, err := b.service.DB().Now(t.Context())
		require.NoError(t, err)
		client.open["acme"] = []listed{{"lost", now}}
		b.run(t)
		eventually(t, "limits are shared", func() bool {
			return client.Pacing() == assessment.Pacing{InFlight: 7, Processes: 2}
		})
		eventually(t, "the integration is hot", func() bool { return b.count(t, b.table("integrations")+" WHERE hot > 0") == 1 })
		b.shift(t, 70*time.Second)
		eventually(t, "the order is started", func() bool { return b.provider.count() == 1 })
	})
}

// Vendors' events reach the gates and the reconciler, and then the host.
func TestServiceEvents(t *testing.T) {
	d := newSQLite(t)
	client := &askable{vendor: new(vendor), lister: &lister{open: make(map[string][]listed)}}
	b := newServiceBench(t, d, func(c *durable.Config) { c.Publishers = []assessment.Publisher{client} })
	passed := 0
	on := b.service.KomboEvent("", func(context.Context, kombo.Event) error { passed++; return nil })
	known := func() int { return b.count(t, b.table("integrations")+" WHERE account = 'acme' AND gone = 0") }
	require.NoError(t, on(t.Context(), kombo.Event{Data: kombo.IntegrationCreated{ID: "acme", Category: "ASSESSMENT"}}))
	require.NoError(t, on(t.Context(), kombo.Event{Data: kombo.IntegrationCreated{ID: "hris", Category: "HRIS"}}))
	require.Equal(t, 1, known())
	require.Zero(t, b.count(t, b.table("integrations")+" WHERE account = 'hris'"))
	require.NoError(t, on(t.Context(), kombo.Event{Data: kombo.IssueStatusChanged{ID: "acme"}}))
	require.Equal(t, 1, b.count(t, b.table("integrations")+" WHERE hot = 1"))
	require.NoError(t, on(t.Context(), kombo.Event{Data: kombo.IntegrationDeleted{ID: "acme"}}))
	require.Zero(t, known())

	gate := func(route, account string) {
		_, err := d.db.Exec("INSERT INTO " + d.table("gates") + " (route, account, what, cause, under, print, opens, probing, probes, token, wake, switched_by, made) VALUES ('" +
			route + "', '" + account + "', 'results', 'account_unusable', '', '', 9000000000000, 1, 4, '', 0, '', 0)")
		require.NoError(t, err)
	}
	gate("kombo", "acme")
	gate("stackone/eu", "acme")
	held := func() int { return b.count(t, b.table("gates")+" WHERE opens = 9000000000000") }
	require.NoError(t, on(t.Context(), kombo.Event{Data: kombo.IntegrationStateChanged{ID: "acme", State: "INVALID"}}))
	require.Equal(t, 2, held())
	require.NoError(t, on(t.Context(), kombo.Event{Data: kombo.IntegrationStateChanged{ID: "acme", State: "ACTIVE"}}))
	require.Equal(t, 1, held())
	require.Equal(t, 6, passed)
	stack := b.service.StackOneEvent("eu", nil)
	require.NoError(t, stack(t.Context(), stackone.Event{Type: stackone.EventAccountUpdated, Data: stackone.AccountChanged{ID: "acme"}}))
	require.Zero(t, held())
}
