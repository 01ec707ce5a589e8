package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// fault has orders fail until they need attention, one of an unknown status be held
// back, and one of an account be held up by a surge.
func (b *intakeBench) fault(t *testing.T, ids ...string) {
	t.Helper()
	b.provider.says(assessment.Started{}, errors.New(marker))
	for _, id := range ids {
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef(id))))
	}
	for range 3 {
		for _, id := range ids {
			b.work(t, komboRef(id))
		}
		b.shift(t, 40*time.Minute)
	}
	b.provider.says(assessment.Started{CandidateURL: "https://tests.example.com"}, nil)
}

// need adds an order that needs attention for a reason.
func (b *intakeBench) need(t *testing.T, ref assessment.OrderRef, reason string) {
	t.Helper()
	require.NoError(t, b.spool.Queue(t.Context(), order(ref)))
	_, err := b.db.Exec("UPDATE " + b.table("orders") + " SET state = 'attention', reason = '" + reason + "', due = 9000000000000 WHERE ref = '" + ref.String() + "'")
	require.NoError(t, err)
}

// needMany adds orders with content that fail: 0, 1 and so on.
func (b *intakeBench) needMany(t *testing.T, n int) {
	t.Helper()
	tx, err := b.db.Begin()
	require.NoError(t, err)
	for i := range n {
		ref := komboRef(fmt.Sprint(i)).String()
		_, err := tx.Exec("INSERT INTO " + b.table("orders") + ` (ref, route, account, subject, form, body, state, reason, tries, faulted, due, token, until, made, settled)
			VALUES ('` + ref + `', 'kombo', 'workday:acme', '', 1, '{"ref":"` + ref + `","candidate":{"email":"` + marker + `"}}', 'attention', 'faulting', 9, 1, 0, '', 0, 1, 0)`)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
}

// surge holds an account's starts up, as the reconciler does.
func (b *intakeBench) surge(t *testing.T, account string) {
	t.Helper()
	_, err := b.db.Exec("INSERT INTO " + b.table("gates") + ` (route, account, what, cause, under, print, opens, probing, probes, token, wake, switched_by, made)
		VALUES ('kombo', '` + account + `', 'starts', 'surge', '', '', 1152921504606846976, 0, 0, '', 0, 'reconciler', 0)`)
	require.NoError(t, err)
}

// Each part of a filter chooses, and nothing changes in a dry run.
func TestStartManyFilter(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.fault(t, "1", "2")
		between, err := b.store.Now(t.Context())
		require.NoError(t, err)
		b.shift(t, time.Hour)
		b.need(t, komboRef("3"), "undecodable")
		b.need(t, ofAccount("other", "4"), "invalid: candidate.id")
		b.need(t, ofAccount("other", "5"), "unknown_status")
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("held", "6"))))
		b.surge(t, "held")
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("only waits"))))
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("7"))))
		require.True(t, b.work(t, komboRef("7")).Done)
		before := b.text(t, "SELECT state FROM "+b.table("orders")+" ORDER BY ref")
		for name, c := range map[string]struct {
			filter     sqlstore.OrderFilter
			want, held int
		}{
			"all":             {sqlstore.OrderFilter{}, 6, 1},
			"faulting":        {sqlstore.OrderFilter{Reason: "faulting"}, 2, 0},
			"undecodable":     {sqlstore.OrderFilter{Reason: "undecodable"}, 1, 0},
			"invalid":         {sqlstore.OrderFilter{Reason: "invalid"}, 1, 0},
			"unknown status":  {sqlstore.OrderFilter{Reason: "unknown_status"}, 1, 0},
			"surge":           {sqlstore.OrderFilter{Reason: "surge"}, 1, 1},
			"other fields":    {sqlstore.OrderFilter{Reason: "invalid: candidate"}, 0, 0},
			"no wildcard":     {sqlstore.OrderFilter{Account: "%"}, 0, 0},
			"the account":     {sqlstore.OrderFilter{Account: "other"}, 2, 0},
			"another account": {sqlstore.OrderFilter{Account: "nobody"}, 0, 0},
			"the route":       {sqlstore.OrderFilter{Route: "kombo"}, 6, 1},
			"another route":   {sqlstore.OrderFilter{Route: "kombo/eu"}, 0, 0},
			"since":           {sqlstore.OrderFilter{Since: between}, 4, 1},
			"until":           {sqlstore.OrderFilter{Until: between}, 2, 0},
			"the orders":      {sqlstore.OrderFilter{Refs: []assessment.OrderRef{komboRef("1"), komboRef("only waits")}}, 1, 0},
		} {
			m := many()
			m.DryRun = true
			got, err := b.spool.StartMany(t.Context(), c.filter, m)
			require.NoError(t, err, name)
			require.Equal(t, sqlstore.DealtOrders{Matched: c.want, Held: c.held, Changed: c.want - c.held}, got, name)
			got, err = b.spool.DiscardMany(t.Context(), c.filter, m)
			require.NoError(t, err, name)
			require.Equal(t, sqlstore.DealtOrders{Matched: c.want, Changed: c.want}, got, name)
			listed, err := b.spool.Matching(t.Context(), c.filter, sqlstore.WaitingOrder{}, 10)
			require.NoError(t, err, name)
			require.Len(t, listed, c.want, name)
		}
		require.Equal(t, before, b.text(t, "SELECT state FROM "+b.table("orders")+" ORDER BY ref"))
		for _, m := range []sqlstore.Many{{}, {Act: operator, Max: -1}, {Act: operator, PerMinute: -1}} {
			_, err = b.spool.StartMany(t.Context(), sqlstore.OrderFilter{}, m)
			require.Error(t, err)
			_, err = b.spool.DiscardMany(t.Context(), sqlstore.OrderFilter{}, m)
			require.Error(t, err)
		}
	})
}

// Orders become due one after another, the longest waiting first, each with a note;
// called again it goes on with what is left, at the same pace.
func TestStartManyPaced(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.fault(t, "5", "4", "3", "2", "1")
		b.need(t, komboRef("6"), "unknown_status")
		started := b.provider.count()
		m := sqlstore.Many{Act: operator, PerMinute: 1, Max: 2}
		got, err := b.spool.StartMany(t.Context(), sqlstore.OrderFilter{}, m)
		require.NoError(t, err)
		require.Equal(t, 6, got.Matched)
		require.Equal(t, 2, got.Changed)
		m.Max = 0
		again, err := b.spool.StartMany(t.Context(), sqlstore.OrderFilter{}, m)
		require.NoError(t, err)
		require.Equal(t, 4, again.Matched)
		require.Equal(t, 4, again.Changed)
		require.Equal(t, got.Until.Add(4*time.Minute), again.Until)
		none, err := b.spool.StartMany(t.Context(), sqlstore.OrderFilter{}, m)
		require.NoError(t, err)
		require.Equal(t, sqlstore.DealtOrders{}, none)
		for i := range 6 {
			require.Len(t, b.dueOrders(t), 0, i)
			b.shift(t, time.Minute)
			due := b.dueOrders(t)
			require.Len(t, due, 1)
			require.True(t, b.work(t, due[0]).Done)
			require.Contains(t, b.notes(t, due[0]), sqlstore.NoteStartNow)
		}
		require.Equal(t, started+6, b.provider.count())
		require.Equal(t, "6", b.provider.starts[started+5].Ref.ID, "the last that came")
		require.Equal(t, "kim", b.text(t, "SELECT DISTINCT "+d.field("detail", "actor")+" FROM "+b.table("journal")+" WHERE what = 'order.start_now'"))
	})
}

// What a worker is at is left out and counted, and so is, from starting only, what a
// switch holds up.
func TestManyOrdersLeftOut(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.need(t, komboRef("running"), "faulting")
		b.need(t, ofAccount("paused", "1"), "faulting")
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("held", "2"))))
		b.surge(t, "held")
		require.NoError(t, b.store.Pause(t.Context(), "kombo", "paused", sqlstore.SwitchStarts, operator))
		_, err := d.db.Exec("UPDATE " + d.table("orders") + " SET token = 't', until = 9000000000000 WHERE ref = '" + komboRef("running").String() + "'")
		require.NoError(t, err)
		b.shift(t, time.Minute)
		b.need(t, komboRef("good"), "faulting") // the youngest
		got, err := b.spool.StartMany(t.Context(), sqlstore.OrderFilter{}, many())
		require.NoError(t, err)
		require.Equal(t, sqlstore.DealtOrders{Matched: 4, Held: 2, Running: 1, Changed: 1, Until: got.Until}, got)
		require.Equal(t, "start_now", b.text(t, "SELECT reason FROM "+b.table("orders")+" WHERE ref = '"+komboRef("good").String()+"'"))
		got, err = b.spool.DiscardMany(t.Context(), sqlstore.OrderFilter{}, many())
		require.NoError(t, err)
		require.Equal(t, sqlstore.DealtOrders{Matched: 3, Running: 1, Changed: 2}, got)
		require.Equal(t, "attention discarded discarded queued", b.text(t, "SELECT state FROM "+b.table("orders")+" ORDER BY state"))
		require.Empty(t, b.vendor.got, "the vendor is told nothing")
	})
}

// Discarded orders are never started, whoever meets them, and each has a note. Many
// go in portions.
func TestDiscardManyOrders(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		const n = 1100
		b.needMany(t, n)
		_, err := b.intake.Start(t.Context(), order(komboRef("7"))) // the host has it all the same
		require.NoError(t, err)
		starts := b.provider.count()
		got, err := b.spool.DiscardMany(t.Context(), sqlstore.OrderFilter{Reason: "faulting"}, sqlstore.Many{Act: operator, Max: 1050})
		require.NoError(t, err)
		require.Equal(t, sqlstore.DealtOrders{Matched: n, Changed: 1050}, got)
		got, err = b.spool.DiscardMany(t.Context(), sqlstore.OrderFilter{Reason: "faulting"}, many())
		require.NoError(t, err)
		require.Equal(t, sqlstore.DealtOrders{Matched: 50, Changed: 50}, got)
		d.lacks(t, "orders", marker)
		require.Empty(t, b.dueOrders(t))
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("1"))))
		_, err = b.intake.Start(t.Context(), order(komboRef("1")))
		require.ErrorIs(t, err, assessment.ErrErased)
		replayed, err := b.intake.Start(t.Context(), order(komboRef("7")))
		require.NoError(t, err)
		require.True(t, replayed.Replayed, "an answer stays")
		require.Equal(t, starts, b.provider.count())
		require.Equal(t, []string{sqlstore.NoteQueued, sqlstore.NoteDropped}, b.notes(t, komboRef("1")))
		require.Equal(t, fmt.Sprint(n), d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.table("journal")+" WHERE what = 'order.discarded'"))
	})
}

// A reason that no order can have is a mistake, not an empty choice.
func TestOrderFilterReason(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		for _, reason := range []string{"faultin", "refused", "invalidated", "start_now", "%", " "} {
			f := sqlstore.OrderFilter{Reason: reason}
			_, err := b.spool.StartMany(t.Context(), f, many())
			require.ErrorContains(t, err, "faulting, undecodable, unknown_status, surge, invalid", reason)
			_, err = b.spool.DiscardMany(t.Context(), f, many())
			require.Error(t, err, reason)
			_, err = b.spool.Matching(t.Context(), f, sqlstore.WaitingOrder{}, 1)
			require.Error(t, err, reason)
		}
	})
}

// The list goes on page by page with what a filter chooses.
func TestMatchingOrdersByPage(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		for _, id := range []string{"4", "3", "2"} { // many have come in the same millisecond
			b.need(t, komboRef(id), "faulting")
		}
		b.need(t, komboRef("other"), "undecodable")
		b.shift(t, time.Minute)
		b.need(t, komboRef("1"), "faulting")
		var last sqlstore.WaitingOrder
		var ids []string
		for range 5 {
			page, err := b.spool.Matching(t.Context(), sqlstore.OrderFilter{Reason: "faulting"}, last, 2)
			require.NoError(t, err)
			for _, o := range page {
				ids = append(ids, o.Ref.ID)
				last = o
			}
		}
		require.Len(t, ids, 4)
		require.Equal(t, "1", ids[3], "the oldest first")
		require.ElementsMatch(t, []string{"1", "2", "3", "4"}, ids)
	})
}

// What has happened to an order since it was chosen counts: started, erased,
// discarded, started now by somebody else, begun by a worker.
func TestManyOrdersChangedSince(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		pool := d.tampered(t, func(query string) string {
			if !strings.HasPrefix(strings.TrimSpace(query), "SELECT") {
				return query
			}
			// The choice as it was before all that.
			query = strings.Replace(query, "o.state IN ('queued', 'attention') AND (o.state = 'attention' OR", "(1 = 1 OR", 1)
			return strings.Replace(query, "CASE WHEN until >", "CASE WHEN 9000000000000 <", 1)
		})
		b := newIntakeBench(t, d)
		store := d.over(t, pool, sqlstore.Options{})
		spool, err := store.Spool(sqlstore.SpoolConfig{Intake: b.intake})
		require.NoError(t, err)
		for _, id := range []string{"begun", "discarded", "erased", "good", "mine", "started"} {
			b.need(t, komboRef(id), "faulting")
		}
		change := func(set, id string) {
			_, err := d.db.Exec("UPDATE " + d.table("orders") + " SET " + set + " WHERE ref = '" + komboRef(id).String() + "'")
			require.NoError(t, err)
		}
		change("due = 0", "started")
		require.True(t, b.work(t, komboRef("started")).Done)
		require.NoError(t, b.store.Erase(t.Context(), komboRef("erased")))
		require.NoError(t, b.spool.Discard(t.Context(), komboRef("discarded"), operator))
		require.NoError(t, b.spool.StartNow(t.Context(), komboRef("mine"), operator))
		change("token = 't', until = 9000000000000", "begun")
		before := b.orders(t)
		for _, act := range []func(sqlstore.Many) (sqlstore.DealtOrders, error){
			func(m sqlstore.Many) (sqlstore.DealtOrders, error) {
				return spool.StartMany(t.Context(), sqlstore.OrderFilter{}, m)
			},
			func(m sqlstore.Many) (sqlstore.DealtOrders, error) {
				return spool.DiscardMany(t.Context(), sqlstore.OrderFilter{}, m)
			},
		} {
			change("state = 'attention', reason = 'faulting'", "good")
			got, err := act(many())
			require.NoError(t, err)
			require.Equal(t, 6, got.Matched)
			require.Equal(t, 1, got.Changed)
			change("state = 'attention'", "good")
			require.Equal(t, before, b.orders(t))
			require.Equal(t, "0", b.text(t, "SELECT CAST(due AS TEXT) FROM "+b.table("orders")+" WHERE ref = '"+komboRef("mine").String()+"'"))
		}
		for _, id := range []string{"begun", "discarded", "erased", "mine", "started"} {
			starts := 0
			for _, note := range b.notes(t, komboRef(id)) {
				if note == sqlstore.NoteStartNow || note == sqlstore.NoteDropped {
					starts++
				}
			}
			require.LessOrEqual(t, starts, 1, id)
		}
	})
}

// Two calls at once deal with every order once, and the orders keep the pace of one.
func TestStartManyTwiceAtOnce(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		const n = 1200
		b.needMany(t, n)
		var both sync.WaitGroup
		var changed [3]int
		for i := range changed {
			both.Go(func() {
				got, err := b.spool.StartMany(t.Context(), sqlstore.OrderFilter{}, sqlstore.Many{Act: operator, PerMinute: 600})
				if err != nil {
					t.Error(err)
				}
				changed[i] = got.Changed
			})
		}
		both.Wait()
		require.Equal(t, n, changed[0]+changed[1]+changed[2], changed)
		require.Equal(t, fmt.Sprint(n), b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+b.table("journal")+" WHERE what = 'order.start_now'"))
		require.Equal(t, fmt.Sprint(n), b.text(t, "SELECT CAST(COUNT(DISTINCT due) AS TEXT) FROM "+b.table("orders")), "no turn is given twice")
	})
}

// Of two calls at once for other orders, the second waits until it knows the turns
// that the first has given. (SQLite has one writer.)
func TestStartManyInTurn(t *testing.T) {
	d := newPostgres(t)
	b := newIntakeBench(t, d)
	b.needMany(t, 2)
	start := func(edit func(string) string, id string) {
		spool, err := d.over(t, d.tampered(t, edit), sqlstore.Options{}).Spool(sqlstore.SpoolConfig{Intake: b.intake})
		require.NoError(t, err)
		got, err := spool.StartMany(t.Context(), sqlstore.OrderFilter{Refs: []assessment.OrderRef{komboRef(id)}}, many())
		require.NoError(t, err)
		require.Equal(t, 1, got.Changed)
	}
	knows := make(chan bool, 1)
	var second sync.WaitGroup
	start(func(query string) string {
		if !strings.Contains(query, "start_now', due = g.at") {
			return query
		}
		// The first has looked which turns are given.
		second.Go(func() {
			start(func(query string) string {
				if strings.Contains(query, "start_now', due = g.at") {
					knows <- true
				}
				return query
			}, "1")
		})
		eventually(t, "the second waits, or has looked too", func() bool {
			return len(knows) == 1 || b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == "1"
		})
		return query
	}, "0")
	second.Wait()
	require.Equal(t, "2", b.text(t, "SELECT CAST(COUNT(DISTINCT due) AS TEXT) FROM "+b.table("orders")))
}

// A call that ends midway keeps the portions that it has done, and the next one goes
// on with the rest.
func TestManyOrdersCutOff(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		const n = 1100
		b.needMany(t, n)
		portions := 0
		pool := d.tampered(t, func(query string) string {
			if strings.Contains(query, "order.start_now") || strings.Contains(query, "SET state = 'discarded'") || strings.Contains(query, "start_now', due") {
				if portions++; portions == 3 {
					return "the process is killed here"
				}
			}
			return query
		})
		spool, err := d.over(t, pool, sqlstore.Options{}).Spool(sqlstore.SpoolConfig{Intake: b.intake})
		require.NoError(t, err)
		for _, act := range []struct {
			do   func(context.Context, sqlstore.OrderFilter, sqlstore.Many) (sqlstore.DealtOrders, error)
			note string
		}{{spool.StartMany, sqlstore.NoteStartNow}, {spool.DiscardMany, sqlstore.NoteDropped}} {
			portions = 0
			_, err := d.db.Exec("UPDATE " + d.table("orders") + " SET state = 'attention', reason = 'faulting'")
			require.NoError(t, err)
			got, err := act.do(t.Context(), sqlstore.OrderFilter{}, many())
			require.Error(t, err)
			require.Equal(t, 1000, got.Changed)
			require.Equal(t, "1000", b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+b.table("journal")+" WHERE what = '"+act.note+"'"))
			got, err = act.do(t.Context(), sqlstore.OrderFilter{}, many())
			require.NoError(t, err)
			require.Equal(t, 100, got.Matched)
			require.Equal(t, 100, got.Changed)
			require.Equal(t, fmt.Sprint(n), b.text(t, "SELECT CAST(COUNT(DISTINCT ref) AS TEXT) FROM "+b.table("journal")+" WHERE what = '"+act.note+"'"))
		}
	})
}

// An order that a newer release wrote is left to it, and one that cannot be read
// needs attention again: neither is lost by being started.
func TestStartManyUnreadable(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		b.need(t, komboRef("newer"), "faulting")
		b.need(t, komboRef("odd"), "undecodable")
		_, err := d.db.Exec("UPDATE " + d.table("orders") + " SET form = 99 WHERE ref = '" + komboRef("newer").String() + "'")
		require.NoError(t, err)
		_, err = d.db.Exec("UPDATE " + d.table("orders") + " SET body = '{' WHERE ref = '" + komboRef("odd").String() + "'")
		require.NoError(t, err)
		got, err := b.spool.StartMany(t.Context(), sqlstore.OrderFilter{}, many())
		require.NoError(t, err)
		require.Equal(t, 2, got.Changed)
		b.shift(t, time.Minute)
		require.Equal(t, []assessment.OrderRef{komboRef("odd")}, b.dueOrders(t))
		require.False(t, b.work(t, komboRef("odd")).Done)
		require.Equal(t, sqlstore.Worked{}, b.work(t, komboRef("newer")))
		require.Zero(t, b.provider.count())
		left, err := b.spool.Matching(t.Context(), sqlstore.OrderFilter{Reason: "undecodable"}, sqlstore.WaitingOrder{}, 10)
		require.NoError(t, err)
		require.Len(t, left, 1)
		require.Equal(t, "2", b.text(t, "SELECT CAST(COUNT(body) AS TEXT) FROM "+b.table("orders")))
	})
}
