package sandbox

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// The exit statuses of the commands.
const (
	ExitOK          = 0
	ExitOutcome     = 1 // a check failed, or the outcome was not the expected one
	ExitUsage       = 2 // wrong use or configuration
	ExitNothing     = 3 // nothing could be judged
	ExitKit         = 4 // a fault of the sandbox itself
	ExitInterrupted = 130
)

// failure is an error with its exit status.
type failure struct {
	status int
	err    error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// command is what one run of the program has.
type command struct {
	ctx            context.Context
	env            func(string) string
	stdout, stderr io.Writer
}

var commands = map[string]func(*command, []string) error{}

// Run runs the command and returns its exit status.
func Run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	c := &command{ctx, env, stdout, stderr}
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	run, found := commands[name]
	if !found {
		fmt.Fprintf(stderr, "sandbox: there is no command %q\n", name)
		return ExitUsage
	}
	err := run(c, args)
	var f failure
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, flag.ErrHelp):
		return ExitOK
	case ctx.Err() != nil:
		return ExitInterrupted
	}
	fmt.Fprintln(stderr, "sandbox:", err)
	if errors.As(err, &f) {
		return f.status
	}
	return ExitKit
}

func init() { commands["serve"] = (*command).serve }

// flags returns the flags of a command.
func (c *command) flags(name string) *flag.FlagSet {
	f := flag.NewFlagSet("sandbox "+name, flag.ContinueOnError)
	f.SetOutput(c.stderr)
	return f
}

func (c *command) serve(args []string) error {
	f := c.flags("serve")
	var o Options
	f.StringVar(&o.Listen, "listen", DefaultListen, "address of the page; the simulators take the three ports after it")
	f.BoolVar(&o.Insecure, "insecure-listen", false, "allow an address that others can reach")
	f.BoolVar(&o.Demo, "demo", false, "run the provider of the demonstration inside")
	f.Uint64Var(&o.Seed, "seed", 1, "determines every id")
	provider := f.String("provider", "", "base URL of your service, such as http://localhost:8080")
	if err := f.Parse(args); err != nil {
		return usageOf(err)
	}
	if *provider != "" {
		o.Vendors = targetsBelow(*provider)
	}
	o.RuntimeDir = RuntimeDir(c.env)
	s, err := Start(o)
	if err != nil {
		return failure{ExitUsage, err}
	}
	defer s.Close()
	fmt.Fprintf(c.stderr, "The page:  %s\n", s.Entrance())
	fmt.Fprintf(c.stdout, "%s", s.App.Env("dotenv"))
	return s.Wait(c.ctx)
}

func usageOf(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	return failure{ExitUsage, err}
}

// targetsBelow are the paths of the example provider below a base URL.
func targetsBelow(base string) map[string]VendorSettings {
	base = strings.TrimSuffix(base, "/")
	return map[string]VendorSettings{
		Kombo:    {Target: Target{Webhook: base + "/kombo"}},
		StackOne: {Target: Target{Webhook: base + "/stackone", Packages: base + "/stackone/assessments"}},
		Ashby:    {Target: Target{Base: base + "/ashby"}},
	}
}
