// Command host is all that a provider has to write for three vendors on one
// PostgreSQL: orders that survive a crash, results in transactions of its own, of
// pgx and of database/sql, a drain, health. The service one folder up is the same
// with settings, pages, metrics and SQLite.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// host is the provider's business. Its table is made by its own migrations:
//
//	CREATE TABLE tests (ref TEXT PRIMARY KEY, starts INTEGER NOT NULL, state TEXT NOT NULL DEFAULT '')
type host struct {
	pool    *pgxpool.Pool
	db      *sql.DB // the same database
	service *durable.Service
}

var offered = []assessment.Package{{ID: "typescript_test", Name: "TypeScript", Type: assessment.SkillsTest}}

func (h *host) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return offered, nil
}

func (h *host) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	_, err := h.pool.Exec(ctx, `INSERT INTO tests (ref, starts) VALUES ($1, 1) ON CONFLICT (ref) DO UPDATE SET starts = tests.starts + 1`, o.Ref.String())
	return assessment.Started{CandidateURL: env("PUBLIC_URL") + "/take"}, err
}

func (h *host) CancelOrder(ctx context.Context, ref assessment.OrderRef) error {
	_, err := h.pool.Exec(ctx, `UPDATE tests SET state = 'cancelled' WHERE ref = $1`, ref.String())
	return err
}

// publish stores a result with the host's own row: interims in a transaction of
// pgx, finals in one of database/sql, as a program in the middle of a move would.
func (h *host) publish(ctx context.Context, m sqlstore.Message) error {
	const update = `UPDATE tests SET state = $2 WHERE ref = $1`
	if !m.Result.Status.Final() {
		return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
			_, err := h.service.PublishPgx(ctx, tx, m)
			_, failed := tx.Exec(ctx, update, m.Ref.String(), string(m.Result.Status))
			return errors.Join(err, failed)
		})
	}
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no-op after the commit
	_, err = h.service.PublishTx(ctx, tx, m)
	_, failed := tx.ExecContext(ctx, update, m.Ref.String(), string(m.Result.Status))
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	return tx.Commit()
}

func (h *host) results(w http.ResponseWriter, r *http.Request) {
	var m sqlstore.Message
	ref, err := assessment.ParseOrderRef(r.URL.Query().Get("order"))
	if r.Header.Get("Authorization") != "Bearer "+env("RESULTS_TOKEN") || err != nil || json.NewDecoder(r.Body).Decode(&m.Result) != nil {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	if m.Ref = ref; h.publish(r.Context(), m) != nil {
		http.Error(w, "again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// integrations are the customers whose lost orders are looked for; a table, where
// there are many.
func integrations(context.Context) iter.Seq2[sqlstore.Integration, error] {
	return func(yield func(sqlstore.Integration, error) bool) {
		yield(sqlstore.Integration{Vendor: assessment.Kombo, Account: env("KOMBO_INTEGRATION")}, nil)
	}
}

func env(name string) string { return os.Getenv("ASSESSBRIDGE_" + name) }

func main() {
	listen, ops := flag.String("listen", ":8080", "vendors and results"), flag.String("ops-listen", "127.0.0.1:8081", "health")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, *ops); err != nil {
		slog.Error("host", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, ops string) error {
	pool, err := pgxpool.New(ctx, env("DB"))
	if err != nil {
		return err
	}
	h := &host{pool: pool, db: stdlib.OpenDBFromPool(pool)}
	log, wait := slog.Default(), 5*time.Second
	k, err1 := kombo.New(kombo.Config{APIKey: env("KOMBO_API_KEY"), BaseURL: env("KOMBO_BASE_URL"), Region: kombo.RegionEU, ResultURL: env("PUBLIC_URL"), MaxWait: wait, Logger: log})
	s, err2 := stackone.New(stackone.Config{APIKey: env("STACKONE_API_KEY"), BaseURL: env("STACKONE_BASE_URL"), MaxWait: wait, Logger: log})
	a, err3 := ashby.New(ashby.Config{APIKey: env("ASHBY_KEY"), BaseURL: env("ASHBY_BASE_URL"), MaxWait: wait, Logger: log})
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	every, _ := time.ParseDuration(env("RECONCILE")) // an hour, if that is empty
	h.service, err = durable.New(durable.Config{
		PostgreSQL: pool, Provider: h, Publishers: []assessment.Publisher{k, s, a}, Logger: log, Emergency: env("STACKONE_EMERGENCY"),
		Integrations: integrations, Reconcile: sqlstore.ReconcilerConfig{Frequent: every, MinAge: every},
		Complete: map[assessment.Vendor]func(context.Context, *assessment.Order) error{assessment.StackOne: s.Complete},
	})
	if err != nil {
		return err
	}
	if err := h.service.Migrate(ctx); err != nil {
		return err
	}
	kv, err1 := kombo.NewVerifier(webhook.Secret{ID: "1", Key: env("KOMBO_WEBHOOK_SECRET")})
	sv, err2 := stackone.NewVerifier(webhook.Secret{ID: "1", Key: env("STACKONE_WEBHOOK_SECRET")})
	in, watch := h.service.Intake(), h.service.Watch(assessment.Observer{})
	kh, err3 := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: in, Queue: h.service.Queue, Verifier: kv, Client: k, Logger: log, OnEvent: h.service.KomboEvent("", nil), Observer: watch})
	sh, err4 := stackone.NewWebhookHandler(stackone.WebhookConfig{Intake: in, Queue: h.service.Queue, Verifier: sv, Client: s, Logger: log, OnEvent: h.service.StackOneEvent("", nil), Observer: watch})
	ah, err5 := ashby.NewHandler(ashby.HandlerConfig{Intake: in, Client: a, Logger: log, Observer: watch, Authenticate: func(_ context.Context, key string) (string, error) {
		if key != env("ASHBY_OUR_KEY") { // a table of hashes, where there are customers
			return "", assessment.ErrUnauthorized
		}
		return "acme", nil
	}})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	public, health := http.NewServeMux(), http.NewServeMux()
	public.Handle("/kombo", kh)
	public.Handle("/stackone", sh)
	public.Handle("/ashby/", ah)
	public.HandleFunc("PUT /results", h.results)
	health.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil || h.service.DB().Check(r.Context()) != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	working, stop := context.WithCancelCause(ctx)
	failed := make(chan error, 2)
	var servers [2]*http.Server
	for i, one := range []struct {
		address string
		handler http.Handler
	}{{listen, public}, {ops, health}} {
		servers[i] = &http.Server{Addr: one.address, Handler: one.handler, ReadHeaderTimeout: wait, ReadTimeout: 3 * wait, WriteTimeout: 8 * wait}
		go func() { failed <- servers[i].ListenAndServe() }()
	}
	go func() { stop(<-failed) }()
	err = h.service.Run(working) // until the signal; then it drains
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait)
	defer cancel()
	if ctx.Err() == nil {
		err = errors.Join(err, context.Cause(working)) // a port is taken
	}
	return errors.Join(err, servers[0].Shutdown(bounded))
}
