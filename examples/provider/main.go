// Command provider is a complete assessment provider: a company whose tests are
// ordered from inside its customers' ATSs.
//
// Without settings it starts the service on the loopback beside simulated
// vendors, plays the orders that a provider meets, prints what became of each,
// and exits 0 only if all of it is as it should be:
//
//	go run ./examples/provider
//
// With an address it serves the same provider to the real vendors, Kombo at
// /kombo, StackOne at /stackone and Ashby below /ashby/; each of them is served
// if its keys are there:
//
//	KOMBO_API_KEY=… KOMBO_WEBHOOK_SECRET=… \
//	STACKONE_API_KEY=… STACKONE_WEBHOOK_SECRET=… \
//	ASHBY_CUSTOMERS='[{"name":"acme","our_key":"…","ashby_key":"…"}]' \
//	go run ./examples/provider --listen :8080
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment/catalog"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
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
	listen := flags.String("listen", "", "address to serve on, such as :8080; without it the simulation is played")
	region := flags.String("kombo-region", "eu", "Kombo's region: eu or us")
	integrations := flags.String("kombo-integrations", "", "connected customers, separated by commas, whose lost orders are looked for")
	public := flags.String("public-url", "https://tests.example.com", "what the links for candidates and recruiters begin with")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	packages, err := catalog.Parse(packagesYAML)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	if *listen == "" {
		return play(ctx, packages, &report{w: stdout, colours: coloured(stdout, env)})
	}
	var ashbyCustomers customers
	if text := env("ASHBY_CUSTOMERS"); text != "" {
		if err := json.Unmarshal([]byte(text), &ashbyCustomers); err != nil {
			return errors.New("ASHBY_CUSTOMERS: not a JSON list of customers")
		}
	}
	s, err := newService(settings{
		Packages:       packages,
		PublicURL:      *public,
		ResultsToken:   env("RESULTS_TOKEN"),
		Logger:         logger,
		Kombo:          kombo.Config{APIKey: env("KOMBO_API_KEY"), Region: kombo.Region(*region), Logger: logger},
		KomboSecret:    env("KOMBO_WEBHOOK_SECRET"),
		Ashby:          ashby.Config{Logger: logger},
		AshbyCustomers: ashbyCustomers,
		StackOne:       stackone.Config{APIKey: env("STACKONE_API_KEY"), Logger: logger},
		StackOneSecret: env("STACKONE_WEBHOOK_SECRET"),
	})
	if err != nil {
		return err
	}
	go s.reconcile(ctx, strings.FieldsFunc(*integrations, func(r rune) bool { return r == ',' }))
	return s.serve(ctx, *listen)
}
