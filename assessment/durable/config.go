package durable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// The defaults of [Config].
const (
	DefaultSchema    = "assessbridge"
	DefaultQueueWait = 8 * time.Second
	DefaultDrain     = 25 * time.Second
)

// Config configures [New].
type Config struct {
	// PostgreSQL is the pool of the database that all replicas share, or SQLite is
	// the file of one process; exactly one of them. The caller closes it. How
	// SQLite has to be opened is said at [sqlstore.Open].
	PostgreSQL *pgxpool.Pool
	SQLite     *sql.DB
	// Schema is the PostgreSQL schema for the tables and for River's;
	// [DefaultSchema] if empty.
	Schema string
	// PollOnly does without LISTEN, for PgBouncer in transaction mode. A result is
	// then written up to a second after its commit.
	PollOnly bool

	// Provider is the host; required.
	Provider assessment.Provider
	// Publishers are the vendors' clients, at least one; see
	// [assessment.RouterConfig]. Give them a short MaxWait (5 s): a worker must not
	// wait where a gate can.
	Publishers []assessment.Publisher
	// Complete fills in what a vendor's deliveries do not say, by vendor: StackOne's
	// lookups. Orders of such vendors have a queue of their own.
	Complete map[assessment.Vendor]func(context.Context, *assessment.Order) error
	// Intake holds further settings of the intake, its Observer among them. Provider
	// and Store are set from here, and Logger if it has none.
	Intake assessment.IntakeConfig

	// QueueWait is how long Queue tries to reach the database before the vendor is
	// answered 503; [DefaultQueueWait] if zero.
	QueueWait time.Duration
	// Emergency names a folder for StackOne's orders while the database is away:
	// StackOne documents neither a redelivery nor a list of orders. Each is written
	// there durably, answered 200 and taken in when the database is back. It holds
	// candidates' data. Without it such an order is logged as order_lost_risk.
	Emergency string
	// Drain is how long running work may take to end when Run's context does;
	// [DefaultDrain] if zero.
	Drain time.Duration
	// Retention is how long things are kept; see [sqlstore.Retention].
	Retention sqlstore.Retention
	// SubjectKey is the secret for erasure by candidate; see [sqlstore.Options].
	SubjectKey []byte
	// Logger gets what an operator has to know; nil is silent. Jobs and their errors
	// hold references and codes, no person's data.
	Logger *slog.Logger

	// Attachment gives the bytes of attachments that results name by Ref, when
	// they are written; see [sqlstore.OutboxConfig].
	Attachment func(ctx context.Context, order assessment.OrderRef, ref string) ([]byte, error)

	// Integrations lists the customers' connections whose vendor can be asked for
	// lost orders (Kombo's), every ten minutes, in one process. Without it those are
	// asked that [Service.KomboEvent] was told of.
	Integrations func(context.Context) iter.Seq2[sqlstore.Integration, error]
	// Accounts, if set, lists the customers whom the host names itself (Ashby's), or
	// whose names it stores (StackOne's accounts). It is read once, when Run begins,
	// which refuses to go on if one seems to have another name than before; see
	// [sqlstore.DB.CheckAccounts].
	Accounts func(context.Context) iter.Seq2[sqlstore.Integration, error]
	// Reconcile holds numbers of the reconciler: MaxStarts, MinAge, CallsPerMinute and
	// how often. Its other fields are set from here.
	Reconcile sqlstore.ReconcilerConfig

	// Store, Outbox and Spool hold settings for tests: a shifted clock, short
	// leases. Their other fields are set from here.
	Store  sqlstore.Options
	Outbox sqlstore.OutboxConfig
	Spool  sqlstore.SpoolConfig
	// Sweep is how often each process looks for work that no job told of; a minute
	// if zero. Heartbeats and the reconciler are no slower.
	Sweep time.Duration
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case (c.PostgreSQL == nil) == (c.SQLite == nil):
		return c, errors.New("durable: set PostgreSQL or SQLite")
	case c.Provider == nil:
		return c, errors.New("durable: no Provider")
	case c.QueueWait < 0 || c.Drain < 0 || c.Sweep < 0:
		return c, errors.New("durable: negative duration")
	}
	if c.PostgreSQL != nil && c.Schema == "" {
		c.Schema = DefaultSchema
	}
	if c.SQLite != nil && c.Schema != "" {
		return c, errors.New("durable: SQLite has no schemas")
	}
	c.QueueWait = orDefault(c.QueueWait, DefaultQueueWait)
	c.Drain = orDefault(c.Drain, DefaultDrain)
	c.Sweep = orDefault(c.Sweep, time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Emergency != "" {
		if err := checkFolder(c.Emergency); err != nil {
			return c, fmt.Errorf("durable: Emergency: %w", err)
		}
	}
	return c, nil
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}
