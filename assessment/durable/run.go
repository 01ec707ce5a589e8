package durable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
)

// River's settings.
const (
	fetchCooldown = 25 * time.Millisecond
	pollInterval  = time.Second
	pollSQLite    = 100 * time.Millisecond // there are no notifications
	rescueAfter   = 3 * time.Minute
	keepCompleted = time.Hour
	keepCancelled = 30 * 24 * time.Hour
)

// Run works until ctx ends, and then drains: handlers are refused, running work
// may end, leases are given back. It returns nil after a drain. On SQLite a
// second process on the same file is refused.
func (s *Service) Run(ctx context.Context) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	unlock, err := s.alone(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	client, err := s.worker()
	if err != nil {
		return err
	}
	if s.listener != nil {
		defer s.listener.Close()
	}
	// River's own context outlives ctx: Stop ends it after the drain.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	loops := s.begin(ctx)
	<-ctx.Done()
	return errors.Join(s.drain(ctx, client), wait(loops, s.config.Drain))
}

// check says whether the service may run over the database.
func (s *Service) check(ctx context.Context) error {
	if err := s.store.Check(ctx); err != nil {
		return err
	}
	if err := s.store.CheckConnections(ctx, s.config.Publishers); err != nil {
		return err
	}
	if s.config.Accounts == nil {
		return nil
	}
	return s.store.CheckAccounts(ctx, s.config.Accounts(ctx))
}

// begin starts what every process does besides jobs, until ctx ends.
func (s *Service) begin(ctx context.Context) *sync.WaitGroup {
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){s.sweepLoop, s.emergencyLoop, s.upkeepLoop, s.reconcileLoop} {
		loops.Go(func() { loop(ctx) })
	}
	return &loops
}

// Attend does what [Service.Run] does besides running jobs, for a host whose own
// River client does that ([Service.AddTo]): the checks of the start, heartbeats, so
// that processes share the vendors' limits and blind time is noticed, the checks of
// keys, sweeps, the emergency folder and the reconciler. When ctx ends, handlers are
// refused and running starts may end; stop the client afterwards. Every process with
// such a client calls it.
func (s *Service) Attend(ctx context.Context) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	unlock, err := s.alone(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	loops := s.begin(ctx)
	<-ctx.Done()
	return errors.Join(s.drain(ctx, nobody{}), wait(loops, s.config.Drain))
}

// nobody is a client that runs no jobs.
type nobody struct{}

func (nobody) Stop(context.Context) error { return nil }

// drain ends the work within Config.Drain.
func (s *Service) drain(ctx context.Context, client interface{ Stop(context.Context) error }) error {
	s.draining.Store(true)
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Drain+2*time.Second)
	defer cancel()
	// At once, so that handlers start nothing either. A queued order that is refused
	// by it stays queued.
	drained := make(chan error, 1)
	go func() { drained <- s.intake.Drain(bounded) }()
	stopped := client.Stop(bounded)
	err := errors.Join(stopped, <-drained)
	if failed := s.lastWords(ctx); failed != nil {
		s.config.Logger.WarnContext(ctx, "not told to the next process", "error", failed)
	}
	return err
}

func wait(loops *sync.WaitGroup, most time.Duration) error {
	done := make(chan struct{})
	go func() { loops.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-time.After(most):
		return errors.New("durable: a sweep did not end in time")
	}
}

// worker returns the client that runs the jobs.
func (s *Service) worker() (interface {
	Start(context.Context) error
	Stop(context.Context) error
}, error) {
	c := &river.Config{
		Schema:                      s.config.Schema,
		Logger:                      s.config.Logger,
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           pollInterval,
		RescueStuckJobsAfter:        rescueAfter,
		SoftStopTimeout:             s.config.Drain * 3 / 4, // then calls are cut off, and what they did is recorded
		CompletedJobRetentionPeriod: keepCompleted,
		CancelledJobRetentionPeriod: keepCancelled,
		DiscardedJobRetentionPeriod: keepCancelled,
		MaxAttempts:                 maxAttempts,
		FetchOnlyKnownKinds:         true, // a newer release's jobs are left to it
		PollOnly:                    s.config.PollOnly || s.config.SQLite != nil,
	}
	if s.config.SQLite != nil {
		c.FetchPollInterval = pollSQLite
	}
	if err := s.AddTo(c); err != nil {
		return nil, err
	}
	driver := s.driver
	if !c.PollOnly {
		config := s.config.PostgreSQL.Config()
		config.MinConns, config.MinIdleConns, config.MaxConns = 0, 0, 1
		listener, err := pgxpool.NewWithConfig(context.Background(), config)
		if err != nil {
			return nil, fmt.Errorf("durable: %w", err)
		}
		s.listener, driver = listener, riverdatabasesql.NewWithPgxListener(s.db, listener)
	}
	client, err := river.NewClient(driver, c)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	return client, nil
}

// AddTo adds the service's workers, queues and periodic jobs to the
// configuration of a River client of the host, in the same schema, which then
// runs them in the place of [Service.Run]. The client must run all kinds of this
// package, elect leaders, and have RescueStuckJobsAfter above two minutes. Call
// [Service.Attend] beside it, in every process: it does what is no job.
func (s *Service) AddTo(c *river.Config) error {
	if c.Schema != s.config.Schema {
		return fmt.Errorf("durable: the client is for schema %q, the service for %q", c.Schema, s.config.Schema)
	}
	if c.Workers == nil {
		c.Workers = river.NewWorkers()
	}
	if err := s.addWorkers(c.Workers); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	if c.Queues == nil {
		c.Queues = make(map[string]river.QueueConfig)
	}
	maps.Copy(c.Queues, queues)
	c.PeriodicJobs = append(c.PeriodicJobs, periodic()...)
	return nil
}
