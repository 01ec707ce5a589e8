package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// The codes with which the program ends.
const (
	exitDone        = 0
	exitRefused     = 1 // or nothing was there of what was asked for
	exitMisused     = 2
	exitUnreachable = 3 // the service, or its database
)

// exit is an error with the code to end with.
type exit struct {
	code int
	error
}

func refused(format string, args ...any) error { return exit{exitRefused, fmt.Errorf(format, args...)} }
func misused(format string, args ...any) error { return exit{exitMisused, fmt.Errorf(format, args...)} }
func unreachable(format string, args ...any) error {
	return exit{exitUnreachable, fmt.Errorf(format, args...)}
}

// exitCode is the code for what run returned.
func exitCode(err error) int {
	var with exit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &with):
		return with.code
	}
	return exitRefused
}

// verb is a command of the operator's. It asks a running service over its second
// port, so that it works wherever the database is, and on SQLite.
type verb struct {
	name, words, about string
	// prepare defines the flags and returns what is done once they are read. Words are
	// the arguments that are no flags.
	prepare func(*flag.FlagSet) func(ctx context.Context, s *session, words []string) error
}

var verbs = []verb{
	{"attention list", "", "results and orders that need attention", attentionList},
	{"redrive", "[ORDER...]", "have refused results written again, or waiting orders started now", many("redrive")},
	{"discard", "[ORDER...]", "give results up that need attention, or orders", many("discard")},
	{"reject", "ORDER...", "say no to the recruiter of an order that waits", reject},
	{"gates", "", "what is held back, why, and how much waits behind it", listGates},
	{"accounts waiting", "", "the accounts with the most results to write", watched("accounts", printWaiting)},
	{"accounts silent", "", "accounts that used to order and do not", watched("accounts", printSilent)},
	{"at-risk", "", "orders that were answered with a fault and did not come again", watched("at-risk", printAtRisk)},
	{"pause", "starts|results|reconcile", "hold something of a vendor or of one account back", turn(false)},
	{"resume", "starts|results|reconcile", "go on with it", turn(true)},
	{"hot", "", "look for lost orders of a vendor or of one account soon", markHot},
	{"since", "", "set from when on an account's orders are yours to look for", setSince},
	{"backfill", "", "start an account's open orders that nobody took, older ones too", backfill},
	{"timeline", "ORDER", "what became of an order", showTimeline},
	{"subject", "", "what is known of a candidate (access request)", showSubject},
	{"erase", "[ORDER...]", "erase orders, or all orders of a candidate", erase},
	{"offboard", "", "remove everything of a customer who has left", offboard},
	{"readmit", "", "let a customer in again who was offboarded", readmit},
}

// session is one run of a command.
type session struct {
	remote
	format   string
	out, err io.Writer
}

// operate runs the command that args begin with.
func operate(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	v, rest, err := find(args)
	if err != nil {
		return err
	}
	flags := flag.NewFlagSet(v.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error is returned
	s := &session{out: stdout, err: stderr}
	config := flags.String("config", "", "YAML file of the service's settings; also "+prefix+"CONFIG")
	address := flags.String("service", "", "address or URL of its second port; as its settings say if empty")
	flags.StringVar(&s.format, "format", "text", "text or json")
	do := v.prepare(flags)
	words, err := interspersed(flags, rest)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(stdout)
		_, _ = fmt.Fprintf(stdout, "Usage: service %s\n\n%s.\n\nFlags:\n", strings.TrimSpace(v.name+" [flags] "+v.words), capital(v.about))
		flags.PrintDefaults()
		return nil
	case err != nil:
		return misused("%w; see service %s --help", err, v.name)
	case s.format != "text" && s.format != "json":
		return misused("--format: want text or json")
	}
	c := settings{OpsListen: defaults().OpsListen}
	if err := c.environment(environ, config); err != nil {
		return misused("%w", err)
	}
	if s.remote, err = newRemote(c, *address); err != nil {
		return err
	}
	return do(ctx, s, words)
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// find returns the command that args begin with, and the rest of them.
func find(args []string) (verb, []string, error) {
	text := strings.Join(args, " ") + " "
	for _, v := range verbs {
		if strings.HasPrefix(text, v.name+" ") {
			return v, args[len(strings.Fields(v.name)):], nil
		}
	}
	for _, v := range verbs {
		if len(args) > 1 && args[1] == v.name { // the other half of another command
			return verb{}, nil, misused("unknown command %q: did you mean %q?", strings.Join(args[:2], " "), v.name)
		}
	}
	for _, v := range verbs {
		said := strings.Join(args[:min(len(args), len(strings.Fields(v.name)))], " ")
		if distance(said, v.name) <= 2 || strings.HasPrefix(v.name, args[0]+" ") {
			return verb{}, nil, misused("unknown command %q: did you mean %q?", said, v.name)
		}
	}
	return verb{}, nil, misused("unknown command %q; see service --help", args[0])
}

// interspersed reads flags before, between and behind words.
func interspersed(flags *flag.FlagSet, args []string) (words []string, err error) {
	for {
		if err := flags.Parse(args); err != nil || flags.NArg() == 0 {
			return words, err
		}
		words, args = append(words, flags.Arg(0)), flags.Args()[1:]
	}
}

// commandsUsage is the part of --help that names the commands.
func commandsUsage(out io.Writer) {
	_, _ = fmt.Fprint(out, "\nCommands, for a service that runs; each has a --help:\n")
	for _, v := range verbs {
		_, _ = fmt.Fprintf(out, "  service %s\n    \t%s\n", strings.TrimSpace(v.name+" "+v.words), v.about)
	}
}
