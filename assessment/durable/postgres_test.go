package durable_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// postgresDSN is where the server of this run listens: a socket in a temporary
// folder.
var postgresDSN string

// installLine is what makes the tests run on a machine without PostgreSQL.
const installLine = "apt-get install -y postgresql"

// startPostgres starts the server of this run and returns what stops it.
func startPostgres() (stop func(), err error) {
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	postgresDSN = s.dsn
	return s.stop, nil
}

// server is a running PostgreSQL.
type server struct {
	dsn  string
	log  string // file
	stop func()
}

// startServer starts one in a temporary folder. Unless settings say otherwise it is
// fast at the price of what a crash would cost.
func startServer(settings ...string) (*server, error) {
	initdb, err := postgresBinary("initdb")
	if err != nil {
		return nil, err
	}
	binary, err := postgresBinary("postgres")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "abpg")
	if err != nil {
		return nil, err
	}
	as, err := ordinaryUser(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if out, err := as(exec.Command(initdb, "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s := &server{dsn: "host=" + dir + " user=tests dbname=postgres sslmode=disable", log: filepath.Join(dir, "log")}
	if err := s.serve(as, settings, binary, "-D", data, "-k", dir); err != nil {
		return nil, err
	}
	if err := answers(s.dsn); err != nil {
		said, _ := os.ReadFile(s.log)
		s.stop()
		return nil, fmt.Errorf("postgres does not answer: %w\n%s", err, said)
	}
	return s, nil
}

// serve runs the server under a shell that stops it when its input ends, so
// that it does not outlive a test process that was killed.
func (s *server) serve(as func(*exec.Cmd) *exec.Cmd, settings []string, command ...string) error {
	dir := filepath.Dir(s.log)
	for _, setting := range append([]string{
		"listen_addresses=", "max_connections=200", "log_min_messages=fatal",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
	}, settings...) { // the last one counts
		command = append(command, "-c", setting)
	}
	shell := as(exec.Command("/bin/sh", append([]string{"-c", `"$@" & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$0"`, dir}, command...)...))
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the server has its own
	shell.Stderr = log
	input, err := shell.StdinPipe()
	if err != nil {
		return err
	}
	shell.Stdout = io.Discard
	if err := shell.Start(); err != nil {
		return err
	}
	s.stop = func() {
		_ = input.Close()
		_ = shell.Wait()
		_ = os.RemoveAll(dir)
	}
	return nil
}

// postgresBinary finds a program of PostgreSQL in the PATH or where Debian puts
// it.
func postgresBinary(name string) (string, error) {
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		return "", errors.New("these tests need PostgreSQL's " + name + "; on Debian type: " + installLine)
	}
	return found[len(found)-1], nil
}

// ordinaryUser gives dir to a user under whom PostgreSQL runs: it refuses root.
func ordinaryUser(dir string) (func(*exec.Cmd) *exec.Cmd, error) {
	if os.Getuid() != 0 {
		return func(c *exec.Cmd) *exec.Cmd { return c }, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL refuses to run as root: %w", err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return func(c *exec.Cmd) *exec.Cmd {
		c.Dir = dir
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return c
	}, nil
}

// answers waits until the server does.
func answers(dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		<-time.After(50 * time.Millisecond)
	}
}
