package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/webhook"
)

// hostRole is what a process needs to know that plays a whole host: a service
// behind Kombo's webhook handler.
type hostRole struct {
	Kombo    string        // base URL of Kombo's API; empty: results go to the role's Vendor
	Accounts []string      // the host's list of integrations
	Calls    int           // Kombo's limit; zero is the default
	Sweep    time.Duration // as in the service's configuration
}

// hosts are processes of one host. They accept on one socket, as replicas behind a
// load balancer do.
type hosts struct {
	url      string
	role     role
	socket   *os.File
	children []*child
}

// startHosts starts n processes, or one where the database takes only one.
func (d *database) startHosts(t testing.TB, n int, h hostRole, vendor string) *hosts {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	socket, err := listener.(*net.TCPListener).File()
	require.NoError(t, err)
	t.Cleanup(func() { _ = socket.Close() })
	all := &hosts{url: "http://" + listener.Addr().String() + "/kombo", role: d.role("host", vendor), socket: socket}
	require.NoError(t, listener.Close()) // the file is the socket's other name
	all.role.Host = h
	if d.dialect == sqlstore.SQLite {
		n = 1
	}
	for range n {
		all.add(t)
	}
	return all
}

func (h *hosts) add(t testing.TB) {
	h.children = append(h.children, start(t, h.role, h.socket))
}

func (h *hosts) kill() {
	for _, c := range h.children {
		c.kill()
	}
}

func (h *hosts) restart(t testing.TB) {
	for _, c := range h.children {
		c.run(t)
	}
}

// vitals are what a process tells of itself.
type vitals struct {
	PID         int
	Heap        uint64 // bytes in use after a collection
	Goroutines  int
	Connections int32
	Statements  int64
}

// playHost is a host with River behind Kombo's webhook handler.
func playHost(ctx context.Context, r role) error {
	listener, err := net.FileListener(os.NewFile(3, "socket"))
	if err != nil {
		return err
	}
	d := r.database()
	c := durable.Config{
		Provider: remoteProvider{remote{r.Vendor}}, Publishers: []assessment.Publisher{remote{r.Vendor}}, Schema: d.schema,
		Store: d.options(sqlstore.Options{}), Sweep: r.Host.Sweep, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Reconcile: sqlstore.ReconcilerConfig{CallsPerMinute: r.Host.Calls},
	}
	if r.Host.Kombo != "" {
		client, err := kombo.New(kombo.Config{
			APIKey: kombotest.DefaultAPIKey, BaseURL: r.Host.Kombo, ResultURL: "https://tests.example.com/status", MaxWait: 5 * time.Second,
		})
		if err != nil {
			return err
		}
		c.Publishers, c.Integrations = []assessment.Publisher{client}, r.Host.integrations
	}
	var statements counter
	connections := func() int32 { return 1 }
	if d.dialect == sqlstore.SQLite {
		c.SQLite, err = r.pool(d)
	} else if c.PostgreSQL, err = statements.pool(ctx, d.dsn); err == nil {
		connections = func() int32 { return c.PostgreSQL.Stat().TotalConns() }
	}
	if err != nil {
		return err
	}
	service, err := durable.New(c)
	if err != nil {
		return err
	}
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "current", Key: kombotest.DefaultWebhookSecret})
	if err != nil {
		return err
	}
	handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{
		Intake: service.Intake(), Verifier: verifier, Queue: service.Queue, OnEvent: service.KomboEvent("", nil),
	})
	if err != nil {
		return err
	}
	go tellVitals(ctx, r.Vendor, func() vitals {
		return vitals{Connections: connections(), Statements: statements.n.Load()}
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	return service.Run(ctx)
}

func (h hostRole) integrations(context.Context) iter.Seq2[sqlstore.Integration, error] {
	return func(yield func(sqlstore.Integration, error) bool) {
		for _, account := range h.Accounts {
			if !yield(integration(account), nil) {
				return
			}
		}
	}
}

// tellVitals tells them every two seconds.
func tellVitals(ctx context.Context, vendor string, of func() vitals) {
	for ctx.Err() == nil {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		v := of()
		v.PID, v.Heap, v.Goroutines = os.Getpid(), memory.HeapAlloc, runtime.NumGoroutine()
		body, err := json.Marshal(v)
		if err != nil {
			return
		}
		if answer, err := http.Post(vendor+"/vitals", "application/json", bytes.NewReader(body)); err == nil {
			_ = answer.Body.Close()
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
		}
	}
}

// counter counts the statements of a pool, and keeps their texts and arguments if
// somebody wants them.
type counter struct {
	n    atomic.Int64
	mu   sync.Mutex
	seen map[string][]any // the arguments of the first call; nil: they are not kept
}

func (c *counter) pool(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.ConnConfig.Tracer = c
	return pgxpool.NewWithConfig(ctx, config)
}

// TraceQueryStart implements pgx.QueryTracer.
func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.seen[q.SQL]; c.seen != nil && !known {
		c.seen[q.SQL] = q.Args
	}
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
