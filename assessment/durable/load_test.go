package durable_test

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/http"
	"os"
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
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/webhook"
)

// loadVariable, if set, is for how many minutes the long form of the load test runs.
const loadVariable = "ASSESSBRIDGE_LOAD"

func loadFor() time.Duration {
	minutes, err := strconv.Atoi(os.Getenv(loadVariable))
	if err != nil {
		minutes = 3
	}
	return time.Duration(minutes) * time.Minute
}

// load is a year's tables under what a busy hour brings: processes that take signed
// deliveries, start the orders and write their results.
type load struct {
	*database
	server   *server
	vendor   *checker
	service  *durable.Service // publishes, and runs nothing
	hosts    *hosts
	verifier *webhook.Verifier

	accounts, tombstones, results int // that are there before
	perSecond, atOnce             int
	length                        time.Duration

	mu        sync.Mutex
	accepted  []time.Duration // how long a delivery took, by the clock of when it was due
	refused   int             // deliveries that were not taken, and came again
	lastFinal map[string]string
}

func newLoad(t *testing.T) *load {
	l := &load{
		vendor: newChecker(t), lastFinal: make(map[string]string),
		accounts: size(40, 3000), tombstones: size(2_000, 1_000_000), results: size(500, 100_000),
		perSecond: size(30, 100), atOnce: size(100, 20_000), length: 2 * time.Second,
	}
	processes, settings := 2, append(slices.Clone(planSettings), "auto_explain.sample_rate=1",
		"enable_seqscan=off", "enable_mergejoin=off", "enable_hashjoin=off", "jit=off") // which looks worth it where there is nothing else
	if size(0, 1) == 1 {
		processes, l.length = 4, loadFor()
		settings = append(slices.Clone(planSettings), "fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB")
	}
	var err error
	l.server, err = startServer(settings...)
	require.NoError(t, err)
	t.Cleanup(l.server.stop)
	l.database = postgresAt(t, l.server.dsn)
	l.slow = false
	_, err = l.db.Exec("CREATE EXTENSION pg_stat_statements")
	require.NoError(t, err)
	l.verifier, err = kombo.NewVerifier(webhook.Secret{ID: "current", Key: kombotest.DefaultWebhookSecret})
	require.NoError(t, err)
	l.service, err = durable.New(l.config(t, remoteProvider{}, remote{}))
	require.NoError(t, err)
	require.NoError(t, l.service.Migrate(t.Context()))
	l.fill(t)
	h := hostRole{Lists: true, Pool: 12, Sweep: time.Duration(size(1, 60)) * time.Second}
	for i := range l.accounts {
		h.Accounts = append(h.Accounts, l.account(i))
	}
	l.hosts = l.startHosts(t, processes, h, l.vendor.URL)
	eventually(t, "all processes live", func() bool {
		return l.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+l.table("processes")) == strconv.Itoa(processes)
	})
	return l
}

// account is the customer of the i-th order: ten of them place six of ten.
func (l *load) account(i int) string {
	const busy = 10
	if i >= busy && i%5 < 3 {
		return fmt.Sprint("workday:a", i/5%busy)
	}
	return fmt.Sprint("workday:a", i%l.accounts)
}

// open is an order of each account that is open at the vendor, and known.
func openOrder(account string) assessment.OrderRef { return ofAccount(account, "open-"+account) }

// fill makes the tables those of a year: tombstones, most of them final, and results
// that were written.
func (l *load) fill(t *testing.T) {
	began := time.Now()
	report, err := l.service.DB().Import(t.Context(), l.past(), sqlstore.ImportOptions{})
	require.NoError(t, err)
	took := time.Since(began)
	t.Logf("%d orders imported in %v: %.0f a second", report.New, took.Round(time.Millisecond), float64(report.New)/took.Seconds())
	for _, fill := range []string{
		"INSERT INTO " + l.table("results") + ` (ref, route, account, dedupe, digest, final, correction, form, body, state, reason, receipt, tries, waited, due, made, settled)
			SELECT ref, route, account, 'next/1', '1', 1, 0, 1, '{"status":"completed"}', 'written', '', '{"outcome":"written"}', 1, 0, made, made, made
			FROM ` + l.table("orders") + " WHERE ref LIKE 'kombo///%/past-%' ORDER BY ref LIMIT " + strconv.Itoa(l.results),
		"INSERT INTO " + l.table("journal") + ` (ref, at, what, detail) SELECT ref, made, what, '{"outcome":"written","attempts":1}'
			FROM ` + l.table("results") + ", (VALUES ('order.started'), ('result.written')) AS notes (what)",
		"VACUUM ANALYZE",
	} {
		_, err := l.db.Exec(fill)
		require.NoError(t, err)
	}
}

// past are the orders of the time before: those that get their result all at once,
// those that are open at the vendor, and the others, which have ended.
func (l *load) past() iter.Seq2[sqlstore.Imported, error] {
	return func(yield func(sqlstore.Imported, error) bool) {
		for i := range l.accounts {
			if !yield(running(openOrder(fmt.Sprint("workday:a", i))), nil) {
				return
			}
		}
		for i := range l.tombstones {
			r := running(l.ref("past-", i))
			if i >= l.atOnce {
				r.State = sqlstore.ImportFinal
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// ref is the reference of the i-th order of one kind, with an id as long as Kombo's.
func (l *load) ref(kind string, i int) assessment.OrderRef {
	return ofAccount(l.account(i), fmt.Sprintf("%s%0*d", kind, 24-len(kind), i))
}

const delivery = `{"id":"Cbfk5sHtDxrSrJBRjsDtbaN9","type":"assessment:order-received","data":{"id":%q,"integration_id":%q,
"package_id":"typescript_test","status":"OPEN","candidate":{"remote_id":"c-%[1]s","email":"john.doe@example.com","first_name":"John",
"last_name":"Doe","phone":"+1 123 456 7890"},"application":{"remote_id":"54321"},"job":{"remote_id":"67890","name":"Bottle Opener",
"job_code":"BO-2024-01","description":"<p>We are looking for a skilled and energetic individual to join our team.</p>",
"location":{"city":"Berlin","country":"DE","raw":"Berlin, Germany"},"hiring_team":[]}}}`

// deliver delivers an order that was due at a time, as the vendor does: again if it is
// not taken.
func (l *load) deliver(t *testing.T, client *http.Client, ref assessment.OrderRef, due time.Time) {
	body := fmt.Appendf(nil, delivery, ref.ID, ref.Account)
	for range 100 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.hosts.url, bytes.NewReader(body))
		if err == nil {
			r.Header.Set("Content-Type", "application/json")
			err = l.verifier.SignHeader(r.Header, body)
		}
		var answer *http.Response
		if err == nil {
			answer, err = client.Do(r)
		}
		if err != nil {
			t.Error(err)
			return
		}
		_ = answer.Body.Close()
		if l.answered(answer.StatusCode, time.Since(due)) {
			return
		}
		<-time.After(time.Second)
	}
	t.Errorf("%s was never taken", ref)
}

// answered notes the answer to a delivery and says whether it was taken.
func (l *load) answered(status int, after time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if status != http.StatusOK {
		l.refused++
		return false
	}
	l.accepted = append(l.accepted, after)
	return true
}

// orders delivers a number of orders evenly, each fiftieth twice, whose results are
// published soon after they were started.
func (l *load) orders(t *testing.T, kind string, n, perSecond int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	defer all.Wait()
	began := time.Now()
	for i := range n {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		<-time.After(time.Until(due))
		ref := l.ref(kind, i)
		l.expect(ref)
		all.Go(func() {
			l.deliver(t, client, ref, due)
			if i%50 == 0 {
				l.deliver(t, client, ref, time.Now())
			}
		})
	}
}

// expect notes that an order will have its final.
func (l *load) expect(ref assessment.OrderRef) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastFinal[ref.String()] = "end"
}

func (l *load) publish(ctx context.Context, t *testing.T, ref assessment.OrderRef) {
	if _, err := l.service.Publish(ctx, sqlstore.Message{Ref: ref, Result: final("end")}); err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}

// finals publishes the results of orders that have run for long, all at once.
func (l *load) finals(t *testing.T) {
	refs := make(chan assessment.OrderRef)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for ref := range refs {
				l.publish(t.Context(), t, ref)
			}
		})
	}
	for i := range l.atOnce {
		ref := l.ref("past-", i)
		l.expect(ref)
		refs <- ref
	}
	close(refs)
	all.Wait()
}

// done says whether every order that was delivered is started, and every result is
// written.
func (l *load) done(t *testing.T) bool {
	return l.text(t, "SELECT CAST((SELECT COUNT(*) FROM "+l.table("results")+" WHERE state = 'pending') + (SELECT COUNT(*) FROM "+
		l.table("orders")+" WHERE state IN ('queued', 'attention')) AS TEXT)") == "0" && len(l.vendor.check(l.expected())) == 0
}

func (l *load) expected() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]string, len(l.lastFinal))
	for k, v := range l.lastFinal {
		all[k] = v
	}
	return all
}

// cost is what the server has done so far.
type cost struct {
	statements, wal, bytes int64
}

func (l *load) cost(t *testing.T) (c cost) {
	require.NoError(t, l.db.QueryRow(`SELECT (SELECT COALESCE(SUM(calls), 0) FROM pg_stat_statements),
		pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'),
		(SELECT SUM(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::regnamespace)`, l.schema).
		Scan(&c.statements, &c.wal, &c.bytes))
	return c
}

func (c cost) since(before cost, n int) string {
	of := func(now, then int64) int64 { return (now - then) / int64(n) }
	return fmt.Sprintf("%d statements, %d bytes of log and %d bytes of tables", of(c.statements, before.statements), of(c.wal, before.wal), of(c.bytes, before.bytes))
}

// acceptedIn tells the times since the last call.
func (l *load) acceptedIn() (p50, p99, most time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Sorted(slices.Values(l.accepted))
	l.accepted = nil
	return all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
}

// busiest are the statements that took the most time.
func (l *load) busiest(t *testing.T) string {
	return strings.ReplaceAll(l.text(t, `SELECT format(E'\n%s calls, %s ms each, %s ms: %s', calls, round(mean_exec_time::numeric, 3),
		round(total_exec_time), left(regexp_replace(query, '\s+', ' ', 'g'), 160)) FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 15`), l.schema, "s")
}

// Processes under load on one database with a year's tables lose nothing and do
// nothing twice, and no statement reads a table whole. The short form has a server
// that only does so where no index fits; the long form has the size at which it
// would choose to, and measures.
func TestLoad(t *testing.T) {
	l := newLoad(t)
	var publishing sync.WaitGroup
	l.vendor.whenStarted(func(ref assessment.OrderRef) {
		publishing.Go(func() {
			<-time.After(time.Duration(size(100, 1000)) * time.Millisecond)
			l.publish(context.WithoutCancel(t.Context()), t, ref)
		})
	})
	n := int(l.length.Seconds()) * l.perSecond
	from := l.server.logged(t)

	before := l.cost(t)
	l.orders(t, "early-", n, l.perSecond)
	p50, p99, most := l.acceptedIn()
	t.Logf("%d orders a second on %d processes: accepted after %v (median), %v (99 %%), %v (at most); %d were not taken at once",
		l.perSecond, len(l.hosts.children), p50, p99, most, l.refused)
	patiently(t, 10*time.Minute, "early orders are done", func() bool { return l.done(t) })
	t.Logf("an order with its result costs %s", l.cost(t).since(before, n))
	t.Log("busiest statements" + l.busiest(t))
	if size(0, 1) == 1 {
		require.LessOrEqual(t, p99, 150*time.Millisecond)
	}

	began := time.Now()
	var both sync.WaitGroup
	both.Go(func() { l.finals(t) })
	l.orders(t, "late-", n/2, l.perSecond)
	p50, p99, most = l.acceptedIn()
	both.Wait()
	patiently(t, 20*time.Minute, "everything is done", func() bool { return l.done(t) })
	t.Logf("beside %d results at once: accepted after %v (median), %v (99 %%), %v (at most); all written after %v", l.atOnce, p50, p99, most, time.Since(began).Round(time.Second))
	if size(0, 1) == 1 {
		require.LessOrEqual(t, p99, 150*time.Millisecond)
	}
	publishing.Wait()

	l.samplePlans(t, 1)
	l.orders(t, "last-", l.perSecond, size(l.perSecond, 2))
	patiently(t, 10*time.Minute, "the last orders are done", func() bool { return l.done(t) })
	l.everyStatement(t)
	l.samplePlans(t, 0)

	require.Empty(t, l.vendor.check(l.expected()))
	require.Zero(t, l.vendor.repeats(), "results that were written twice")
	_, again := l.vendor.starts()
	require.Zero(t, again, "orders that were started twice")
	found := wholeReads(l.server.plans(t, from), size(1, 0) == 1)
	require.Empty(t, found, "%s", strings.Join(found, "\n"))
}

// everyStatement asks what the load does not.
func (l *load) everyStatement(t *testing.T) {
	ctx, db := t.Context(), l.service.DB()
	ref := l.ref("early-", 1)
	for name, do := range map[string]func() error{
		"metrics":      func() error { _, err := db.Metrics(ctx); return err },
		"top accounts": func() error { _, err := db.TopAccounts(ctx, 5); return err },
		"timeline":     func() error { _, err := db.Timeline(ctx, ref); return err },
		"overdue":      func() error { _, err := db.Overdue(ctx); return err },
		"expiring":     func() error { _, err := db.Expiring(ctx, sqlstore.Retention{}); return err },
		"retain":       func() error { _, err := db.Retain(ctx, sqlstore.Retention{}, false); return err },
		"gates":        func() error { _, err := db.Gates(ctx); return err },
		"lag":          func() error { _, err := l.service.Outbox().Lag(ctx); return err },
		"attention":    func() error { _, err := l.service.Outbox().Attention(ctx, 0, 10); return err },
		"orders": func() error {
			_, err := l.service.Spool().Attention(ctx, 10)
			return err
		},
		"waiting": func() error { _, _, err := l.service.Spool().Waiting(ctx); return err },
		"redrive": func() error {
			m := many()
			m.DryRun = true
			_, err := l.service.Outbox().RedriveMany(ctx, sqlstore.Filter{Route: "kombo", Account: ref.Account}, m)
			return err
		},
		"subject": func() error { _, err := db.Subject(ctx, assessment.Kombo, "", ref.Account, "c-"+ref.ID); return err },
		"erase":   func() error { return db.Erase(ctx, ref) },
		"erase subject": func() error {
			_, err := db.EraseSubject(ctx, assessment.Kombo, "", ref.Account, "c-"+ref.ID)
			return err
		},
		"pause": func() error { return db.Pause(ctx, "kombo", "nobody", sqlstore.SwitchResults, operator) },
	} {
		require.NoError(t, do(), name)
	}
	require.NoError(t, db.Resume(ctx, "kombo", "nobody", sqlstore.SwitchResults, operator))
}
