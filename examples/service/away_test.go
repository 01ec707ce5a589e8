package main

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// cable is what the service reaches the database through; it can be pulled.
type cable struct {
	mu      sync.Mutex
	pulled  bool
	silent  bool // pulled without anybody noticing
	current map[net.Conn]bool
}

const socket = ".s.PGSQL.5432"

// newCable returns a cable and the folder of its socket.
func newCable(t *testing.T) (*cable, string) {
	c := &cable{current: make(map[net.Conn]bool)}
	folder := t.TempDir()
	listener, err := net.Listen("unix", filepath.Join(folder, socket))
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close(); c.pull(true, false) })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go c.connect(near)
		}
	}()
	return c, folder
}

func (c *cable) connect(near net.Conn) {
	far, err := net.Dial("unix", filepath.Join(postgresFolder, socket))
	if err != nil {
		_ = near.Close()
		return
	}
	c.mu.Lock()
	pulled := c.pulled
	c.current[near], c.current[far] = true, true
	c.mu.Unlock()
	if pulled {
		_, _ = near.Close(), far.Close()
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() { c.copy(way[0], way[1]); _, _ = near.Close(), far.Close() })
	}
	both.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.current, near)
	delete(c.current, far)
}

// copy carries bytes from one end to the other; a silent cable swallows them.
func (c *cable) copy(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		c.mu.Lock()
		silent := c.silent
		c.mu.Unlock()
		if !silent && n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *cable) pull(pulled, silent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.silent
	c.pulled, c.silent = pulled && !silent, pulled && silent
	if c.pulled || (was && !c.silent) { // what was swallowed cannot be mended
		for one := range c.current {
			_ = one.Close()
		}
	}
}

// While the database is away nothing is started and nothing that needs it is
// answered as if it were there; afterwards every order starts once.
func TestDatabaseAway(t *testing.T) {
	for name, how := range map[string]struct{ silent, emergency bool }{
		"cut": {false, false}, "silent": {true, true},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); databaseAway(t, how.silent, how.emergency) })
	}
}

func databaseAway(t *testing.T, silent, emergency bool) {
	database := postgres(t)
	w := newWorld(t, database, "")
	c, folder := newCable(t)
	w.set("DB", strings.Replace(postgresURL(folder, database), "?", "?pool_max_conns=40&", 1))
	if emergency {
		w.set("STACKONE_EMERGENCY", t.TempDir())
	}
	w.set("KOMBO_RECONCILE_EVERY", "1h") // only what was answered 5xx is looked for sooner
	p := w.start(t, oldRelease)
	p.ready(t)
	ctx := t.Context()
	running := w.order(ctx, t, assessment.Ashby)
	eventually(t, "started", func() bool { return w.number(t, `SELECT COUNT(*) FROM tests`) == 1 })
	w.known(t)

	c.pull(true, silent)
	ashbySpec := ashbytest.StartSpec{AssessmentTypeID: "typescript_test", ApplicationID: w.ashby.NewID()}
	var mu sync.Mutex
	var komboIDs, stackoneIDs []string
	answers := make(map[string][]int)
	note := func(what string, status int, keep *[]string, id string) {
		mu.Lock()
		defer mu.Unlock()
		answers[what] = append(answers[what], status)
		if keep != nil {
			*keep = append(*keep, id)
		}
	}
	// 240 seconds of a database that is away, told in what arrives meanwhile.
	const each = 20
	var all sync.WaitGroup
	for range each {
		all.Go(func() {
			id, d, _ := w.kombo.PlaceOrder(ctx, kombotest.OrderSpec{})
			note("kombo order", d.Status, &komboIDs, id)
		})
		all.Go(func() {
			id, d, _ := w.stackone.PlaceOrder(ctx, stackonetest.OrderSpec{PackageID: "typescript_test"})
			note("stackone order", d.Status, &stackoneIDs, id)
		})
	}
	all.Go(func() {
		id, d, _ := w.kombo.PlaceOrder(ctx, kombotest.OrderSpec{Inline: true})
		note("kombo inline order", d.Status, &komboIDs, id)
	})
	created, err := w.kombo.IntegrationCreatedEvent(kombotest.DefaultIntegration)
	require.NoError(t, err)
	changed, err := w.kombo.StateChangedEvent(kombotest.DefaultIntegration)
	require.NoError(t, err)
	account, err := w.stackone.AccountEvent(stackonetest.DefaultAccount, "account.created")
	require.NoError(t, err)
	all.Go(func() { note("integration created", w.kombo.Deliver(ctx, created).Status, nil, "") })
	all.Go(func() { note("state changed", w.kombo.Deliver(ctx, changed).Status, nil, "") })
	all.Go(func() { note("account created", w.stackone.Deliver(ctx, account).Status, nil, "") })
	all.Go(func() { note("ashby start", answered(w.ashby.StartAssessment(ctx, ashbySpec)), nil, "") })
	all.Go(func() { note("ashby cancel", answered(w.ashby.Cancel(ctx, running.ID)), nil, "") })
	all.Go(func() {
		note("result", putResult(t, w.balancer.URL, secret, url.QueryEscape(running.String()), finalResult), nil, "")
	})
	all.Go(func() {
		require.Equal(t, 200, w.stackone.RequestPackages(ctx, stackonetest.PackagesRequest{}).Status, "StackOne's packages")
	})
	all.Go(func() { require.Equal(t, 200, w.ashby.List(ctx).Status, "Ashby's packages") })
	all.Wait()
	for what, statuses := range answers {
		for _, status := range statuses {
			if emergency && what == "stackone order" {
				require.Equal(t, 200, status, what)
				continue
			}
			require.GreaterOrEqual(t, status, 500, "%s: %s", what, p.log)
		}
	}
	require.Equal(t, 1, w.number(t, `SELECT COUNT(*) FROM tests`), "started while the database was away")
	require.Equal(t, 200, get(t, "http://"+p.ops+"/healthz"), "alive")
	require.Equal(t, 503, get(t, "http://"+p.ops+"/readyz"), "not ready")
	require.Contains(t, text(t, "http://"+p.ops+"/metrics"), "assessbridge_database_up 0")
	if !emergency {
		require.Contains(t, p.log.String(), "order_lost_risk")
	}

	c.pull(false, false)
	mended := time.Now()
	p.ready(t)
	t.Logf("ready %v after", time.Since(mended))
	for _, id := range komboIDs[:each/2] { // the others are looked for
		d, err := w.kombo.Redeliver(ctx, id)
		require.NoError(t, err)
		require.Equal(t, 200, d.Status, p.log.String())
	}
	if !emergency {
		for _, id := range stackoneIDs {
			d, err := w.stackone.Redeliver(ctx, stackonetest.DefaultAccount, id)
			require.NoError(t, err)
			require.Equal(t, 200, d.Status)
		}
	}
	answer := w.ashby.StartAssessment(ctx, ashbySpec)
	require.NotEmpty(t, answer.AssessmentID)
	require.Equal(t, 200, w.kombo.Deliver(ctx, created).Status)
	want := 1 + len(komboIDs) + len(stackoneIDs) + 1
	eventually(t, "all are started", func() bool { return w.number(t, `SELECT COUNT(*) FROM tests`) == want })
	t.Logf("all started %v after", time.Since(mended))
	require.Equal(t, want, w.number(t, `SELECT SUM(starts) FROM tests`))
}

func get(t *testing.T, address string) int {
	answer, err := http.Get(address)
	require.NoError(t, err)
	_ = answer.Body.Close()
	return answer.StatusCode
}

func text(t *testing.T, address string) string {
	answer, err := http.Get(address)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(body)
}

// answered is the status of an answer; Ashby's own errors come under 200.
func answered(a ashbytest.Answer) int {
	if a.Status == 200 && a.Outcome != ashbytest.Succeeded {
		return 500
	}
	return a.Status
}
