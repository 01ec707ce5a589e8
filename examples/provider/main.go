// Command provider is a complete assessment provider: a company whose tests are
// ordered from inside its customers' ATSs.
//
// Without settings it starts the service on the loopback beside simulated
// vendors, plays the orders that a provider meets, prints what became of each,
// and exits 0 only if all of it is as it should be:
//
//	go run ./examples/provider
//
// It keeps everything in memory, so that it shows the library and nothing else.
// What to copy for production is examples/service.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/assessbridge/assessbridge/assessment/catalog"
)

//go:embed packages.yaml
var packagesYAML []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("provider", flag.ContinueOnError)
	flags.SetOutput(stderr)
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	packages, err := catalog.Parse(packagesYAML)
	if err != nil {
		return err
	}
	return play(ctx, packages, &report{w: stdout, colours: coloured(stdout, env)})
}
