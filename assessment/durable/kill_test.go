package durable_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// longVariable, if set, runs the long forms: 2,000 orders instead of 80.
const longVariable = "ASSESSBRIDGE_LONG"

func size(short, long int) int {
	if os.Getenv(longVariable) != "" {
		return long
	}
	return short
}

// databasesOfLong runs a test on PostgreSQL, and its long form on SQLite too, which is
// a Go program here and slow under the race detector.
func databasesOfLong(t *testing.T, test func(*testing.T, *database)) {
	databases := bothDatabases
	if size(0, 1) == 0 {
		databases = func(t *testing.T, test func(*testing.T, *database)) { test(t, newPostgres(t)) }
	}
	databases(t, test)
}

// killWorkers is how many writes a process has in flight.
const killWorkers = 4

// killLease is short, so that what a killed process held is free soon.
const (
	killLease   = 2 * time.Second
	killTimeout = 1500 * time.Millisecond
)

// playFlush is a host without River: Due and Flush in a loop.
func playFlush(ctx context.Context, r role) error {
	d := r.database()
	pool, err := r.pool(d)
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(pool, d.dialect, d.options(sqlstore.Options{}))
	if err != nil {
		return err
	}
	outbox, err := store.Outbox(sqlstore.OutboxConfig{Publisher: remote{r.Vendor}, Lease: killLease, CallTimeout: killTimeout})
	if err != nil {
		return err
	}
	refs := make(chan assessment.OrderRef)
	var all sync.WaitGroup
	for range killWorkers {
		all.Go(func() {
			for ref := range refs {
				_, _ = outbox.Flush(ctx, ref)
			}
		})
	}
	for ctx.Err() == nil {
		due, err := outbox.Due(ctx, 20, 0)
		if err != nil && ctx.Err() == nil {
			return err
		}
		rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		for _, ref := range due {
			refs <- ref
		}
		if len(due) == 0 {
			<-time.After(10 * time.Millisecond)
		}
	}
	close(refs)
	all.Wait()
	return nil
}

func (r role) pool(d *database) (*sql.DB, error) {
	if r.Mutant < 0 {
		return d.openPool(d.driver)
	}
	edit, _ := d.mutate(mutants[r.Mutant])
	return d.openTampered(edit)
}

// killRun is a run in which processes write results and are killed.
type killRun struct {
	*database
	checker   *checker
	store     *sqlstore.DB
	publish   func(context.Context, sqlstore.Message) error
	orders    int
	processes int
	role      role
	kills     int
	lastFinal map[string]string
}

func (d *database) killRun(t *testing.T, play string, mutant int) *killRun {
	d.slow = false
	k := &killRun{database: d, checker: newChecker(t), orders: size(80, 2000), processes: 4, lastFinal: make(map[string]string)}
	if d.dialect == sqlstore.SQLite {
		k.processes = 1
	}
	k.store = d.open(t, sqlstore.Options{})
	outbox, err := k.store.Outbox(sqlstore.OutboxConfig{Publisher: remote{}})
	require.NoError(t, err)
	k.publish = func(ctx context.Context, m sqlstore.Message) error {
		_, err := outbox.Publish(ctx, m)
		return err
	}
	if play == "service" {
		k.throughService(t)
	}
	k.role = d.role(play, k.checker.URL)
	k.role.Mutant = mutant
	return k
}

// run publishes four results for each order while processes write them and one
// of them is killed every 300 ms, and returns what went wrong.
func (k *killRun) run(t *testing.T, within time.Duration) []string {
	children := make([]*child, k.processes)
	for i := range children {
		children[i] = start(t, k.role)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() { k.publishAll(ctx, t) })
	published := make(chan struct{})
	go func() { publishing.Wait(); close(published) }()
	defer publishing.Wait()
	defer cancel()

	deadline := time.Now().Add(within)
	for time.Now().Before(deadline) {
		<-time.After(300 * time.Millisecond)
		select {
		case <-published:
			if k.pending(t) == "0" {
				return k.checker.check(k.lastFinal)
			}
		default:
		}
		if len(k.checker.check(nil)) > 0 {
			return k.checker.check(nil)
		}
		k.works(t)
		victim := children[rand.N(len(children))]
		victim.kill()
		victim.run(t)
		k.kills++
	}
	<-published
	return append(k.checker.check(k.lastFinal), "not at the end after "+within.String()+", pending: "+k.pending(t))
}

// works waits until the vendor was called some times since the last kill: on a
// slow machine a process may need longer than 300 ms to begin.
func (k *killRun) works(t *testing.T) {
	k.checker.mu.Lock()
	calls := k.checker.calls
	k.checker.mu.Unlock()
	for range 100 {
		k.checker.mu.Lock()
		more := k.checker.calls >= calls+12
		k.checker.mu.Unlock()
		if more || k.pending(t) == "0" {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (k *killRun) pending(t *testing.T) string {
	return k.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+k.table("results")+" WHERE state = 'pending'")
}

// publishAll publishes three interims and a final for every order, the orders
// interleaved.
func (k *killRun) publishAll(ctx context.Context, t *testing.T) {
	for round := range 4 {
		for i := range k.orders {
			ref := komboRef(fmt.Sprint(i))
			r := interim(fmt.Sprintf("interim %d", round))
			if round == 3 {
				r = final("end")
				k.lastFinal[ref.String()] = "end"
			}
			if err := k.publish(ctx, sqlstore.Message{Ref: ref, Result: r}); err != nil {
				if ctx.Err() == nil {
					t.Error(err)
				}
				return
			}
		}
	}
}

// Killed anywhere, at any time: nothing is in flight twice, no interim follows a
// final, nothing is lost, and nothing is repeated but what a killed process was
// writing.
func TestKill(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		k := d.killRun(t, "flush", -1)
		require.Empty(t, k.run(t, time.Duration(size(3, 15))*time.Minute))
		t.Logf("%d orders, %d calls, %d kills, %d repeats", k.orders, k.checker.calls, k.kills, k.checker.repeats())
		require.LessOrEqual(t, k.checker.repeats(), k.kills*killWorkers)
	})
}

// The checker notices processes that do not compare and set.
func TestKillMutant(t *testing.T) {
	k := newPostgres(t).killRun(t, "flush", 0)
	require.NotEmpty(t, k.run(t, time.Minute))
}

// playService is a host with River.
func playService(ctx context.Context, r role) error {
	d := r.database()
	c := durable.Config{
		Provider: remoteProvider{remote{r.Vendor}}, Publishers: []assessment.Publisher{remote{r.Vendor}}, Schema: d.schema,
		Store:  d.options(sqlstore.Options{}),
		Outbox: sqlstore.OutboxConfig{Lease: killLease, CallTimeout: killTimeout},
		Spool:  sqlstore.SpoolConfig{Lease: killLease},
		Intake: assessment.IntakeConfig{Deadline: killTimeout / 2, InlineDeadline: killTimeout / 2, Lease: killTimeout},
		Sweep:  killLease,
	}
	var err error
	if d.dialect == sqlstore.SQLite {
		c.SQLite, err = r.pool(d)
	} else {
		c.PostgreSQL, err = pgxpool.New(ctx, d.dsn)
	}
	if err != nil {
		return err
	}
	service, err := durable.New(c)
	if err != nil {
		return err
	}
	return service.Run(ctx)
}

// remoteProvider tells the checker of starts.
type remoteProvider struct{ remote }

func (p remoteProvider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	return assessment.Started{CandidateURL: "https://tests.example.com"}, p.post(ctx, "/start", call{Ref: o.Ref})
}

func (remoteProvider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func (remoteProvider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

// throughService publishes as a host with River does, and queues each order
// before its first result.
func (k *killRun) throughService(t *testing.T) {
	service, err := durable.New(k.config(t, remoteProvider{}, remote{}))
	require.NoError(t, err)
	require.NoError(t, service.Migrate(t.Context()))
	k.publish = func(ctx context.Context, m sqlstore.Message) error {
		if m.Result.Summary == "interim 0" {
			if err := service.Queue(ctx, order(m.Ref)); err != nil {
				return err
			}
		}
		_, err := service.Publish(ctx, m)
		return err
	}
}

// The same with River, orders included: each is started, and again only where a
// process was killed in the middle of it.
func TestServiceKill(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		k := d.killRun(t, "service", -1)
		require.Empty(t, k.run(t, time.Duration(size(3, 15))*time.Minute))
		waiting := func() string {
			return k.text(t, "SELECT CAST(COUNT(*) AS TEXT) FROM "+k.table("orders")+" WHERE state <> 'started'")
		}
		eventually(t, "all orders are started", func() bool { return waiting() == "0" })
		least, repeats := k.checker.starts()
		require.Positive(t, least)
		t.Logf("%d orders, %d calls, %d kills, %d repeats, %d starts again", k.orders, k.checker.calls, k.kills, k.checker.repeats(), repeats)
		require.LessOrEqual(t, k.checker.repeats(), k.kills*16)
		require.LessOrEqual(t, repeats, k.kills*4)
	})
}
