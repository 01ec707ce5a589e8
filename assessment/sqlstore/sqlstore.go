package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// Dialect is the database that a [DB] speaks to.
type Dialect string

// The dialects. PostgreSQL means 13 or newer, SQLite 3.42 or newer.
const (
	PostgreSQL Dialect = "postgresql"
	SQLite     Dialect = "sqlite"
)

// Options configures [Open]. The zero value is ready to use.
type Options struct {
	// Schema is the PostgreSQL schema in which the tables are; empty is the first
	// of the connection's search path. SQLite has none.
	Schema string
	// SubjectKey is the secret under which the vendor's candidate ids are hashed,
	// so that [DB.EraseSubject] finds the orders of a person without their id
	// being stored. Without one, erasure by candidate is refused. It must stay the
	// same for as long as orders are to be found.
	SubjectKey []byte
	// Hint, if set, is called in the transaction that makes new work, so that a
	// job queue in the same database can be told together with it. An error rolls
	// the transaction back. A hint may be lost: Due finds the work again.
	Hint func(context.Context, *sql.Tx, Hint) error
	// Logger gets what an operator has to know; nil is silent.
	Logger *slog.Logger
	// Now is an SQL expression for the time in milliseconds since 1970, for
	// tests, which shift hours and days with it instead of sleeping. Empty is the
	// database's own clock.
	Now string
}

// HintKind says what a [Hint] is about.
type HintKind string

// The kinds of hints.
const (
	// HintOrder: an order waits in the spool.
	HintOrder HintKind = "order"
	// HintResult: a result waits to be written.
	HintResult HintKind = "result"
	// HintWake: a gate was closed, and nobody waits for its opening yet; or it was
	// opened, and results wait behind it.
	HintWake HintKind = "wake"
	// HintStarts: starts were switched on again, and orders wait.
	HintStarts HintKind = "starts"
)

// Hint tells a job queue of new work. It holds no person's data.
type Hint struct {
	Kind    HintKind
	Ref     assessment.OrderRef // zero for HintWake and HintStarts
	Route   string              // vendor and connection, see [Route]
	Account string              // the customer, escaped like an element of a reference
	After   time.Duration       // how long to wait; for HintWake until the gate opens
}

// DB keeps orders and results in a database. It is safe for concurrent use, and
// any number of processes may share a PostgreSQL database.
type DB struct {
	db      *sql.DB
	dialect Dialect
	options Options
	names   *strings.Replacer
	texts   sync.Map // statement templates to the dialect's text
	log     *slog.Logger
}

// tables are the names that statement templates use in braces.
var tables = []string{"meta", "claims", "orders", "results", "lanes", "gates", "journal", "processes", "integrations", "subjects", "habits", "refusals", "risks"}

// plainName is what a schema may be called: no quoting, no surprise.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// Open returns a store over db, which the caller opened with a driver of its
// choice and closes. It does not touch the database; [DB.Migrate] makes the
// tables and [DB.Check] looks at them.
//
// A SQLite database takes one connection (db.SetMaxOpenConns(1)), write-ahead
// logging and transactions that are immediate (with modernc.org/sqlite:
// _pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_txlock=immediate).
func Open(db *sql.DB, dialect Dialect, o Options) (*DB, error) {
	if db == nil {
		return nil, errors.New("sqlstore: no database")
	}
	names, err := names(dialect, o.Schema)
	if err != nil {
		return nil, err
	}
	if o.Now == "" {
		o.Now = clocks[dialect]
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	pairs := append(names, "{now}", "("+o.Now+")", "{bytes}", bytesType[dialect], "{each}", eachOf[dialect], "{skip}", skipLocked[dialect])
	return &DB{db: db, dialect: dialect, options: o, names: strings.NewReplacer(pairs...), log: log}, nil
}

// clocks are the databases' own clocks in milliseconds. PostgreSQL's now()
// would stand still for as long as a host's transaction lasts.
var clocks = map[Dialect]string{
	PostgreSQL: "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)",
	SQLite:     "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)",
}

// bytesType is the dialect's type of a column for bytes.
var bytesType = map[Dialect]string{PostgreSQL: "BYTEA", SQLite: "BLOB"}

// eachOf gives the elements of a JSON list of texts, which is one parameter that
// every driver has: IN ({each}($1)) follows it.
var eachOf = map[Dialect]string{PostgreSQL: "SELECT json_array_elements_text", SQLite: "SELECT value FROM json_each"}

// skipLocked leaves rows to whoever is at them.
var skipLocked = map[Dialect]string{PostgreSQL: "FOR UPDATE SKIP LOCKED"}

// names returns the replacements for table names.
func names(dialect Dialect, schema string) ([]string, error) {
	prefix := "assessbridge_"
	switch {
	case clocks[dialect] == "":
		return nil, fmt.Errorf("sqlstore: unknown dialect %q", dialect)
	case schema == "":
	case dialect == SQLite:
		return nil, errors.New("sqlstore: SQLite has no schemas")
	case !plainName.MatchString(schema):
		return nil, errors.New("sqlstore: a schema's name has to be a plain word")
	default:
		prefix = `"` + schema + `".` + prefix
	}
	pairs := []string{"{index}", "assessbridge_"}
	for _, t := range tables {
		pairs = append(pairs, "{"+t+"}", prefix+t)
	}
	return pairs, nil
}

// placeholder is a numbered parameter as the templates write it.
var placeholder = regexp.MustCompile(`\$(\d+)`)

// text returns the statement of a template. SQLite's drivers differ in what
// they make of $1; all of them know ?1.
func (d *DB) text(template string) string {
	if t, ok := d.texts.Load(template); ok {
		return t.(string)
	}
	t := d.names.Replace(template)
	if d.dialect == SQLite {
		t = placeholder.ReplaceAllString(t, "?$1")
	}
	d.texts.Store(template, t)
	return t
}

// runner is what *sql.DB and *sql.Tx have in common.
type runner interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// exec runs a statement and returns the number of rows that it changed.
func (d *DB) exec(ctx context.Context, r runner, template string, args ...any) (int64, error) {
	done, err := r.ExecContext(ctx, d.text(template), args...)
	if err != nil {
		return 0, fmt.Errorf("sqlstore: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("sqlstore: %w", err)
	}
	return n, nil
}

// row runs a statement that gives at most one row and says whether there was
// one.
func (d *DB) row(ctx context.Context, r runner, into []any, template string, args ...any) (bool, error) {
	return scanned(r.QueryRowContext(ctx, d.text(template), args...).Scan(into...))
}

func scanned(err error) (bool, error) {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("sqlstore: %w", err)
	}
	return true, nil
}

// rows runs a query and calls each for every row.
func (d *DB) rows(ctx context.Context, r runner, each func(scan func(...any) error) error, template string, args ...any) (err error) {
	found, err := r.QueryContext(ctx, d.text(template), args...)
	if err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		if err := each(found.Scan); err != nil {
			return fmt.Errorf("sqlstore: %w", err)
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	return nil
}

// inTx runs work in a transaction.
func (d *DB) inTx(ctx context.Context, work func(*sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // no-op after the commit
	if err := work(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("sqlstore: %w", err)
	}
	return nil
}

// hint passes h on, if anybody listens.
func (d *DB) hint(ctx context.Context, tx *sql.Tx, h Hint) error {
	if d.options.Hint == nil {
		return nil
	}
	return d.options.Hint(ctx, tx, h)
}

// Now returns the database's time.
func (d *DB) Now(ctx context.Context) (time.Time, error) {
	var ms int64
	if _, err := d.row(ctx, d.db, []any{&ms}, `SELECT {now}`); err != nil {
		return time.Time{}, err
	}
	return atMilli(ms), nil
}

// atMilli is the inverse of time.UnixMilli with 0 for no time.
func atMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Route names a vendor and one of its connections in tables, jobs and metrics:
// "kombo", "kombo/eu".
func Route(vendor assessment.Vendor, connection string) string {
	text := assessment.OrderRef{Vendor: vendor, Connection: connection}.String()
	return strings.TrimRight(text, "/") // three elements stay empty, and so may the connection
}

// Account returns the customer of ref as tables and jobs write it.
func Account(account string) string {
	return strings.Trim(assessment.OrderRef{Account: account}.String(), "/")
}

func routeOf(ref assessment.OrderRef) string { return Route(ref.Vendor, ref.Connection) }

// newToken returns a text that nobody else has.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
