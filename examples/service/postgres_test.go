package main

import (
	"bytes"
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
)

// postgresFolder holds the socket of this run's server.
var postgresFolder string

// postgresURL is how a database is reached through the socket in a folder.
func postgresURL(folder, database string) string {
	return "postgres:///" + database + "?host=" + folder + "&user=tests&sslmode=disable&connect_timeout=5"
}

// installLine is what makes the tests run on a machine without PostgreSQL.
const installLine = "apt-get install -y postgresql"

// startPostgres starts a server in a temporary folder and returns what stops it.
func startPostgres() (stop func(), err error) {
	initdb, err := postgresBinary("initdb")
	if err != nil {
		return nil, err
	}
	server, err := postgresBinary("postgres")
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
	stop, log, err := serve(as, server, data, dir)
	if err != nil {
		return nil, err
	}
	postgresFolder = dir
	if err := answers(postgresURL(dir, "postgres")); err != nil {
		stop()
		return nil, fmt.Errorf("postgres does not answer: %w\n%s", err, log)
	}
	return stop, nil
}

// serve runs the server under a shell that stops it when its input ends, so
// that it does not outlive a test process that was killed.
func serve(as func(*exec.Cmd) *exec.Cmd, server, data, dir string) (stop func(), log *bytes.Buffer, err error) {
	shell := as(exec.Command("/bin/sh", "-c", `"$@" & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid; rm -rf "$0"`, dir,
		server, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "log_min_messages=fatal"))
	log = new(bytes.Buffer)
	shell.Stderr = log
	input, err := shell.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	shell.Stdout = io.Discard
	if err := shell.Start(); err != nil {
		return nil, nil, err
	}
	return func() {
		_ = input.Close()
		_ = shell.Wait()
		_ = os.RemoveAll(dir)
	}, log, nil
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
