package sandbox

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// event is something that a command can cause.
type event struct {
	Vendor, Name, Text string
	run                func(a *App, ctx context.Context, t Trigger) (Done, error)
}

func order(kind string) func(*App, context.Context, Trigger) (Done, error) {
	return func(a *App, ctx context.Context, t Trigger) (Done, error) {
		t.Kind = kind
		return a.Place(ctx, t.Request)
	}
}

func customerEvent(verb Verb) func(*App, context.Context, Trigger) (Done, error) {
	return func(a *App, ctx context.Context, t Trigger) (Done, error) {
		if len(t.Set) > 0 || len(t.Faults) > 0 {
			return Done{}, fmt.Errorf("%s takes neither fields nor faults", t.Event)
		}
		return a.Serve(ctx, t.Vendor, verb.Name, t.Customer)
	}
}

func list(a *App, ctx context.Context, t Trigger) (Done, error) {
	if len(t.Set) > 0 {
		return Done{}, fmt.Errorf("%s takes no fields", t.Event)
	}
	return a.Ask(ctx, t.Vendor, t.Customer, t.Faults)
}

// events are all that can be triggered. What is not listed is not accepted.
var events = []event{
	{Kombo, "order", "a recruiter orders an assessment", order(KindOrder)},
	{Kombo, "inline-order", "a candidate reaches the assessment and waits for its link", order(KindInline)},
	{Kombo, "connect", "a customer finishes the connection flow", customerEvent(verbConnect)},
	{Kombo, "expire", "the credentials of a customer expire", customerEvent(verbExpire)},
	{Kombo, "mend", "the credentials of a customer work again", customerEvent(verbMend)},
	{StackOne, "order", "a recruiter orders an assessment", order(KindOrder)},
	{StackOne, "background-check", "a recruiter orders a background check", order(KindBackground)},
	{StackOne, "packages", "a recruiter opens the dialog, and the ATS asks for packages", list},
	{StackOne, "connect", "a customer finishes the connection flow", customerEvent(verbConnect)},
	{StackOne, "expire", "the credentials of a customer expire", customerEvent(verbExpire)},
	{StackOne, "mend", "the credentials of a customer work again", customerEvent(verbMend)},
	{Ashby, "order", "a recruiter starts an assessment", order(KindOrder)},
	{Ashby, "list", "a customer picks an assessment for a job", list},
	{Ashby, "ping", "Ashby tries the webhook", customerEvent(verbPing)},
}

// Trigger causes an event.
func (a *App) Trigger(ctx context.Context, t Trigger) (Done, error) {
	vendor, name, _ := strings.Cut(t.Event, ".")
	i := slices.IndexFunc(events, func(e event) bool { return e.Vendor == vendor && e.Name == name })
	if i < 0 {
		return Done{}, fmt.Errorf("there is no event %q: see the list of events", t.Event)
	}
	t.Vendor = vendor
	return events[i].run(a, ctx, t)
}
