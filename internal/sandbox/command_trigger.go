package sandbox

import (
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// maxTimes bounds how often a command causes an event.
const maxTimes = 1000

func (c *command) trigger(f *flag.FlagSet) func([]string) error {
	t := c.targetFlags(f)
	form := format(f, "text", formJSON)
	expect := expectFlag(f)
	set := fields{}
	f.Var(set, "set", "`PATH=TEXT` or PATH:=JSON sets a field of the order; may be repeated")
	var faults texts
	f.Var(&faults, "fault", "`NAME[=ARGUMENT]` makes the delivery go wrong; may be repeated")
	customer := f.String("customer", "", "`NAME` or id of the customer; else the first one")
	packageID := f.String("package", "", "`ID` of the package; else the first that is offered")
	bodyFile := f.String("body", "", "`FILE` whose bytes are sent, signed, in place of the vendor's; - is stdin")
	times := f.Int("times", 1, "how many `TIMES` the event happens")
	atOnce := f.Bool("at-once", false, "at the same moment, with --times")
	verbose := f.Bool("v", false, "show requests, and answers in full")
	return func(args []string) error {
		event, err := one(args, "the event, such as kombo.order,")
		switch {
		case err != nil:
			return err
		case *times < 1 || *times > maxTimes:
			return usagef("--times is between 1 and %d", maxTimes)
		}
		body, err := readBody(*bodyFile)
		if err != nil {
			return err
		}
		s, _, err := c.session(t)
		if err != nil {
			return err
		}
		defer s.close()
		what := Trigger{Event: event, Body: body, Request: Request{Customer: *customer, Package: *packageID, Set: set, Faults: faults}}
		results, err := c.cause(s, what, *times, *atOnce)
		if err != nil {
			return err
		}
		return c.showResults(s, results, *form, *expect, *verbose)
	}
}

// fields are those that --set sets.
type fields map[string]any

func (f fields) String() string { return "" }

// Set implements [flag.Value].
func (f fields) Set(text string) error {
	path, value, found := strings.Cut(text, "=")
	if !found || path == "" || path == ":" {
		return usagef("it is PATH=TEXT or PATH:=JSON")
	}
	if name, isJSON := strings.CutSuffix(path, ":"); isJSON {
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			return usagef("%s:= takes JSON, and what stands there is none", name)
		}
		f[name] = v
		return nil
	}
	f[path] = value
	return nil
}

// readBody reads a body of the user's own; nil: there is none.
func readBody(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	read := func() ([]byte, error) { return os.ReadFile(filepath.Clean(name)) }
	if name == "-" {
		read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	body, err := read()
	switch {
	case err != nil:
		return nil, failure{ExitUsage, err}
	case body == nil:
		body = []byte{}
	case len(body) > maxForm/2:
		return nil, usagef("a body has at most %d bytes here", maxForm/2)
	}
	return body, nil
}

// cause causes an event some times, one after the other or at once.
func (c *command) cause(s *session, what Trigger, times int, atOnce bool) ([]Result, error) {
	results, errs := make([]Result, times), make([]error, times)
	single := func(i int) { errs[i] = s.post(c.ctx, "/api/trigger", what, &results[i]) }
	var group sync.WaitGroup
	for i := range times {
		if atOnce {
			group.Go(func() { single(i) })
			continue
		}
		if single(i); errs[i] != nil {
			return nil, errs[i]
		}
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// showResults shows what came of events and says whether that was expected.
func (c *command) showResults(s *session, results []Result, form, expect string, verbose bool) error {
	var rows []RowJSON
	for _, r := range results {
		rows = append(rows, r.Rows...)
	}
	if form == formJSON {
		for i := range results {
			results[i].Link = s.link(results[i].Link)
		}
		if err := c.writeJSON(results); err != nil {
			return err
		}
		return judgeRows(rows, expect)
	}
	for _, r := range results {
		for _, row := range r.Rows {
			if err := c.write(c.tell(row, verbose)); err != nil {
				return err
			}
		}
		if r.Order != nil {
			if err := c.write("order " + r.Order.Vendor + "/" + r.Order.ID + "\n"); err != nil {
				return err
			}
		}
		if link := s.link(r.Link); link != "" {
			if err := c.write(link + "\n"); err != nil {
				return err
			}
		}
	}
	return judgeRows(rows, expect)
}
