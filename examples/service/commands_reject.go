package main

import (
	"context"
	"flag"
)

// reject says no to recruiters whose orders wait.
func reject(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q rejectQuestion
	flags.StringVar(&q.Text, "text", "", "what the recruiter reads; required")
	personFlags(flags, &q.person)
	return func(ctx context.Context, s *session, words []string) error {
		q.Orders = words
		if err := q.check(); err != nil {
			return err
		}
		var a rejectAnswer
		if err := s.ask(ctx, "reject", q, &a); err != nil {
			return err
		}
		if err := s.print(a, func(t *table) { t.done("REJECTED", a.Rejected, a.Unknown) }); err != nil {
			return err
		}
		if len(a.Unknown) > 0 {
			return refused("%d rejected; %d do not wait, or are being started", len(a.Rejected), len(a.Unknown))
		}
		return nil
	}
}

func (q rejectQuestion) check() error {
	switch {
	case len(q.Orders) == 0:
		return misused("say which orders")
	case q.Text == "":
		return misused("--text is required: the recruiter reads it")
	}
	if _, err := references(q.Orders); err != nil {
		return misused("%w: it looks like kombo///workday:HWUT/3fmQ", err)
	}
	return q.person.check()
}
