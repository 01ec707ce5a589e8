package durable_test

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// refuse publishes a final of each id and has the vendor answer so.
func (b *bench) refuse(t *testing.T, err error, ids ...string) {
	t.Helper()
	b.vendor.says(assessment.Receipt{}, err)
	for _, id := range ids {
		b.publish(t, komboRef(id), final(id))
		b.flush(t, komboRef(id))
	}
	b.vendor.says(written, nil)
}

var template = &assessment.APIError{StatusCode: 422, Code: "TEMPLATE", Operation: "PUT /assessment/orders/{id}/result"}

func many() sqlstore.Many { return sqlstore.Many{Act: operator, PerMinute: 60_000} }

func (b *bench) dueNow(t *testing.T) int {
	t.Helper()
	return len(b.due(t, 0))
}

// Each part of a filter chooses, and nothing changes in a dry run.
func TestRedriveManyFilter(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.refuse(t, template, "1", "2")
		b.refuse(t, &assessment.APIError{StatusCode: 422, Code: "OTHER"}, "3")
		b.refuse(t, &assessment.APIError{StatusCode: 408, Uncertain: true}, "4")
		between, err := b.store.Now(t.Context())
		require.NoError(t, err)
		b.shift(t, time.Hour)
		b.refuse(t, &assessment.ValidationError{Problems: []assessment.Problem{{Path: "score"}}}, "5")
		for name, c := range map[string]struct {
			filter sqlstore.Filter
			want   int
		}{
			"everything refused":  {sqlstore.Filter{}, 4},
			"uncertain ones too":  {sqlstore.Filter{Uncertain: true}, 5},
			"the code":            {sqlstore.Filter{Code: "TEMPLATE"}, 2},
			"the operation":       {sqlstore.Filter{Operation: "PUT /assessment/orders/{id}/result"}, 2},
			"the route":           {sqlstore.Filter{Route: "kombo"}, 4},
			"another route":       {sqlstore.Filter{Route: "kombo/eu"}, 0},
			"the account":         {sqlstore.Filter{Account: "workday:acme"}, 4},
			"another account":     {sqlstore.Filter{Account: "workday:other"}, 0},
			"since":               {sqlstore.Filter{Since: between.Add(time.Minute)}, 1},
			"until":               {sqlstore.Filter{Until: between.Add(time.Minute)}, 3},
			"only uncertain ones": {sqlstore.Filter{State: "uncertain"}, 1},
			"only refused ones":   {sqlstore.Filter{State: "refused", Uncertain: true}, 4},
			"two orders":          {sqlstore.Filter{Refs: []assessment.OrderRef{komboRef("1"), komboRef("3"), komboRef("none")}}, 2},
			"an order, uncertain": {sqlstore.Filter{Refs: []assessment.OrderRef{komboRef("4")}, Uncertain: true}, 1},
			"no quote breaks out": {sqlstore.Filter{Code: "' OR 1=1 --"}, 0},
		} {
			m := many()
			m.DryRun = true
			got, err := b.outbox.RedriveMany(t.Context(), c.filter, m)
			require.NoError(t, err, name)
			require.Equal(t, sqlstore.Dealt{Matched: c.want, Changed: c.want}, got, name)
			listed, err := b.outbox.Matching(t.Context(), c.filter, 0, 10)
			require.NoError(t, err, name)
			require.Len(t, listed, c.want, name)
		}
		for _, state := range []string{"late", "pending", "written"} {
			_, err = b.outbox.RedriveMany(t.Context(), sqlstore.Filter{State: state}, many())
			require.Error(t, err, state)
		}
		_, err = b.outbox.Matching(t.Context(), sqlstore.Filter{State: "written"}, 0, 10)
		require.Error(t, err)
		require.Zero(t, b.dueNow(t))
		_, err = b.outbox.RedriveMany(t.Context(), sqlstore.Filter{}, sqlstore.Many{})
		require.Error(t, err, "nobody did it")
		_, err = b.outbox.RedriveMany(t.Context(), sqlstore.Filter{}, sqlstore.Many{Act: operator, Max: -1})
		require.Error(t, err)
	})
}

// Re-driven results become due one after another, each with a note; called again
// it goes on with what is left, at the same pace.
func TestRedriveManyPaced(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.refuse(t, template, "1", "2", "3", "4", "5")
		m := sqlstore.Many{Act: operator, PerMinute: 1, Max: 2}
		got, err := b.outbox.RedriveMany(t.Context(), sqlstore.Filter{}, m)
		require.NoError(t, err)
		require.Equal(t, 5, got.Matched)
		require.Equal(t, 2, got.Changed)
		m.Max = 0
		again, err := b.outbox.RedriveMany(t.Context(), sqlstore.Filter{}, m)
		require.NoError(t, err)
		require.Equal(t, 3, again.Matched)
		require.Equal(t, 3, again.Changed)
		require.Equal(t, got.Until.Add(3*time.Minute), again.Until)
		for due := range 6 {
			require.Equal(t, due, b.dueNow(t))
			b.shift(t, time.Minute)
		}
		for _, id := range []string{"1", "2", "3", "4", "5"} {
			b.flush(t, komboRef(id))
			require.Equal(t, "written", b.states(t, komboRef(id)))
			require.Contains(t, b.notes(t, komboRef(id)), sqlstore.NoteRedriven)
		}
		require.Equal(t, "kim", b.text(t, "SELECT DISTINCT "+d.field("detail", "actor")+" FROM "+b.table("journal")+" WHERE what = 'result.redriven'"))
	})
}

// field is a member of a column's JSON.
func (d *database) field(column, name string) string {
	if d.dialect == sqlstore.PostgreSQL {
		return "CAST(" + column + " AS json)->>'" + name + "'"
	}
	return "json_extract(" + column + ", '$." + name + "')"
}

// What the vendor has something newer of, and what has no body any more, is left
// out and counted.
func TestRedriveManyLeavesOut(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newBench(t, d)
		b.refuse(t, template, "overtaken", "gone", "good")
		b.vendor.says(assessment.Receipt{}, template)
		b.publish(t, komboRef("interim"), interim("half"))
		b.flush(t, komboRef("interim"))
		b.vendor.says(written, nil)
		for _, id := range []string{"overtaken", "interim"} {
			b.publish(t, komboRef(id), final("newer"))
			b.flush(t, komboRef(id))
		}
		_, err := d.db.Exec("UPDATE " + b.table("results") + " SET body = NULL WHERE ref = '" + komboRef("gone").String() + "'")
		require.NoError(t, err)
		got, err := b.outbox.RedriveMany(t.Context(), sqlstore.Filter{}, many())
		require.NoError(t, err)
		require.Equal(t, sqlstore.Dealt{Matched: 4, Newer: 2, Gone: 1, Changed: 1, Until: got.Until}, got)
		require.Equal(t, "refused written", b.states(t, komboRef("overtaken")))
		require.Equal(t, "refused written", b.states(t, komboRef("interim")))
		require.Equal(t, "refused", b.states(t, komboRef("gone")))
		require.Equal(t, "pending", b.states(t, komboRef("good")))

		// They can be given up, with a note each.
		dropped, err := b.outbox.DiscardMany(t.Context(), sqlstore.Filter{}, many())
		require.NoError(t, err)
		require.Equal(t, sqlstore.Dealt{Matched: 3, Changed: 3}, dropped)
		require.Equal(t, "discarded written", b.states(t, komboRef("overtaken")))
		require.Contains(t, b.notes(t, komboRef("gone")), sqlstore.NoteDiscarded)
		left, err := b.outbox.Attention(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Empty(t, left)
	})
}

// Discarding late ones and finals frees what they hold.
func TestDiscardMany(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		first, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		b.vendor.says(assessment.Receipt{}, template)
		b.publish(t, first.Ref, final("end"))
		b.flush(t, first.Ref)
		_, err = b.outbox.DiscardMany(t.Context(), sqlstore.Filter{Route: "ashby"}, many())
		require.NoError(t, err)
		second, err := b.intake.Start(t.Context(), ashbyStart("app-1"))
		require.NoError(t, err)
		require.NotEqual(t, first.Ref, second.Ref)

		b.publish(t, komboRef("late"), final("late"))
		_, err = d.db.Exec("UPDATE " + b.table("results") + " SET reason = 'late' WHERE state = 'pending'")
		require.NoError(t, err)
		got, err := b.outbox.DiscardMany(t.Context(), sqlstore.Filter{}, many())
		require.NoError(t, err)
		require.Zero(t, got.Matched)
		listed, err := b.outbox.Matching(t.Context(), sqlstore.Filter{State: "late"}, 0, 10)
		require.NoError(t, err)
		require.Len(t, listed, 1)
		got, err = b.outbox.DiscardMany(t.Context(), sqlstore.Filter{State: "late"}, many())
		require.NoError(t, err)
		require.Equal(t, 1, got.Changed)
	})
}

// Thousands of results that were refused are re-driven after mending, while what
// is published meanwhile goes out in seconds.
func TestServiceRedrivesMany(t *testing.T) {
	b := newServiceBench(t, newPostgres(t), nil)
	n := size(600, 40_000)
	_, err := b.db.Exec(fmt.Sprintf(`INSERT INTO %s (ref, route, account, dedupe, digest, final, correction, form, body, state, reason, receipt, tries, waited, due, made, settled)
SELECT 'kombo///workday:acme/old-' || i, 'kombo', 'workday:acme', 'at/' || i, CAST(i AS TEXT), 1, 0, 1, '{"status":"completed","summary":"old"}', 'refused', 'invalid TEMPLATE', '{"code":"TEMPLATE"}', 0, 0, 0, 1, 1
FROM generate_series(1, %d) AS i`, b.table("results"), n))
	require.NoError(t, err)
	var mu sync.Mutex
	sentAt := map[string]time.Time{}
	b.vendor.answer = func(ref assessment.OrderRef, _ assessment.Result) (assessment.Receipt, error) {
		<-time.After(5 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		sentAt[ref.ID] = time.Now()
		return written, nil
	}
	b.run(t)
	began := time.Now()
	done, err := b.service.Outbox().RedriveMany(t.Context(), sqlstore.Filter{Code: "TEMPLATE"}, sqlstore.Many{Act: operator, PerMinute: size(60_000, 12_000)})
	require.NoError(t, err)
	require.Equal(t, n, done.Changed)
	var took []time.Duration
	live := 0
	within(t, 10*time.Minute, "all are written", func() bool {
		id := "live-" + strconv.Itoa(live)
		live++
		at := time.Now()
		_, err := b.service.Publish(t.Context(), sqlstore.Message{Ref: komboRef(id), Result: final("live")})
		require.NoError(t, err)
		eventually(t, id+" is written", func() bool {
			mu.Lock()
			defer mu.Unlock()
			sent, ok := sentAt[id]
			if ok {
				took = append(took, sent.Sub(at))
			}
			return ok
		})
		return b.count(t, b.table("results")+" WHERE state <> 'written'") == 0
	})
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("%d re-driven in %v beside %d live finals: p99 %v", n, time.Since(began).Round(time.Second), live, p99.Round(time.Millisecond))
	require.Less(t, p99, 10*time.Second)
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, sentAt, n+live)
	require.Equal(t, n+live, b.vendor.count())
}

// within is eventually with a deadline of its own and no pause.
func within(t testing.TB, most time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(most)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
