package simkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A fault has a name and, if it takes any, arguments: "reset", "slow=3s",
// "status=503,REMOTE.SERVICE_UNAVAILABLE". Modifiers follow after "; ". An argument
// is a bare word or, where that could be misread, a JSON value.

// label writes a name with its arguments.
func label(name string, args ...any) string {
	items := make([]string, len(args))
	for i, arg := range args {
		items[i] = item(arg)
	}
	if len(items) == 0 {
		return name
	}
	return name + "=" + strings.Join(items, ",")
}

func item(arg any) string {
	switch arg := arg.(type) {
	case time.Duration:
		return arg.String()
	case string:
		if isBare(arg) {
			return arg
		}
	}
	return string(Encode(arg))
}

// isBare tells whether a text can stand for itself: it has nothing that separates
// arguments and does not look like JSON.
func isBare(text string) bool {
	return text != "" && text == strings.TrimSpace(text) && !strings.ContainsAny(text, ",;\"\\\n") && !strings.ContainsAny(text[:1], "{[")
}

// Args are the arguments of a fault that is being read. A reader that asks for the
// wrong thing gets the zero value, and the reading fails.
type Args struct {
	items []string
	err   error
}

var errMissing = errors.New("an argument is missing")

func (a *Args) next() (string, bool) {
	if len(a.items) == 0 {
		a.fail(errMissing)
		return "", false
	}
	first := a.items[0]
	a.items = a.items[1:]
	return first, true
}

func (a *Args) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// More tells whether arguments are left.
func (a *Args) More() bool { return len(a.items) > 0 }

// Text takes a text.
func (a *Args) Text() string {
	text, ok := a.next()
	if ok && strings.HasPrefix(text, `"`) {
		a.fail(json.Unmarshal([]byte(text), &text))
	}
	return text
}

// OptionalText takes a text if there is one.
func (a *Args) OptionalText() string {
	if !a.More() {
		return ""
	}
	return a.Text()
}

// Texts takes all that are left, of which there must be one.
func (a *Args) Texts() []string {
	list := []string{a.Text()}
	for a.More() {
		list = append(list, a.Text())
	}
	return list
}

// Int takes an integer.
func (a *Args) Int() int {
	text, ok := a.next()
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(text)
	a.fail(err)
	return n
}

// Duration takes a duration in Go's notation, such as 1m30s.
func (a *Args) Duration() time.Duration {
	text, ok := a.next()
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	a.fail(err)
	return d
}

// JSON takes a JSON value.
func (a *Args) JSON(v any) {
	if text, ok := a.next(); ok {
		a.fail(json.Unmarshal([]byte(text), v))
	}
}

// Form is one fault of a [Catalogue].
type Form[F any] struct {
	Name  string
	Takes string // the arguments as a user reads them, such as "DURATION"; empty: none
	Make  func(*Args) F
}

// Catalogue is the faults of a simulator that can be named.
type Catalogue[F any] []Form[F]

// Forms lists them as a user writes them, sorted: "reset", "slow=DURATION".
func (c Catalogue[F]) Forms() []string {
	list := make([]string, len(c))
	for i, form := range c {
		list[i] = form.Name
		if form.Takes != "" {
			list[i] += "=" + form.Takes
		}
	}
	slices.Sort(list)
	return list
}

// parse reads one name with its arguments.
func (c Catalogue[F]) parse(text string) (F, error) {
	var none F
	name, rest, hasArgs := strings.Cut(text, "=")
	i := slices.IndexFunc(c, func(f Form[F]) bool { return folded(f.Name) == folded(name) })
	if i < 0 {
		return none, fmt.Errorf("unknown fault %q", strings.TrimSpace(name))
	}
	args := &Args{}
	if hasArgs {
		args.items, args.err = splitOutsideJSON(rest, ',')
	}
	made := c[i].Make(args)
	switch {
	case args.err != nil:
		return none, fmt.Errorf("fault %q: %w", c[i].Name, args.err)
	case args.More():
		return none, fmt.Errorf("fault %q: too many arguments", c[i].Name)
	}
	return made, nil
}

// folded makes a name easy to type: on a command line blanks are hyphens.
func folded(name string) string {
	return strings.ToLower(strings.NewReplacer("-", " ", "_", " ").Replace(strings.TrimSpace(name)))
}

// splitOutsideJSON cuts a text at a separator, but not inside a JSON value.
func splitOutsideJSON(text string, separator byte) ([]string, error) {
	var list []string
	for {
		text = strings.TrimSpace(text)
		end, err := itemEnd(text, separator)
		if err != nil {
			return nil, err
		}
		list = append(list, strings.TrimSpace(text[:end]))
		rest := strings.TrimSpace(text[end:])
		switch {
		case rest == "":
			return list, nil
		case rest[0] != separator:
			return nil, fmt.Errorf("unexpected text after an argument: %q", rest)
		}
		text = rest[1:]
	}
}

func itemEnd(text string, separator byte) (int, error) {
	if text == "" || !strings.ContainsAny(text[:1], `{["`) {
		if end := strings.IndexByte(text, separator); end >= 0 {
			return end, nil
		}
		return len(text), nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return 0, fmt.Errorf("an argument is not JSON: %w", err)
	}
	return int(d.InputOffset()), nil
}
