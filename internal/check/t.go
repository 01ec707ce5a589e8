package check

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// T is one run of one check. Its methods may be called concurrently.
type T struct {
	check  Check
	kit    *Kit
	target Target
	opts   Options
	// seed is that of this check's simulators.
	seed uint64

	mu         sync.Mutex
	mismatches []Mismatch
	unjudged   string
	broken     string // a fault of the kit
	worlds     int
	candidates int
	records    []Exchange
	cleanup    []func()
}

func newT(c Check, k *Kit, target Target, opts Options) *T {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d/%s", k.cfg.Seed, c.ID) // a hash takes everything
	return &T{check: c, kit: k, target: target, opts: opts, seed: h.Sum64()}
}

// Mismatch is one thing that is not as it has to be.
type Mismatch struct {
	// Failure is the key of the check's failure, and Consequence its sentence.
	Failure     string `json:"failure"`
	Consequence string `json:"consequence"`
	// What was looked at, in words.
	What string `json:"what"`
	// Path is where in a JSON document, as in "score" or "attributes[0].label".
	Path     string `json:"path,omitempty"`
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
	// Exchange is the number of the exchange in the check's list; 0: none.
	Exchange int `json:"exchange,omitempty"`

	at place
}

// place is an exchange before all of them are known and numbered.
type place struct{ world, id int }

// fail notes a mismatch. A key that the catalogue does not have is the kit's fault.
func (t *T) fail(key string, m Mismatch) {
	failure, known := t.check.failure(key)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !known {
		t.broken = "the catalogue has no failure " + key
		return
	}
	m.Failure, m.Consequence = key, failure.Sentence()
	t.mismatches = append(t.mismatches, m)
}

// notJudged says that nothing can be seen, and why. Mismatches count all the same.
func (t *T) notJudged(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unjudged = why
}

// kitFault notes an error that is the kit's own, and tells whether there is one: then
// the check ends.
func (t *T) kitFault(err error) bool {
	if err == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.broken = err.Error()
	return true
}

// onEnd runs at the end of the check, last first.
func (t *T) onEnd(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cleanup = append(t.cleanup, f)
}

// nextWorld numbers the simulators of the check, and gives each a seed.
func (t *T) nextWorld() (number int, seed uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.worlds++
	return t.worlds, t.seed + uint64(t.worlds)
}

// candidate is somebody whom no other order of the run is about.
type candidate struct{ First, Last, Email string }

func (t *T) candidate() candidate {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.candidates++
	word := fmt.Sprintf("%x-%d", t.seed, t.candidates)
	return candidate{First: "Conny", Last: "Check", Email: "candidate-" + word + "@example.com"}
}

// within waits until something is so, or the time has passed.
func within(ctx context.Context, d time.Duration, so func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return so()
		}
	}
	return true
}

// pause lets time pass in which something wrong would happen.
func pause(ctx context.Context, d time.Duration) {
	within(ctx, d, func() bool { return false })
}

// finish makes the service write a result. It asks again after an error, as a queue
// would, until the patience for results is over; the last error is what it returns.
func (t *T) finish(ctx context.Context, ref assessment.OrderRef, r assessment.Result) error {
	var err error
	within(ctx, t.opts.Patience, func() bool {
		err = contained(func() error { return t.target.Finish(ctx, ref, r) })
		return err == nil
	})
	return err
}

// started asks how often a test was set up; known is false if nobody can tell.
func (t *T) started(ctx context.Context, ref assessment.OrderRef) (n int, known bool) {
	if t.target.Started == nil {
		return 0, false
	}
	err := contained(func() (err error) { n, err = t.target.Started(ctx, ref); return err })
	return n, err == nil
}

// contained is what the service's own functions return; a panic of theirs is an error
// of the service, not of the kit.
func contained(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// excerpt is a text short enough for a report.
func excerpt(b []byte) string {
	const most = 300
	text := strings.ToValidUTF8(string(b), "�")
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
