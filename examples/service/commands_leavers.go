package main

import (
	"context"
	"flag"
)

func offboard(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q offboardQuestion
	scopeFlags(flags, &q.scope)
	personFlags(flags, &q.person)
	flags.BoolVar(&q.DryRun, "dry-run", false, "count, and change nothing")
	flags.BoolVar(&q.Keep, "keep", false, "take nothing new, and remove nothing until what waits is started and written; then call again")
	flags.Int64Var(&q.Most, "most", 0, "how many rows may be removed, as --dry-run has told")
	return func(ctx context.Context, s *session, words []string) error {
		if err := checkOffboard(q, words); err != nil {
			return err
		}
		var a offboardAnswer
		if err := s.ask(ctx, "offboard", q, &a); err != nil {
			return err
		}
		if err := s.print(a, func(t *table) { t.offboarded(a) }); err != nil {
			return err
		}
		switch {
		case q.DryRun || a.Done:
			return nil
		case q.Keep:
			return refused("%d orders and %d results wait; call again when they have come to their end",
				a.OrdersWaiting, a.ResultsWaiting)
		}
		return refused("something came in meanwhile; call again")
	}
}

func checkOffboard(q offboardQuestion, words []string) error {
	switch {
	case len(words) > 0:
		return none(words)
	case q.Vendor == "" || q.Account == "":
		return misused("--vendor and --account are required")
	case q.DryRun:
		return nil
	case q.Most <= 0:
		return misused("--most: say how many rows may go; count them with --dry-run first")
	}
	return q.person.check()
}

func readmit(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q readmitQuestion
	scopeFlags(flags, &q.scope)
	personFlags(flags, &q.person)
	return func(ctx context.Context, s *session, words []string) error {
		if err := none(words); err != nil {
			return err
		}
		if q.Vendor == "" || q.Account == "" {
			return misused("--vendor and --account are required")
		}
		if err := q.person.check(); err != nil {
			return err
		}
		var a readmitAnswer
		if err := s.ask(ctx, "readmit", q, &a); err != nil {
			return err
		}
		return s.print(a, func(t *table) { t.line("READMITTED"); t.line(a.Account) })
	}
}
