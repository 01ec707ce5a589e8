package durable_test

import (
	"fmt"
	"os"
	"testing"
)

// TestMain starts one PostgreSQL server for all tests and stops it after them.
// A process that a test started again as its worker does that work instead.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	os.Exit(withServer(m))
}

func withServer(m *testing.M) int {
	stop, err := startPostgres()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stop()
	return m.Run()
}
