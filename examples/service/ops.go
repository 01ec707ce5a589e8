package main

import (
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"riverqueue.com/riverui"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// operations is the handler of the second port.
func (v *service) operations(ctx context.Context, s settings) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {}) // it answers, whatever the database does
	mux.HandleFunc("GET /readyz", v.ready)
	mux.Handle("GET /metrics", v.metrics.handler(v))
	if s.OpsToken == "" {
		return mux, nil
	}
	mux.Handle("GET /{$}", protected(s, http.HandlerFunc(v.page)))
	mux.Handle(commandsPath, protected(s, v.commands()))
	jobs, err := v.jobs(ctx, s)
	mux.Handle("/jobs/", protected(s, jobs))
	return mux, err
}

// ready says whether orders should be sent here.
func (v *service) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch err := v.durable.DB().Check(ctx); {
	case !v.prepared.Load():
		http.Error(w, "the tables are being made", http.StatusServiceUnavailable)
	case v.settings.Hold:
		http.Error(w, "held", http.StatusServiceUnavailable)
	case v.leaving.Load():
		http.Error(w, "draining", http.StatusServiceUnavailable)
	case err != nil:
		v.logger.WarnContext(ctx, "not ready", "error", err)
		http.Error(w, "the database is away or its tables do not fit", http.StatusServiceUnavailable)
	}
}

// jobs is River's own page. Its jobs hold references and codes, nothing of a
// candidate.
func (v *service) jobs(ctx context.Context, s settings) (http.Handler, error) {
	config := &river.Config{Logger: v.logger}
	driver := riversqlite.New(v.db.DB)
	if v.db.pool != nil {
		config.Schema = durable.DefaultSchema
	}
	var client *river.Client[sqlTx]
	var err error
	if v.db.pool != nil {
		client, err = river.NewClient(riverdatabasesql.New(v.db.DB), config)
	} else {
		client, err = river.NewClient(driver, config)
	}
	if err != nil {
		return nil, err
	}
	handler, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(client, nil), Logger: v.logger, Prefix: "/jobs",
	})
	if err != nil {
		return nil, err
	}
	if err := handler.Start(ctx); err != nil {
		return nil, err
	}
	if s.JobsWrite {
		return handler, nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "read-only; see jobs_write", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	}), nil
}

// situation is what the page and the metrics show. Nothing in it is about a
// candidate.
type situation struct {
	Lag      []sqlstore.Lag
	Waiting  int
	Oldest   time.Duration
	Results  []sqlstore.Attention
	Orders   []sqlstore.WaitingOrder
	Gates    []sqlstore.Gate
	Order    string
	Timeline []sqlstore.Note
}

const most = 1000

func (v *service) look(ctx context.Context) (s situation, err error) {
	if s.Lag, err = v.durable.Outbox().Lag(ctx); err != nil {
		return s, err
	}
	if s.Waiting, s.Oldest, err = v.durable.Spool().Waiting(ctx); err != nil {
		return s, err
	}
	if s.Results, err = v.durable.Outbox().Attention(ctx, 0, most); err != nil {
		return s, err
	}
	if s.Orders, err = v.durable.Spool().Attention(ctx, most); err != nil {
		return s, err
	}
	s.Gates, err = v.durable.DB().Gates(ctx)
	return s, err
}

func (v *service) page(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	s, err := v.look(ctx)
	if s.Order = r.URL.Query().Get("order"); err == nil && s.Order != "" {
		var ref assessment.OrderRef
		if ref, err = assessment.ParseOrderRef(s.Order); err != nil {
			http.Error(w, "order: not a reference", http.StatusBadRequest)
			return
		}
		s.Timeline, err = v.durable.DB().Timeline(ctx, ref)
	}
	if err != nil {
		v.logger.WarnContext(ctx, "page", "error", err)
		http.Error(w, "the database is away", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, s); err != nil {
		v.logger.WarnContext(ctx, "page", "error", err)
	}
}
