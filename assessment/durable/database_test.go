package durable_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// database is a fresh, empty one for one test.
type database struct {
	dialect sqlstore.Dialect
	driver  string
	dsn     string
	schema  string // PostgreSQL only
	db      *sql.DB
	shifted time.Duration
	slow    bool // the clock runs a hundred times slower, so that only shift lets time pass
}

// bothDatabases runs a test on PostgreSQL and on SQLite.
func bothDatabases(t *testing.T, test func(*testing.T, *database)) {
	t.Run("postgresql", func(t *testing.T) { test(t, newPostgres(t)) })
	t.Run("sqlite", func(t *testing.T) { test(t, newSQLite(t)) })
}

func newPostgres(t testing.TB) *database {
	return postgresAt(t, postgresDSN)
}

func postgresAt(t testing.TB, dsn string) *database {
	d := &database{dialect: sqlstore.PostgreSQL, driver: "pgx", dsn: dsn, slow: true}
	d.schema = fmt.Sprintf("t%d", time.Now().UnixNano())
	return d.connect(t)
}

func newSQLite(t testing.TB) *database {
	d := &database{dialect: sqlstore.SQLite, driver: "sqlite", slow: true}
	d.dsn = sqliteDSN(filepath.Join(t.TempDir(), "test.db"))
	return d.connect(t)
}

func sqliteDSN(file string) string {
	return "file:" + file + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=synchronous(NORMAL)&_txlock=immediate"
}

func (d *database) connect(t testing.TB) *database {
	d.db = d.pool(t, d.driver)
	_, err := d.db.Exec(strings.Join(d.prepare(), ";"))
	require.NoError(t, err)
	require.NoError(t, d.open(t, sqlstore.Options{}).Migrate(t.Context()))
	return d
}

// pool opens the database once more, as another process would.
func (d *database) pool(t testing.TB, driver string) *sql.DB {
	db, err := d.openPool(driver)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (d *database) openPool(driver string) (*sql.DB, error) {
	db, err := sql.Open(driver, d.dsn)
	if err == nil && d.dialect == sqlstore.SQLite {
		db.SetMaxOpenConns(1)
	}
	if err == nil && d.dialect == sqlstore.PostgreSQL {
		db.SetMaxOpenConns(20)
		db.SetMaxIdleConns(20)
	}
	return db, err
}

// clock is a table that shifts what the database takes for now.
func (d *database) prepare() []string {
	create := []string{"CREATE TABLE " + d.clock() + " (ms BIGINT)", "INSERT INTO " + d.clock() + " VALUES (0)"}
	if d.schema != "" {
		create = append([]string{"CREATE SCHEMA " + d.schema}, create...)
	}
	return create
}

func (d *database) clock() string {
	if d.schema != "" {
		return d.schema + ".clock"
	}
	return "clock"
}

func (d *database) options(o sqlstore.Options) sqlstore.Options {
	o.Schema = d.schema
	if o.Now == "" {
		seconds := "extract(epoch FROM clock_timestamp())"
		if d.dialect == sqlstore.SQLite {
			seconds = "unixepoch('subsec')"
		}
		now := "CAST(" + seconds + " * 1000 AS BIGINT)"
		if d.slow {
			now = "CAST(1770000000000 + " + seconds + " * 10 AS BIGINT)"
		}
		o.Now = now + " + (SELECT ms FROM " + d.clock() + ")"
	}
	return o
}

func (d *database) open(t testing.TB, o sqlstore.Options) *sqlstore.DB {
	return d.over(t, d.db, o)
}

// over is open on a pool of its own.
func (d *database) over(t testing.TB, db *sql.DB, o sqlstore.Options) *sqlstore.DB {
	store, err := sqlstore.Open(db, d.dialect, d.options(o))
	require.NoError(t, err)
	return store
}

// shift lets time pass on the database's clock.
func (d *database) shift(t testing.TB, by time.Duration) {
	d.shifted += by
	_, err := d.db.Exec(fmt.Sprintf("UPDATE %s SET ms = %d", d.clock(), d.shifted.Milliseconds()))
	require.NoError(t, err)
}

// table is the full name of one of ours.
func (d *database) table(name string) string {
	if d.schema != "" {
		return d.schema + ".assessbridge_" + name
	}
	return "assessbridge_" + name
}

// text runs a query of one column and joins what it gives.
func (d *database) text(t testing.TB, query string) string {
	t.Helper()
	rows, err := d.db.Query(query)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(t, rows.Err())
	return strings.Join(all, " ")
}

// lacks requires that no row of a table contains text.
func (d *database) lacks(t testing.TB, table, text string) {
	t.Helper()
	rows, err := d.db.Query("SELECT * FROM " + d.table(table))
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		for i, v := range values {
			require.NotContains(t, string(v), text, "%s.%s", table, columns[i])
		}
	}
	require.NoError(t, rows.Err())
}
