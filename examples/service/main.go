// Command service is an assessment provider for production: orders of Kombo,
// StackOne and Ashby are stored before they are answered, results are written in
// order whatever restarts, and two of it may share a PostgreSQL database. Copy it
// and put your own business into provider.go.
//
//	go run ./examples/service --simulate   # orders and results beside simulated vendors, with a restart between
//	go run ./examples/service --help       # every setting, and the operator's commands
//
// Kombo's webhooks go to /kombo, StackOne's to /stackone, and Ashby's calls below
// /ashby/. See README.md for the settings, the drain and an upgrade.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/assessbridge/assessbridge/assessment/catalog"
)

//go:embed packages.yaml
var packagesYAML []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(exitCode(err))
	}
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return operate(ctx, args, environ, stdout, stderr)
	}
	c, err := read(args, environ, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case c.simulate:
		return simulate(ctx, stdout)
	}
	v, err := newService(c.settings, slog.New(slog.NewTextHandler(stderr, nil)))
	if err != nil {
		return err
	}
	defer v.db.close()
	if c.migrate {
		return v.migrate(ctx)
	}
	return v.serve(ctx)
}

// loadCatalogue reads what can be ordered.
func loadCatalogue(file string) (*catalog.Catalog, error) {
	text := packagesYAML
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	read, err := catalog.New(text)
	var wrong *catalog.Error
	if errors.As(err, &wrong) {
		wrong.Name = file
	}
	return read, err
}
