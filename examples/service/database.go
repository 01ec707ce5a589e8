package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

// database is the one that everything is in: the library's tables and ours, so
// that one transaction covers both.
type database struct {
	*sql.DB
	pool *pgxpool.Pool // PostgreSQL only
}

// open does not connect: the service starts, and answers what it can, while the
// database is away.
func open(s settings) (*database, error) {
	if s.postgres() {
		pool, err := pgxpool.New(context.Background(), s.DB)
		if err != nil {
			return nil, errors.New(prefix + "DB: not a URL of PostgreSQL") // the error may show the password
		}
		return &database{stdlib.OpenDBFromPool(pool), pool}, nil
	}
	file, err := os.OpenFile(s.DB, os.O_CREATE|os.O_RDWR, 0o600) // it holds candidates' data
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	// FULL: what was answered 200 survives a power cut.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: s.DB}).EscapedPath()+
		"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &database{DB: db}, nil
}

func (d *database) close() {
	_ = d.Close()
	if d.pool != nil {
		d.pool.Close()
	}
}

// tables are those of this service. A real provider has more.
const tables = `
CREATE TABLE IF NOT EXISTS tests (
  ref TEXT PRIMARY KEY,
  package TEXT NOT NULL,
  secret TEXT NOT NULL,
  starts INTEGER NOT NULL,
  finished INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS customers (
  vendor TEXT NOT NULL,
  account TEXT NOT NULL,
  state TEXT NOT NULL,
  since BIGINT NOT NULL,
  catalogue TEXT NOT NULL,
  PRIMARY KEY (vendor, account)
)`

// migrate makes our tables. Two processes that do so at once get in each other's
// way on PostgreSQL, so they take turns.
func (d *database) migrate(ctx context.Context) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no-op after the commit
	if d.pool != nil {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(74657374)`); err != nil {
			return err
		}
	}
	for statement := range strings.SplitSeq(tables, ";") {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}
