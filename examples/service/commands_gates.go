package main

import (
	"context"
	"flag"
	"fmt"
)

func listGates(*flag.FlagSet) func(context.Context, *session, []string) error {
	return func(ctx context.Context, s *session, words []string) error {
		if err := none(words); err != nil {
			return err
		}
		var a gatesAnswer
		if err := s.ask(ctx, "gates", gatesQuestion{}, &a); err != nil {
			return err
		}
		if a.NoKey > 0 {
			_, _ = fmt.Fprintf(s.err, "%d results wait because your key store fails\n", a.NoKey)
		}
		return s.print(a.Gates, func(t *table) { t.gates(a.Gates) })
	}
}

// turn is pause and resume.
func turn(on bool) func(*flag.FlagSet) func(context.Context, *session, []string) error {
	return func(flags *flag.FlagSet) func(context.Context, *session, []string) error {
		q := switchQuestion{On: on}
		scopeFlags(flags, &q.scope)
		personFlags(flags, &q.person)
		return func(ctx context.Context, s *session, words []string) error {
			if err := checkSwitch(&q, words); err != nil {
				return err
			}
			var a switchAnswer
			if err := s.ask(ctx, "switch", q, &a); err != nil {
				return err
			}
			if err := s.print(a.Gates, func(t *table) { t.gates(a.Gates) }); err != nil {
				return err
			}
			if on && len(a.Gates) == 0 {
				return refused("nothing was closed there")
			}
			return nil
		}
	}
}

func checkSwitch(q *switchQuestion, words []string) error {
	if len(words) != 1 {
		return misused("say what: starts, results or reconcile")
	}
	for _, one := range switches {
		if words[0] == string(one) {
			q.Switch = one
		}
	}
	switch {
	case q.Switch == "":
		return misused("no switch %q: want starts, results or reconcile", words[0])
	case q.Vendor == "":
		return misused("--vendor is required")
	}
	return q.person.check()
}

func showTimeline(*flag.FlagSet) func(context.Context, *session, []string) error {
	return func(ctx context.Context, s *session, words []string) error {
		if len(words) != 1 {
			return misused("say which order")
		}
		if _, err := references(words); err != nil {
			return misused("%w: it looks like kombo///workday:HWUT/3fmQ", err)
		}
		var a timelineAnswer
		if err := s.ask(ctx, "timeline", timelineQuestion{Order: words[0]}, &a); err != nil {
			return err
		}
		if err := s.print(a.Notes, func(t *table) { t.notes(a.Notes) }); err != nil {
			return err
		}
		if len(a.Notes) == 0 {
			return refused("nothing is known of this order")
		}
		return nil
	}
}
