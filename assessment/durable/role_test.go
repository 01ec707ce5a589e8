package durable_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// roleVariable names, in the environment of a process that a test started, what
// that process plays; its value is a JSON role.
const roleVariable = "ASSESSBRIDGE_TEST_ROLE"

// role is what a process of its own does: this test program, started again, so
// that it can be killed.
type role struct {
	Play    string
	Dialect sqlstore.Dialect
	Driver  string
	DSN     string
	Schema  string
	Mutant  int    // in mutants; -1 is none
	Vendor  string // URL of the vendor
	Host    hostRole
}

// plays are what a process may be asked to do until it is killed.
var plays = map[string]func(context.Context, role) error{"flush": playFlush, "service": playService, "host": playHost}

func play(text string) int {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	// No test takes so long; a process whose parent was killed must not stay.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute+soakFor())
	defer cancel()
	if err := plays[r.Play](ctx, r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (d *database) role(play, vendor string) role {
	return role{Play: play, Dialect: d.dialect, Driver: d.driver, DSN: d.dsn, Schema: d.schema, Mutant: -1, Vendor: vendor}
}

// database is the one that the role's parent made.
func (r role) database() *database {
	return &database{dialect: r.Dialect, driver: r.Driver, dsn: r.DSN, schema: r.Schema}
}

// child is a process that plays a role.
type child struct {
	command *exec.Cmd
	role    string
	files   []*os.File // that it inherits, from number 3 on
}

func start(t testing.TB, r role, files ...*os.File) *child {
	text, err := json.Marshal(r)
	require.NoError(t, err)
	c := &child{role: string(text), files: files}
	c.run(t)
	t.Cleanup(c.kill)
	return c
}

func (c *child) run(t testing.TB) {
	c.command = exec.Command(os.Args[0])
	c.command.Env = append(os.Environ(), roleVariable+"="+c.role)
	c.command.Stderr, c.command.ExtraFiles = os.Stderr, c.files
	require.NoError(t, c.command.Start())
}

// kill ends the process as a machine that fails does.
func (c *child) kill() {
	_ = c.command.Process.Kill()
	_ = c.command.Wait()
}
