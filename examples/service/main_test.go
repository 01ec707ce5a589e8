package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// longVariable, if set, runs the long forms.
const longVariable = "ASSESSBRIDGE_LONG"

func size(short, long int) int {
	if os.Getenv(longVariable) != "" {
		return long
	}
	return short
}

// The programs that the tests run: the service with short leases, one that stands
// for its next release, and the small host.
var oldRelease, newRelease, smallHost string

// TestMain builds the programs and starts one PostgreSQL server for all tests.
func TestMain(m *testing.M) { os.Exit(withPrograms(m)) }

func withPrograms(m *testing.M) int {
	folder, err := os.MkdirTemp("", "service")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	oldRelease, newRelease, smallHost = filepath.Join(folder, "old"), filepath.Join(folder, "new"), filepath.Join(folder, "host")
	for _, one := range []struct {
		program, source string
		edits           []edit
	}{{oldRelease, ".", hurried}, {newRelease, ".", append(nextRelease, hurried...)}, {smallHost, "./host", hurried}} {
		if err := build(one.program, one.source, one.edits); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	stop, err := startPostgres()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	return m.Run()
}

// edit changes one place of a source file for one build.
type edit struct{ file, from, to string }

// hurried makes leases and sweeps short, so that what a killed process held is
// free in seconds instead of minutes.
var hurried = []edit{
	{"assessment/intake.go", "DefaultDeadline       = 10 * time.Second", "DefaultDeadline = 1800 * time.Millisecond"},
	{"assessment/intake.go", "DefaultInlineDeadline = 13 * time.Second", "DefaultInlineDeadline = 1800 * time.Millisecond"},
	{"assessment/intake.go", "DefaultLease          = time.Minute", "DefaultLease = 2 * time.Second"},
	{"assessment/sqlstore/outbox.go", "DefaultLaneLease   = 2 * time.Minute", "DefaultLaneLease = 4 * time.Second"},
	{"assessment/sqlstore/outbox.go", "DefaultCallTimeout = 75 * time.Second", "DefaultCallTimeout = 3 * time.Second"},
	{"assessment/sqlstore/spool.go", "DefaultOrderLease = 90 * time.Second", "DefaultOrderLease = 4 * time.Second"},
	{"assessment/durable/config.go", "DefaultQueueWait = 8 * time.Second", "DefaultQueueWait = time.Second"},
	{"assessment/sqlstore/reconcile_run.go", "runLease = 2 * time.Minute", "runLease = 4 * time.Second"},
	{"assessment/sqlstore/integration.go", "1: time.Minute, 2: 4 * time.Minute", "1: time.Second, 2: 4 * time.Second"},
	{"assessment/durable/config.go", "orDefault(c.Sweep, time.Minute)", "orDefault(c.Sweep, 2*time.Second)"},
}

// nextRelease is what a later release may do: write bodies of a newer form, add a
// column, insert jobs of a new kind.
var nextRelease = []edit{
	{"assessment/sqlstore/message.go", "resultForm = 1", "resultForm = 2"},
	{"assessment/sqlstore/message.go", "orderForm  = 1", "orderForm = 2"},
	{"assessment/sqlstore/migrate.go", "schemaVersion = 2", "schemaVersion = 3"},
	{"assessment/sqlstore/schema/postgresql.sql", "account TEXT NOT NULL,\n  made BIGINT NOT NULL\n);\n", `account TEXT NOT NULL,
  made BIGINT NOT NULL
);

-- version 3

ALTER TABLE {results} ADD COLUMN note TEXT;
`},
	{"assessment/durable/jobs.go", `"assessbridge_flush.v1"`, `"assessbridge_flush.v2"`},
}

// build compiles a program with edits, which stay out of the source.
func build(program, source string, edits []edit) error {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	texts := make(map[string]string)
	for _, e := range edits {
		name := filepath.Join(root, e.file)
		if texts[name] == "" {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			texts[name] = string(text)
		}
		if strings.Count(texts[name], e.from) != 1 {
			return fmt.Errorf("%s does not have %q once: mend the edits of this test", e.file, e.from)
		}
		texts[name] = strings.Replace(texts[name], e.from, e.to, 1)
	}
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	for name, text := range texts {
		changed := program + "-" + strings.ReplaceAll(strings.TrimPrefix(name, root+"/"), "/", "-")
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return err
		}
		overlay.Replace[name] = changed
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	if err := os.WriteFile(program+".json", list, 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("go", "build", "-overlay", program+".json", "-o", program, source).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}
