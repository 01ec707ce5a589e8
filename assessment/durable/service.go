package durable

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// Service takes orders in and writes results out, durably. It is safe for
// concurrent use. Any number of them may share a PostgreSQL database.
type Service struct {
	config Config
	db     *sql.DB
	store  *sqlstore.DB
	intake *assessment.Intake
	outbox *sqlstore.Outbox
	spool  *sqlstore.Spool

	jobs     *river.Client[*sql.Tx] // inserts
	pgxJobs  *river.Client[pgx.Tx]  // inserts in the host's pgx transactions
	driver   riverdriver.Driver[*sql.Tx]
	listener *pgxpool.Pool
	width    widths
	retries  sync.Map // job id to the time of its next try
	draining atomic.Bool
	folder   sync.Mutex // one at a time takes a file of the emergency folder in, or away

	id         string // of this process, for its heartbeats
	reconciler *sqlstore.Reconciler
	missed     missed
	leads      atomic.Pointer[time.Time] // since the last beat that said so; nil if it does not
	mints      map[string]bool           // routes whose orders have no id of the vendor's
}

// New returns a service. It does not touch the database; [Service.Migrate] makes
// the tables and [Service.Run] does the work.
func New(c Config) (*Service, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Service{config: c, db: c.SQLite}
	dialect := sqlstore.SQLite
	if c.PostgreSQL != nil {
		dialect, s.db = sqlstore.PostgreSQL, stdlib.OpenDBFromPool(c.PostgreSQL)
	}
	if err := s.openStore(dialect); err != nil {
		return nil, err
	}
	if err := s.openJobs(); err != nil {
		return nil, err
	}
	if err := s.openReconciler(); err != nil {
		return nil, err
	}
	s.id = rand.Text()
	s.missed = missed{
		accounts: make(map[sqlstore.Integration]bool), noticed: noNotice(),
		delivered: make(map[sqlstore.Integration]time.Time),
	}
	s.mints = make(map[string]bool)
	for _, p := range c.Publishers {
		if m, ok := p.(interface{ MintsOrderIDs() bool }); ok && m.MintsOrderIDs() {
			s.mints[sqlstore.Route(p.Vendor(), p.Connection())] = true
		}
	}
	s.width = widths{busy: make(map[string]int), dropped: make(map[string]bool)}
	return s, nil
}

func (s *Service) openStore(dialect sqlstore.Dialect) error {
	c := s.config
	options := c.Store
	options.Schema, options.SubjectKey, options.Hint, options.Logger = c.Schema, c.SubjectKey, s.hint, c.Logger
	var err error
	if s.store, err = sqlstore.Open(s.db, dialect, options); err != nil {
		return err
	}
	// The outbox frees natural keys in the transaction that settles the final.
	router, err := assessment.NewRouter(assessment.RouterConfig{Publishers: c.Publishers, NoIntake: true})
	if err != nil {
		return err
	}
	out := c.Outbox
	out.Publisher, out.Attachment = router, c.Attachment
	if s.outbox, err = s.store.Outbox(out); err != nil {
		return err
	}
	in := c.Intake
	in.Provider, in.Store = c.Provider, s.store.Store()
	if in.Logger == nil {
		in.Logger = c.Logger
	}
	if s.intake, err = assessment.NewIntake(in); err != nil {
		return err
	}
	s.spool, err = s.store.Spool(sqlstore.SpoolConfig{Intake: s.intake, Complete: s.complete, Lease: c.Spool.Lease})
	return err
}

// complete does the vendor's lookups, if it has any.
func (s *Service) complete(ctx context.Context, o *assessment.Order) error {
	if complete := s.config.Complete[o.Ref.Vendor]; complete != nil {
		return complete(ctx, o)
	}
	return nil
}

// openJobs makes the clients that insert jobs.
func (s *Service) openJobs() error {
	insertOnly := &river.Config{Schema: s.config.Schema, Logger: s.config.Logger}
	var err error
	if s.config.SQLite != nil {
		s.driver = riversqlite.New(s.db)
		s.jobs, err = river.NewClient(s.driver, insertOnly)
		return err
	}
	s.driver = riverdatabasesql.New(s.db)
	if s.jobs, err = river.NewClient(s.driver, insertOnly); err != nil {
		return err
	}
	s.pgxJobs, err = river.NewClient(riverpgxv5.New(s.config.PostgreSQL), insertOnly)
	return err
}

// Migrate makes or updates the tables, River's included. Replicas may call it
// together. It needs the right to create; Run does not.
func (s *Service) Migrate(ctx context.Context) error {
	if err := s.store.Migrate(ctx); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(s.driver, &rivermigrate.Config{Schema: s.config.Schema, Logger: s.config.Logger})
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return s.locked(ctx, func() error {
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("durable: %w", err)
		}
		return nil
	})
}

// riverLock is the advisory lock under which one process at a time makes River's
// tables; its own migrator has none.
const riverLock = 0x61737365_72697665

func (s *Service) locked(ctx context.Context, work func() error) error {
	if s.config.SQLite != nil {
		return work()
	}
	held, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	defer func() { _ = held.Close() }()
	if _, err := held.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(riverLock)); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	defer func() {
		_, _ = held.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(riverLock))
	}()
	return work()
}

// Intake is for handlers that have to answer with what the provider says
// (Ashby, inline orders) and for packages.
func (s *Service) Intake() *assessment.Intake { return s.intake }

// Outbox takes results and shows what needs attention. It is a publisher that
// answers queued, for Kombo's Reconcile and StackOne's handler.
func (s *Service) Outbox() *sqlstore.Outbox { return s.outbox }

// Spool shows orders that wait and deals with them by hand.
func (s *Service) Spool() *sqlstore.Spool { return s.spool }

// DB gives timelines, gates and retention.
func (s *Service) DB() *sqlstore.DB { return s.store }

// hint tells River of new work, in the transaction that made it.
func (s *Service) hint(ctx context.Context, tx *sql.Tx, h sqlstore.Hint) error {
	args, opts := s.jobOf(h)
	if _, err := s.jobs.InsertTx(ctx, tx, args, opts); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

// jobOf is the job for a hint. Only a waker is scheduled for later: a leader
// takes scheduled jobs every few seconds.
func (s *Service) jobOf(h sqlstore.Hint) (river.JobArgs, *river.InsertOpts) {
	switch h.Kind {
	case sqlstore.HintOrder:
		return orderArgs{Ref: h.Ref.String()}, inQueue(s.queueOf(h.Ref))
	case sqlstore.HintStarts:
		return startsArgs{Route: h.Route, Account: h.Account}, inQueue(queueUpkeep)
	case sqlstore.HintWake:
		opts := inQueue(queueUpkeep)
		if h.After > 0 {
			opts.ScheduledAt = time.Now().Add(h.After)
		}
		return wakeArgs{Route: h.Route, Account: h.Account}, opts
	}
	return flushArgs{Ref: h.Ref.String(), Route: h.Route, Account: h.Account}, inQueue(queueResults)
}

func (s *Service) queueOf(ref assessment.OrderRef) string {
	if s.config.Complete[ref.Vendor] != nil {
		return queueLookups
	}
	return queueOrders
}

// Publish stores a result, to be written in a moment; see
// [sqlstore.Outbox.Publish].
func (s *Service) Publish(ctx context.Context, m sqlstore.Message) (sqlstore.Published, error) {
	return s.outbox.Publish(ctx, m)
}

// PublishTx stores a result in a transaction of the host on the same database:
// it is written if the host commits, and never if it rolls back. On SQLite, whose
// only connection the transaction holds, everything else has to go through it
// too.
func (s *Service) PublishTx(ctx context.Context, tx *sql.Tx, m sqlstore.Message) (sqlstore.Published, error) {
	done, err := s.outbox.PublishTx(ctx, tx, m)
	if err != nil || done.Duplicate {
		return done, err
	}
	return done, s.hint(ctx, tx, resultHint(m.Ref))
}

var errNoPgx = errors.New("durable: there are no pgx transactions on SQLite")

// PublishPgx is [Service.PublishTx] for a host that uses pgx.
func (s *Service) PublishPgx(ctx context.Context, tx pgx.Tx, m sqlstore.Message) (sqlstore.Published, error) {
	if s.pgxJobs == nil {
		return sqlstore.Published{}, errNoPgx
	}
	done, err := s.outbox.PublishOn(ctx, func(ctx context.Context, query string, args ...any) sqlstore.Row {
		return tx.QueryRow(ctx, query, args...)
	}, m)
	if err != nil || done.Duplicate {
		return done, err
	}
	args, opts := s.jobOf(resultHint(m.Ref))
	if _, err := s.pgxJobs.InsertTx(ctx, tx, args, opts); err != nil {
		return sqlstore.Published{}, fmt.Errorf("durable: %w", err)
	}
	return done, nil
}

func resultHint(ref assessment.OrderRef) sqlstore.Hint {
	return sqlstore.Hint{
		Kind: sqlstore.HintResult, Ref: ref,
		Route: sqlstore.Route(ref.Vendor, ref.Connection), Account: sqlstore.Account(ref.Account),
	}
}
