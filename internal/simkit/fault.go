package simkit

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault makes one call of an API go wrong in a certain way. S is the simulator, to
// which a fault turns for the vendor's own words. The zero value is no fault.
type Fault[S any] struct {
	name string // with its arguments
	// skips: the operation is not executed.
	skips bool
	// applied: the operation is executed first, and only then the rest happens.
	applied  bool
	outer    time.Duration // the wait before an operation that is executed first
	delay    time.Duration // the wait that [Fault.After] added
	wait     time.Duration // the fault's own
	rewrite  func(S, Reply) Reply
	header   map[string]string
	warnings []string
}

// The words of the notation that are not names of faults.
const (
	nothing     = "none" // a fault without a name that has modifiers
	appliedThen = "applied, then "
	modAfter    = "after"
	modBefore   = "before" // the wait before an operation that is executed first
	modHeader   = "header"
)

// String returns the name with its arguments and the modifiers, in the form that
// [ParseFault] reads.
func (f Fault[S]) String() string {
	text := f.name
	if f.applied {
		text = appliedThen + f.name
	}
	var modifiers []string
	if f.delay > 0 {
		modifiers = append(modifiers, label(modAfter, f.delay))
	}
	for _, name := range slices.Sorted(maps.Keys(f.header)) {
		modifiers = append(modifiers, label(modHeader, name, f.header[name]))
	}
	if f.outer > 0 {
		modifiers = append(modifiers, label(modBefore, f.outer))
	}
	if len(modifiers) == 0 {
		return text
	}
	if f.name == "" {
		text += nothing
	}
	return text + "; " + strings.Join(modifiers, "; ")
}

// Header returns the fault with a response header set, or removed if the value is
// empty.
func (f Fault[S]) Header(name, value string) Fault[S] {
	f.header = maps.Clone(f.header)
	if f.header == nil {
		f.header = map[string]string{}
	}
	f.header[http.CanonicalHeaderKey(name)] = value
	return f
}

// After returns the fault happening only after a wait.
func (f Fault[S]) After(d time.Duration) Fault[S] {
	if f.applied {
		f.outer += d
		return f
	}
	f.delay += d
	return f
}

// Named returns the fault under another name.
func (f Fault[S]) Named(name string, args ...any) Fault[S] {
	f.name = label(name, args...)
	return f
}

// AppliedThen executes the operation and only then lets the fault happen, its wait
// included. The answer of the operation is lost unless the fault keeps it.
func AppliedThen[S any](f Fault[S]) Fault[S] {
	f.applied, f.skips = true, false
	f.delay, f.outer = f.delay+f.outer, 0
	return f
}

// Instead answers in place of the operation, which is not executed.
func Instead[S any](answer func(S) Reply, name string, args ...any) Fault[S] {
	return Fault[S]{name: label(name, args...), skips: true, rewrite: func(s S, _ Reply) Reply { return answer(s) }}
}

// Damaged executes the operation and spoils its answer.
func Damaged[S any](damage func(*Reply), name string, args ...any) Fault[S] {
	return Fault[S]{name: label(name, args...), rewrite: func(_ S, r Reply) Reply {
		damage(&r)
		return r
	}}
}

const loadBalancerPage = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n" +
	"<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n"

// LoadBalancer503 answers 503 with the page of a load balancer.
func LoadBalancer503[S any]() Fault[S] {
	return RawBody[S](http.StatusServiceUnavailable, "text/html", loadBalancerPage).Named("load balancer 503")
}

// HTMLBody answers 200 with a page instead of JSON, as a proxy might.
func HTMLBody[S any]() Fault[S] {
	return RawBody[S](http.StatusOK, "text/html", "<html><body>Please sign in.</body></html>").Named("HTML body")
}

// RawBody answers with any bytes.
func RawBody[S any](status int, contentType, body string) Fault[S] {
	return Instead(func(S) Reply { return TextReply(status, contentType, body) }, "raw body", status, contentType, body)
}

// Redirect answers 307 with the location given.
func Redirect[S any](location string) Fault[S] {
	return Instead(func(S) Reply {
		r := TextReply(http.StatusTemporaryRedirect, "text/html", "")
		r.Header.Set("Location", location)
		return r
	}, "redirect", location)
}

// Reset resets the connection before the operation is executed.
func Reset[S any]() Fault[S] {
	return Instead(func(S) Reply { return Reply{Reset: true} }, "reset")
}

// Slow executes the operation after a wait. If the caller gives up before, the
// operation is not executed.
func Slow[S any](d time.Duration) Fault[S] { return Fault[S]{name: label("slow", d), wait: d} }

// SlowBody answers with the header at once and with the body after a wait.
func SlowBody[S any](d time.Duration) Fault[S] {
	return Damaged[S](func(r *Reply) { r.BodyDelay = d }, "slow body", d)
}

// EmptyBody answers with the status and no body.
func EmptyBody[S any]() Fault[S] {
	return Damaged[S](func(r *Reply) { r.Body = nil }, "empty body")
}

// TruncatedJSON answers with the first half of the body as if it were all.
func TruncatedJSON[S any]() Fault[S] {
	return Damaged[S](func(r *Reply) { r.Body = r.Body[:len(r.Body)/2] }, "truncated JSON")
}

// CutOff announces the whole body and closes the connection after half of it.
func CutOff[S any]() Fault[S] {
	return Damaged[S](func(r *Reply) { r.CutOff = true }, "cut off")
}

// Warning executes the operation and adds a warning to its answer, if the vendor's
// answers have any.
func Warning[S any](text string) Fault[S] {
	return Fault[S]{name: label("warning", text), warnings: []string{text}}
}

// Faults are those that name no vendor.
func Faults[S any]() Catalogue[Fault[S]] {
	return Catalogue[Fault[S]]{
		{"load balancer 503", "", func(*Args) Fault[S] { return LoadBalancer503[S]() }},
		{"HTML body", "", func(*Args) Fault[S] { return HTMLBody[S]() }},
		{"redirect", "LOCATION", func(a *Args) Fault[S] { return Redirect[S](a.Text()) }},
		{"reset", "", func(*Args) Fault[S] { return Reset[S]() }},
		{"slow", "DURATION", func(a *Args) Fault[S] { return Slow[S](a.Duration()) }},
		{"slow body", "DURATION", func(a *Args) Fault[S] { return SlowBody[S](a.Duration()) }},
		{"empty body", "", func(*Args) Fault[S] { return EmptyBody[S]() }},
		{"truncated JSON", "", func(*Args) Fault[S] { return TruncatedJSON[S]() }},
		{"cut off", "", func(*Args) Fault[S] { return CutOff[S]() }},
		{nothing, "", func(*Args) Fault[S] { return Fault[S]{} }},
	}
}

// ParseFault reads what [Fault.String] writes. In a name, hyphens stand for blanks
// and case does not matter. Before it, "applied, then" may stand; after it, each
// with "; " before it, "after=DURATION", "before=DURATION" and "header=NAME,VALUE".
func ParseFault[S any](known Catalogue[Fault[S]], text string) (Fault[S], error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Fault[S]{}, nil
	}
	parts, err := splitFault(text)
	if err != nil {
		return Fault[S]{}, fmt.Errorf("fault %q: %w", text, err)
	}
	name, applied := cutApplied(parts[0])
	f, err := known.parse(name)
	if err != nil {
		return Fault[S]{}, err
	}
	if applied {
		f = AppliedThen(f)
	}
	for _, modifier := range parts[1:] {
		change, err := modifiers[S]().parse(modifier)
		if err != nil {
			return Fault[S]{}, err
		}
		f = change(f)
	}
	return f, nil
}

// cutApplied also takes the form of a command line: applied-then-reset.
func cutApplied(name string) (rest string, applied bool) {
	plain := strings.NewReplacer("-", " ", "_", " ").Replace(strings.ToLower(name))
	for _, prefix := range []string{appliedThen, "applied then "} {
		if strings.HasPrefix(plain, prefix) {
			return name[len(prefix):], true
		}
	}
	return name, false
}

func modifiers[S any]() Catalogue[func(Fault[S]) Fault[S]] {
	return Catalogue[func(Fault[S]) Fault[S]]{
		{modHeader, "NAME,VALUE", func(a *Args) func(Fault[S]) Fault[S] {
			name, value := a.Text(), a.Text()
			return func(f Fault[S]) Fault[S] { return f.Header(name, value) }
		}},
		{modAfter, "DURATION", func(a *Args) func(Fault[S]) Fault[S] {
			d := a.Duration()
			return func(f Fault[S]) Fault[S] {
				f.delay += d
				return f
			}
		}},
		{modBefore, "DURATION", func(a *Args) func(Fault[S]) Fault[S] {
			d := a.Duration()
			return func(f Fault[S]) Fault[S] { return f.After(d) }
		}},
	}
}

// splitFault cuts a fault into its name and modifiers, not inside JSON arguments.
func splitFault(text string) ([]string, error) {
	var parts []string
	for {
		name, rest, hasArgs := strings.Cut(text, "=")
		if end := strings.IndexByte(name, ';'); end >= 0 || !hasArgs {
			head, tail, more := strings.Cut(text, ";")
			parts = append(parts, strings.TrimSpace(head))
			if !more {
				return parts, nil
			}
			text = tail
			continue
		}
		end, err := argsEnd(rest)
		if err != nil {
			return nil, err
		}
		parts = append(parts, strings.TrimSpace(name)+"="+rest[:end])
		if end == len(rest) {
			return parts, nil
		}
		text = rest[end+1:]
	}
}

// argsEnd finds the semicolon after a list of arguments.
func argsEnd(text string) (int, error) {
	at := 0
	for at < len(text) {
		switch text[at] {
		case ';':
			return at, nil
		case ',', ' ':
			at++
			continue
		}
		if strings.ContainsAny(text[at:at+1], `{["`) {
			end, err := itemEnd(text[at:], ',')
			if err != nil {
				return 0, err
			}
			at += end
			continue
		}
		end := strings.IndexAny(text[at:], ",;")
		if end < 0 {
			return len(text), nil
		}
		at += end
	}
	return len(text), nil
}

// faultQueue is what the next calls will meet.
type faultQueue[S any] struct {
	mu     sync.Mutex
	queues map[string][]Fault[S]
	calls  map[string]int
	chaos  func(op string, n int) Fault[S]
}

// anyOp stands for every operation.
const anyOp = "*"

func (q *faultQueue[S]) add(op string, faults []Fault[S]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queues[op] = append(q.queues[op], faults...)
}

func (q *faultQueue[S]) setChaos(choose func(op string, n int) Fault[S]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.chaos = choose
}

func (q *faultQueue[S]) pending() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, queue := range q.queues {
		n += len(queue)
	}
	return n
}

// next is the fault of a call. The chooser is called without the lock: it may ask
// the simulator.
func (q *faultQueue[S]) next(op string) Fault[S] {
	fault, choose, n := q.queued(op)
	if choose == nil {
		return fault
	}
	return choose(op, n)
}

func (q *faultQueue[S]) queued(op string) (fault Fault[S], choose func(op string, n int) Fault[S], n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls[op]++
	for _, key := range []string{op, anyOp} {
		if queue := q.queues[key]; len(queue) > 0 {
			q.queues[key] = queue[1:]
			return queue[0], nil, 0
		}
	}
	return Fault[S]{}, q.chaos, q.calls[op]
}
