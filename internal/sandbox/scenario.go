package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/nearmiss"
	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

// scenario is a story that a recruiter plays: orders, waits and what is to be seen.
type scenario struct {
	Name  string
	Steps []step
}

// step is one thing that happens. Its kind is the field that begins it.
type step struct {
	line int
	kind string // order, fault, do, wait or expect

	word     string // what stands behind the kind
	as       string // the name of an order for later steps
	of       string // the order that the step is about; empty: the latest
	vendor   string
	customer string
	pack     string
	call     string
	set      map[string]any
	faults   []string
	times    int
	expect   string
	timeout  time.Duration
	want     map[string]string // of expect
}

// stepFields are the fields of a step by its kind, which is a field as well.
var stepFields = map[string][]string{
	"order":  {"as", "customer", "package", "set", "fault", "expect"},
	"fault":  {"vendor", "call", "times"},
	"do":     {"of", "vendor", "customer", "expect"},
	"wait":   {"of", "timeout"},
	"expect": {"of"},
}

// stepKinds are in the order in which they are looked for: an order has faults and
// expectations of its own.
var stepKinds = []string{"order", "do", "wait", "fault", "expect"}

// shown are what an ATS shows of an order, by the name in a scenario.
var shown = map[string]func(Card) string{
	"status": func(c Card) string { return string(c.Group) }, "vendor-status": func(c Card) string { return c.Status },
	"score": func(c Card) string { return c.Score }, "message": func(c Card) string { return c.Message },
	"link": func(c Card) string { return c.Link }, "candidate": func(c Card) string { return c.Candidate },
}

// defaultWait is how long a scenario waits for a status.
const defaultWait = 30 * time.Second

// openScenario opens a scenario that is built in, or a file.
func openScenario(name string) (fs.File, error) {
	if !strings.ContainsAny(name, `./\`) {
		if file, err := builtInScenarios.Open("scenarios/" + name + ".yaml"); err == nil {
			return file, nil
		}
	}
	file, err := os.Open(filepath.Clean(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("%s is neither a file nor a scenario that is built in%s", name,
			orDefault(nearmiss.Hint(name, scenarioNames()), ": list scenarios has them all"))
	}
	if err != nil {
		return nil, failure{ExitUsage, err}
	}
	return file, nil
}

// readScenario reads a scenario, strictly.
func readScenario(file fs.File, name string) (scenario, error) {
	var s scenario
	err := yamlfile.Read(file, name, func(top yamlfile.Value) {
		m, ok := top.Mapping("name", "steps")
		if !ok {
			return
		}
		s.Name = m.Text("name")
		known := map[string]bool{}
		for i, value := range m.RequiredList("steps") {
			if one, ok := readStep(value.Element("step", i), known); ok {
				s.Steps = append(s.Steps, one)
			}
		}
	})
	if err != nil {
		return s, failure{ExitUsage, err}
	}
	return s, nil
}

// readStep reads one step. Known are the names of the orders before it.
func readStep(v yamlfile.Value, known map[string]bool) (step, bool) {
	all := slices.Clone(stepKinds)
	for _, fields := range stepFields {
		all = append(all, fields...)
	}
	slices.Sort(all)
	m, ok := v.Mapping(slices.Compact(all)...)
	if !ok {
		return step{}, false
	}
	i := slices.IndexFunc(stepKinds, m.Has)
	if i < 0 {
		v.Problemf("it is none of %s", strings.Join(stepKinds, ", "))
		return step{}, false
	}
	s := step{line: v.Line(), kind: stepKinds[i], times: 1, expect: expectAccepted, timeout: defaultWait}
	for _, field := range all {
		if m.Has(field) && field != s.kind && !slices.Contains(stepFields[s.kind], field) {
			m.ProblemOf(field, "a step with %q takes no %q: it takes %s", s.kind, field, strings.Join(stepFields[s.kind], ", "))
			return step{}, false
		}
	}
	s.read(m, known)
	return s, true
}

func (s *step) read(m yamlfile.Mapping, known map[string]bool) {
	if s.kind == "expect" {
		s.readWant(m)
	} else {
		s.word = m.Required(s.kind)
	}
	s.as, s.of, s.vendor, s.customer, s.pack = m.Text("as"), m.Text("of"), m.Text("vendor"), m.Text("customer"), m.Text("package")
	s.call = orDefault(m.Text("call"), callAny)
	if s.of != "" && !known[s.of] {
		m.ProblemOf("of", "no order before is named %q%s", s.of, nearmiss.Hint(s.of, slices.Sorted(maps.Keys(known))))
	}
	if s.vendor != "" && !slices.Contains(Vendors, s.vendor) {
		m.ProblemOf("vendor", "there is no vendor %q%s", s.vendor, nearmiss.Hint(s.vendor, Vendors))
	}
	if s.kind == "order" || s.kind == "do" {
		s.readExpectation(m)
	}
	switch s.kind {
	case "order":
		s.readOrder(m)
		known[s.as] = true
	case "fault":
		s.readFault(m)
	case "wait":
		if d := durationOf(m, "timeout"); d > 0 {
			s.timeout = d
		}
		if meant := nearmiss.Of(s.word, groupNames()); meant != "" && !strings.EqualFold(meant, s.word) {
			m.ProblemOf("wait", "there is no status %q, did you mean %q?", s.word, meant)
		}
	}
}

func (s *step) readExpectation(m yamlfile.Mapping) {
	if text := m.Text("expect"); text != "" {
		if !slices.Contains(expectations, text) {
			m.ProblemOf("expect", "it is one of %s%s", strings.Join(expectations, ", "), nearmiss.Hint(text, expectations))
		}
		s.expect = text
	}
}

func (s *step) readOrder(m yamlfile.Mapping) {
	i := slices.IndexFunc(events, func(e event) bool { return e.name() == s.word })
	if i < 0 {
		m.ProblemOf("order", "there is no event %q%s", s.word, nearmiss.Hint(s.word, eventNames()))
		return
	}
	s.vendor = events[i].Vendor
	if value, filled := m.Field("set"); filled {
		s.set = fields{}
		for _, e := range value.Entries("set") {
			if err := fields(s.set).Set(e.Name + "=" + e.Value.Text(e.Name)); err != nil {
				e.Value.Problemf("%s: %v", e.Name, err)
			}
		}
	}
	s.faults = textsOf(m, "fault")
	if err := checkFaults(s.vendor, s.faults); err != nil {
		m.ProblemOf("fault", "%v", err)
	}
}

func (s *step) readFault(m yamlfile.Mapping) {
	switch {
	case s.vendor == "":
		m.Problemf("a fault of a call names its vendor")
		return
	case !slices.Contains(Vendors, s.vendor):
		return // which was reported
	}
	if err := knownForm("fault of a call", s.word, callForms[s.vendor](), "list call-faults --vendor "+s.vendor); err != nil {
		m.ProblemOf("fault", "%v", err)
	}
	if _, found := calls[s.vendor][s.call]; !found {
		m.ProblemOf("call", "there is no call %q%s", s.call, nearmiss.Hint(s.call, slices.Sorted(maps.Keys(calls[s.vendor]))))
	}
	if text := m.Text("times"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxTimes {
			m.ProblemOf("times", "times is between 1 and %d", maxTimes)
		}
		s.times = n
	}
}

func (s *step) readWant(m yamlfile.Mapping) {
	value, filled := m.Field("expect")
	if !filled {
		m.ProblemOf("expect", "nothing is expected")
		return
	}
	names := slices.Sorted(maps.Keys(shown))
	fields, ok := value.Mapping(names...)
	if !ok {
		return
	}
	s.want = map[string]string{}
	for _, name := range names {
		if fields.Has(name) {
			s.want[name] = fields.Text(name)
		}
	}
	if want, given := s.want["status"]; given && !slices.Contains(groupNames(), want) {
		fields.ProblemOf("status", "status is one of %s%s; vendor-status is the vendor's own", strings.Join(groupNames(), ", "), nearmiss.Hint(want, groupNames()))
	}
}

// eventOf is the event that places an order of a request.
func eventOf(r Request) string { return r.Vendor + "." + orDefault(r.Kind, KindOrder) }

// settings of a request as --set and scenarios have them: candidate first.
func (r Request) sets() [][2]string {
	var all [][2]string
	for _, one := range [][2]string{{"candidate.first_name", r.First}, {"candidate.last_name", r.Last}, {"candidate.email", r.Email}} {
		if _, again := r.Set[one[0]]; one[1] != "" && !again && r.Kind != KindBackground {
			all = append(all, one)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(r.Set)) {
		if text, isText := r.Set[path].(string); isText {
			all = append(all, [2]string{path, text})
			continue
		}
		data, _ := json.Marshal(r.Set[path]) // it came from JSON
		all = append(all, [2]string{path + ":", string(data)})
	}
	return all
}

// allFaults are those of a request, and what is a fault though it has a field.
func (r Request) allFaults() []string {
	if r.Twice {
		return append(slices.Clone(r.Faults), "duplicate at once=1")
	}
	return r.Faults
}

// triggerLine is a request as a command line.
func triggerLine(r Request) string {
	var b strings.Builder
	b.WriteString("trigger " + eventOf(r))
	for _, one := range [][2]string{{"customer", r.Customer}, {"package", r.Package}} {
		if one[1] != "" {
			fmt.Fprintf(&b, " --%s %s", one[0], bareWord(one[1]))
		}
	}
	for _, one := range r.sets() {
		b.WriteString(" --set " + bareWord(one[0]+"="+one[1]))
	}
	for _, fault := range r.allFaults() {
		b.WriteString(" --fault " + bareWord(fault))
	}
	return b.String()
}

// bareWord quotes a text for a shell if it has to be.
func bareWord(text string) string {
	if text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-:/@=+,", r)
	}) {
		return text
	}
	return shellWord(text)
}

// scenarioOf is a request as a scenario that expects of it what happened.
func scenarioOf(r Request, expect string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nsteps:\n  - order: %s\n", yamlText("An order of "+label(r.Vendor)), eventOf(r))
	for _, one := range [][2]string{{"customer", r.Customer}, {"package", r.Package}} {
		if one[1] != "" {
			fmt.Fprintf(&b, "    %s: %s\n", one[0], yamlText(one[1]))
		}
	}
	if sets := r.sets(); len(sets) > 0 {
		b.WriteString("    set:\n")
		for _, one := range sets {
			fmt.Fprintf(&b, "      %s: %s\n", yamlText(one[0]), yamlText(one[1]))
		}
	}
	if faults := r.allFaults(); len(faults) > 0 {
		b.WriteString("    fault:\n")
		for _, fault := range faults {
			fmt.Fprintf(&b, "      - %s\n", yamlText(fault))
		}
	}
	fmt.Fprintf(&b, "    expect: %s\n", expect)
	return b.String()
}

// yamlText is a text in double quotes: JSON's are YAML's, but for characters that have
// to be escaped there and not here.
func yamlText(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(text, "�") {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// expectationOf is what --expect would have to be for an outcome; empty: nothing fits.
func expectationOf(o Outcome) string {
	for _, name := range expectations {
		if slices.Contains(expected[name], o) {
			return name
		}
	}
	return ""
}
