package sandbox

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/assessbridge/assessbridge/internal/nearmiss"
)

// The exit statuses of the commands.
const (
	ExitOK          = 0   // as expected
	ExitOutcome     = 1   // a check failed, or the outcome was not the expected one
	ExitUsage       = 2   // wrong use or configuration
	ExitNothing     = 3   // nothing could be judged
	ExitKit         = 4   // a fault of the sandbox itself
	ExitInterrupted = 130 // by a signal
)

// exitTexts say what the statuses mean, in their order.
var exitTexts = []struct {
	Status int
	Text   string
}{
	{ExitOK, "as expected"},
	{ExitOutcome, "a check failed, or the outcome was not the expected one"},
	{ExitUsage, "wrong use or configuration"},
	{ExitNothing, "nothing could be judged: the provider was not reachable, or no check ran"},
	{ExitKit, "a fault of the sandbox itself"},
	{ExitInterrupted, "interrupted"},
}

// failure is an error with its exit status.
type failure struct {
	status int
	err    error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// usagef is an error in what the user wrote.
func usagef(format string, args ...any) error { return failure{ExitUsage, fmt.Errorf(format, args...)} }

// unknown is the error for a word that is none of the known ones.
func unknown(what, word string, known []string) error {
	if hint := nearmiss.Hint(word, known); hint != "" {
		return usagef("there is no %s %q%s", what, word, hint)
	}
	return usagef("there is no %s %q: there are %s", what, word, strings.Join(known, ", "))
}

// outcomef is an outcome that is not the expected one.
func outcomef(format string, args ...any) error {
	return failure{ExitOutcome, fmt.Errorf(format, args...)}
}

// nothingf says why nothing could be judged.
func nothingf(format string, args ...any) error {
	return failure{ExitNothing, fmt.Errorf(format, args...)}
}

// command is what one run of the program has. What a program may read goes to stdout,
// what only people read to stderr.
type command struct {
	ctx            context.Context
	env            func(string) string
	stdout, stderr io.Writer
}

// subcommand is one of the commands.
type subcommand struct {
	Name string
	Args string // as in a manual
	Text string
	// prepare declares the flags and returns what runs with the arguments that are no
	// flags.
	prepare func(c *command, f *flag.FlagSet) func(args []string) error
}

// subcommands are all commands. The first is run if none is named.
func subcommands() []subcommand {
	return []subcommand{
		{"serve", "", "serves the page and the three vendors", (*command).serve},
		{"env", "", "prints base URLs, keys and secrets for the environment of your service", (*command).printEnv},
		{"trigger", "VENDOR.EVENT", "causes an event and judges the answer of your service", (*command).trigger},
		{"wait", "ORDER", "waits until the ATS shows a status", (*command).wait},
		{"replay", "MESSAGE|ORDER", "sends a message to your service once more", (*command).replay},
		{"cancel", "ORDER", "cancels at Ashby", (*command).cancel},
		{"reset", "", "forgets all orders of the sandbox that runs", (*command).reset},
		{"run", "SCENARIO", "plays a story of orders, waits and expectations", (*command).runScenario},
		{"check", "[ID…]", "checks whether your service does what the vendors expect", (*command).check},
		{"list", "LIST", "prints what the other commands take", (*command).list},
		{"init", "", "writes a sandbox.yaml with comments", (*command).initialise},
	}
}

// Run runs the command and returns its exit status.
func Run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	c := &command{ctx, env, stdout, &sharedWriter{to: stderr}}
	err := c.run(args)
	switch {
	case err == nil:
		return ExitOK
	case ctx.Err() != nil:
		return ExitInterrupted
	}
	c.say("%v", err)
	return statusOf(err)
}

// statusOf is the exit status for an error.
func statusOf(err error) int {
	if f := (failure{}); errors.As(err, &f) {
		return f.status
	}
	return ExitKit
}

// sharedWriter lets the command and what it runs write in turn.
type sharedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *sharedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// say tells people something.
func (c *command) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.stderr, "sandbox: "+format+"\n", args...)
}

func (c *command) run(args []string) error {
	all := subcommands()
	chosen := all[0]
	switch {
	case len(args) > 0 && slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]):
		return c.printManual()
	case len(args) > 0 && !strings.HasPrefix(args[0], "-"):
		i := slices.IndexFunc(all, func(s subcommand) bool { return s.Name == args[0] })
		if i < 0 {
			return unknown("command", args[0], commandNames())
		}
		chosen, args = all[i], args[1:]
	}
	f := flag.NewFlagSet(chosen.Name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	run := chosen.prepare(c, f)
	rest, err := parseMixed(f, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return c.printUsage(chosen, f)
	case err != nil:
		return failure{ExitUsage, flagError(f, err)}
	}
	return run(rest)
}

func commandNames() []string {
	var names []string
	for _, s := range subcommands() {
		names = append(names, s.Name)
	}
	return names
}

// parseMixed parses flags that stand before, between and behind the arguments, and
// returns the arguments.
func parseMixed(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		left := f.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if taken := len(args) - len(left); taken > 0 && args[taken-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// flagError adds what an unknown flag was perhaps meant to be.
func flagError(f *flag.FlagSet, err error) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err
	}
	var known []string
	f.VisitAll(func(one *flag.Flag) { known = append(known, one.Name) })
	return fmt.Errorf("%s has no flag --%s%s", f.Name(), name, nearmiss.Hint(name, known))
}

// none refuses arguments where a command has only flags.
func none(args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}

// one is the only argument of a command.
func one(args []string, what string) (string, error) {
	switch len(args) {
	case 0:
		return "", usagef("%s is missing", what)
	case 1:
		return args[0], nil
	}
	return "", usagef("unexpected argument %q", args[1])
}

// texts is a flag that can be repeated.
type texts []string

func (t *texts) String() string { return strings.Join(*t, ", ") }

// Set implements [flag.Value].
func (t *texts) Set(text string) error {
	*t = append(*t, text)
	return nil
}

// choice is a flag that takes one of several words.
type choice struct {
	of    []string
	value *string
}

func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set implements [flag.Value].
func (c choice) Set(text string) error {
	if !slices.Contains(c.of, text) {
		return fmt.Errorf("it is one of %s%s", strings.Join(c.of, ", "), nearmiss.Hint(text, c.of))
	}
	*c.value = text
	return nil
}

// format declares --format.
func format(f *flag.FlagSet, of ...string) *string {
	value := of[0]
	f.Var(choice{of, &value}, "format", "`FORM` of what goes to stdout: "+strings.Join(of, ", "))
	return &value
}

// write writes to stdout.
func (c *command) write(text string) error {
	_, err := io.WriteString(c.stdout, text)
	return err
}
