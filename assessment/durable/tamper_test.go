package durable_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"
	"testing"

	pgx "github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
)

// tamper stands between database/sql and a driver. Edit may change a
// statement, which makes a mutant of the code above it, or do something at the
// moment before it runs.
type tamper struct {
	driver.Driver
	edit func(query string) string
}

// tampered returns a pool over d whose statements pass through edit.
func (d *database) tampered(t testing.TB, edit func(string) string) *sql.DB {
	db, err := d.openTampered(edit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (d *database) openTampered(edit func(string) string) (*sql.DB, error) {
	drivers := map[string]driver.Driver{"pgx": pgx.GetDefaultDriver(), "sqlite": &sqlite.Driver{}}
	name := "tampered" + newName()
	sql.Register(name, tamper{drivers[d.driver], edit})
	return d.openPool(name)
}

var names struct {
	sync.Mutex
	n int
}

// newName returns a text that this process has not used.
func newName() string {
	names.Lock()
	defer names.Unlock()
	names.n++
	return string(rune('a'+names.n/26%26)) + string(rune('a'+names.n%26))
}

func (d tamper) Open(dsn string) (driver.Conn, error) {
	c, err := d.Driver.Open(dsn)
	if err != nil {
		return nil, err
	}
	return tamperedConn{c, d.edit}, nil
}

type tamperedConn struct {
	driver.Conn
	edit func(string) string
}

func (c tamperedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, c.edit(query), args)
}

func (c tamperedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, c.edit(query), args)
}

func (c tamperedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
}

func (c tamperedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// matches says whether a statement contains pattern, in which %s stands for
// what comes before a table's name.
func matches(query, pattern string) bool {
	before, after, both := strings.Cut(pattern, "%s")
	if !both {
		return strings.Contains(query, pattern)
	}
	i := strings.Index(query, before)
	if i < 0 {
		return false
	}
	table, _, _ := strings.Cut(query[i+len(before):], " ")
	return strings.HasSuffix(table, "assessbridge_"+after)
}
