package sandbox

import (
	"embed"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed scenarios
var builtInScenarios embed.FS

// scenarioNames are the scenarios that are built in, sorted.
func scenarioNames() []string {
	entries, err := builtInScenarios.ReadDir("scenarios")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

func listScenarios() []listed {
	var all []listed
	for _, name := range scenarioNames() {
		l := listed{Name: name}
		if file, err := openScenario(name); err == nil {
			if s, err := readScenario(file, name); err == nil {
				l.Text = s.Name
				for _, one := range s.Steps {
					if one.vendor != "" && !slices.Contains(l.Vendors, one.vendor) {
						l.Vendors = append(l.Vendors, one.vendor)
					}
				}
			}
		}
		all = append(all, l)
	}
	return all
}

func (c *command) runScenario(f *flag.FlagSet) func([]string) error {
	t := c.targetFlags(f)
	form := format(f, "text", formJSON)
	verbose := f.Bool("v", false, "show requests, and answers in full")
	return func(args []string) error {
		name, err := one(args, "the scenario, a file of YAML or one of list scenarios,")
		if err != nil {
			return err
		}
		file, err := openScenario(name)
		if err != nil {
			return err
		}
		story, err := readScenario(file, name)
		if err != nil {
			return err
		}
		s, _, err := c.session(t)
		if err != nil {
			return err
		}
		defer s.close()
		p := player{command: c, session: s, orders: map[string]Ref{}, verbose: *verbose, quiet: *form == formJSON}
		err = p.play(story)
		if *form == formJSON {
			if err := c.writeJSON(p.told); err != nil {
				return err
			}
		}
		return err
	}
}

// played is what became of a step.
type played struct {
	Step   int       `json:"step"`
	Kind   string    `json:"kind"`
	Rows   []RowJSON `json:"rows,omitempty"`
	Order  *Card     `json:"order,omitempty"`
	Failed string    `json:"failed,omitempty"` // why; empty: as it was to be
}

// player plays a scenario.
type player struct {
	*command
	session *session
	orders  map[string]Ref // by the names of the scenario; "" is the latest
	verbose bool
	quiet   bool
	told    []played
}

// plays are what the kinds of steps do.
func plays() map[string]func(*player, step) (played, error) {
	return map[string]func(*player, step) (played, error){
		"order": (*player).placeOrder, "fault": (*player).fault, "do": (*player).act, "wait": (*player).waits, "expect": (*player).expects,
	}
}

// play plays the steps up to the first that does not end as it was to.
func (p *player) play(s scenario) error {
	for i, one := range s.Steps {
		p.heading("%d. %s %s", i+1, one.kind, orDefault(one.word, "what the ATS shows"))
		is, err := plays()[one.kind](p, one)
		is.Step, is.Kind = i+1, one.kind
		if err != nil {
			is.Failed = err.Error()
		}
		p.told = append(p.told, is)
		if shown := p.show(is); shown != nil {
			return shown
		}
		if err != nil {
			return failure{statusOf(err), fmt.Errorf("step %d, line %d: %w", i+1, one.line, err)}
		}
	}
	p.heading("done: %d steps", len(s.Steps))
	return nil
}

func (p *player) heading(text string, args ...any) {
	if !p.quiet {
		_ = p.write(fmt.Sprintf(text+"\n", args...)) // the next writing reports what is wrong
	}
}

func (p *player) show(is played) error {
	if p.quiet {
		return nil
	}
	for _, row := range is.Rows {
		if err := p.write(p.tell(row, p.verbose)); err != nil {
			return err
		}
	}
	if is.Order != nil && is.Kind != "expect" {
		return p.showCard(p.session, *is.Order, "text")
	}
	return nil
}

func (p *player) placeOrder(s step) (played, error) {
	what := Trigger{Event: s.word, Request: Request{Customer: s.customer, Package: s.pack, Set: s.set, Faults: s.faults}}
	var result Result
	if err := p.session.post(p.ctx, "/api/trigger", what, &result); err != nil {
		return played{}, err
	}
	if result.Order != nil {
		ref := Ref{result.Order.Vendor, result.Order.ID}
		p.orders[s.as], p.orders[""] = ref, ref
	}
	return played{Rows: result.Rows}, judgeRows(result.Rows, s.expect)
}

func (p *player) fault(s step) (played, error) {
	return played{}, p.session.post(p.ctx, "/api/fault", CallFault{Vendor: s.vendor, Call: s.call, Fault: s.word, Times: s.times}, &Result{})
}

// act does what a verb says: to a customer if a vendor is named, else to an order.
func (p *player) act(s step) (played, error) {
	var result Result
	if s.vendor != "" {
		err := p.session.post(p.ctx, "/api/customer", map[string]string{"vendor": s.vendor, "verb": s.word, "customer": s.customer}, &result)
		if err != nil || len(result.Rows) == 0 {
			return played{Rows: result.Rows}, err
		}
		return played{Rows: result.Rows}, judgeRows(result.Rows, s.expect)
	}
	ref, err := p.orderOf(s)
	if err != nil {
		return played{}, err
	}
	if err := p.session.post(p.ctx, "/api/act", map[string]string{"vendor": ref.Vendor, "order": ref.ID, "verb": s.word}, &result); err != nil {
		return played{}, err
	}
	if result.Order != nil {
		p.orders[""] = Ref{result.Order.Vendor, result.Order.ID}
	}
	return played{Rows: result.Rows}, judgeRows(result.Rows, s.expect)
}

func (p *player) orderOf(s step) (Ref, error) {
	ref, found := p.orders[s.of]
	if !found {
		return ref, usagef("there is no order yet")
	}
	return ref, nil
}

func (p *player) waits(s step) (played, error) {
	ref, err := p.orderOf(s)
	if err != nil {
		return played{}, err
	}
	card, err := p.session.waitFor(p.ctx, ref, s.word, s.timeout)
	return played{Order: card}, err
}

func (p *player) expects(s step) (played, error) {
	ref, err := p.orderOf(s)
	if err != nil {
		return played{}, err
	}
	card, err := p.session.card(p.ctx, ref)
	if err != nil {
		return played{}, err
	}
	var off []string
	for _, name := range slices.Sorted(maps.Keys(s.want)) {
		if got := shown[name](*card); got != s.want[name] {
			off = append(off, fmt.Sprintf("%s: expected %q, got %q", name, s.want[name], got))
		}
	}
	if len(off) > 0 {
		return played{Order: card}, outcomef("%s", strings.Join(off, "; "))
	}
	return played{Order: card}, nil
}
