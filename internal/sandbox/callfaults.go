package sandbox

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// The calls of the provider that can be made to go wrong, as in scenarios.
const (
	callAny    = "any"
	callResult = "result"
)

// calls are the operations of the vendors' APIs by the name of the call.
var calls = map[string]map[string]string{
	Kombo: {
		callAny: kombotest.OpAny, callResult: kombotest.OpUpdateResult, "orders": kombotest.OpGetOrders, "packages": kombotest.OpSetPackages,
	},
	StackOne: {
		callAny: stackonetest.OpAny, callResult: stackonetest.OpUpdateAssessmentResult, "background-result": stackonetest.OpUpdateBackgroundResult,
		"candidate": stackonetest.OpCandidate, "application": stackonetest.OpApplication, "job": stackonetest.OpJob,
	},
	Ashby: {
		callAny: ashbytest.OpAny, callResult: ashbytest.OpUpdate, "candidate": ashbytest.OpCandidateInfo, "application": ashbytest.OpApplicationInfo,
	},
}

func listCalls() []listed {
	var all []listed
	for _, vendor := range Vendors {
		for _, name := range slices.Sorted(maps.Keys(calls[vendor])) {
			all = merged(all, name, vendor)
		}
	}
	return all
}

// CallFault makes the next calls of a vendor's API go wrong.
type CallFault struct {
	Vendor string `json:"vendor"`
	Call   string `json:"call"`  // one of the list of calls
	Fault  string `json:"fault"` // one of the list of call-faults
	Times  int    `json:"times"`
}

// FailCalls makes calls of the provider go wrong.
func (a *App) FailCalls(f CallFault) error {
	sim, err := a.sim(f.Vendor)
	if err != nil {
		return err
	}
	op, found := calls[f.Vendor][f.Call]
	if !found {
		return unknown("call of "+label(f.Vendor), f.Call, slices.Sorted(maps.Keys(calls[f.Vendor])))
	}
	if f.Times < 1 || f.Times > maxTimes {
		return usagef("a fault happens between 1 and %d times", maxTimes)
	}
	return sim.failCalls(op, f.Fault, f.Times)
}

func (k *komboSim) failCalls(op, name string, times int) error {
	f, err := kombotest.ParseFault(name)
	if err == nil {
		k.Fail(op, slices.Repeat([]kombotest.Fault{f}, times)...)
	}
	return err
}

func (s *stackoneSim) failCalls(op, name string, times int) error {
	f, err := stackonetest.ParseFault(name)
	if err == nil {
		s.Fail(op, slices.Repeat([]stackonetest.Fault{f}, times)...)
	}
	return err
}

func (a *ashbySim) failCalls(op, name string, times int) error {
	f, err := ashbytest.ParseFault(name)
	if err == nil {
		a.Fail(op, slices.Repeat([]ashbytest.Fault{f}, times)...)
	}
	return err
}

func (p *page) apiFault(w http.ResponseWriter, r *http.Request) {
	var f CallFault
	if !read(w, r, &f) {
		return
	}
	p.done(w, Done{}, p.app.FailCalls(f))
}

// apiCustomer does to a customer what a verb says.
func (p *page) apiCustomer(w http.ResponseWriter, r *http.Request) {
	var act struct{ Vendor, Verb, Customer string }
	if !read(w, r, &act) {
		return
	}
	done, err := p.app.serveNamed(r.Context(), act.Vendor, act.Verb, act.Customer)
	p.done(w, done, err)
}

// serveNamed is [App.Serve] for a customer who is named.
func (a *App) serveNamed(ctx context.Context, vendor, verb, customer string) (Done, error) {
	id, err := a.customerID(vendor, customer)
	if err != nil {
		return Done{}, err
	}
	return a.Serve(ctx, vendor, verb, id)
}
