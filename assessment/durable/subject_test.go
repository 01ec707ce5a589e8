package durable_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// The orders of a person are found whichever way they came: queued, started at
// once, with an id of ours that is free again, imported.
func TestSubject(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		started, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		b.publish(t, started.Ref, interim("half"))
		b.flush(t, started.Ref)
		b.publish(t, started.Ref, final(marker))
		b.flush(t, started.Ref)
		b.shift(t, time.Second)
		old := ashbyOld("app-2", "old-2")
		old.Candidate = "c-app-1"
		old.At = time.Time{}
		b.imports(t, sqlstore.ImportOptions{}, old)

		orders, err := b.store.Subject(t.Context(), assessment.Ashby, "", "acme", "c-app-1")
		require.NoError(t, err)
		require.Len(t, orders, 2)
		require.Equal(t, started.Ref, orders[0].Ref)
		require.Equal(t, "taken", orders[0].State)
		require.False(t, orders[0].Made.IsZero())
		require.Len(t, orders[0].Results, 2)
		require.Equal(t, "written", orders[0].Results[1].State)
		require.True(t, orders[0].Results[1].Final)
		require.True(t, orders[0].Results[1].HasBody)
		require.False(t, orders[0].Results[1].Settled.IsZero())
		require.Equal(t, ashbyRef("old-2"), orders[1].Ref)
		require.Equal(t, "started", orders[1].State)
		for _, other := range []string{"c-app-2", "C-APP-1", ""} {
			none, _ := b.store.Subject(t.Context(), assessment.Ashby, "", "acme", other)
			require.Empty(t, none)
		}
		none, err := b.store.Subject(t.Context(), assessment.Ashby, "", "other", "c-app-1")
		require.NoError(t, err)
		require.Empty(t, none)

		refs, err := b.store.EraseSubject(t.Context(), assessment.Ashby, "", "acme", "c-app-1")
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{started.Ref, ashbyRef("old-2")}, refs)
		for _, table := range []string{"claims", "orders", "results", "lanes", "gates", "journal", "subjects"} {
			d.lacks(t, table, marker)
		}
		require.Empty(t, b.text(t, "SELECT ref FROM "+b.table("subjects")))
		none, err = b.store.Subject(t.Context(), assessment.Ashby, "", "acme", "c-app-1")
		require.NoError(t, err)
		require.Empty(t, none)
		_, err = d.open(t, sqlstore.Options{}).Subject(t.Context(), assessment.Ashby, "", "a", "c")
		require.ErrorIs(t, err, sqlstore.ErrNoSubjectKey)
	})
}

// An order that was queued is in one place only.
func TestSubjectOfAQueuedOrder(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		require.True(t, b.work(t, komboRef("1")).Done)
		require.Empty(t, b.text(t, "SELECT ref FROM "+b.table("subjects")))
		orders, err := b.store.Subject(t.Context(), assessment.Kombo, "", "workday:acme", "c-1")
		require.NoError(t, err)
		require.Len(t, orders, 1)
		require.Equal(t, "started", orders[0].State)
	})
}

// Erased by hand, the journal says by whom; of an unknown order nothing is noted.
func TestEraseBy(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		ids := []string{"1", "2"}
		for _, id := range ids {
			require.NoError(t, b.spool.Queue(t.Context(), order(komboRef(id))))
		}
		for _, act := range []sqlstore.Act{{}, {Actor: "kim"}, {Reason: "asked"}} {
			_, err := b.store.EraseBy(t.Context(), komboRef("1"), act)
			require.Error(t, err)
		}
		known, err := b.store.EraseBy(t.Context(), komboRef("1"), operator)
		require.NoError(t, err)
		require.True(t, known)
		refs, err := b.store.EraseSubjectBy(t.Context(), assessment.Kombo, "", "workday:acme", "c-2", operator)
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{komboRef("2")}, refs)
		for _, id := range ids {
			notes, err := b.store.Timeline(t.Context(), komboRef(id))
			require.NoError(t, err)
			last := notes[len(notes)-1]
			require.Equal(t, sqlstore.NoteErased, last.What)
			require.Equal(t, operator, sqlstore.Act{Actor: last.Detail.Actor, Reason: last.Detail.Reason})
		}
		known, err = b.store.EraseBy(t.Context(), komboRef("unknown"), operator)
		require.NoError(t, err)
		require.False(t, known)
		notes, err := b.store.Timeline(t.Context(), komboRef("unknown"))
		require.NoError(t, err)
		require.Empty(t, notes)
	})
}

// After a merge the orders of both are found under the id that the vendor keeps.
func TestMergeSubject(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		kept, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		merged, err := b.intake.Start(t.Context(), ashbyStart("app-2"))
		require.NoError(t, err)
		b.imports(t, sqlstore.ImportOptions{}, ashbyOld("app-3", "app-2")) // candidate c-app-2
		for range 2 {                                                      // delivered again
			require.NoError(t, b.store.MergeSubject(t.Context(), assessment.Ashby, "", "acme", "c-app-2", "c-app-1"))
		}
		require.NoError(t, b.store.MergeSubject(t.Context(), assessment.Ashby, "", "acme", "c-app-1", "c-app-1"))
		refs, err := b.store.EraseSubject(t.Context(), assessment.Ashby, "", "acme", "c-app-1")
		require.NoError(t, err)
		require.ElementsMatch(t, []assessment.OrderRef{kept.Ref, merged.Ref, ashbyRef("app-2")}, refs)
		require.Error(t, b.store.MergeSubject(t.Context(), assessment.Ashby, "", "acme", "", "c-app-1"))
	})
}

// Nothing of a person is left in any table, River's included, nor in the emergency
// folder.
func TestServiceEraseSubject(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		folder := t.TempDir()
		b := newServiceBench(t, d, nil)
		c := d.config(t, b.provider, b.vendor)
		c.Emergency = folder
		service, err := durable.New(c)
		require.NoError(t, err)
		saved := []byte(`{"ref":"stackone//assessment/acc/saved","candidate":{"id":"c-1","email":"` + marker + `"}}`)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "order-"+hashed("stackone//assessment/acc/saved")+".json"), saved, 0o600))
		b.provider.says(assessment.Started{}, assessment.Reject("no seats for "+marker))
		b.run(t)
		require.NoError(t, service.Queue(t.Context(), order(komboRef("1"))))
		eventually(t, "the rejection is written", func() bool { return b.vendor.count() == 1 })
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 422, Message: marker, Body: []byte(marker)})
		_, err = service.Publish(t.Context(), sqlstore.Message{Ref: komboRef("1"), Result: final(marker)})
		require.NoError(t, err)
		eventually(t, "the result is refused", func() bool { return b.vendor.count() == 2 })
		require.NoError(t, b.stop())

		refs, err := service.EraseSubject(t.Context(), assessment.Kombo, "", "workday:acme", "c-1")
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{komboRef("1")}, refs)
		_, err = service.EraseSubjectBy(t.Context(), assessment.StackOne, "", "acc", "c-1", sqlstore.Act{})
		require.Error(t, err, "nobody did it")
		refs, err = service.EraseSubjectBy(t.Context(), assessment.StackOne, "", "acc", "c-1", operator)
		require.NoError(t, err)
		require.Len(t, refs, 1)
		known, err := service.EraseBy(t.Context(), komboRef("1"), operator)
		require.NoError(t, err)
		require.True(t, known)
		left, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Empty(t, left)
		for _, table := range d.allTables(t) {
			d.lacksIn(t, table, marker)
		}
	})
}

// hashed is how the name of an order's file is made.
func hashed(ref string) string {
	sum := sha256.Sum256([]byte(ref))
	return hex.EncodeToString(sum[:16])
}

// allTables are the names of all tables, River's included.
func (d *database) allTables(t *testing.T) []string {
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	prefix := ""
	if d.schema != "" {
		query, prefix = "SELECT tablename FROM pg_tables WHERE schemaname = '"+d.schema+"'", d.schema+"."
	}
	rows, err := d.db.Query(query)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		all = append(all, prefix+name)
	}
	require.NoError(t, rows.Err())
	require.Contains(t, all, prefix+"river_job")
	require.Contains(t, all, prefix+"assessbridge_claims")
	return all
}

// lacksIn is lacks for a table of any name.
func (d *database) lacksIn(t *testing.T, table, text string) {
	t.Helper()
	rows, err := d.db.Query("SELECT * FROM " + table)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		for i, v := range values {
			require.NotContains(t, string(v), text, "%s.%s", table, columns[i])
		}
	}
	require.NoError(t, rows.Err())
}

// An order that was started at once and erased is delivered to a queue: nothing of the
// person is found there afterwards.
func TestErasedOrderIsQueued(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		_, err := b.intake.Start(t.Context(), order(komboRef("1")))
		require.NoError(t, err)
		require.NoError(t, b.store.Erase(t.Context(), komboRef("1")))
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		require.True(t, b.work(t, komboRef("1")).Done)
		require.Equal(t, "erased", b.orders(t))
		known, err := b.store.Subject(t.Context(), assessment.Kombo, "", komboRef("").Account, "c-1")
		require.NoError(t, err)
		require.Empty(t, known)
		require.Len(t, b.provider.starts, 1)
	})
}

// An erasure that is cut off says what is erased: what the host keeps of that is to be
// erased too, and another call does not find it any more.
func TestEraseSubjectCutOff(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		var all []assessment.OrderRef
		for i := range 3 {
			o := order(komboRef(strconv.Itoa(i)))
			o.Candidate.RemoteID = "jane"
			require.NoError(t, b.spool.Queue(t.Context(), o))
			all = append(all, o.Ref)
		}
		erased := 0
		store := b.over(t, b.tampered(t, func(query string) string {
			if strings.Contains(query, "reason = 'erased'") {
				if erased++; erased == 3 {
					return "SELECT nothing FROM nowhere"
				}
			}
			return query
		}), sqlstore.Options{SubjectKey: []byte("key")})
		first, err := store.EraseSubject(t.Context(), assessment.Kombo, "", all[0].Account, "jane")
		require.Error(t, err)
		require.Len(t, first, 2)
		second, err := b.store.EraseSubject(t.Context(), assessment.Kombo, "", all[0].Account, "jane")
		require.NoError(t, err)
		require.ElementsMatch(t, all, append(first, second...))
	})
}
