package durable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// Each number is zero in a healthy run and tells of what it is about.
func TestMetrics(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		read := func() sqlstore.Metrics {
			m, err := b.store.Metrics(t.Context())
			require.NoError(t, err)
			return m
		}
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("well"))))
		b.work(t, komboRef("well"))
		b.publish(t, komboRef("well"), final("end"))
		b.flush(t, komboRef("well"))
		require.Zero(t, read())

		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("waits"))))
		b.refuse(t, template, "refused")
		b.refuse(t, &assessment.APIError{StatusCode: 408, Uncertain: true}, "uncertain")
		b.publish(t, komboRef("pending"), final("pending"))
		b.shift(t, 21*24*time.Hour)
		m := read()
		require.GreaterOrEqual(t, m.OldestOrder, 21*24*time.Hour)
		require.GreaterOrEqual(t, m.OldestFinal, 21*24*time.Hour)
		require.GreaterOrEqual(t, m.OldestAttention, 21*24*time.Hour)
		m.OldestOrder, m.OldestFinal, m.OldestAttention = 0, 0, 0
		require.Equal(t, sqlstore.Metrics{OrdersWaiting: 1, ResultsPending: 1, Refused: 1, Uncertain: 1}, m)

		_, err := b.store.Retain(t.Context(), sqlstore.Retention{AttentionBodies: 20 * 24 * time.Hour}, false)
		require.NoError(t, err)
		require.Zero(t, read().OldestAttention, "nothing can be done about them any more")

		top, err := b.store.TopAccounts(t.Context(), 5)
		require.NoError(t, err)
		require.Len(t, top, 1)
		require.Equal(t, 1, top[0].Pending)
		require.GreaterOrEqual(t, top[0].Oldest, 21*24*time.Hour)

		// Behind a closed gate a final is not late; the gate is what is told.
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 429, Class: assessment.ErrRateLimited, RetryAfter: time.Hour})
		b.flush(t, komboRef("pending"))
		m = read()
		require.Equal(t, 1, m.GatesClosed)
		require.Zero(t, m.GatesKey+m.GatesAccess+m.GatesPaused+m.GatesSurge, "a limit is nobody's fault")
		require.Zero(t, m.OldestFinal)
	})
}

// A final that fails again and again is late although each try postpones it; one that
// was re-driven for later is not.
func TestMetricsOfFailingFinals(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		oldest := func() time.Duration {
			m, err := b.store.Metrics(t.Context())
			require.NoError(t, err)
			return m.OldestFinal
		}
		b.refuse(t, template, "1", "2", "3")
		b.shift(t, 24*time.Hour)
		_, err := b.outbox.RedriveMany(t.Context(), sqlstore.Filter{}, sqlstore.Many{Act: operator, PerMinute: 1})
		require.NoError(t, err)
		require.Zero(t, oldest())
		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 503, Class: assessment.ErrUnavailable})
		for range 12 {
			b.shift(t, 16*time.Minute)
			for _, id := range []string{"1", "2", "3"} {
				b.flush(t, komboRef(id))
			}
		}
		require.Greater(t, oldest(), 30*time.Minute)
	})
}

// A final whose file the host cannot give is never late, and is told of all the same.
// Of an account whose background checks are forbidden, the assessments are.
func TestMetricsOfHeldFinals(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := d.bench(t, d.open(t, sqlstore.Options{}), sqlstore.OutboxConfig{
			Attachment: func(context.Context, assessment.OrderRef, string) ([]byte, error) { return nil, errors.New("away") },
		})
		oldest := func() time.Duration {
			m, err := b.store.Metrics(t.Context())
			require.NoError(t, err)
			return m.OldestFinal
		}
		withFile := final("with a file")
		withFile.Attachments = []assessment.Attachment{{Name: "a.pdf", ContentType: "application/pdf", Ref: "files/7"}}
		b.publish(t, komboRef("file"), withFile)
		for range 8 {
			b.shift(t, 16*time.Minute)
			b.flush(t, komboRef("file"))
		}
		require.GreaterOrEqual(t, oldest(), 8*16*time.Minute)
		require.NoError(t, b.store.Erase(t.Context(), komboRef("file")))

		b.vendor.says(assessment.Receipt{}, &assessment.APIError{StatusCode: 403, Class: assessment.ErrForbidden})
		of := func(kind assessment.Kind, id string) assessment.OrderRef {
			return assessment.OrderRef{Vendor: assessment.StackOne, Kind: kind, Account: "acc", ID: id}
		}
		for _, id := range []string{"1", "2", "3"} {
			b.publish(t, of(assessment.KindBackgroundCheck, id), final("end"))
			b.flush(t, of(assessment.KindBackgroundCheck, id))
		}
		b.shift(t, 16*time.Minute)
		require.Zero(t, oldest())
		b.publish(t, of(assessment.KindAssessment, "4"), final("end"))
		b.shift(t, 16*time.Minute)
		require.GreaterOrEqual(t, oldest(), 16*time.Minute)

		b.vendor.says(assessment.Receipt{}, assessment.ErrNoKey)
		b.flush(t, of(assessment.KindAssessment, "4"))
		m, err := b.store.Metrics(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, m.NoKey)
	})
}

// Gates are counted by what somebody has to do about them. What a switch holds is
// told of by the switch.
func TestMetricsOfGates(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		for _, g := range []string{
			"'kombo', '', 'results', 'unauthorized', 9000000000000", "'kombo', 'acme', 'results', 'account_unusable', 9000000000000",
			"'kombo', 'beta', 'results', 'forbidden', 9000000000000", "'kombo', 'acme', 'starts', 'surge', 9000000000000",
			"'kombo', 'acme', 'results', 'limit', 9000000000000", "'kombo', 'acme', 'results', 'paused', 1",
		} {
			_, err := d.db.Exec("INSERT INTO " + d.table("gates") + " (route, account, what, cause, opens, under, print, probing, probes, token, wake, switched_by, made) VALUES (" + g + ", '', '', 0, 0, '', 0, '', 0)")
			require.NoError(t, err)
		}
		require.NoError(t, b.spool.Queue(t.Context(), order(komboRef("waits"))))
		require.NoError(t, b.store.Pause(t.Context(), "kombo", "", sqlstore.SwitchStarts, operator))
		b.shift(t, time.Hour)
		m, err := b.store.Metrics(t.Context())
		require.NoError(t, err)
		require.Equal(t, sqlstore.Metrics{OrdersWaiting: 1, GatesClosed: 6, GatesKey: 1, GatesAccess: 2, GatesPaused: 1, GatesSurge: 1}, m)
		require.NoError(t, b.store.Resume(t.Context(), "kombo", "", sqlstore.SwitchStarts, operator))
		m, err = b.store.Metrics(t.Context())
		require.NoError(t, err)
		require.GreaterOrEqual(t, m.OldestOrder, time.Hour)
	})
}

// An integration that cannot be asked is overdue since it should have been, although
// it is tried later and later. One that is switched off is not.
func TestMetricsOfReconcile(t *testing.T) {
	for name, err := range map[string]error{
		"forbidden": &assessment.APIError{StatusCode: 403, Class: assessment.ErrForbidden},
		"limited":   &assessment.APIError{StatusCode: 429, Class: assessment.ErrRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				b := newReconcileBench(t, d, nil)
				overdue := func() (int, time.Duration) {
					m, err := b.store.Metrics(t.Context())
					require.NoError(t, err)
					return m.ReconcileOverdue, m.OldestReconcile
				}
				b.accounts = []sqlstore.Integration{integration("acme")}
				b.tick(t)
				b.shift(t, 25*time.Hour)
				require.Equal(t, 1, b.tick(t).Runs)
				n, _ := overdue()
				require.Zero(t, n)
				b.lister.fails(err)
				for range 30 {
					b.shift(t, time.Hour)
					b.tick(t)
				}
				n, oldest := overdue()
				require.Equal(t, 1, n)
				require.Greater(t, oldest, 28*time.Hour)
				require.NoError(t, b.store.Pause(t.Context(), "kombo", "acme", sqlstore.SwitchReconcile, operator))
				n, _ = overdue()
				require.Zero(t, n)
				require.NoError(t, b.store.Resume(t.Context(), "kombo", "acme", sqlstore.SwitchReconcile, operator))
				b.lister.fails(nil)
				b.shift(t, 7*time.Hour)
				require.NotZero(t, b.tick(t).Runs)
				n, _ = overdue()
				require.Zero(t, n)
			})
		})
	}
}

func orders(account string, n int) sqlstore.Noticed {
	return sqlstore.Noticed{Orders: map[sqlstore.Integration]int{integration(account): n}}
}

// An account that orders on workdays is not silent on a long weekend, and one that
// orders every three weeks not after a month; each is, after twice its longest pause.
// Two months later that is no news any more.
func TestSilentAccounts(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		pauses []time.Duration // between orders
		quiet  time.Duration   // not silent yet
		silent time.Duration   // is
	}{
		"every ten hours":   {[]time.Duration{10 * time.Hour}, 47 * time.Hour, 50 * time.Hour},
		"workdays":          {[]time.Duration{day, day, day, day, 3 * day}, 88 * time.Hour, 7 * day},
		"every three weeks": {[]time.Duration{21 * day}, 40 * day, 45 * day},
	} {
		t.Run(name, func(t *testing.T) {
			bothDatabases(t, func(t *testing.T, d *database) {
				store := d.open(t, sqlstore.Options{})
				silent := func() int {
					m, err := store.Metrics(t.Context())
					require.NoError(t, err)
					all, err := store.Silent(t.Context(), 10)
					require.NoError(t, err)
					require.Len(t, all, m.AccountsSilent)
					return len(all)
				}
				for i := range 20 {
					require.NoError(t, store.Notice(t.Context(), orders("acme", 1)))
					require.Zero(t, silent())
					if i < 19 {
						d.shift(t, c.pauses[i%len(c.pauses)])
					}
				}
				d.shift(t, c.quiet)
				require.Zero(t, silent(), c.quiet)
				d.shift(t, c.silent-c.quiet)
				require.Equal(t, 1, silent(), c.silent)
				d.shift(t, 61*day-c.silent)
				require.Zero(t, silent(), "it is known by now")
				_, err := store.Review(t.Context())
				require.NoError(t, err)
				require.Equal(t, "0", d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.table("habits")))
				require.NoError(t, store.Notice(t.Context(), orders("seldom", 8)))
				require.NoError(t, store.Notice(t.Context(), orders("once", 100)))
				d.shift(t, 3*day)
				require.NoError(t, store.Notice(t.Context(), orders("once", 1)))
				d.shift(t, 5*day)
				require.NoError(t, store.Notice(t.Context(), orders("seldom", 1)))
				d.shift(t, 20*day)
				require.Zero(t, silent(), "they have hardly begun")
			})
		})
	}
}

// A pause is forgotten: an account that rested once over the summer is missed sooner
// half a year later. One that has left is missed by nobody, and one under another
// name is the same.
func TestSilenceForgetsAndFollows(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		silent := func() []sqlstore.SilentAccount {
			all, err := b.store.Silent(t.Context(), 10)
			require.NoError(t, err)
			return all
		}
		require.NoError(t, b.store.Notice(t.Context(), orders("acme", 20)))
		b.shift(t, 30*24*time.Hour)
		for range 180 {
			require.NoError(t, b.store.Notice(t.Context(), orders("acme", 1)))
			b.shift(t, 24*time.Hour)
		}
		b.shift(t, 30*24*time.Hour)
		require.Len(t, silent(), 1)
		require.Equal(t, 200, silent()[0].Orders)
		require.NoError(t, b.store.RenameAccount(t.Context(), assessment.Kombo, "", "acme", "acme-2", operator))
		require.Len(t, silent(), 1)
		require.Equal(t, "acme-2", silent()[0].Account)
		require.NoError(t, b.reconciler.Add(t.Context(), integration("acme-2")))
		require.Len(t, silent(), 1)
		require.NoError(t, b.reconciler.Remove(t.Context(), integration("acme-2")))
		require.Empty(t, silent())
		_, err := b.store.Offboard(t.Context(), assessment.Kombo, "", "acme-2", sqlstore.Offboarding{Act: operator, Most: 100})
		require.NoError(t, err)
		require.Equal(t, "0", b.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+b.table("habits")))
	})
}

// An order that was answered with a fault is at risk until it is taken, or the
// reconciler has looked for it, or a day has passed.
func TestOrdersAtRisk(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		risk := func() int {
			_, err := b.store.Review(t.Context())
			require.NoError(t, err)
			m, err := b.store.Metrics(t.Context())
			require.NoError(t, err)
			all, err := b.store.AtRisk(t.Context(), 10)
			require.NoError(t, err)
			require.Len(t, all, m.LostRisk)
			return len(all)
		}
		noticed := sqlstore.Noticed{AtRisk: []assessment.OrderRef{
			ofAccount("acme", "again"), ofAccount("acme", "found"), ofAccount("acme", "cancelled"),
			{Vendor: assessment.StackOne, Account: "acc", ID: "gone"},
		}}
		require.NoError(t, b.store.Notice(t.Context(), noticed))
		require.NoError(t, b.store.Notice(t.Context(), noticed), "told twice")
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "other"))))
		require.NoError(t, b.store.RenameAccount(t.Context(), assessment.Kombo, "", "acme", "acme-1", operator))
		require.NoError(t, b.store.Rename(t.Context(), assessment.Kombo, "", "eu", operator))
		require.Equal(t, 4, risk())
		require.Equal(t, "acme-1", b.text(t, "SELECT account FROM "+b.table("risks")+" WHERE route = 'kombo/eu' AND ref = 'kombo/eu//acme-1/again'"))
		require.NoError(t, b.store.Rename(t.Context(), assessment.Kombo, "eu", "", operator))
		require.NoError(t, b.store.RenameAccount(t.Context(), assessment.Kombo, "", "acme-1", "acme", operator))
		require.NoError(t, b.reconciler.Add(t.Context(), integration("acme")))
		require.NoError(t, b.reconciler.Missed(t.Context(), integration("acme")))
		require.Equal(t, 4, risk())
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "again"))))
		require.Equal(t, 3, risk())
		b.place(t, "acme", 1, 0) // another one is found, and that one is not open any more
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "found"))))
		require.Equal(t, 2, risk())
		for range 21 {
			b.shift(t, time.Minute)
			b.tick(t)
		}
		require.Equal(t, 1, risk(), "three hot runs did not find it")
		b.shift(t, 24*time.Hour)
		require.Zero(t, risk())
		require.NoError(t, b.store.Notice(t.Context(), sqlstore.Noticed{AtRisk: []assessment.OrderRef{ofAccount("acme", "late")}}))
		_, err := b.store.Offboard(t.Context(), assessment.Kombo, "", "acme", sqlstore.Offboarding{Act: operator, Most: 100})
		require.NoError(t, err)
		require.Zero(t, risk())
	})
}

// Refused signatures count over all processes. When they are over, one caller is told
// of the route.
func TestRefusalsOfAllProcesses(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		one, two := d.open(t, sqlstore.Options{}), d.over(t, d.pool(t, d.driver), sqlstore.Options{})
		if d.dialect == sqlstore.SQLite {
			two = one
		}
		refuse := func(store *sqlstore.DB, n int) {
			require.NoError(t, store.Notice(t.Context(), sqlstore.Noticed{Refused: map[string]int{"kombo": n, "stackone": 1}}))
		}
		review := func(store *sqlstore.DB) map[string]time.Time {
			over, err := store.Review(t.Context())
			require.NoError(t, err)
			return over
		}
		began, err := one.Now(t.Context())
		require.NoError(t, err)
		refuse(one, 3)
		d.shift(t, time.Minute)
		refuse(two, 3)
		m, err := one.Metrics(t.Context())
		require.NoError(t, err)
		require.Equal(t, 6, m.SignaturesRefused)
		require.Empty(t, review(one), "they go on")
		d.shift(t, 7*time.Minute)
		m, err = one.Metrics(t.Context())
		require.NoError(t, err)
		require.Zero(t, m.SignaturesRefused)
		over := review(two)
		require.Len(t, over, 1, "two of StackOne's are no trouble")
		require.WithinDuration(t, began, over["kombo"], time.Minute)
		require.Empty(t, review(one), "one is told")
		refuse(one, 1)
		d.shift(t, 25*time.Hour)
		review(one)
		require.Equal(t, "0", d.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+d.table("refusals")))
	})
}

// The numbers for the alarms are read from indexes: in a year there are a million
// settled orders.
func TestMetricsPlan(t *testing.T) {
	d := newPostgres(t)
	var seen []string
	pool := d.tampered(t, func(query string) string {
		seen = append(seen, query)
		return query
	})
	n := size(100_000, 1_000_000)
	ref := "'kombo////acme/' || lpad(CAST(i AS TEXT), 10, '0')"
	for table, values := range map[string]string{
		"claims":  "key, ref, token, until, answer, made) SELECT " + ref + ", '', '', 0, CAST('erased' AS BYTEA), 1",
		"orders":  "ref, route, account, subject, form, body, state, reason, tries, faulted, due, token, until, made, settled) SELECT " + ref + ", 'kombo', '', '', 1, NULL, 'started', '', 0, 0, 0, '', 0, 1, 1",
		"results": "ref, route, account, dedupe, digest, final, correction, form, body, state, reason, receipt, tries, waited, due, made, settled) SELECT " + ref + ", 'kombo', 'acme', '1', '', 1, 0, 1, NULL, 'written', '', '', 0, 0, 0, 1, 1",
	} {
		_, err := d.db.Exec(fmt.Sprintf("INSERT INTO %s (%s FROM generate_series(1, %d) AS i", d.table(table), values, n))
		require.NoError(t, err)
	}
	_, err := d.db.Exec("ANALYZE")
	require.NoError(t, err)
	store := d.over(t, pool, sqlstore.Options{})
	_, err = store.Metrics(t.Context())
	require.NoError(t, err)
	require.Len(t, seen, 1, "one statement")
	_, err = store.TopAccounts(t.Context(), 10)
	require.NoError(t, err)
	for _, query := range seen {
		plan := d.text(t, "EXPLAIN "+strings.ReplaceAll(query, "$1", "10"))
		for _, table := range []string{"claims", "orders", "results", "journal", "lanes"} {
			require.NotContains(t, plan, "Seq Scan on assessbridge_"+table, plan)
		}
	}
}

// What a service sees of deliveries reaches the numbers.
func TestServiceNotices(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, nil)
		watch := b.service.Watch(assessment.Observer{})
		at := func(outcome assessment.DeliveryOutcome, status int, id string) {
			o := ofAccount("acme", id)
			watch.Delivery(t.Context(), assessment.Delivery{Vendor: assessment.Kombo, Account: "acme", Order: o, Outcome: outcome, StatusCode: status})
		}
		at(assessment.DeliveryQueued, 200, "1")
		at(assessment.DeliveryRejected, 422, "2")
		at(assessment.DeliveryReplayed, 200, "1")
		at(assessment.DeliveryFault, 503, "3")
		watch.Delivery(t.Context(), assessment.Delivery{Vendor: assessment.Kombo, Outcome: assessment.DeliveryRefused, StatusCode: 401})
		require.Equal(t, 1, b.service.AtRisk())
		require.False(t, b.service.Leads())
		b.run(t)
		eventually(t, "it leads, alone", b.service.Leads)
		eventually(t, "told", func() bool { return b.service.AtRisk() == 0 })
		m, err := b.service.DB().Metrics(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, m.LostRisk)
		require.Equal(t, 1, m.SignaturesRefused)
		require.Equal(t, "2", b.text(t, "SELECT CAST(orders AS TEXT) FROM "+b.table("habits")))
		at(assessment.DeliveryFault, 503, "4")
		require.NoError(t, b.stop())
		require.False(t, b.service.Leads())
		m, err = b.service.DB().Metrics(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, m.LostRisk, "what came while it drained is told too")
		pulse, err := b.service.DB().Beat(t.Context(), "zzz")
		require.NoError(t, err)
		require.Equal(t, sqlstore.Pulse{Processes: 1, Leads: true}, pulse, "it is gone")
	})
}
