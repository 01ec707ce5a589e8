package sandbox

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// endpointHealth says whether an endpoint of the provider is there.
type endpointHealth struct {
	Vendor, Name, State, Word string
}

// health asks the endpoints now and then.
type health struct {
	app *App

	mu   sync.Mutex
	last []endpointHealth
	at   time.Time
	busy bool
}

func newHealth(a *App) *health { return &health{app: a} }

// healthEvery is how often the endpoints are asked at most.
const healthEvery = 5 * time.Second

// latest returns what is known, and has the endpoints asked if that is old.
func (h *health) latest() []endpointHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.at) > healthEvery && !h.busy {
		h.busy = true
		go h.ask()
	}
	if h.last == nil {
		return h.unknown()
	}
	return h.last
}

type probe struct {
	vendor, name, op, address string
}

func (h *health) probes() []probe {
	k, s, a := h.app.vendorSettings(Kombo).Target, h.app.vendorSettings(StackOne).Target, h.app.vendorSettings(Ashby).Target
	list := []probe{
		{Kombo, "webhooks", kombotest.EventOrderReceived, k.Webhook},
		{StackOne, "webhooks", stackonetest.EventAssessmentCreated, s.Webhook},
		{StackOne, "packages", stackonetest.OpProviderPackages, s.Packages},
	}
	base := a.Base
	if base != "" {
		base = h.app.addressOf(Row{Vendor: Ashby, Op: ashbytest.OpList})
	}
	return append(list, probe{Ashby, "endpoints", ashbytest.OpList, base})
}

func (h *health) unknown() []endpointHealth {
	var list []endpointHealth
	for _, p := range h.probes() {
		list = append(list, endpointHealth{p.vendor, p.name, "wait", "asking"})
	}
	return list
}

// ask knocks at every endpoint without credentials: a refusal is the sign of life that
// a provider owes to a stranger.
func (h *health) ask() {
	var list []endpointHealth
	for _, p := range h.probes() {
		state, word := h.app.knock(p.address)
		list = append(list, endpointHealth{p.vendor, p.name, state, word})
	}
	h.mu.Lock()
	changed := len(h.last) != len(list)
	for i := range list {
		changed = changed || h.last[i] != list[i]
	}
	h.last, h.at, h.busy = list, time.Now(), false
	h.mu.Unlock()
	if changed {
		h.app.journal.announce(News{})
	}
}

// knock tells the state of an endpoint: good, odd or bad, and in a word.
func (a *App) knock(address string) (state, word string) {
	if address == "" {
		return "odd", "not set"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := a.guard.resolveOne(ctx, address); err != nil {
		return "bad", "not allowed"
	}
	row := Row{Method: http.MethodPost, RequestBody: []byte("{}")}
	a.post(ctx, address, http.Header{"Content-Type": {"application/json"}}, &row)
	switch {
	case row.Status == 0:
		return "bad", string(unanswered(row.Err))
	case row.Status == http.StatusNotFound || row.Status == http.StatusMethodNotAllowed:
		return "bad", "not found"
	case row.Status >= 500:
		return "bad", "outage"
	case row.Status >= 400:
		return "good", "there"
	case row.Status >= 300:
		return "bad", "redirects"
	}
	return "odd", "takes strangers"
}
