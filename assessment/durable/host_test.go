package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

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
	// Frequent, Full and MinAge are the reconciler's.
	Frequent, Full, MinAge time.Duration
	// Keep is applied every Upkeep; zero is as the service does by itself, daily.
	Keep   sqlstore.Retention
	Upkeep time.Duration
	Tell   time.Duration // how often it tells its vitals; zero is never
	Lists  bool          // the role's Vendor is asked for open orders, too
	Pool   int32         // connections; zero is pgx's default
}

// simulated is Kombo with integrations of the given ids.
func simulated(t *testing.T, ids ...string) *kombotest.Server {
	return kombotest.Start(t, func(c *kombotest.Config) {
		c.Integrations = []kombotest.IntegrationSpec{}
		for _, id := range ids {
			c.Integrations = append(c.Integrations, kombotest.IntegrationSpec{ID: id})
		}
	})
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

// vitals are what a process tells of itself.
type vitals struct {
	PID         int
	Heap        uint64 // bytes in use after a collection
	Goroutines  int
	Files       int // descriptors that are open
	Connections int32
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
		Reconcile: sqlstore.ReconcilerConfig{
			CallsPerMinute: r.Host.Calls, Frequent: r.Host.Frequent, Full: r.Host.Full, MinAge: r.Host.MinAge,
		},
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
	if r.Host.Lists {
		c.Publishers, c.Integrations = []assessment.Publisher{listing{remote{r.Vendor}}}, r.Host.integrations
	}
	connections := func() int32 { return 1 }
	if d.dialect == sqlstore.SQLite {
		c.SQLite, err = r.pool(d)
	} else if c.PostgreSQL, err = r.Host.open(ctx, d.dsn); err == nil {
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
	go every(ctx, r.Host.Tell, func() { tellVitals(r.Vendor, connections()) })
	go every(ctx, r.Host.Upkeep, func() {
		if _, err := service.DB().Retain(ctx, r.Host.Keep, false); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "retention:", err)
		}
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	return service.Run(ctx)
}

func (h hostRole) open(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if h.Pool > 0 {
		config.MaxConns = h.Pool
	}
	return pgxpool.NewWithConfig(ctx, config)
}

// listing is a vendor that can be asked, and has one open order of each account.
type listing struct{ remote }

func (listing) OpenOrders(_ context.Context, q assessment.OpenOrders) ([]assessment.Order, string, error) {
	return []assessment.Order{order(openOrder(q.Account))}, "", nil
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

// every does something again and again until ctx ends; never if period is zero.
func every(ctx context.Context, period time.Duration, do func()) {
	for period > 0 {
		do()
		select {
		case <-time.After(period):
		case <-ctx.Done():
			return
		}
	}
}

func tellVitals(vendor string, connections int32) {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	v := vitals{PID: os.Getpid(), Heap: memory.HeapAlloc, Goroutines: runtime.NumGoroutine(), Connections: connections}
	if open, err := os.ReadDir("/dev/fd"); err == nil {
		v.Files = len(open)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return
	}
	if answer, err := http.Post(vendor+"/vitals", "application/json", bytes.NewReader(body)); err == nil {
		_ = answer.Body.Close()
	}
}
