package sqlstore

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"
)

// The versions that this release knows. A migration adds; it never takes away
// or changes what an older release reads, so releases run side by side.
const (
	// schemaVersion is the newest form of the tables that this release makes.
	schemaVersion = 1
	// minReader is the oldest release, by its schemaVersion, that may still work
	// on tables of that form.
	minReader = 1
)

//go:embed schema/postgresql.sql
var postgresqlSchema string

//go:embed schema/sqlite.sql
var sqliteSchema string

var schemas = map[Dialect]string{PostgreSQL: postgresqlSchema, SQLite: sqliteSchema}

// ErrSchema is what [DB.Check] returns if this release cannot work on the
// tables as they are.
var ErrSchema = errors.New("sqlstore: the database's tables do not fit this release")

// Schema returns the statements that make the tables, for those who migrate
// with a tool of their own. Options.Schema is the PostgreSQL schema, which has to
// exist; empty is the first of the search path.
func Schema(dialect Dialect, schema string) (string, error) {
	pairs, err := names(dialect, schema)
	if err != nil {
		return "", err
	}
	text := schemas[dialect] + fmt.Sprintf("\nINSERT INTO {meta} (id, version, min_reader) VALUES (1, %d, %d);\n",
		schemaVersion, minReader)
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// migrationLock is the advisory lock under which one process at a time
// migrates.
const migrationLock = 0x6173736573736272 // "assessbr"

// Migrate makes the tables if they are not there, in one transaction and, on
// PostgreSQL, under an advisory lock, so that replicas may start together. It
// needs the right to create; the service itself only has to select, insert,
// update and delete. With Options.Schema the schema is made too.
func (d *DB) Migrate(ctx context.Context) error {
	script, err := Schema(d.dialect, d.options.Schema)
	if err != nil {
		return err
	}
	return d.inTx(ctx, func(tx *sql.Tx) error {
		if d.dialect == PostgreSQL {
			if _, err := d.exec(ctx, tx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
				return err
			}
		}
		found, err := d.tables(ctx, tx)
		if err != nil || found {
			return err
		}
		if d.options.Schema != "" {
			if _, err := d.exec(ctx, tx, `CREATE SCHEMA IF NOT EXISTS "`+d.options.Schema+`"`); err != nil {
				return err
			}
		}
		for _, statement := range statements(script) {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("sqlstore: %w", err)
			}
		}
		return nil
	})
}

// statements splits a script; no statement of ours contains a semicolon.
func statements(script string) []string {
	var all []string
	for s := range strings.SplitSeq(script, ";") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// lookForTables asks the catalogue: a statement that fails would end the
// transaction on PostgreSQL.
var lookForTables = map[Dialect]string{
	PostgreSQL: `SELECT COUNT(*) FROM pg_catalog.pg_class WHERE oid = to_regclass($1)`,
	SQLite:     `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`,
}

func (d *DB) tables(ctx context.Context, r runner) (bool, error) {
	var n int
	_, err := d.row(ctx, r, []any{&n}, lookForTables[d.dialect], d.text("{meta}"))
	return n > 0, err
}

// Check says whether this release can work on the tables: [ErrSchema] if they
// are missing, or if a newer release made them so that this one must not run.
// Tables that are merely newer are fine: an old release keeps running after a
// new one has migrated.
func (d *DB) Check(ctx context.Context) error {
	found, err := d.tables(ctx, d.db)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w: there are none; call Migrate", ErrSchema)
	}
	var version, reader int
	if _, err := d.row(ctx, d.db, []any{&version, &reader}, `SELECT version, min_reader FROM {meta} WHERE id = 1`); err != nil {
		return err
	}
	switch {
	case schemaVersion < reader:
		return fmt.Errorf("%w: they need a release that knows version %d, this one knows %d", ErrSchema, reader, schemaVersion)
	case version < schemaVersion:
		return fmt.Errorf("%w: they have version %d, this release needs %d; call Migrate", ErrSchema, version, schemaVersion)
	}
	return nil
}
