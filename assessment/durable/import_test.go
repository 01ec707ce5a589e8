package durable_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// source is a list of records without errors.
func source(all ...sqlstore.Imported) iter.Seq2[sqlstore.Imported, error] {
	return func(yield func(sqlstore.Imported, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func running(ref assessment.OrderRef) sqlstore.Imported {
	return sqlstore.Imported{
		Ref: ref, State: sqlstore.ImportRunning, At: noon, Candidate: "c-" + ref.ID,
		Started: assessment.Started{CandidateURL: "https://old.example.com/" + ref.ID},
	}
}

// ashbyStart is what Ashby's handler makes of a click, and ashbyOld the same
// order of the other system.
func ashbyStart(application string) assessment.Order {
	o := assessment.Order{
		Ref:         assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme"},
		Package:     assessment.Package{ID: "p"},
		Application: assessment.Application{RemoteID: application},
		Candidate:   assessment.Candidate{RemoteID: "c-" + application, Email: marker + "@example.com"},
	}
	o.Dedupe = ashby.Dedupe(o)
	return o
}

func ashbyOld(application, id string) sqlstore.Imported {
	r := running(ashbyRef(id))
	r.Dedupe = ashbyStart(application).Dedupe
	return r
}

func (b *intakeBench) imports(t *testing.T, o sqlstore.ImportOptions, all ...sqlstore.Imported) sqlstore.ImportReport {
	t.Helper()
	report, err := b.store.Import(t.Context(), source(all...), o)
	require.NoError(t, err)
	return report
}

// An order that runs elsewhere is not started when it is delivered again, neither
// from the queue nor directly, and is answered as it was there.
func TestImportRunning(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		unknownAnswer := running(komboRef("2"))
		unknownAnswer.Started, unknownAnswer.At = assessment.Started{}, time.Time{}
		require.Equal(t, sqlstore.ImportReport{Done: 2, New: 2}, b.imports(t, sqlstore.ImportOptions{}, running(komboRef("1")), unknownAnswer))
		for id, link := range map[string]string{"1": "https://old.example.com/1", "2": ""} {
			require.NoError(t, b.spool.Queue(t.Context(), order(komboRef(id))))
			require.False(t, b.work(t, komboRef(id)).Done, "nothing to do")
			got, err := b.intake.Start(t.Context(), order(komboRef(id)))
			require.NoError(t, err)
			require.True(t, got.Replayed)
			require.Equal(t, assessment.Started{CandidateURL: link}, got.Started)
			require.Equal(t, []string{sqlstore.NoteImported}, b.notes(t, komboRef(id)))
		}
		inline := order(komboRef("2"))
		inline.Inline = true
		_, err := b.intake.Start(t.Context(), inline)
		require.ErrorIs(t, err, assessment.ErrFault)
		require.Empty(t, b.provider.starts)

		// Its results are written, and then its links go with time.
		b.publish(t, komboRef("1"), interim("half"))
		b.flush(t, komboRef("1"))
		b.publish(t, komboRef("1"), final("end"))
		b.flush(t, komboRef("1"))
		require.Equal(t, []string{"half", "end"}, b.vendor.summaries())
		b.shift(t, 91*24*time.Hour)
		_, err = b.store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		d.lacks(t, "claims", "old.example.com/1")
	})
}

// No interim follows a final that the other system has written; a correction
// does, and is stamped after it.
func TestImportFinal(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		done := running(komboRef("1"))
		done.State, done.Written = sqlstore.ImportFinal, noon.Add(time.Hour)
		b.imports(t, sqlstore.ImportOptions{}, done)
		d.lacks(t, "claims", "old.example.com")
		b.publish(t, komboRef("1"), at(interim("late"), noon.Add(2*time.Hour)))
		b.flush(t, komboRef("1"))
		require.Empty(t, b.vendor.summaries())
		b.publish(t, komboRef("1"), at(final("corrected"), noon))
		b.flush(t, komboRef("1"))
		require.Equal(t, []string{"corrected"}, b.vendor.summaries())
		require.True(t, b.vendor.got[0].r.At.After(done.Written))
		got, err := b.intake.Start(t.Context(), order(komboRef("1")))
		require.NoError(t, err)
		require.True(t, got.Replayed)
	})
}

// A rejection was told by the other system: the order is rejected again when it
// is delivered again, and nobody writes it a second time.
func TestImportRejected(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.imports(t, sqlstore.ImportOptions{}, sqlstore.Imported{
			Ref: komboRef("1"), State: sqlstore.ImportRejected, Rejection: "no seats", At: noon,
		})
		_, err := b.intake.Start(t.Context(), order(komboRef("1")))
		var no *assessment.Rejection
		require.ErrorAs(t, err, &no)
		require.Equal(t, "no seats", no.Message)
		states, err := b.intake.States(t.Context(), []assessment.OrderRef{komboRef("1")})
		require.NoError(t, err)
		require.Equal(t, assessment.OrderRejectionWritten, states[komboRef("1")])
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		require.False(t, b.work(t, komboRef("1")).Done)
		require.Empty(t, b.provider.starts)
		require.Zero(t, b.outboxRows(t))
	})
}

func (b *intakeBench) outboxRows(t *testing.T) int {
	n, err := strconv.Atoi(b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+b.table("results")))
	require.NoError(t, err)
	return n
}

// A recruiter who clicks an order of the other system again gets the id that Ashby
// has; once it has ended, a click is a new order.
func TestImportNaturalKey(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		in, err := assessment.NewIntake(assessment.IntakeConfig{Provider: b.provider, Store: b.store.Store(), KeySecret: "secret"})
		require.NoError(t, err)
		options := sqlstore.ImportOptions{KeySecret: "secret"}
		ended := ashbyOld("app-2", "old-2")
		ended.State = sqlstore.ImportFinal
		report := b.imports(t, options, ashbyOld("app-1", "old-1"), ended, ashbyOld("app-1", "older"))
		require.Equal(t, sqlstore.ImportReport{Done: 3, New: 3, KeyTaken: 1}, report)

		got, err := in.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		require.True(t, got.Replayed)
		require.Equal(t, ashbyRef("old-1"), got.Ref)
		require.Equal(t, "https://old.example.com/old-1", got.Started.CandidateURL)
		got, err = in.Start(t.Context(), ashbyStart("app-2"))
		require.NoError(t, err)
		require.False(t, got.Replayed)
		require.NotEqual(t, "old-2", got.Ref.ID)

		// The end frees the key: a final here, or one of the other system that is told later.
		b.publish(t, ashbyRef("old-1"), final("end"))
		b.flush(t, ashbyRef("old-1"))
		got, err = in.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		require.False(t, got.Replayed)
		require.Equal(t, sqlstore.ImportReport{Done: 1, New: 1}, b.imports(t, options, ashbyOld("app-3", "old-3")))
		later := ashbyOld("app-3", "old-3")
		later.State = sqlstore.ImportFinal
		require.Equal(t, sqlstore.ImportReport{Done: 1, Advanced: 1}, b.imports(t, options, later))
		got, err = in.Start(t.Context(), ashbyStart("app-3"))
		require.NoError(t, err)
		require.False(t, got.Replayed)
		require.Len(t, b.provider.starts, 3)
	})
}

// Importing again changes nothing, a dry run neither, and what is further or ours
// is not set back.
func TestImportAgain(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		ended := running(komboRef("2"))
		ended.State = sqlstore.ImportFinal
		all := []sqlstore.Imported{running(komboRef("1")), ended, running(komboRef("1"))}
		require.Equal(t, sqlstore.ImportReport{Done: 3, New: 2, Known: 1}, b.imports(t, sqlstore.ImportOptions{DryRun: true}, all...))
		require.Empty(t, b.orders(t))
		for _, batch := range []int{1, 2, 100} {
			b.imports(t, sqlstore.ImportOptions{Batch: batch}, all...)
			require.Equal(t, "started started", b.orders(t))
		}
		require.Equal(t, sqlstore.ImportReport{Done: 3, Known: 3}, b.imports(t, sqlstore.ImportOptions{}, all...))
		require.Equal(t, sqlstore.ImportReport{Done: 3, Known: 1}, b.imports(t, sqlstore.ImportOptions{Skip: 2}, all...))
		back := ended
		back.State = sqlstore.ImportRunning
		b.imports(t, sqlstore.ImportOptions{}, back)
		b.publish(t, komboRef("2"), interim("late"))
		b.flush(t, komboRef("2"))
		require.Empty(t, b.vendor.got)

		// One that was queued here meanwhile is not started once it is known to run.
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("3"))))
		require.Equal(t, sqlstore.ImportReport{Done: 1, Known: 1}, b.imports(t, sqlstore.ImportOptions{}, running(komboRef("3"))))
		require.True(t, b.work(t, komboRef("3")).Done)
		require.Empty(t, b.provider.starts)
		// One that was started here keeps its answer.
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("4"))))
		b.work(t, komboRef("4"))
		b.imports(t, sqlstore.ImportOptions{}, running(komboRef("4")))
		got, err := b.intake.Start(t.Context(), order(komboRef("4")))
		require.NoError(t, err)
		require.Equal(t, "https://tests.example.com/"+marker, got.Started.CandidateURL)

		// What was erased stays erased.
		require.NoError(t, b.store.Erase(t.Context(), komboRef("1")))
		require.Equal(t, sqlstore.ImportReport{Done: 1, Erased: 1}, b.imports(t, sqlstore.ImportOptions{}, running(komboRef("1"))))
		_, err = b.intake.Start(t.Context(), order(komboRef("1")))
		require.ErrorIs(t, err, assessment.ErrErased)
		d.lacks(t, "claims", "old.example.com/1")
	})
}

// The orders of a person are found, those that were imported too.
func TestImportSubject(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.imports(t, sqlstore.ImportOptions{}, ashbyOld("app-1", "old-1"))
		refs, err := b.store.EraseSubject(t.Context(), assessment.Ashby, "", "acme", "c-old-1")
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{ashbyRef("old-1")}, refs)
		d.lacks(t, "claims", "old.example.com")
		require.Equal(t, sqlstore.ImportReport{Done: 1, Erased: 1}, b.imports(t, sqlstore.ImportOptions{}, ashbyOld("app-1", "old-1")))
		got, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		require.False(t, got.Replayed, "an erased order without a vendor's id may start again")
	})
}

// A bad record is named and does not lose the others.
func TestImportBadRecords(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		broken := errors.New("line 2: not a date")
		noID, noState, noLink, noDedupe := running(assessment.OrderRef{Vendor: assessment.Kombo}), running(komboRef("5")), running(komboRef("6")), running(komboRef("7"))
		noState.State = "pending"
		noLink.Started.ReportURL = "javascript:" + marker
		noDedupe.Dedupe = []string{" "}
		records := []sqlstore.Imported{running(komboRef("1")), {}, noID, noState, noLink, noDedupe, running(komboRef("8"))}
		var refused []int
		report, err := b.store.Import(t.Context(), func(yield func(sqlstore.Imported, error) bool) {
			for i, r := range records {
				var err error
				if i == 1 {
					err = broken
				}
				if !yield(r, err) {
					return
				}
			}
		}, sqlstore.ImportOptions{Batch: 3, Refused: func(e *sqlstore.ImportError) { refused = append(refused, e.Number) }})
		require.ErrorIs(t, err, broken)
		var first *sqlstore.ImportError
		require.ErrorAs(t, err, &first)
		require.Equal(t, 2, first.Number)
		require.NotContains(t, err.Error(), marker)
		require.Equal(t, []int{2, 3, 4, 5, 6}, refused)
		require.Equal(t, sqlstore.ImportReport{Done: 7, New: 2, Refused: 5}, report)
		require.Equal(t, "started started", b.orders(t))
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", records[0], records[0], records[0]), "old.example.com")
	})
}

// An import that was cut off says where to go on, and nothing is half there.
func TestImportCutOff(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		var all []sqlstore.Imported
		for i := range 50 {
			all = append(all, running(komboRef(strconv.Itoa(i))))
		}
		ctx, cancel := context.WithCancel(t.Context())
		report, err := b.store.Import(ctx, source(all...), sqlstore.ImportOptions{Batch: 10, Progress: func(r sqlstore.ImportReport) {
			if r.Done == 30 {
				cancel()
			}
		}})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, sqlstore.ImportReport{Done: 30, New: 30}, report)
		require.Equal(t, sqlstore.ImportReport{Done: 50, New: 20}, b.imports(t, sqlstore.ImportOptions{Skip: report.Done, Batch: 10}, all...))
		require.Equal(t, strconv.Itoa(50), b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+b.table("claims")))
		_, err = b.store.Import(t.Context(), source(), sqlstore.ImportOptions{Skip: -1})
		require.Error(t, err)
	})
}

// generated is n orders of 3,000 accounts, half of them final, a third of Ashby.
func generated(n int) iter.Seq2[sqlstore.Imported, error] {
	return func(yield func(sqlstore.Imported, error) bool) {
		for i := range n {
			r := running(assessment.OrderRef{Vendor: assessment.Kombo, Account: fmt.Sprint("workday:", i%3000), ID: fmt.Sprintf("AvZkS2hXq9mT5wLc%010d", i)})
			if i%3 == 0 {
				r.Ref.Vendor = assessment.Ashby
				r.Dedupe = []string{"application", r.Ref.ID, "p"}
			}
			if i%2 == 0 {
				r.State = sqlstore.ImportFinal
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// BenchmarkImport imports orders; an operation is one order.
func BenchmarkImport(b *testing.B) {
	for name, fresh := range map[string]func(testing.TB) *database{"postgresql": newPostgres, "sqlite": newSQLite} {
		b.Run(name, func(b *testing.B) {
			store := fresh(b).open(b, sqlstore.Options{SubjectKey: []byte("key")})
			began := time.Now()
			report, err := store.Import(b.Context(), generated(b.N), sqlstore.ImportOptions{KeySecret: "secret"})
			require.NoError(b, err)
			require.Equal(b, b.N, report.New)
			b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "orders/s")
		})
	}
}

// A million orders in the long form; then a tenth of them is delivered again and
// starts nothing.
func TestImportMany(t *testing.T) {
	d := newPostgres(t)
	b := newIntakeBench(t, d)
	n := size(2_000, 1_000_000)
	began := time.Now()
	report, err := b.store.Import(t.Context(), generated(n), sqlstore.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, n, report.New)
	took := time.Since(began)
	t.Logf("%d orders in %v: %.0f a second", n, took.Round(time.Millisecond), float64(n)/took.Seconds())
	again, err := b.store.Import(t.Context(), generated(n), sqlstore.ImportOptions{})
	require.NoError(t, err)
	require.Equal(t, sqlstore.ImportReport{Done: n, Known: n}, again)
	var delivered []sqlstore.Imported
	for r := range generated(n / 10) {
		delivered = append(delivered, r)
	}
	for r := range slices.Values(delivered[:min(len(delivered), size(200, 10_000))]) {
		if r.Ref.Vendor == assessment.Ashby {
			continue
		}
		_, err := b.intake.Start(t.Context(), order(r.Ref))
		require.NoError(t, err)
	}
	require.Empty(t, b.provider.starts)
}

// An order that came through the vendor and was started at once is known, too; so is
// one that was erased, of which nothing is stored again.
func TestImportOfWhatWasStartedAtOnce(t *testing.T) {
	kinds := map[string]struct {
		start assessment.Order
		old   func(id string) sqlstore.Imported
	}{
		"with a vendor's id": {order(komboRef("1")), func(string) sqlstore.Imported { return running(komboRef("1")) }},
		"without":            {ashbyStart("app-1"), func(id string) sqlstore.Imported { return ashbyOld("app-1", id) }},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newIntakeBench(t, d)
				got, err := b.intake.Start(t.Context(), kind.start)
				require.NoError(t, err)
				old := kind.old(got.Ref.ID)
				for _, dry := range []bool{true, false, true} {
					require.Equal(t, sqlstore.ImportReport{Done: 1, Known: 1}, b.imports(t, sqlstore.ImportOptions{DryRun: dry}, old))
				}
				again, err := b.intake.Start(t.Context(), kind.start)
				require.NoError(t, err)
				require.Equal(t, got.Started, again.Started, "its own state stays")

				require.NoError(t, b.store.Erase(t.Context(), got.Ref))
				for _, old.State = range []sqlstore.ImportState{sqlstore.ImportRunning, sqlstore.ImportFinal} {
					require.Equal(t, sqlstore.ImportReport{Done: 1, Erased: 1}, b.imports(t, sqlstore.ImportOptions{}, old))
				}
				d.lacks(t, "claims", "old.example.com")
				require.Equal(t, "", b.text(t, "SELECT subject FROM "+b.table("orders")+" UNION ALL SELECT subject FROM "+b.table("subjects")))
			})
		})
	}
}

// The final result that another system wrote ends an order that came through the
// vendor: where it gives no id, a click is a new order then.
func TestImportOfAnotherSystemsFinal(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		first, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		ended := ashbyOld("app-1", first.Ref.ID)
		ended.State = sqlstore.ImportFinal
		require.Equal(t, sqlstore.ImportReport{Done: 1, Known: 1}, b.imports(t, sqlstore.ImportOptions{}, ended))
		b.publish(t, first.Ref, interim("late"))
		b.flush(t, first.Ref)
		require.Empty(t, b.vendor.got)
		again, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		require.NotEqual(t, first.Ref, again.Ref)

		// One whose final was written here is not brought back by an old list.
		b.publish(t, again.Ref, final("end"))
		b.flush(t, again.Ref)
		b.imports(t, sqlstore.ImportOptions{}, ashbyOld("app-1", again.Ref.ID))
		third, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		require.False(t, third.Replayed)
	})
}

// Of an order of the other system results were published here before it is imported.
// It is found by its candidate all the same.
func TestImportAfterItsResults(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.publish(t, komboRef("1"), interim("half"))
		b.flush(t, komboRef("1"))
		require.Equal(t, sqlstore.ImportReport{Done: 1, New: 1}, b.imports(t, sqlstore.ImportOptions{}, running(komboRef("1"))))
		refs, err := b.store.EraseSubject(t.Context(), assessment.Kombo, "", komboRef("1").Account, "c-1")
		require.NoError(t, err)
		require.Equal(t, []assessment.OrderRef{komboRef("1")}, refs)
	})
}

// An order whose start failed here turns out to run elsewhere: it is not tried again.
func TestImportOfAFailedStart(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.provider.says(assessment.Started{}, errors.New("down"))
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		require.False(t, b.work(t, komboRef("1")).Done)
		_, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.ErrorIs(t, err, assessment.ErrFault)
		starts := len(b.provider.starts)
		require.Equal(t, sqlstore.ImportReport{Done: 2, New: 1, Known: 1}, b.imports(t, sqlstore.ImportOptions{}, running(komboRef("1")), ashbyOld("app-1", "old-1")))
		b.shift(t, time.Hour)
		require.True(t, b.work(t, komboRef("1")).Done)
		got, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		require.Equal(t, ashbyRef("old-1"), got.Ref)
		require.Len(t, b.provider.starts, starts)
	})
}

// A time that cannot be is a mistake of units or of a field: everything written later
// would be stamped after it.
func TestImportTimes(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		now, err := b.store.Now(t.Context())
		require.NoError(t, err)
		for name, change := range map[string]func(*sqlstore.Imported){
			"at":      func(r *sqlstore.Imported) { r.At = now.Add(48 * time.Hour) },
			"written": func(r *sqlstore.Imported) { r.Written = time.UnixMilli(now.UnixMicro()) },
			"before":  func(r *sqlstore.Imported) { r.At = time.Unix(-1, 0) },
		} {
			r := running(komboRef(name))
			change(&r)
			_, err := b.store.Import(t.Context(), source(r), sqlstore.ImportOptions{})
			var invalid *assessment.ValidationError
			require.ErrorAs(t, err, &invalid, name)
		}
		r := running(komboRef("skewed"))
		r.At = now.Add(time.Hour)
		require.Equal(t, sqlstore.ImportReport{Done: 1, New: 1}, b.imports(t, sqlstore.ImportOptions{}, r))
		_, err = b.store.Import(t.Context(), nil, sqlstore.ImportOptions{})
		require.Error(t, err)
	})
}
