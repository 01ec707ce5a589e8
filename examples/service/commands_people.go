package main

import (
	"context"
	"errors"
	"flag"
)

// candidateFlags name a candidate by the vendor's id.
func candidateFlags(flags *flag.FlagSet, q *subjectQuestion) {
	scopeFlags(flags, &q.scope)
	flags.StringVar(&q.Candidate, "candidate", "", "the vendor's id of the candidate; needs --vendor and --account")
}

func (q subjectQuestion) check() error {
	if q.Candidate == "" || q.Vendor == "" || q.Account == "" {
		return misused("a candidate takes --candidate, --vendor and --account")
	}
	return nil
}

func showSubject(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q subjectQuestion
	candidateFlags(flags, &q)
	return func(ctx context.Context, s *session, words []string) error {
		if err := errors.Join(none(words), q.check()); err != nil {
			return err
		}
		var a subjectAnswer
		if err := s.ask(ctx, "subject", q, &a); err != nil {
			return err
		}
		if err := s.print(a.Orders, func(t *table) { t.subject(a.Orders) }); err != nil {
			return err
		}
		if len(a.Orders) == 0 {
			return refused("nothing is known of this candidate")
		}
		return nil
	}
}

func erase(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q eraseQuestion
	candidateFlags(flags, &q.subjectQuestion)
	personFlags(flags, &q.person)
	return func(ctx context.Context, s *session, words []string) error {
		q.Orders = words
		if err := checkErase(q); err != nil {
			return err
		}
		var a eraseAnswer
		if err := s.ask(ctx, "erase", q, &a); err != nil {
			return err
		}
		if err := s.print(a, func(t *table) { t.done("ERASED", a.Erased, a.Unknown) }); err != nil {
			return err
		}
		if len(a.Unknown) > 0 || len(a.Erased) == 0 {
			return refused("%d erased, %d unknown", len(a.Erased), len(a.Unknown))
		}
		return nil
	}
}

func checkErase(q eraseQuestion) error {
	byCandidate := q.subjectQuestion != subjectQuestion{}
	switch {
	case byCandidate && len(q.Orders) > 0:
		return misused("erase orders or a candidate, not both at once")
	case !byCandidate && len(q.Orders) == 0:
		return misused("say which orders, or --candidate")
	}
	if _, err := references(q.Orders); err != nil {
		return misused("%w: it looks like kombo///workday:HWUT/3fmQ", err)
	}
	if byCandidate {
		if err := q.subjectQuestion.check(); err != nil {
			return err
		}
	}
	return q.person.check()
}
