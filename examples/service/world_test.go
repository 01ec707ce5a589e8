package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// world is the service as processes behind a balancer, between the three vendors
// and one database.
type world struct {
	kombo     *kombotest.Server
	stackone  *stackonetest.Server
	ashby     *ashbytest.Server
	balancer  *httptest.Server
	db        *sql.DB
	schema    string // what the library's tables begin with
	variables []string

	mu        sync.Mutex
	processes []*process
	turn      int
}

// bothDatabases runs a test on PostgreSQL and on SQLite.
func bothDatabases(t *testing.T, test func(*testing.T, *world)) {
	t.Run("postgresql", func(t *testing.T) { test(t, newWorld(t, postgres(t), "")) })
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t, "", filepath.Join(t.TempDir(), "service.db"))) })
}

// postgres makes an empty database and returns its name.
func postgres(t *testing.T) string {
	db, err := sql.Open("pgx", postgresURL(postgresFolder, "postgres"))
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	_, err = db.Exec("CREATE DATABASE " + name)
	require.NoError(t, err)
	return name
}

func newWorld(t *testing.T, database, file string) *world {
	w := &world{
		kombo: kombotest.Start(t, func(c *kombotest.Config) { c.MaxExchanges = -1 }),
		stackone: stackonetest.Start(t, func(c *stackonetest.Config) {
			c.MaxExchanges = -1
			c.Accounts = []stackonetest.AccountSpec{{ID: stackonetest.DefaultAccount, Provider: stackonetest.Teamtailor}}
		}),
		ashby: ashbytest.Start(t, func(c *ashbytest.Config) { c.MaxExchanges = -1 }),
	}
	w.balancer = httptest.NewServer(w)
	t.Cleanup(w.balancer.Close)
	w.kombo.TargetURL(w.balancer.URL + "/kombo")
	w.stackone.TargetURL(w.balancer.URL + "/stackone")
	w.stackone.PackagesTargetURL(w.balancer.URL + "/stackone/assessments")
	w.ashby.TargetURL(w.balancer.URL + "/ashby/")
	w.variables = append(os.Environ(),
		prefix+"PUBLIC_URL=https://tests.example.com", prefix+"RESULTS_TOKEN="+secret, prefix+"OPS_TOKEN="+secret,
		prefix+"KOMBO_API_KEY="+kombotest.DefaultAPIKey, prefix+"KOMBO_WEBHOOK_SECRET="+kombotest.DefaultWebhookSecret,
		prefix+"KOMBO_BASE_URL="+w.kombo.URL(), prefix+"KOMBO_INTEGRATIONS=["+kombotest.DefaultIntegration+"]",
		prefix+"KOMBO_RECONCILE_EVERY=500ms", prefix+"KOMBO_RECONCILE_MIN_AGE=1s", prefix+"KOMBO_CALLS_PER_MINUTE=3000",
		prefix+"KOMBO_MAX_STARTS=1000", // a slow machine loses more than fifty while a process starts again
		prefix+"STACKONE_API_KEY="+stackonetest.DefaultAPIKey, prefix+"STACKONE_WEBHOOK_SECRET="+stackonetest.DefaultWebhookSecret,
		prefix+"STACKONE_BASE_URL="+w.stackone.URL(), prefix+"ASHBY_BASE_URL="+w.ashby.URL(),
		prefix+"ASHBY_CUSTOMERS=[{name: acme, our_key: "+ashbytest.DefaultPartnerKey+", ashby_key: "+ashbytest.DefaultAPIKey+"}]",
	)
	var err error
	if database != "" {
		w.schema = "assessbridge."
		w.db, err = sql.Open("pgx", postgresURL(postgresFolder, database))
		w.set("DB", postgresURL(postgresFolder, database))
	} else {
		w.db, err = sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
		w.set("DB", file)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	return w
}

func (w *world) set(name, value string) { w.variables = append(w.variables, prefix+name+"="+value) }

// ServeHTTP gives a request to one of the processes, in turn.
func (w *world) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.turn++
	address := ""
	if len(w.processes) > 0 {
		address = w.processes[w.turn%len(w.processes)].public
	}
	w.mu.Unlock()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.ErrorHandler = func(to http.ResponseWriter, _ *http.Request, _ error) { to.WriteHeader(http.StatusBadGateway) }
	proxy.ServeHTTP(to, r)
}

// process is one service.
type process struct {
	program     string
	public, ops string
	command     *exec.Cmd
	log         *lines
	world       *world
}

// start runs a process until the end of the test, on addresses that it keeps.
func (w *world) start(t *testing.T, program string) *process {
	p := &process{program: program, public: freeAddress(t), ops: freeAddress(t), world: w}
	p.run(t)
	t.Cleanup(p.kill)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.processes = append(w.processes, p)
	return p
}

func (p *process) run(t *testing.T) {
	p.command = exec.Command(p.program, "--listen", p.public, "--ops-listen", p.ops)
	p.log = new(lines)
	p.command.Env, p.command.Stderr = p.world.variables, p.log
	require.NoError(t, p.command.Start())
}

// kill ends the process as a machine that fails does.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	_ = p.command.Wait()
}

// leave takes the process away from the balancer.
func (w *world) leave(gone *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var rest []*process
	for _, p := range w.processes {
		if p != gone {
			rest = append(rest, p)
		}
	}
	w.processes = rest
}

func (p *process) ready(t *testing.T) {
	t.Helper()
	for range 1500 {
		answer, err := http.Get("http://" + p.ops + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == 200 {
				return
			}
		}
		<-time.After(20 * time.Millisecond)
	}
	require.FailNow(t, "not ready", p.log.String())
}

// known waits until the service knows Kombo's customer: it looks for no order from
// before that.
func (w *world) known(t *testing.T) {
	t.Helper()
	eventually(t, "the customer is known", func() bool {
		return w.number(t, `SELECT COUNT(*) FROM {integrations} WHERE account <> ''`) == 1
	})
}

func (p *process) terminate(t *testing.T) time.Duration {
	began := time.Now()
	require.NoError(t, p.command.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.command.Wait(), p.log.String())
	return time.Since(began)
}

// addresses are those that were given away. A process keeps its own over restarts,
// and between them it is free for whoever asks the system for any.
var addresses = struct {
	sync.Mutex
	given map[string]bool
}{given: make(map[string]bool)}

// freeAddress is an address that nobody else takes: it is on a host of the loopback
// network that only this process uses. Where there is one host, it may be taken
// before a process listens there.
func freeAddress(t *testing.T) string {
	addresses.Lock()
	defer addresses.Unlock()
	pid := os.Getpid()
	host := fmt.Sprintf("127.%d.%d.%d", 64+pid>>16%128, pid>>8%256, 1+pid%254)
	for {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			l, err = net.Listen("tcp", "127.0.0.1:0")
		}
		require.NoError(t, err)
		require.NoError(t, l.Close())
		if address := l.Addr().String(); !addresses.given[address] {
			addresses.given[address] = true
			return address
		}
	}
}

// number runs a query of one number; tables of the library are in braces.
func (w *world) number(t testing.TB, query string) int {
	t.Helper()
	var n int
	require.NoError(t, w.db.QueryRow(strings.NewReplacer("{", w.schema+"assessbridge_", "}", "").Replace(query)).Scan(&n), query)
	return n
}

// The results bear times from before their orders, as of a host whose clock is
// behind: they have to be written all the same.
const interimResult = `{"status":"in_progress","at":"2026-10-25T10:00:00Z"}`
const finalResult = `{"status":"completed","report_url":"https://tests.example.com/r/1","outcome":"passed","at":"2026-10-25T11:00:00Z"}`

// put hands a result in until it is taken.
func (w *world) put(ctx context.Context, t testing.TB, ref assessment.OrderRef, body string) {
	for ctx.Err() == nil {
		switch status := putResult(t, w.balancer.URL, secret, url.QueryEscape(ref.String()), body); status {
		case http.StatusAccepted:
			return
		case 0, http.StatusBadGateway, http.StatusServiceUnavailable:
			<-time.After(20 * time.Millisecond)
		default:
			t.Errorf("result answered %d", status)
			return
		}
	}
}

func komboRef(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}
}

func stackoneRef(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: stackonetest.DefaultAccount, ID: id}
}

func ashbyRef(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: id}
}

// order has a recruiter of a vendor order, again and again until it is taken, as
// vendor and recruiter do: what Kombo could not deliver is found by the service.
func (w *world) order(ctx context.Context, t testing.TB, vendor assessment.Vendor) assessment.OrderRef {
	switch vendor {
	case assessment.Kombo:
		id, _, err := w.kombo.PlaceOrder(ctx, kombotest.OrderSpec{})
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		return komboRef(id)
	case assessment.StackOne:
		id, delivery, err := w.stackone.PlaceOrder(ctx, stackonetest.OrderSpec{PackageID: "typescript_test"})
		for err == nil && delivery.Status != 200 && ctx.Err() == nil {
			<-time.After(20 * time.Millisecond)
			delivery, err = w.stackone.Redeliver(ctx, stackonetest.DefaultAccount, id)
		}
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		return stackoneRef(id)
	}
	spec := ashbytest.StartSpec{AssessmentTypeID: "typescript_test", ApplicationID: w.ashby.NewID()}
	for {
		answer := w.ashby.StartAssessment(ctx, spec)
		if answer.AssessmentID != "" || ctx.Err() != nil {
			for _, violation := range answer.Violations {
				t.Error(violation)
			}
			return ashbyRef(answer.AssessmentID)
		}
		<-time.After(20 * time.Millisecond)
	}
}

var allVendors = []assessment.Vendor{assessment.Kombo, assessment.StackOne, assessment.Ashby}

// flow has orders of all vendors come in, and two results for each handed in,
// until stop is called. Then end waits until all are handed in, and gives their
// references.
func (w *world) flow(t *testing.T) (stop func(), end func() []assessment.OrderRef) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	var all sync.WaitGroup
	var mu sync.Mutex
	var refs []assessment.OrderRef
	over := make(chan struct{})
	for _, vendor := range allVendors {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(time.Duration(20+rand.N(40)) * time.Millisecond):
				}
				ref := w.order(ctx, t, vendor)
				mu.Lock()
				refs = append(refs, ref)
				mu.Unlock()
				all.Go(func() {
					w.started(ctx, ref)
					w.put(ctx, t, ref, interimResult)
					w.put(ctx, t, ref, finalResult)
				})
			}
		})
	}
	stop = sync.OnceFunc(func() { close(over) })
	return stop, func() []assessment.OrderRef {
		stop()
		all.Wait()
		cancel()
		return refs
	}
}

// started waits for an order's test: nobody completes what has not begun.
func (w *world) started(ctx context.Context, ref assessment.OrderRef) {
	for n := 0; n == 0 && ctx.Err() == nil; <-time.After(30 * time.Millisecond) {
		_ = w.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM tests WHERE ref = $1`, ref.String()).Scan(&n)
	}
}

// write is one call of a vendor's API that wrote a result.
type write struct {
	order, body string
	taken       bool
}

func (w *world) writes() map[string][]write {
	found := make(map[string][]write)
	add := func(ref assessment.OrderRef, body []byte, status int) {
		found[ref.String()] = append(found[ref.String()], write{ref.String(), string(body), status < 300 && status > 0})
	}
	for _, e := range w.kombo.Calls(kombotest.OpUpdateResult) {
		add(komboRef(e.Order), e.RequestBody, e.Status)
	}
	for _, e := range w.stackone.Calls(stackonetest.OpUpdateAssessmentResult) {
		add(stackoneRef(e.Order), e.RequestBody, e.Status)
	}
	for _, e := range w.ashby.Calls(ashbytest.OpUpdate) {
		add(ashbyRef(e.Assessment), e.RequestBody, e.Status)
	}
	return found
}

// settled waits until everything is started and completed and checks that
// nothing was lost or doubled: at most `again` starts and writes beyond the first,
// and those identical.
func (w *world) settled(t *testing.T, refs []assessment.OrderRef, again int) {
	t.Helper()
	look := &simulation{kombo: w.kombo, stackone: w.stackone, ashby: w.ashby}
	var open []string
	for range 1200 {
		open = nil
		for _, ref := range refs {
			if look.finals(ref) == 0 {
				open = append(open, ref.String())
			}
		}
		if len(open) == 0 && w.number(t, `SELECT COUNT(*) FROM tests`) >= len(refs) &&
			w.number(t, `SELECT COUNT(*) FROM {results} WHERE state = 'pending'`) == 0 &&
			w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state = 'queued'`) == 0 {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	require.Empty(t, open, "completed at the vendor")
	require.Equal(t, len(refs), w.number(t, `SELECT COUNT(*) FROM tests`), "tests, one for each order")
	starts := w.number(t, `SELECT SUM(starts) FROM tests`)
	require.LessOrEqual(t, starts-len(refs), again, "started again")
	require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {results} WHERE state IN ('refused', 'uncertain', 'pending')`))
	require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {orders} WHERE state <> 'started'`))
	repeats, writes := 0, w.writes()
	for _, ref := range refs {
		finals := make(map[string]int)
		over := false
		for _, one := range writes[ref.String()] {
			if strings.Contains(one.body, "tests.example.com/r/1") {
				finals[one.body]++
				over = over || one.taken
			} else if over {
				require.Fail(t, "an interim result after the final one", ref.String())
			}
		}
		require.LessOrEqual(t, len(finals), 1, "a repeated final is identical")
		for _, n := range finals {
			repeats += n - 1
		}
	}
	require.LessOrEqual(t, repeats, again, "written again")
	t.Logf("%d orders, %d started again, %d finals written again", len(refs), starts-len(refs), repeats)
}
