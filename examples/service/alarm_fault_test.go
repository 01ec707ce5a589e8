package main

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// installation is the service in this process, between the vendors and a database
// whose clock can be shifted and whose cable can be pulled.
type installation struct {
	*world
	cable   *cable
	service *service
	log     lines
	stop    func()
	shifted time.Duration
	// patience is how long an order waits for a database that is away.
	patience time.Duration
}

// shiftedNow is the time of the database and what the tests let pass.
const shiftedNow = `CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT) + (SELECT ms FROM public.clock)`

// secondAccount is another customer of StackOne's.
const secondAccount = "second-account"

func install(t *testing.T, patience time.Duration) *installation {
	database := postgres(t)
	i := &installation{world: newWorld(t, database, ""), patience: patience}
	_, err := i.db.Exec(`CREATE TABLE clock (ms BIGINT); INSERT INTO clock VALUES (0)`)
	require.NoError(t, err)
	var folder string
	i.cable, folder = newCable(t)
	i.set("DB", postgresURL(folder, database))
	i.set("METRICS_EVERY", "0s")
	i.set("KOMBO_RECONCILE_EVERY", "1h")
	i.set("KOMBO_MAX_STARTS", "3")
	_, err = i.stackone.Account(stackonetest.AccountSpec{ID: secondAccount, Provider: stackonetest.Teamtailor})
	require.NoError(t, err)
	i.begin(t)
	t.Cleanup(func() { i.stop() })
	return i
}

// begin starts the service.
func (i *installation) begin(t *testing.T) {
	i.service, i.stop = i.serve(t, i.variables)
	i.mu.Lock()
	i.processes = []*process{{public: i.service.public}}
	i.mu.Unlock()
	i.well(t)
}

// serve runs a service with what a process does regularly done more often.
func (i *installation) serve(t *testing.T, variables []string) (v *service, stop func()) {
	c, err := read([]string{"--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"}, variables, io.Discard)
	require.NoError(t, err)
	v, err = newService(c.settings, slog.New(slog.NewTextHandler(&i.log, nil)), func(c *durable.Config) {
		c.Store.Now, c.Sweep, c.QueueWait = shiftedNow, 100*time.Millisecond, i.patience
	})
	require.NoError(t, err)
	listening, ended := make(chan struct{}), make(chan error, 1)
	v.listening = func() { close(listening) }
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { ended <- v.serve(ctx) }()
	<-listening
	return v, sync.OnceFunc(func() { end(); <-ended; v.db.close() })
}

// metricsText is what a process serves.
func metricsText(v *service) (string, error) {
	answer, err := http.Get("http://" + v.ops + "/metrics")
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

// well waits until nothing waits and nothing is wrong, and returns that scrape.
func (i *installation) well(t *testing.T) samples {
	t.Helper()
	return i.until(t, "all is well", func(s samples) bool {
		for name, value := range s {
			if up := strings.HasSuffix(name, "database_up") || strings.HasSuffix(name, "leader"); up != (value == "1") || !up && value != "0" {
				return false
			}
		}
		return len(s) > 10
	})
}

// until scrapes until that is what is scraped.
func (i *installation) until(t *testing.T, what string, is func(samples) bool) (s samples) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; <-time.After(20 * time.Millisecond) {
		if s = scrape(t, i.service); is(s) {
			return s
		}
	}
	told := strings.Split(i.log.String(), "\n")
	require.FailNow(t, what, "%v\n%s", s.notZero(), strings.Join(told[max(0, len(told)-30):], "\n"))
	return nil
}

// shift lets time pass on the database's clock, when nothing is in flight.
func (i *installation) shift(t *testing.T, by time.Duration) {
	t.Helper()
	eventually(t, "nothing is in flight", func() bool {
		return i.number(t, `SELECT (SELECT COUNT(*) FROM {lanes} WHERE token <> '') + (SELECT COUNT(*) FROM {orders} WHERE token <> '')`) == 0
	})
	i.shifted += by
	_, err := i.db.Exec(`UPDATE clock SET ms = $1`, i.shifted.Milliseconds())
	require.NoError(t, err)
}

// restore mends the cable; what went through it before is broken.
func (i *installation) restore() { i.cable.pull(true, false); i.cable.pull(false, false) }

func (i *installation) has(series, value string) func(samples) bool {
	return func(s samples) bool { return s["assessbridge_"+series] == value }
}

func (s samples) notZero() samples {
	left := maps.Clone(s)
	maps.DeleteFunc(left, func(_, value string) bool { return value == "0" })
	return left
}

// over says whether a number is above a bound.
func (s samples) over(series string, bound float64) bool {
	value, err := strconv.ParseFloat(s["assessbridge_"+series], 64)
	return err == nil && value > bound
}

// failed waits until an account's order could not be started.
func (i *installation) failed(t *testing.T, ref assessment.OrderRef) {
	t.Helper()
	eventually(t, "failed", func() bool {
		return i.number(t, `SELECT COUNT(*) FROM {journal} WHERE what = 'order.fault' AND ref = '`+ref.String()+`'`) > 0
	})
}

// result hands a result in.
func (i *installation) result(t *testing.T, ref assessment.OrderRef) {
	t.Helper()
	require.Equal(t, 202, putResult(t, i.balancer.URL, secret, url.QueryEscape(ref.String()), finalResult))
}

// customer connects a customer of Kombo's.
func (i *installation) customer(t *testing.T, account string) {
	t.Helper()
	_, err := i.kombo.Integration(kombotest.IntegrationSpec{ID: account})
	require.NoError(t, err)
	event, err := i.kombo.IntegrationCreatedEvent(account)
	require.NoError(t, err)
	require.Equal(t, 200, i.kombo.Deliver(t.Context(), event).Status)
}

// komboOrder has a customer of Kombo's order now, by the database's clock.
func (i *installation) komboOrder(t *testing.T, account string, faults ...kombotest.DeliveryFault) assessment.OrderRef {
	t.Helper()
	now, err := i.service.durable.DB().Now(t.Context())
	require.NoError(t, err)
	id, _, err := i.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{Integration: account, CreatedAt: now}, faults...)
	require.NoError(t, err)
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: account, ID: id}
}

// stackoneOrder returns how the delivery was answered, too.
func (i *installation) stackoneOrder(t *testing.T, account string) (assessment.OrderRef, int) {
	t.Helper()
	id, d, err := i.stackone.PlaceOrder(t.Context(), stackonetest.OrderSpec{Account: account, PackageID: "typescript_test"})
	require.NoError(t, err)
	return assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: account, ID: id}, d.Status
}

// runs waits until an order's test has begun.
func (i *installation) runs(t *testing.T, refs ...assessment.OrderRef) {
	t.Helper()
	for _, ref := range refs {
		eventually(t, "started", func() bool { return i.number(t, `SELECT COUNT(*) FROM tests WHERE ref = '`+ref.String()+`'`) == 1 })
	}
}

// tries lets time pass and a result be tried so often.
func (i *installation) tries(t *testing.T, ref assessment.OrderRef, n int) {
	t.Helper()
	for range n {
		i.shifted += 16 * time.Minute
		_, err := i.db.Exec(`UPDATE clock SET ms = $1`, i.shifted.Milliseconds())
		require.NoError(t, err)
		_, err = i.service.durable.Outbox().Flush(t.Context(), ref)
		require.NoError(t, err)
	}
}

var byHand = sqlstore.Act{Actor: "kim", Reason: "looked into it"}

// discard gives all results up that need attention.
func (i *installation) discard(t *testing.T) {
	t.Helper()
	all, err := i.service.durable.Outbox().Attention(t.Context(), 0, 10)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, a := range all {
		require.NoError(t, i.service.durable.Outbox().Discard(t.Context(), a.Seq, byHand))
	}
}

// fault is what makes an alarm fire, and what ends it.
type fault struct {
	alarm string
	cause string
	// also are the alarms that the same cause rings.
	also []string
	// make makes the fault and returns what is scraped while it lasts.
	make func(*testing.T, *installation) samples
	mend func(*testing.T, *installation)
}

var faults = []fault{
	{
		alarm: "Down", cause: "the only process has ended",
		make: func(t *testing.T, i *installation) samples { i.stop(); return scrape(t, i.service) },
		mend: func(t *testing.T, i *installation) { i.begin(t) },
	},
	{
		alarm: "DatabaseDown", cause: "the database cannot be reached",
		make: func(t *testing.T, i *installation) samples {
			i.cable.pull(true, false)
			return i.until(t, "away", i.has("database_up", "0"))
		},
		mend: func(_ *testing.T, i *installation) { i.restore() },
	},
	{
		alarm: "NoLeader", cause: "the database answers, and takes nothing: it is a copy",
		make: func(t *testing.T, i *installation) samples {
			i.readOnly(t, "on")
			return i.until(t, "nobody leads", func(s samples) bool { return i.has("database_up", "1")(s) && i.has("leader", "0")(s) })
		},
		mend: func(t *testing.T, i *installation) { i.readOnly(t, "off") },
	},
	{
		alarm: "OrderLostRisk no", cause: "an order comes while the database is away", also: []string{"DatabaseDown"},
		make: func(t *testing.T, i *installation) samples {
			i.loseOrder(t, "lost-1")
			return i.until(t, "at risk", i.has(`order_lost_risk{stored="no"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) { i.restore(); i.redeliver(t, "lost-1") },
	},
	{
		alarm: "OrderLostRisk yes", cause: "an order was answered with a fault and does not come again",
		make: func(t *testing.T, i *installation) samples {
			i.loseOrder(t, "lost-2")
			i.restore()
			return i.until(t, "at risk", func(s samples) bool {
				return i.has(`order_lost_risk{stored="yes"}`, "1")(s) && i.has(`order_lost_risk{stored="no"}`, "0")(s)
			})
		},
		mend: func(t *testing.T, i *installation) { i.redeliver(t, "lost-2") },
	},
	{
		alarm: "SignaturesRefused", cause: "the secret of Kombo's webhooks is another one",
		make: func(t *testing.T, i *installation) samples {
			event, err := i.kombo.StateChangedEvent(kombotest.DefaultIntegration)
			require.NoError(t, err)
			for range 6 {
				require.Equal(t, 401, i.kombo.Deliver(t.Context(), event, kombotest.OldSecret()).Status)
			}
			return i.until(t, "refused", i.has("signatures_refused", "6"))
		},
		mend: func(t *testing.T, i *installation) { i.shift(t, 7*time.Minute) },
	},
	{
		alarm: "OrdersNotStarted", cause: "the provider's own tables are gone",
		make: func(t *testing.T, i *installation) samples {
			i.provider(t, "broken")
			i.customer(t, "workday:waits")
			i.failed(t, i.komboOrder(t, "workday:waits"))
			i.shift(t, 16*time.Minute)
			return i.until(t, "waits", func(s samples) bool { return s.over("orders_oldest_seconds", 900) })
		},
		mend: func(t *testing.T, i *installation) { i.provider(t, "whole"); i.shift(t, 20*time.Minute) },
	},
	{
		alarm: "OrdersAttention", cause: "they have been gone for an hour", also: []string{"OrdersNotStarted"},
		make: func(t *testing.T, i *installation) samples {
			i.provider(t, "broken")
			i.customer(t, "workday:fails")
			i.failed(t, i.komboOrder(t, "workday:fails"))
			i.shift(t, time.Hour)
			return i.until(t, "attention", i.has(`attention{what="orders"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) { i.provider(t, "whole"); i.shift(t, 20*time.Minute) },
	},
	{
		alarm: "Surge", cause: "Kombo lists more lost orders than may be started at once",
		make: func(t *testing.T, i *installation) samples {
			i.customer(t, "workday:surge")
			for range 4 {
				i.komboOrder(t, "workday:surge", kombotest.Lost())
			}
			i.shift(t, 2*time.Hour)
			return i.until(t, "held", i.has(`gates_held{cause="surge"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) {
			require.NoError(t, i.service.durable.DB().Resume(t.Context(), "kombo", sqlstore.Account("workday:surge"), sqlstore.SwitchStarts, byHand))
		},
	},
	{
		alarm: "StillPaused", cause: "somebody switched results off and forgot it",
		make: func(t *testing.T, i *installation) samples {
			require.NoError(t, i.service.durable.DB().Pause(t.Context(), "kombo", "", sqlstore.SwitchResults, byHand))
			return i.until(t, "paused", i.has(`gates_held{cause="paused"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) {
			require.NoError(t, i.service.durable.DB().Resume(t.Context(), "kombo", "", sqlstore.SwitchResults, byHand))
		},
	},
	{
		alarm: "AccountsRefused", cause: "a customer's connection at Kombo has expired",
		make: func(t *testing.T, i *installation) samples {
			i.customer(t, "workday:expired")
			ref := i.komboOrder(t, "workday:expired")
			i.runs(t, ref)
			i.state(t, ref.Account, kombotest.StateInvalid)
			i.result(t, ref)
			return i.until(t, "held", i.has(`gates_held{cause="access"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) { i.state(t, "workday:expired", kombotest.StateActive) },
	},
	{
		alarm: "KeyRefused", cause: "the key of StackOne's API was revoked",
		make: func(t *testing.T, i *installation) samples {
			one, _ := i.stackoneOrder(t, stackonetest.DefaultAccount)
			two, _ := i.stackoneOrder(t, secondAccount)
			i.runs(t, one, two)
			i.stackone.RevokeKey(stackonetest.DefaultAPIKey)
			i.result(t, one)
			i.until(t, "one customer is held", i.has(`gates_held{cause="access"}`, "1"))
			i.result(t, two)
			return i.until(t, "all are held", i.has(`gates_held{cause="key"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) {
			i.stackone.AddKey(stackonetest.DefaultAPIKey)
			require.NoError(t, i.service.durable.DB().Reopen(t.Context(), "stackone", ""))
		},
	},
	{
		alarm: "NoKey", cause: "a customer with results was taken out of the settings",
		make: func(t *testing.T, i *installation) samples {
			i.result(t, assessment.OrderRef{Vendor: assessment.Ashby, Account: "former", ID: "1"})
			return i.until(t, "no key", i.has("results_without_key", "1"))
		},
		mend: func(t *testing.T, i *installation) {
			require.NoError(t, i.service.durable.Erase(t.Context(), assessment.OrderRef{Vendor: assessment.Ashby, Account: "former", ID: "1"}))
		},
	},
	{
		alarm: "ResultsNotWritten", cause: "a result is for a connection that is not configured",
		make: func(t *testing.T, i *installation) samples {
			i.result(t, elsewhere("1"))
			i.tries(t, elsewhere("1"), 14)
			return i.until(t, "waits", func(s samples) bool { return s.over("results_oldest_final_seconds", 900) })
		},
		mend: func(t *testing.T, i *installation) {
			require.NoError(t, i.service.durable.Erase(t.Context(), elsewhere("1")))
		},
	},
	{
		alarm: "ResultsLate", cause: "it stays so for three days", also: []string{"ResultsNotWritten"},
		make: func(t *testing.T, i *installation) samples {
			i.result(t, elsewhere("2"))
			return i.until(t, "late", func(s samples) bool {
				late := i.has(`attention{what="late"}`, "1")(s)
				if !late {
					i.tries(t, elsewhere("2"), 20)
				}
				return late
			})
		},
		mend: func(t *testing.T, i *installation) { i.discard(t) },
	},
	{
		alarm: "ResultsRefused", cause: "Kombo does not know the order",
		make: func(t *testing.T, i *installation) samples {
			i.result(t, komboRef("nobody's"))
			return i.until(t, "refused", i.has(`attention{what="refused"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) { i.discard(t) },
	},
	{
		alarm: "ResultsUncertain", cause: "Kombo took a result, and its answer was lost",
		make: func(t *testing.T, i *installation) samples {
			i.customer(t, "workday:doubt")
			ref := i.komboOrder(t, "workday:doubt")
			i.runs(t, ref)
			i.kombo.Fail(kombotest.OpUpdateResult, kombotest.AppliedThenReset())
			i.result(t, ref)
			return i.until(t, "uncertain", i.has(`attention{what="uncertain"}`, "1"))
		},
		mend: func(t *testing.T, i *installation) { i.discard(t) },
	},
	{
		alarm: "ResultsExpiring", cause: "nobody has looked at a refused result for three weeks", also: []string{"ResultsRefused"},
		make: func(t *testing.T, i *installation) samples {
			i.result(t, komboRef("nobody's second"))
			i.until(t, "refused", i.has(`attention{what="refused"}`, "1"))
			i.shift(t, 21*24*time.Hour)
			return i.until(t, "expires", func(s samples) bool {
				return s.over("attention_oldest_seconds", 20*24*3600) && !s.over("integrations_overdue_seconds", 3600)
			})
		},
		mend: func(t *testing.T, i *installation) { i.discard(t) },
	},
	{
		alarm: "ReconcileOverdue", cause: "Kombo has refused to list orders for more than a day",
		make: func(t *testing.T, i *installation) samples {
			i.kombo.Chaos(func(op string, _ int) kombotest.Fault {
				if op == kombotest.OpGetOrders {
					return kombotest.Status(403, "PLATFORM.FORBIDDEN")
				}
				return kombotest.Fault{}
			})
			i.shift(t, 26*time.Hour)
			eventually(t, "all were asked", func() bool {
				return i.number(t, `SELECT COUNT(*) FROM {integrations} WHERE gone = 0 AND account <> '' AND failures = 0`) == 0
			})
			return i.until(t, "overdue", func(s samples) bool { return s.over("integrations_overdue_seconds", 24*3600) })
		},
		mend: func(t *testing.T, i *installation) { i.kombo.Chaos(nil); i.shift(t, 7*time.Hour) },
	},
	{
		alarm: "AccountsSilent", cause: "a customer who ordered every week has stopped",
		make: func(t *testing.T, i *installation) samples {
			i.customer(t, "workday:silent")
			for weeks := range 2 {
				for range 5 {
					i.runs(t, i.komboOrder(t, "workday:silent"))
				}
				i.told(t, "workday:silent", 5*(weeks+1))
				i.shift(t, 8*24*time.Hour)
			}
			i.shift(t, 9*24*time.Hour)
			return i.until(t, "silent", func(s samples) bool {
				return i.has("accounts_silent", "1")(s) && !s.over("integrations_overdue_seconds", 3600)
			})
		},
		mend: func(t *testing.T, i *installation) { i.runs(t, i.komboOrder(t, "workday:silent")) },
	},
}

// elsewhere is an order of Kombo's other region, for which there is no client.
func elsewhere(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Kombo, Connection: "us", Account: "workday:us", ID: id}
}

// provider breaks the provider, or mends it.
func (i *installation) provider(t *testing.T, how string) {
	t.Helper()
	_, err := i.db.Exec(map[string]string{
		"broken": `ALTER TABLE tests RENAME TO tests_away`, "whole": `ALTER TABLE tests_away RENAME TO tests`,
	}[how])
	require.NoError(t, err)
}

// state changes how a customer's connection is; Kombo tells the service.
func (i *installation) state(t *testing.T, account string, state kombotest.State) {
	t.Helper()
	d, err := i.kombo.ChangeState(t.Context(), account, kombotest.StateChange{State: state})
	require.NoError(t, err)
	require.Equal(t, 200, d.Status)
}

// told waits until the orders that the process noticed are in the database.
func (i *installation) told(t *testing.T, account string, orders int) {
	t.Helper()
	eventually(t, "told", func() bool {
		return i.number(t, `SELECT COALESCE(SUM(orders), 0) FROM {habits} WHERE account = '`+sqlstore.Account(account)+`'`) == orders
	})
}

// database is the name of the database.
func (i *installation) database(t *testing.T) (name string) {
	t.Helper()
	require.NoError(t, i.db.QueryRow(`SELECT current_database()`).Scan(&name))
	return name
}

// readOnly has the database take nothing, as a standby does, for connections that are
// made from now on.
func (i *installation) readOnly(t *testing.T, how string) {
	t.Helper()
	_, err := i.db.Exec(`ALTER DATABASE ` + i.database(t) + ` SET default_transaction_read_only = ` + how)
	require.NoError(t, err)
	i.restore()
}

// loseOrder has StackOne deliver an order while the database is away.
func (i *installation) loseOrder(t *testing.T, id string) {
	t.Helper()
	i.cable.pull(true, false)
	_, d, err := i.stackone.PlaceOrder(t.Context(), stackonetest.OrderSpec{ID: id, PackageID: "typescript_test"})
	require.NoError(t, err)
	require.Equal(t, 503, d.Status)
}

func (i *installation) redeliver(t *testing.T, id string) {
	t.Helper()
	eventually(t, "taken", func() bool {
		d, err := i.stackone.Redeliver(t.Context(), stackonetest.DefaultAccount, id)
		require.NoError(t, err)
		return d.Status == 200
	})
}

// While orders of all vendors come in and their results go out, no alarm fires, nor
// after that.
func TestAlarmsAreSilent(t *testing.T) {
	i := install(t, durable.DefaultQueueWait)
	var l timeline
	stop, end := i.flow(t)
	for len(l) < 40 || i.number(t, `SELECT COUNT(*) FROM {results} WHERE state = 'written' AND final = 1`) < 10 {
		if l = append(l, scrape(t, i.service)); i.number(t, `SELECT COUNT(*) FROM tests`) >= 20 {
			stop()
		}
		<-time.After(25 * time.Millisecond)
	}
	refs := end()
	i.settled(t, refs, 0)
	during := len(l)
	l = l.holds(i.well(t), longest)
	silent := make(map[int][]string)
	for minute := range l {
		if minute < during || minute%10 == 9 {
			silent[minute] = nil
		}
	}
	l.fires(t, silent)
	require.Contains(t, strings.Join(slices.Collect(maps.Keys(l.series())), " "), `assessbridge_attention{what="refused"}`, "there is something to be silent about")
}

// Every alarm of alerts.yaml fires when what it is about happens, and no other one
// does; it ends when that does.
func TestAlarmsFire(t *testing.T) {
	i := install(t, 2*time.Second)
	for _, f := range faults {
		made := t.Run(strings.ReplaceAll(f.alarm, " ", "/"), func(t *testing.T) {
			t.Log(f.cause)
			var l timeline
			l = l.holds(i.well(t), 5)
			l = l.holds(f.make(t, i), longest)
			f.mend(t, i)
			l = l.holds(i.well(t), 10)
			l.fires(t, map[int][]string{4: nil, 4 + longest: append(f.also, f.alarm), 4 + longest + 10: nil})
		})
		if !made { // what it left would be taken for the next one's
			return
		}
	}
}
