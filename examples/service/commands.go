package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
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
	{"gates", "", "what is held back, why, and how much waits behind it", listGates},
	{"accounts waiting", "", "the accounts with the most results to write", watched("accounts", printWaiting)},
	{"accounts silent", "", "accounts that used to order and do not", watched("accounts", printSilent)},
	{"at-risk", "", "orders that were answered with a fault and did not come again", watched("at-risk", printAtRisk)},
	{"pause", "starts|results|reconcile", "hold something of a vendor or of one account back", turn(false)},
	{"resume", "starts|results|reconcile", "go on with it", turn(true)},
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

// baseURL is where the second port is, from a flag or from where the service
// listens.
func baseURL(address, listens string) (string, error) {
	if address == "" {
		address = listens
	}
	if strings.Contains(address, "://") {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			return "", misused("--service: want host:port or http://host:port")
		}
		return strings.TrimSuffix(u.Scheme+"://"+u.Host+u.Path, "/"), nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return "", misused("--service: want host:port or http://host:port")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // it listens everywhere
	}
	return "http://" + net.JoinHostPort(host, port), nil
}

// scopeFlags say whose it is.
func scopeFlags(flags *flag.FlagSet, vendor *assessment.Vendor, connection, account *string) {
	flags.Func("vendor", "kombo, stackone or ashby", func(text string) error {
		if *vendor = assessment.Vendor(text); !vendor.Known() {
			return errors.New("want kombo, stackone or ashby")
		}
		return nil
	})
	flags.StringVar(connection, "connection", "", "one of several connections of the vendor, by its name")
	flags.StringVar(account, "account", "", "one customer: Kombo's integration, StackOne's account, the name of Ashby's customer")
}

// personFlags say who does it.
func personFlags(flags *flag.FlagSet, p *person) {
	flags.StringVar(&p.Actor, "actor", "", "who does it; required, and kept in the journal")
	flags.StringVar(&p.Reason, "reason", "", "why; required, and kept in the journal; must not name a candidate")
}

func (p person) check() error {
	if p.Actor == "" || p.Reason == "" {
		return misused("--actor and --reason are required: they are kept in the journal")
	}
	return nil
}

// filterFlags choose what needs attention.
func filterFlags(flags *flag.FlagSet, w *which) {
	scopeFlags(flags, &w.Vendor, &w.Connection, &w.Account)
	flags.StringVar(&w.State, "state", "", "refused, uncertain or late; of orders the reason, such as faulting")
	flags.StringVar(&w.Code, "code", "", "the vendor's error code")
	flags.StringVar(&w.Operation, "operation", "", "the call that was refused, as in the list")
	flags.Func("since", "when it was refused, or taken: a time, a day, or a duration such as 36h or 7d before now", moment(&w.Since))
	flags.Func("until", "the same, exclusively", moment(&w.Until))
}

// chooses says whether anything limits what is meant.
func (w which) chooses() bool {
	w.What = ""
	return !reflect.ValueOf(w).IsZero()
}

// check refuses what cannot be meant.
func (w which) check() error {
	if w.Connection != "" && w.Vendor == "" {
		return misused("--connection needs --vendor")
	}
	if w.What == aboutOrders {
		if w.Code != "" || w.Operation != "" {
			return misused("orders have no --code and no --operation: no vendor refused them")
		}
		return nil
	}
	switch w.State {
	case "", "refused", "uncertain", "late":
		return nil
	}
	return misused("--state: want refused, uncertain or late")
}

// moment reads a point in time, in words that an operator would use.
func moment(into *time.Time) func(string) error {
	return func(text string) error {
		for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04"} {
			if at, err := time.Parse(layout, text); err == nil {
				*into = at
				return nil
			}
		}
		scaled := text
		var days int
		if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && text == fmt.Sprintf("%dd", days) {
			scaled = fmt.Sprintf("%dh", 24*days)
		}
		ago, err := time.ParseDuration(scaled)
		if err != nil || ago <= 0 {
			return errors.New("want a time such as 2026-11-25T10:00:00Z, a day, or a duration such as 36h or 7d")
		}
		*into = time.Now().Add(-ago)
		return nil
	}
}

func attentionList(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q attentionQuestion
	filterFlags(flags, &q.which)
	flags.StringVar(&q.What, "what", "", "results or orders; both if empty")
	flags.IntVar(&q.Max, "max", 0, "how many of each, the oldest first; 0 is all")
	return func(ctx context.Context, s *session, words []string) error {
		q.Orders = words
		kinds := []string{aboutResults, aboutOrders}
		switch {
		case q.What == "" && (q.State != "" || q.Code != "" || q.Operation != ""):
			kinds = kinds[:1] // only results have those
		case q.What != "":
			kinds = []string{q.What}
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
	if w.What != aboutResults && w.What != aboutOrders {
		return misused("--what: want results or orders")
	}
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
		if most > 0 {
			q.Max = most - len(all)
			all = all[:min(len(all), most)]
		}
		if page.Next == 0 || most > 0 && q.Max <= 0 {
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
		flags.StringVar(&q.What, "what", aboutResults, "results or orders")
		flags.BoolVar(&q.Uncertain, "uncertain", false, "also results of which nobody can tell whether the vendor has them: re-driven they may reach it twice")
		flags.BoolVar(&q.DryRun, "dry-run", false, "count, and change nothing")
		flags.IntVar(&q.Max, "max", 0, "how many to change, the oldest first; 0 is all")
		if name == "discard" {
			flags.BoolVar(&q.Late, "late", false, "also results that are unwritten for three days and still tried")
		} else {
			flags.IntVar(&q.PerMinute, "per-minute", 0, "how many results become due in a minute; 0 is 120")
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
	case q.What == aboutOrders && (q.Uncertain || q.Late || q.PerMinute != 0):
		return misused("orders have no --uncertain, --late or --per-minute")
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
	_, _ = fmt.Fprintf(s.err, "%d match, %d to %s; left out: %d that the vendor has something newer of, %d without content\n",
		count.Matched, count.Changed, name, count.Newer, count.Gone)
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

// none refuses words where a command has none.
func none(words []string) error {
	if len(words) > 0 {
		return misused("unknown argument %q", words[0])
	}
	return nil
}

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
		scopeFlags(flags, &q.Vendor, &q.Connection, &q.Account)
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

// candidateFlags name a candidate by the vendor's id.
func candidateFlags(flags *flag.FlagSet, q *subjectQuestion) {
	scopeFlags(flags, &q.Vendor, &q.Connection, &q.Account)
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
		if err := s.print(a, func(t *table) { t.erased(a) }); err != nil {
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

func offboard(flags *flag.FlagSet) func(context.Context, *session, []string) error {
	var q offboardQuestion
	scopeFlags(flags, &q.Vendor, &q.Connection, &q.Account)
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
	scopeFlags(flags, &q.Vendor, &q.Connection, &q.Account)
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
