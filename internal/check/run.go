package check

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options say which checks run, and how long they wait. The zero value runs all.
type Options struct {
	// IDs are the checks or areas to run, as in [Select]; empty: all.
	IDs []string
	// Vendor runs the checks of one vendor only; empty: of all.
	Vendor string
	// Level runs the checks up to a level; empty: [Advice], which is all.
	Level Level
	// Set runs the checks of a release and of those before; empty: the newest. See
	// [Sets].
	Set string
	// Skip and Known have a reason for each id. A known failure does not fail the run,
	// and one that passes does: it is out of date.
	Skip, Known map[string]string

	// AnswerTimeout is how long a vendor waits for an answer; zero: 10 s.
	AnswerTimeout time.Duration
	// InlineTimeout is how long a candidate may look at a page that waits; zero: 5 s.
	InlineTimeout time.Duration
	// Settle is how long a check looks for what must not happen; zero: 2 s.
	Settle time.Duration
	// Patience is how long a result may take, repetitions included; zero: 20 s.
	Patience time.Duration
	// Timeout bounds each check; zero: 45 s.
	Timeout time.Duration
	// Parallel is how many checks run at once; zero: 16.
	Parallel int
	// Bail skips what has not begun when a check fails that breaks the run.
	Bail bool
	// OnResult is told of each check that ended, one at a time; nil: nobody is.
	OnResult func(Result)
}

func (o Options) withDefaults() Options {
	or := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	or(&o.AnswerTimeout, 10*time.Second)
	or(&o.InlineTimeout, 5*time.Second)
	or(&o.Settle, 2*time.Second)
	or(&o.Patience, 20*time.Second)
	or(&o.Timeout, 45*time.Second)
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Level == "" {
		o.Level = Advice
	}
	if o.Set == "" {
		o.Set = newestSet()
	}
	return o
}

// chosen returns the checks to run.
func (o Options) chosen() ([]Check, error) {
	checks, unknown := Select(o.IDs...)
	for _, names := range []map[string]string{o.Skip, o.Known} {
		for id := range names {
			if _, found := Explain(id); !found {
				unknown = append(unknown, id)
			}
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, fmt.Errorf("check: unknown checks: %v", unknown)
	}
	if !slices.Contains(Sets(), o.Set) {
		return nil, fmt.Errorf("check: unknown set %q: there are %v", o.Set, Sets())
	}
	for _, names := range []map[string]string{o.Skip, o.Known} {
		for id, reason := range names {
			if reason == "" {
				return nil, fmt.Errorf("check: %s is skipped or known without a reason", id)
			}
		}
	}
	return slices.DeleteFunc(checks, func(c Check) bool {
		return !o.Level.includes(c.Level) || !inSet(c, o.Set) || o.Vendor != "" && c.Vendor() != o.Vendor && c.Vendor() != "all"
	}), nil
}

// Checks returns those that [Kit.Run] would run, skipped ones included. The error is that
// of Run.
func (k *Kit) Checks(target Target, opts Options) ([]Check, error) {
	for _, name := range target.Without {
		if !slices.Contains(Capabilities(), name) {
			return nil, fmt.Errorf("check: nothing is called %q that a service could do without: there are %v", name, Capabilities())
		}
	}
	return opts.withDefaults().chosen()
}

// Run runs the checks on a service and reports. The error is about the call itself,
// such as an unknown id; whatever the service or the kit does wrong is in the report.
func (k *Kit) Run(ctx context.Context, target Target, opts Options) (*Report, error) {
	checks, err := k.Checks(target, opts)
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	report := newReport(k, target, opts)
	report.Results = k.results(ctx, target, opts, checks)
	report.finish(k.cfg.Clock())
	return report, nil
}

// results runs the checks and returns what became of them in the order of the checks.
// Those that reach into others run when these are done, one at a time.
func (k *Kit) results(ctx context.Context, target Target, opts Options, checks []Check) []Result {
	list := make([]Result, len(checks))
	var broken atomic.Bool
	var told sync.Mutex
	phase := func(alone bool, atOnce int) {
		slots := make(chan struct{}, atOnce)
		var group sync.WaitGroup
		for i, c := range checks {
			if c.alone != alone {
				continue
			}
			group.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				if opts.Bail && broken.Load() {
					list[i] = resultOf(c)
					list[i].State, list[i].Reason = Skipped, "an earlier check failed, and the run was to end there"
				} else {
					list[i] = k.result(ctx, c, target, opts)
				}
				if list[i].Breaks() {
					broken.Store(true)
				}
				if opts.OnResult != nil {
					told.Lock()
					defer told.Unlock()
					opts.OnResult(list[i])
				}
			})
		}
		group.Wait()
	}
	phase(false, opts.Parallel)
	phase(true, 1)
	return list
}

// result runs one check, unless it is skipped.
func (k *Kit) result(ctx context.Context, c Check, target Target, opts Options) Result {
	r := resultOf(c)
	if reason := opts.Skip[c.ID]; reason != "" {
		r.State, r.Reason = Skipped, reason
		return r
	}
	if reason := target.lacks(c); reason != "" {
		r.State, r.Reason = Skipped, reason
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	t := newT(c, k, target, opts)
	began := time.Now()
	late := t.run(ctx)
	r.Duration = time.Since(began)
	r.Exchanges, r.Mismatches = t.numbered()
	switch {
	case t.broken != "":
		r.State, r.Reason = KitError, t.broken
	case len(r.Mismatches) > 0:
		r.State = Failed
	case late != nil:
		r.State, r.Reason = KitError, "the check was not done in time: "+late.Error()
	case t.unjudged != "":
		r.State, r.Reason = NotJudged, t.unjudged
	default:
		r.State = Passed
	}
	return r.against(opts.Known[c.ID])
}

// against turns a failure that is known into that, and a known one that is mended into
// a failure.
func (r Result) against(known string) Result {
	switch {
	case known == "":
	case r.State == Failed:
		r.State, r.Reason = Known, known
	case r.State == Passed:
		r.State, r.Reason = Failed, "it is listed as known ("+known+") and passes: take it off the list"
	}
	return r
}

// run runs the check's own function. A panic in it is the kit's fault.
func (t *T) run(ctx context.Context) error {
	defer func() {
		for _, f := range slices.Backward(t.cleanup) {
			f()
		}
	}()
	defer func() {
		if v := recover(); v != nil {
			_ = t.kitFault(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	t.check.run(ctx, t)
	return ctx.Err()
}
