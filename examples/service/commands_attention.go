package main

import (
	"context"
	"flag"
	"fmt"
)

func attentionList(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q attentionQuestion
	filterFlags(flags, &q.which)
	flags.StringVar(&q.What, "what", "", "results or orders; both if empty")
	flags.IntVar(&q.Max, "max", 0, "how many of each, the oldest first; 0 is all")
	return func(ctx context.Context, s *session, words []string) error {
		q.Orders = words
		kinds := []string{aboutResults, aboutOrders}
		switch {
		case q.What != "":
			kinds = []string{q.What}
		case of(q.State) == aboutOrders:
			kinds = kinds[1:]
		case q.State != "" || q.Code != "" || q.Operation != "":
			kinds = kinds[:1] // only results have those
		}
		all := []row{}
		for _, q.What = range kinds {
			if err := checkAll(q.which, q.Max); err != nil {
				return err
			}
			found, err := s.everything(ctx, q)
			if err != nil {
				return err
			}
			all = append(all, found...)
		}
		return s.print(all, func(t *table) { t.attention(all) })
	}
}

// checkAll is check with what is common to listing and to acting on many.
func checkAll(w which, most int) error {
	if most < 0 {
		return misused("--max: want a positive number")
	}
	if _, err := references(w.Orders); err != nil {
		return misused("%w: it looks like kombo///workday:HWUT/3fmQ", err)
	}
	return w.check()
}

// everything asks page by page.
func (s *session) everything(ctx context.Context, q attentionQuestion) ([]row, error) {
	var all []row
	for most := q.Max; ; {
		var page attentionAnswer
		if err := s.ask(ctx, "attention", q, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Rows...)
		q.After = page.Next
		if page.More && len(page.Rows) > 0 {
			last := page.Rows[len(page.Rows)-1]
			q.AfterOrder, q.AfterMade = last.Order, last.Made
		}
		if most > 0 {
			q.Max = most - len(all)
			all = all[:min(len(all), most)]
		}
		if page.Next == 0 && !page.More || most > 0 && q.Max <= 0 {
			return all, nil
		}
		_, _ = fmt.Fprintf(s.err, "%d so far\n", len(all))
	}
}

// portionOfMany is how much is changed by one call, so that an operator sees it
// go on, and a connection that is cut leaves little to wonder about.
const portionOfMany = 2000

// many is redrive and discard.
func many(name string) func(*flag.FlagSet) func(context.Context, *session, []string) error {
	return func(flags *flag.FlagSet) func(context.Context, *session, []string) error {
		q := manyQuestion{which: which{What: aboutResults}}
		filterFlags(flags, &q.which)
		personFlags(flags, &q.person)
		all := flags.Bool("all", false, "everything that needs attention; required if nothing is chosen")
		flags.StringVar(&q.What, "what", aboutResults, "results or orders; of orders redrive starts them, those of an unknown status too")
		flags.BoolVar(&q.Uncertain, "uncertain", false, "also results of which nobody can tell whether the vendor has them: re-driven they may reach it twice")
		flags.BoolVar(&q.DryRun, "dry-run", false, "count, and change nothing")
		flags.IntVar(&q.Max, "max", 0, "how many to change, the oldest first; 0 is all")
		if name == "discard" {
			flags.BoolVar(&q.Late, "late", false, "also results that are unwritten for three days and still tried")
		} else {
			flags.IntVar(&q.PerMinute, "per-minute", 0, "how many become due in a minute; 0 is 120")
		}
		return func(ctx context.Context, s *session, words []string) error {
			q.Orders = words
			if err := checkMany(name, q, *all); err != nil {
				return err
			}
			return s.dealWith(ctx, name, q)
		}
	}
}

func checkMany(name string, q manyQuestion, all bool) error {
	switch {
	case !all && !q.which.chooses() && !q.Uncertain && !q.Late:
		return misused("say which: by flags, by references, or --all")
	case q.PerMinute < 0:
		return misused("--per-minute: want a positive number")
	case q.What == aboutOrders && (q.Uncertain || q.Late):
		return misused("orders have no --uncertain and no --late")
	case q.What == aboutResults && q.State == "uncertain" && !q.Uncertain:
		return misused("uncertain results are taken with --uncertain only: the vendor may have them")
	case q.What == aboutResults && q.State == "late" && name == "redrive":
		return misused("late results are tried already; they can be discarded")
	case q.What == aboutResults && q.State == "late" && !q.Late:
		return misused("late results are taken with --late only: they are still tried")
	}
	if err := checkAll(q.which, q.Max); err != nil || q.DryRun {
		return err
	}
	return q.person.check()
}

// dealWith counts, says so, and then changes portion by portion. What is refused
// again meanwhile is not taken twice.
func (s *session) dealWith(ctx context.Context, name string, q manyQuestion) error {
	dryRun := q.DryRun
	q.DryRun = true
	var count manyAnswer
	if err := s.ask(ctx, name, q, &count); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.err, "%d match, %d to %s; left out: %s\n", count.Matched, count.Changed, name, count.leftOut())
	total := count
	if !dryRun && count.Changed > 0 {
		var err error
		if total, err = s.portions(ctx, name, q, count); err != nil {
			return err
		}
	}
	if err := s.print(total, func(t *table) { t.dealt(total) }); err != nil {
		return err
	}
	if count.Changed == 0 || total.Changed == 0 {
		return refused("nothing to %s", name)
	}
	return nil
}

// leftOut says in words what is left out.
func (a manyAnswer) leftOut() string {
	if a.What == aboutOrders {
		return fmt.Sprintf("%d whose starts are switched off, %d that are being started", a.Held, a.Running)
	}
	return fmt.Sprintf("%d that the vendor has something newer of, %d without content", a.Newer, a.Gone)
}

func (s *session) portions(ctx context.Context, name string, q manyQuestion, count manyAnswer) (manyAnswer, error) {
	total := count
	total.DryRun, total.Changed = false, 0
	q.DryRun = false
	if !count.AsOf.IsZero() && (q.Until.IsZero() || q.Until.After(count.AsOf)) {
		q.Until = count.AsOf
	}
	for left := count.Changed; left > 0; {
		q.Max = min(left, portionOfMany)
		var part manyAnswer
		if err := s.ask(ctx, name, q, &part); err != nil {
			return total, fmt.Errorf("after %d of %d; the same command goes on with what is left: %w", total.Changed, count.Changed, err)
		}
		if part.Changed == 0 {
			break // somebody else was quicker
		}
		total.Changed, left = total.Changed+part.Changed, left-part.Changed
		if !part.Due.IsZero() {
			total.Due = part.Due
		}
		if left > 0 {
			_, _ = fmt.Fprintf(s.err, "%d of %d\n", total.Changed, count.Changed)
		}
	}
	return total, nil
}
