package main

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/catalog"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
)

type sqlTx = *sql.Tx

// service ties the provider to the vendors.
type service struct {
	settings settings
	db       *database
	provider *provider
	durable  *durable.Service
	kombo    *kombo.Client
	stackone *stackone.Client
	ashby    *ashby.Client
	metrics  *metrics
	logger   *slog.Logger
	news     chan struct{} // a customer came or changed
	prepared atomic.Bool   // the tables were made, or that is not asked for
	leaving  atomic.Bool   // the process is ending
	public   string        // where serve listens, once it does
	ops      string
	// listening, if set, is told once serve listens.
	listening func()
}

// newService makes a service. Tests change what it asks of the library: a shifted
// clock, for one.
func newService(s settings, logger *slog.Logger, change ...func(*durable.Config)) (*service, error) {
	v := &service{settings: s, metrics: newMetrics(), logger: logger, news: make(chan struct{}, 1)}
	offered, err := loadCatalogue(s.Catalogue)
	if err != nil {
		return nil, err
	}
	publishers, err := v.clients(s)
	if err != nil {
		return nil, err
	}
	if v.db, err = open(s); err != nil {
		return nil, err
	}
	v.provider = &provider{db: v.db, packages: offered.Packages(), publicURL: s.PublicURL, logger: logger}
	config := durable.Config{
		PostgreSQL: v.db.pool,
		PollOnly:   s.PollOnly,
		Provider:   catalog.Wrap(v.provider, offered),
		Publishers: publishers,
		Complete:   map[assessment.Vendor]func(context.Context, *assessment.Order) error{},
		Intake:     assessment.IntakeConfig{KeySecret: s.SubjectKey, Observer: v.metrics.observer()},
		Emergency:  s.Emergency,
		Drain:      s.Drain,
		SubjectKey: []byte(s.SubjectKey),
		Reconcile: sqlstore.ReconcilerConfig{
			Frequent: s.Reconcile, MinAge: s.MinAge, CallsPerMinute: s.CallsPerMinute, MaxStarts: s.MaxStarts,
		},
		Logger: logger,
	}
	if v.db.pool == nil {
		config.SQLite = v.db.DB
	}
	if v.stackone != nil {
		config.Complete[assessment.StackOne] = v.stackone.Complete
	}
	if v.kombo != nil {
		config.Integrations = v.integrations
	}
	for _, c := range change {
		c(&config)
	}
	v.durable, err = durable.New(config)
	return v, err
}

func (v *service) migrate(ctx context.Context) error {
	return errors.Join(v.db.migrate(ctx), v.durable.Migrate(ctx))
}

// server has a time for everything that a peer can be slow with. An answer takes
// longer than the intake's deadlines at most by what the peer needs to read it.
func server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      40 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// taking is the handler of the first port. While everything is held, vendors and your
// systems are told to come again.
func (v *service) taking(s settings) (http.Handler, error) {
	if s.Hold {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			http.Error(w, "unavailable", http.StatusServiceUnavailable)
		}), nil
	}
	mux := http.NewServeMux()
	if s.Results != "" {
		mux.Handle("PUT /results", guard(s.Results, http.HandlerFunc(v.takeResult)))
	}
	return mux, v.mount(mux, s)
}

// serve answers until ctx ends, and then lets what is running come to its end:
// readiness goes first, then the port, then the work.
func (v *service) serve(ctx context.Context) error {
	s := v.settings
	taking, err := v.taking(s)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	operations, err := v.operations(working, s)
	if err != nil {
		return err
	}
	public, ops := server(taking), server(operations)
	failed := make(chan error, 3)
	if v.public, err = listen(public, s.Listen, failed); err != nil {
		return err
	}
	defer func() { _ = public.Close() }()
	if v.ops, err = listen(ops, s.OpsListen, failed); err != nil {
		return err
	}
	defer func() { _ = ops.Close() }()
	v.announce()
	if v.listening != nil {
		v.listening()
	}
	worked := make(chan error, 1)
	go func() { worked <- v.work(working) }()
	select {
	case err = <-failed:
	case err = <-worked:
		return err
	case <-ctx.Done():
	}
	v.leaving.Store(true)
	time.Sleep(s.DrainAfter)
	stop()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Drain)
	defer cancel()
	return errors.Join(err, public.Shutdown(bounded), <-worked)
}

// work makes the tables, if it may, and runs what is to be done.
func (v *service) work(ctx context.Context) error {
	if v.settings.Migrate {
		if err := v.again(ctx, v.migrate); err != nil || ctx.Err() != nil {
			return err
		}
	}
	v.prepared.Store(true)
	if v.settings.Hold {
		v.logger.WarnContext(ctx, "held: nothing is taken, started or written; see hold")
		<-ctx.Done()
		return nil
	}
	var upkeep sync.WaitGroup
	defer upkeep.Wait()
	working, stop := context.WithCancel(ctx)
	defer stop()
	upkeep.Go(func() { v.upkeep(working) })
	return v.again(ctx, v.durable.Run)
}

// again waits for a database that is away. Tables that do not fit, and a second
// process on a SQLite file, end the service.
func (v *service) again(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		if err == nil || errors.Is(err, sqlstore.ErrSchema) || errors.Is(err, durable.ErrSecondProcess) {
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		v.logger.ErrorContext(ctx, "waiting for the database", "error", err)
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}

func listen(s *http.Server, address string, failed chan<- error) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	go func() { failed <- s.Serve(listener) }()
	return listener.Addr().String(), nil
}

// announce says where what is, without a secret.
func (v *service) announce() {
	base := "http://" + v.public
	line := []any{"operations", "http://" + v.ops + "/"}
	for _, vendor := range []struct {
		name   string
		served bool
		path   string
	}{{"kombo", v.kombo != nil, "/kombo"}, {"stackone", v.stackone != nil, "/stackone"}, {"ashby", v.ashby != nil, "/ashby/"}} {
		if vendor.served {
			line = append(line, vendor.name, base+vendor.path)
		}
	}
	if v.settings.Results != "" {
		line = append(line, "results", base+"/results")
	}
	v.logger.Info("listening", line...)
}
