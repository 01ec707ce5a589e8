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
	schemaVersion = 2
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
// exist; empty is the first of the search path. What version N of the tables added
// stands behind a comment "-- version N"; a database of an older version needs that,
// and the new number in assessbridge_meta.version.
func Schema(dialect Dialect, schema string) (string, error) {
	pairs, err := names(dialect, schema)
	if err != nil {
		return "", err
	}
	text := schemas[dialect] + fmt.Sprintf("\nINSERT INTO {meta} (id, version, min_reader) VALUES (1, %d, %d);\n",
		schemaVersion, minReader)
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// added returns the statements that tables of a version lack, with that which
// raises the version.
func added(dialect Dialect, version int) (string, error) {
	_, text, found := strings.Cut(schemas[dialect], fmt.Sprintf("\n-- version %d\n", version+1))
	if !found {
		return "", fmt.Errorf("%w: version %d is none", ErrSchema, version)
	}
	return text + fmt.Sprintf("\nUPDATE {meta} SET version = %d WHERE id = 1;\n", schemaVersion), nil
}

// migrationLock is the advisory lock under which one process at a time
// migrates.
const migrationLock = 0x6173736573736272 // "assessbr"

// Migrate makes the tables if they are not there, and adds what those of an older
// release lack, in one transaction and, on PostgreSQL, under an advisory lock, so
// that replicas may start together. The older release may go on beside it. Migrate
// needs the right to create; the service itself only has to select, insert, update
// and delete. With Options.Schema the schema is made too.
func (d *DB) Migrate(ctx context.Context) error {
	return d.inTx(ctx, func(tx *sql.Tx) error {
		if d.dialect == PostgreSQL {
			if _, err := d.exec(ctx, tx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
				return err
			}
		}
		script, err := d.missing(ctx, tx)
		if err != nil {
			return err
		}
		for _, statement := range statements(script) {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("sqlstore: %w", err)
			}
		}
		return nil
	})
}

// missing is the script that the database needs; empty if it has everything.
func (d *DB) missing(ctx context.Context, tx *sql.Tx) (string, error) {
	found, err := d.tables(ctx, tx)
	if err != nil {
		return "", err
	}
	if !found {
		script, err := Schema(d.dialect, d.options.Schema)
		if d.options.Schema != "" {
			script = `CREATE SCHEMA IF NOT EXISTS "` + d.options.Schema + `";` + script
		}
		return script, err
	}
	version, _, err := d.version(ctx, tx)
	if err != nil || version >= schemaVersion {
		return "", err
	}
	script, err := added(d.dialect, version)
	return d.names.Replace(script), err
}

// version is that of the tables, and of the oldest release that may work on them.
func (d *DB) version(ctx context.Context, r runner) (version, reader int, err error) {
	_, err = d.row(ctx, r, []any{&version, &reader}, `SELECT version, min_reader FROM {meta} WHERE id = 1`)
	return version, reader, err
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
	version, reader, err := d.version(ctx, d.db)
	if err != nil {
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
