package main

import (
	"context"
	"flag"
	"fmt"
)

// lostFlags are those of the commands about orders that nobody took.
func lostFlags(flags *flag.FlagSet, q *lostQuestion, since string) {
	scopeFlags(flags, &q.scope)
	personFlags(flags, &q.person)
	flags.Func("since", since+"; required: a time, a day, or a duration such as 36h or 7d before now", moment(&q.Since))
	flags.BoolVar(&q.DryRun, "dry-run", false, "count, and change nothing")
}

func (q lostQuestion) check(words []string, oneAccount bool) error {
	switch {
	case len(words) > 0:
		return none(words)
	case q.Vendor == "":
		return misused("--vendor is required")
	case oneAccount && q.Account == "":
		return misused("--account is required")
	case q.Since.IsZero():
		return misused("--since is required")
	case q.DryRun:
		return nil
	}
	return q.person.check()
}

// countLost asks the vendor which orders were created since then, and says how many.
func (s *session) countLost(ctx context.Context, q lostQuestion) (count backfillAnswer, err error) {
	q.DryRun = true
	if err := s.ask(ctx, "backfill", q, &count); err != nil {
		return count, err
	}
	_, _ = fmt.Fprintf(s.err, "%d open orders were created since then; nobody has taken %d of them\n", count.Open, count.Lost)
	return count, nil
}

// setSince changes from when on orders are the service's.
func setSince(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q lostQuestion
	lostFlags(flags, &q, "from when on orders of the customer are yours: lost ones are started, earlier ones never")
	return func(ctx context.Context, s *session, words []string) error {
		if err := q.check(words, true); err != nil {
			return err
		}
		if _, err := s.countLost(ctx, q); err != nil {
			return err
		}
		a := lostAnswer{Integrations: 1, Since: q.Since, DryRun: true}
		if !q.DryRun {
			a = lostAnswer{}
			if err := s.ask(ctx, "since", q, &a); err != nil {
				return err
			}
		}
		return s.print(a, func(t *table) { t.lost(a) })
	}
}

// backfill starts orders from before the customer was known, too.
func backfill(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q lostQuestion
	lostFlags(flags, &q, "when the oldest order was created that is to be started")
	return func(ctx context.Context, s *session, words []string) error {
		if err := q.check(words, true); err != nil {
			return err
		}
		a, err := s.countLost(ctx, q)
		if err != nil {
			return err
		}
		a.DryRun = q.DryRun
		lost := a.Lost
		if !q.DryRun && lost > 0 {
			a = backfillAnswer{}
			if err := s.ask(ctx, "backfill", q, &a); err != nil {
				return err
			}
		}
		if err := s.print(a, func(t *table) { t.backfilled(a) }); err != nil {
			return err
		}
		if lost == 0 {
			return refused("nothing to start")
		}
		return nil
	}
}

// markHot has customers looked through soon.
func markHot(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q lostQuestion
	lostFlags(flags, &q, "when the oldest order was created whose delivery may be lost")
	return func(ctx context.Context, s *session, words []string) error {
		if err := q.check(words, false); err != nil {
			return err
		}
		count := q
		count.DryRun = true
		var a lostAnswer
		if err := s.ask(ctx, "hot", count, &a); err != nil {
			return err
		}
		a.DryRun = q.DryRun
		_, _ = fmt.Fprintf(s.err, "%d customers are asked for orders\n", a.Integrations)
		if !q.DryRun && a.Integrations > 0 {
			if err := s.ask(ctx, "hot", q, &a); err != nil {
				return err
			}
		}
		if err := s.print(a, func(t *table) { t.lost(a) }); err != nil {
			return err
		}
		if a.Integrations == 0 {
			return refused("no customer of it is asked for orders")
		}
		return nil
	}
}
