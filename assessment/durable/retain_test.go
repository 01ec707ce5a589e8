package durable_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// fillOld adds n orders that were started and have a final result, and as many
// rows of the journal, all of them old.
func (b *intakeBench) fillOld(t *testing.T, n int) {
	t.Helper()
	numbers := fmt.Sprintf("generate_series(1, %d) AS i", n)
	answer := "convert_to('{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"started\":{\"candidate_url\":\"https://" + marker + "\"}}', 'UTF8')"
	if b.dialect == sqlstore.SQLite {
		numbers = fmt.Sprintf("(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n)", n)
		answer = "CAST('{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"started\":{\"candidate_url\":\"https://" + marker + "\"}}' AS BLOB)"
	}
	for table, values := range map[string]string{
		"claims (key, ref, token, until, answer, made)": "'kombo///old/' || i, '', 't', 0, " + answer + ", 1",
		"results (ref, route, account, dedupe, digest, final, correction, form, body, state, reason, receipt, tries, waited, due, made, settled)": "'kombo///old/' || i, 'kombo', 'old', 'd', 'd', 1, 0, 1, '" + marker + "', 'written', '', '', 1, 0, 0, 1, 1 + i % 7",
		"journal (ref, at, what, detail)": "'kombo///old/' || i, 1 + i % 7, 'result.written', '{}'",
	} {
		name, columns, _ := strings.Cut(table, " ")
		_, err := b.db.Exec("INSERT INTO " + b.table(name) + " " + columns + " SELECT " + values + " FROM " + numbers)
		require.NoError(t, err)
	}
	if b.dialect == sqlstore.PostgreSQL {
		_, err := b.db.Exec("ANALYZE " + b.table("claims") + ", " + b.table("results") + ", " + b.table("journal"))
		require.NoError(t, err)
	}
}

// retentions are the statements of retention that change rows.
var retentions = []string{"SET answer = ", "SET body = NULL", "DELETE FROM %sresults", "DELETE FROM %sjournal"}

// A year's rows go in portions. Whatever else happens between two of them finds no
// lock, and when the context ends so does retention, to be carried on.
func TestRetainInPortions(t *testing.T) {
	const n = 2500
	all := sqlstore.Retained{ResultBodies: n, Answers: n, Settled: n, Journal: n}
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.fillOld(t, n)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		changes, interrupt := map[string]int{}, ""
		store := b.over(t, b.tampered(t, func(query string) string {
			for _, change := range retentions {
				if !matches(query, change) {
					continue
				}
				if changes[change]++; changes[change] == 2 && change == interrupt {
					cancel()
				}
				b.unlocked(t)
			}
			return query
		}), sqlstore.Options{})
		for range 2 {
			got, err := store.Retain(ctx, sqlstore.Retention{}, true)
			require.NoError(t, err)
			require.Equal(t, all, got)
			require.Empty(t, changes, "a dry run changes nothing")
		}

		interrupt = retentions[2]
		first, err := store.Retain(ctx, sqlstore.Retention{}, false)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, sqlstore.Retained{ResultBodies: n, Answers: n, Settled: 1000}, first)
		second, err := store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		require.Equal(t, sqlstore.Retained{Settled: 1500, Journal: n}, second)
		require.Equal(t, map[string]int{retentions[0]: 3, retentions[1]: 3, retentions[2]: 4, retentions[3]: 3}, changes)
		b.lacks(t, "claims", marker)
		again, err := store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		require.Zero(t, again)
	})
}

// unlocked requires that nobody has changed a row and not committed yet. SQLite has
// one connection: whoever asks has it.
func (d *database) unlocked(t *testing.T) {
	if d.dialect != sqlstore.PostgreSQL {
		return
	}
	require.Equal(t, "0", d.text(t, `SELECT CAST(COUNT(*) AS TEXT) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
		WHERE c.relnamespace = '`+d.schema+`'::regnamespace AND c.relkind = 'r' AND l.mode = 'RowExclusiveLock'`))
}

// An order that comes while retention has SQLite's only connection waits for one
// portion.
func TestRetainLetsOthersIn(t *testing.T) {
	for _, change := range retentions {
		t.Run(change, func(t *testing.T) {
			d := newSQLite(t)
			b := newIntakeBench(t, d)
			b.fillOld(t, 2500)
			var pool *sql.DB
			var seen []string
			queued := make(chan error, 1)
			pool = b.tampered(t, func(query string) string {
				if first := !slices.ContainsFunc(seen, func(q string) bool { return matches(q, change) }); first && matches(query, change) {
					waiting := pool.Stats().WaitCount
					spool, err := b.over(t, pool, sqlstore.Options{}).Spool(sqlstore.SpoolConfig{Intake: b.intake})
					require.NoError(t, err)
					go func() { queued <- spool.Queue(context.WithoutCancel(t.Context()), order(komboRef("1"))) }()
					require.Eventually(t, func() bool { return pool.Stats().WaitCount > waiting }, time.Minute, time.Millisecond)
				}
				seen = append(seen, query)
				return query
			})
			_, err := b.over(t, pool, sqlstore.Options{}).Retain(t.Context(), sqlstore.Retention{}, false)
			require.NoError(t, err)
			require.NoError(t, <-queued)
			var order []bool // of the portions and the insert, which is the insert
			for _, q := range seen {
				if is := matches(q, "INSERT INTO %sorders"); is || matches(q, change) {
					order = append(order, is)
				}
			}
			require.Equal(t, []bool{false, true, false, false}, order)
		})
	}
}

// The work of a portion does not grow with the tables.
func TestRetainUsesIndexes(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.fillOld(t, 2_000)
		var statements []string
		_, err := b.over(t, b.tampered(t, func(query string) string {
			if !slices.Contains(statements, query) && !strings.HasPrefix(query, "SELECT (") {
				statements = append(statements, query)
			}
			return query
		}), sqlstore.Options{}).Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		require.Len(t, statements, 9, "every kind has been run")
		for _, q := range statements {
			plan := b.plan(t, q)
			require.NotContains(t, plan, "Seq Scan on assessbridge_")
			require.NotContains(t, plan, "hashed SubPlan") // over a whole table
			require.NotContains(t, plan, "SCAN assessbridge_")
		}
	})
}

// plan is how the database runs a statement, whatever its parameters. PostgreSQL
// would read small tables as a whole; here it does so only where it has to.
func (d *database) plan(t *testing.T, statement string) string {
	t.Helper()
	parameters := 0
	for strings.Contains(statement, fmt.Sprint(map[sqlstore.Dialect]string{sqlstore.PostgreSQL: "$", sqlstore.SQLite: "?"}[d.dialect], parameters+1)) {
		parameters++
	}
	if d.dialect == sqlstore.SQLite {
		rows, err := d.db.Query("EXPLAIN QUERY PLAN "+statement, make([]any, parameters)...)
		require.NoError(t, err)
		defer func() { _ = rows.Close() }()
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			plan = append(plan, detail)
		}
		require.NoError(t, rows.Err())
		return strings.Join(plan, "\n")
	}
	tx, err := d.db.Begin()
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	for _, prepare := range []string{"SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off", "PREPARE planned AS " + statement} {
		_, err = tx.Exec(prepare)
		require.NoError(t, err)
	}
	rows, err := tx.Query("EXPLAIN EXECUTE planned(NULL" + strings.Repeat(", NULL", parameters-1) + ")")
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan = append(plan, line)
	}
	require.NoError(t, rows.Err())
	_, err = tx.Exec("DEALLOCATE planned")
	require.NoError(t, err)
	return strings.Join(plan, "\n")
}

// What is personal in an answer goes with time. An order that is delivered again
// later is answered as one that was taken or rejected before, and starts nothing.
func TestRetainSettlesAnswers(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		start := func(id string) assessment.Order {
			o := order(komboRef(id))
			o.Inline = true
			_, _ = b.intake.Start(t.Context(), o)
			return o
		}
		finish := func(ref assessment.OrderRef) {
			b.publish(t, ref, final("end"))
			require.Equal(t, 1, b.flush(t, ref).Settled)
		}
		ended, goesOn, elsewhere, erased := start("ended"), start("goes on"), start("elsewhere"), start("erased")
		finish(ended.Ref)
		finish(erased.Ref)
		require.NoError(t, b.store.Erase(t.Context(), erased.Ref))
		past := running(elsewhere.Ref) // it was ordered here, and its final result written there
		past.State = sqlstore.ImportFinal
		b.imports(t, sqlstore.ImportOptions{}, past)
		b.provider.says(assessment.Started{}, assessment.Reject(marker+" has no seat"))
		rejected, queued := start("rejected"), order(komboRef("queued"))
		require.NoError(t, b.spool.Queue(t.Context(), queued))
		b.work(t, queued.Ref)
		b.flush(t, queued.Ref)
		starts := len(b.provider.starts)

		retain := func() int64 {
			got, err := b.store.Retain(t.Context(), sqlstore.Retention{}, false)
			require.NoError(t, err)
			return got.Answers
		}
		b.shift(t, 89*24*time.Hour)
		require.Zero(t, retain())
		b.shift(t, 2*24*time.Hour)
		require.EqualValues(t, 4, retain())
		require.Zero(t, retain())

		again := func(o assessment.Order) (assessment.Accepted, error) { return b.intake.Start(t.Context(), o) }
		for _, o := range []assessment.Order{ended, elsewhere} {
			got, err := again(o)
			require.NoError(t, err)
			require.True(t, got.Replayed && got.Settled)
			require.Zero(t, got.Started)
			require.Equal(t, o.Ref, got.Ref)
		}
		for _, o := range []assessment.Order{rejected, queued} {
			_, err := again(o)
			var no *assessment.Rejection
			require.ErrorAs(t, err, &no)
			require.Equal(t, "The order was rejected.", no.Message)
		}
		_, err := again(erased)
		require.ErrorIs(t, err, assessment.ErrErased)
		got, err := again(goesOn)
		require.NoError(t, err)
		require.Contains(t, got.Started.CandidateURL, marker)
		states, err := b.intake.States(t.Context(), []assessment.OrderRef{ended.Ref, elsewhere.Ref, rejected.Ref, erased.Ref})
		require.NoError(t, err)
		require.Equal(t, map[assessment.OrderRef]assessment.OrderState{
			ended.Ref: assessment.OrderStarted, elsewhere.Ref: assessment.OrderStarted,
			rejected.Ref: assessment.OrderRejected, erased.Ref: assessment.OrderErased,
		}, states)
		require.Len(t, b.provider.starts, starts)

		require.NoError(t, b.store.Erase(t.Context(), goesOn.Ref))
		b.lacks(t, "claims", marker)
		require.NoError(t, b.store.Erase(t.Context(), ended.Ref))
		_, err = again(ended)
		require.ErrorIs(t, err, assessment.ErrErased)
	})
}

// Where the vendor gives no id the end of an order frees it, also where it is
// retention that finds out about the end.
func TestRetainFreesANaturalKey(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		first, err := b.intake.Start(t.Context(), ashbyStart("a1"))
		require.NoError(t, err)
		_, err = d.db.Exec("INSERT INTO "+d.table("lanes")+" VALUES ($1, '', 0, 1, 1, 1, 1, 0)", first.Ref.String()) // its final was written
		require.NoError(t, err)
		b.shift(t, 91*24*time.Hour)
		got, err := b.store.Retain(t.Context(), sqlstore.Retention{}, false)
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Answers)
		again, err := b.intake.Start(t.Context(), ashbyStart("a1"))
		require.NoError(t, err)
		require.False(t, again.Replayed)
		require.NotEqual(t, first.Ref, again.Ref)
	})
}
