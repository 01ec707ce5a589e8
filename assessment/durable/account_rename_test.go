package durable_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// A customer under a new name keeps everything: what was started starts no more,
// what waits is started and written under the new name, gates and schedule go along,
// a person is found; and other customers keep their own.
func TestRenameAccount(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		const becomes = "new name/1"
		b.fill(t, leaving)
		before := make(map[string]map[string]int)
		for _, account := range stays {
			b.fill(t, account)
			before[account] = d.rowsOf(t, account)
		}
		counts := d.rowsOf(t, leaving)
		rename := func(was, becomes string, by sqlstore.Act) error {
			return b.store.RenameAccount(t.Context(), assessment.Kombo, "", was, becomes, by)
		}
		require.Error(t, rename(leaving, becomes, sqlstore.Act{}))
		require.ErrorIs(t, rename(leaving, leaving, operator), assessment.ErrInvalid)
		require.ErrorIs(t, rename(leaving, "", operator), assessment.ErrInvalid)
		require.Error(t, rename(leaving, "zz", operator), "the other one has the same orders")
		require.Equal(t, counts, d.rowsOf(t, leaving))
		since := b.text(t, "SELECT since FROM "+b.table("integrations")+" WHERE account = '"+sqlstore.Account(leaving)+"'")
		b.shift(t, time.Minute)
		require.NoError(t, b.reconciler.Add(t.Context(), integration(becomes))) // the host lists it already
		require.NoError(t, rename(leaving, becomes, operator))

		require.Empty(t, d.rowsOf(t, leaving))
		counts["journal"]++
		require.Equal(t, counts, d.rowsOf(t, becomes))
		for account, rows := range before {
			require.Equal(t, rows, d.rowsOf(t, account), account)
		}
		require.Equal(t, since, b.text(t, "SELECT since FROM "+b.table("integrations")+" WHERE account = '"+sqlstore.Account(becomes)+"'"))
		for _, table := range []string{"orders", "results"} {
			require.Empty(t, b.text(t, "SELECT account FROM "+b.table(table)+" WHERE account = '"+sqlstore.Account(leaving)+"'"))
		}
		closed, err := b.store.Gates(t.Context())
		require.NoError(t, err)
		require.Condition(t, func() bool {
			for _, g := range closed {
				if g.Account == sqlstore.Account(becomes) {
					return g.Pending > 0
				}
			}
			return false
		}, "%+v", closed)

		starts := b.provider.count()
		b.provider.says(assessment.Started{CandidateURL: "https://tests.example.com"}, nil)
		for _, id := range []string{"started-0", "at once"} {
			got, err := b.intake.Start(t.Context(), order(ofAccount(becomes, id)))
			require.NoError(t, err)
			require.True(t, got.Replayed, id)
		}
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount(becomes, "queued-0"))))
		require.Equal(t, starts, b.provider.count())
		require.True(t, b.work(t, ofAccount(becomes, "queued-0")).Done)
		last := b.provider.starts[len(b.provider.starts)-1]
		require.Equal(t, ofAccount(becomes, "queued-0"), last.Ref, "the provider gets the name of today")
		require.Empty(t, d.rowsOf(t, leaving))
		b.shift(t, 2*time.Hour)
		b.flush(t, ofAccount(becomes, "limited"))
		require.Equal(t, ofAccount(becomes, "limited"), b.vendor.got[len(b.vendor.got)-1].ref)
		acts, err := b.store.Acts(t.Context(), "kombo", sqlstore.Account(becomes))
		require.NoError(t, err)
		require.Equal(t, sqlstore.NoteRenamed, acts[len(acts)-1].What)
		require.Equal(t, operator.Actor, acts[len(acts)-1].Detail.Actor)
	})
}

// Orders are found by candidate under whatever name they came, and only those of
// this customer: another one may have the old name by now.
func TestSubjectAfterRenaming(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		start := func(connection, account, id string) assessment.OrderRef {
			ref := assessment.OrderRef{Vendor: assessment.Kombo, Connection: connection, Account: account, ID: id}
			o := order(ref)
			o.Candidate.RemoteID = "jane"
			_, err := b.intake.Start(t.Context(), o) // it is in the subjects
			require.NoError(t, err)
			queued := o
			queued.Ref.ID = "queued-" + id
			require.NoError(t, b.spool.Queue(t.Context(), queued))
			return ref
		}
		start("", "first", "1")
		require.NoError(t, b.store.RenameAccount(t.Context(), assessment.Kombo, "", "first", "second", operator))
		start("", "second", "2")
		require.NoError(t, b.store.Rename(t.Context(), assessment.Kombo, "", "eu", operator))
		start("eu", "second", "3")
		require.NoError(t, b.store.Rename(t.Context(), assessment.Kombo, "eu", "de", operator))
		require.NoError(t, b.store.RenameAccount(t.Context(), assessment.Kombo, "de", "second", "third", operator))
		start("de", "third", "4")
		start("de", "first", "other") // a new customer
		b.shift(t, 500*24*time.Hour)
		_, err := b.store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)

		orders, err := b.store.Subject(t.Context(), assessment.Kombo, "de", "third", "jane")
		require.NoError(t, err)
		require.Len(t, orders, 8)
		require.NoError(t, b.store.MergeSubject(t.Context(), assessment.Kombo, "de", "third", "jane", "june"))
		refs, err := b.store.EraseSubject(t.Context(), assessment.Kombo, "de", "third", "june")
		require.NoError(t, err)
		require.Len(t, refs, 8)
		for _, ref := range refs {
			require.Equal(t, "third", ref.Account)
			_, err := b.intake.Start(t.Context(), order(ref))
			require.ErrorIs(t, err, assessment.ErrErased)
		}
		orders, err = b.store.Subject(t.Context(), assessment.Kombo, "de", "first", "jane")
		require.NoError(t, err)
		require.Len(t, orders, 2, "the new customer's own")
	})
}

func customers(vendor assessment.Vendor, accounts ...string) func(context.Context) iter.Seq2[sqlstore.Integration, error] {
	return func(context.Context) iter.Seq2[sqlstore.Integration, error] {
		return func(yield func(sqlstore.Integration, error) bool) {
			for _, account := range accounts {
				if !yield(sqlstore.Integration{Vendor: vendor, Account: account}, nil) {
					return
				}
			}
		}
	}
}

// A customer who seems to have another name holds the start up, until the orders
// are carried over or the customer is offboarded.
func TestRenamedCustomer(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		_, err := b.intake.Start(t.Context(), ashbyStart("app-1")) // of acme, at once
		require.NoError(t, err)
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "1"))), "another vendor's")
		check := func(accounts ...string) error {
			return b.store.CheckAccounts(t.Context(), customers(assessment.Ashby, accounts...)(t.Context()))
		}
		require.NoError(t, check("acme"))
		require.NoError(t, check("acme", "a new one"))
		require.NoError(t, check(), "nobody is new")
		require.ErrorIs(t, check("acme inc"), sqlstore.ErrRenamed)
		require.ErrorIs(t, check(""), assessment.ErrInvalid)
		failed := errors.New("the list failed")
		require.ErrorIs(t, b.store.CheckAccounts(t.Context(), func(yield func(sqlstore.Integration, error) bool) { yield(sqlstore.Integration{}, failed) }), failed)

		service := newServiceBench(t, d, func(c *durable.Config) { c.Accounts = customers(assessment.Ashby, "acme inc") })
		require.ErrorIs(t, service.service.Run(t.Context()), sqlstore.ErrRenamed)
		require.ErrorIs(t, service.service.Attend(t.Context()), sqlstore.ErrRenamed)
		require.NoError(t, b.store.RenameAccount(t.Context(), assessment.Ashby, "", "acme", "acme inc", operator))
		require.NoError(t, check("acme inc"))
		require.ErrorIs(t, check("acme"), sqlstore.ErrRenamed)
		_, err = b.store.Offboard(t.Context(), assessment.Ashby, "", "acme inc", sqlstore.Offboarding{Act: operator, Most: 100})
		require.NoError(t, err)
		require.NoError(t, check("acme"))
		service.run(t)
		eventually(t, "it runs", func() bool { return service.count(t, b.table("processes")) == 1 })
	})
}
