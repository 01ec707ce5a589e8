package sandbox

import (
	"context"
	"errors"
	"flag"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/nearmiss"
)

// orderRef reads an order as other commands print it, vendor/id or a link, or its id
// alone.
func (c *command) orderRef(s *session, text string) (Ref, error) {
	if u, err := url.Parse(text); err == nil && u.Scheme != "" && u.Host != "" {
		text = strings.TrimPrefix(u.EscapedPath(), "/o/")
		if plain, err := url.PathUnescape(text); err == nil {
			text = plain
		}
	}
	if vendor, id, found := strings.Cut(text, "/"); found && slices.Contains(Vendors, vendor) {
		return Ref{vendor, id}, nil
	}
	var state State
	if err := s.get(c.ctx, "/api/state", &state); err != nil {
		return Ref{}, err
	}
	for _, card := range state.Orders {
		if card.ID == text || card.TheirID == text {
			return Ref{card.Vendor, card.ID}, nil
		}
	}
	return Ref{}, usagef("there is no order %q: the sandbox forgets them when it ends", text)
}

// onRunning does something with the one argument of a command, at the sandbox that
// runs; what says what the argument has to be.
func (c *command) onRunning(args []string, what string, do func(s *session, text string) error) error {
	text, err := one(args, what)
	if err != nil {
		return err
	}
	s, err := c.needRunning()
	if err != nil {
		return err
	}
	defer s.close()
	return do(s, text)
}

// onOrder is onRunning for an order.
func (c *command) onOrder(args []string, do func(*session, Ref) error) error {
	return c.onRunning(args, "the order, as trigger prints it,", func(s *session, text string) error {
		ref, err := c.orderRef(s, text)
		if err != nil {
			return err
		}
		return do(s, ref)
	})
}

// pollEvery is how often a command looks at an order.
const pollEvery = 50 * time.Millisecond

func (c *command) wait(f *flag.FlagSet) func([]string) error {
	status := f.String("status", string(Finished), "`STATUS` to wait for: open, completed, rejected, cancelled, or a status as the vendor writes it")
	timeout := f.Duration("timeout", 30*time.Second, "how `LONG` to wait")
	form := format(f, "text", formJSON)
	return func(args []string) error {
		if meant := nearmiss.Of(*status, groupNames()); meant != "" && !strings.EqualFold(meant, *status) {
			return unknown("status", *status, groupNames())
		}
		return c.onOrder(args, func(s *session, ref Ref) error {
			card, err := s.waitFor(c.ctx, ref, *status, *timeout)
			if card != nil {
				if err := c.showCard(s, *card, *form); err != nil {
					return err
				}
			}
			return err
		})
	}
}

func groupNames() []string {
	var names []string
	for _, g := range groups {
		names = append(names, string(g))
	}
	return names
}

// waitFor waits until the ATS shows a status. It returns the order as it was last seen.
func (s *session) waitFor(ctx context.Context, ref Ref, status string, timeout time.Duration) (*Card, error) {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		card, err := s.card(ctx, ref)
		switch {
		case err != nil:
			return nil, err
		case card.is(status):
			return card, nil
		case card.over(status):
			return card, outcomef("the order is %s, so that it will not be %s", card.Status, status)
		}
		select {
		case <-tick.C:
		case <-within.Done():
			return card, outcomef("after %s the order is still %s%s", timeout, card.Status, noteOf(*card))
		}
	}
}

// card is an order as the ATS shows it.
func (s *session) card(ctx context.Context, ref Ref) (*Card, error) {
	var result Result
	if err := s.get(ctx, "/api/order/"+url.PathEscape(ref.Vendor)+"/"+url.PathEscape(ref.ID), &result); err != nil {
		return nil, err
	}
	if result.Order == nil {
		return nil, errors.New("the sandbox answered without an order")
	}
	return result.Order, nil
}

// is tells whether an order is in a group, or has a status as the vendor writes it.
func (c Card) is(status string) bool {
	return strings.EqualFold(string(c.Group), status) || strings.EqualFold(c.Status, status)
}

// over tells whether an order has come to another end than the one that is meant.
func (c Card) over(status string) bool {
	return c.Group != Open && slices.Contains(groupNames(), strings.ToLower(status))
}

func noteOf(c Card) string {
	if c.Note == "" {
		return ""
	}
	return ": " + c.Note
}

// showCard shows an order as the ATS does.
func (c *command) showCard(s *session, card Card, form string) error {
	if form == formJSON {
		return c.writeJSON(card)
	}
	lines := []string{"order " + card.Vendor + "/" + card.ID, "status: " + card.Status}
	for _, line := range append([]Line{{"score", card.Score}, {"link", card.Link}, {"message", card.Message}, {"note", card.Note}}, card.Lines...) {
		if line.Value != "" {
			lines = append(lines, excerpt(line.Label+": "+line.Value, false))
		}
	}
	if link := s.link(orderLink(card.Vendor, card.ID)); link != "" {
		lines = append(lines, link)
	}
	return c.write(strings.Join(lines, "\n") + "\n")
}

func (c *command) replay(f *flag.FlagSet) func([]string) error {
	form := format(f, "text", formJSON)
	expect := expectFlag(f)
	signed := f.Bool("signed", false, "sign anew, in place of the same bytes with the same signature")
	verbose := f.Bool("v", false, "show requests, and answers in full")
	return func(args []string) error {
		return c.onRunning(args, "the message, which is the number in its link /x/N, or an order,", func(s *session, text string) error {
			row, err := c.messageOf(s, text)
			if err != nil {
				return err
			}
			what := Resend{Row: row, Mode: ResendSame}
			if *signed {
				what.Mode = ResendSigned
			}
			var result Result
			if err := s.post(c.ctx, "/api/resend", what, &result); err != nil {
				return err
			}
			return c.showResults(s, []Result{result}, *form, *expect, *verbose)
		})
	}
}

// messageOf is the number of a message: as given, or of the last one to the provider about
// an order.
func (c *command) messageOf(s *session, text string) (int, error) {
	if i := strings.LastIndex(text, "/x/"); i >= 0 {
		text = text[i+len("/x/"):]
	}
	if n, err := strconv.Atoi(text); err == nil && len(text) < 10 {
		return n, nil
	}
	ref, err := c.orderRef(s, text)
	if err != nil {
		return 0, err
	}
	var state State
	if err := s.get(c.ctx, "/api/state", &state); err != nil {
		return 0, err
	}
	for _, row := range slices.Backward(state.Rows) {
		if row.ToProvider && row.Vendor == ref.Vendor && row.Order == ref.ID {
			return row.N, nil
		}
	}
	return 0, usagef("nothing was sent about the order %s", text)
}

func (c *command) cancel(f *flag.FlagSet) func([]string) error {
	form := format(f, "text", formJSON)
	expect := expectFlag(f)
	restart := f.Bool("restart", false, "start it again afterwards, as a recruiter does who mends the data")
	verbose := f.Bool("v", false, "show requests, and answers in full")
	return func(args []string) error {
		return c.onOrder(args, func(s *session, ref Ref) error {
			if ref.Vendor != Ashby {
				return usagef("%s has no way to cancel an order", label(ref.Vendor))
			}
			verb := verbCancel
			if *restart {
				verb = verbRestart
			}
			var result Result
			act := map[string]string{"vendor": ref.Vendor, "order": ref.ID, "verb": verb.Name}
			if err := s.post(c.ctx, "/api/act", act, &result); err != nil {
				return err
			}
			return c.showResults(s, []Result{result}, *form, *expect, *verbose)
		})
	}
}

func (c *command) reset(*flag.FlagSet) func([]string) error {
	return func(args []string) error {
		if err := none(args); err != nil {
			return err
		}
		s, err := c.needRunning()
		if err != nil {
			return err
		}
		defer s.close()
		if err := s.post(c.ctx, "/api/reset", struct{}{}, &Result{}); err != nil {
			return err
		}
		c.say("no orders, and the same ids again")
		return nil
	}
}
