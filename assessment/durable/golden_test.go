package durable_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// rowForms and jobForms are what releases so far have written. A database
// outlives a release, so every one of them has to be read for good; a new form
// gets a file of its own beside the old.
var (
	rowForms = []string{"testdata/rows.v1.json"}
	jobForms = []string{"testdata/jobs.v1.json"}
)

func golden(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, into))
}

// pinned are the order, the result and the answer of the rows.
func pinned() (assessment.Order, assessment.Result) {
	r := at(final("end"), noon)
	r.Score = assessment.ScoreOutOf(87.4, 100)
	return order(komboRef("1")), r
}

// What is written today is the newest pinned form.
func TestRowsAreWrittenAsPinned(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		o, r := pinned()
		require.NoError(t, b.spool.Queue(t.Context(), o))
		b.publish(t, komboRef("2"), r)
		var rows map[string]map[string]any
		golden(t, rowForms[len(rowForms)-1], &rows)
		for table, ref := range map[string]assessment.OrderRef{"orders": o.Ref, "results": komboRef("2")} {
			for column, want := range rows[table] {
				got := b.text(t, fmt.Sprintf("SELECT COALESCE(CAST(%s AS TEXT), '') FROM %s WHERE ref = '%s'", column, b.table(table), ref))
				require.Equal(t, fmt.Sprint(want), got, "%s.%s", table, column)
			}
		}
	})
}

// Rows of every form are worked on.
func TestRowsOfEveryFormAreRead(t *testing.T) {
	for _, file := range rowForms {
		t.Run(file, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newIntakeBench(t, d)
				var rows map[string]map[string]any
				golden(t, file, &rows)
				for table, row := range rows {
					b.insert(t, table, row)
				}
				o, r := pinned()
				require.True(t, b.work(t, o.Ref).Done)
				require.Equal(t, []assessment.Order{o}, b.provider.starts)
				require.Equal(t, 1, b.flush(t, komboRef("2")).Settled)
				require.Equal(t, r, b.vendor.got[0].r)
				b.publish(t, komboRef("2"), r) // told as a repetition
				require.Equal(t, "written", b.states(t, komboRef("2")))
				got, err := b.intake.Start(t.Context(), order(komboRef("3")))
				require.NoError(t, err)
				require.True(t, got.Replayed)
				require.Equal(t, assessment.Started{CandidateURL: "https://tests.example.com/3"}, got.Started)
			})
		})
	}
}

// insert adds a row as it was pinned, made now.
func (d *database) insert(t *testing.T, table string, row map[string]any) {
	columns, values := []string{"made"}, []any{noon.UnixMilli()}
	marks := []string{"$1"}
	for _, column := range slices.Sorted(maps.Keys(row)) {
		value := row[column]
		if number, ok := value.(float64); ok {
			value = int64(number)
		}
		if column == "answer" {
			value = []byte(value.(string))
		}
		columns, values = append(columns, column), append(values, value)
		marks = append(marks, fmt.Sprintf("$%d", len(values)))
	}
	_, err := d.db.Exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", d.table(table),
		strings.Join(columns, ", "), strings.Join(marks, ", ")), values...)
	require.NoError(t, err)
}

// Jobs are inserted with the newest pinned arguments, and jobs of every form so
// far are worked on.
func TestJobForms(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil)
		var newest map[string]json.RawMessage
		golden(t, jobForms[len(jobForms)-1], &newest)
		require.NoError(t, b.service.Queue(t.Context(), order(komboRef("1"))))
		_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: komboRef("1"), Result: final("end")})
		require.NoError(t, err)
		require.NoError(t, b.service.DB().Resume(t.Context(), "kombo", "workday:acme", sqlstore.SwitchResults, operator))
		require.NoError(t, b.service.DB().Resume(t.Context(), "kombo", "workday:acme", sqlstore.SwitchStarts, operator))
		for _, kind := range []string{"assessbridge_order.v1", "assessbridge_flush.v1", "assessbridge_wake.v1", "assessbridge_starts.v1"} {
			args := "args"
			if d.dialect == sqlstore.SQLite {
				args = "json(args)"
			}
			require.JSONEq(t, string(newest[kind]), b.text(t, "SELECT CAST("+args+" AS TEXT) FROM "+b.jobTable()+" WHERE kind = '"+kind+"'"))
		}

		_, err = d.db.Exec("DELETE FROM " + b.jobTable())
		require.NoError(t, err)
		jobs := 0
		for _, file := range jobForms {
			var forms map[string]json.RawMessage
			golden(t, file, &forms)
			for kind, args := range forms {
				_, err := d.page(t).Insert(t.Context(), pinnedJob{kind, args}, &river.InsertOpts{Queue: "assessbridge_results"})
				require.NoError(t, err)
				jobs++
			}
		}
		b.run(t)
		eventually(t, "all kinds are worked on", func() bool { return b.count(t, b.jobTable()+" WHERE state = 'completed'") >= jobs })
		require.Equal(t, 1, b.provider.count())
		require.Equal(t, 1, b.vendor.count())
	})
}

// pinnedJob is a job of any kind.
type pinnedJob struct {
	kind string
	args json.RawMessage
}

func (j pinnedJob) Kind() string                 { return j.kind }
func (j pinnedJob) MarshalJSON() ([]byte, error) { return j.args, nil }
