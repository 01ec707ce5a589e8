package main

import (
	"errors"
	"flag"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// scopeFlags say whose it is.
func scopeFlags(flags *flag.FlagSet, s *scope) {
	flags.Func("vendor", "kombo, stackone or ashby", func(text string) error {
		if s.Vendor = assessment.Vendor(text); !s.Vendor.Known() {
			return errors.New("want kombo, stackone or ashby")
		}
		return nil
	})
	flags.StringVar(&s.Connection, "connection", "", "one of several connections of the vendor, by its name")
	flags.StringVar(&s.Account, "account", "", "one customer: Kombo's integration, StackOne's account, the name of Ashby's customer")
}

// personFlags say who does it.
func personFlags(flags *flag.FlagSet, p *person) {
	flags.StringVar(&p.Actor, "actor", "", "who does it; required, and kept in the journal")
	flags.StringVar(&p.Reason, "reason", "", "why; required, and kept in the journal; must not name a candidate")
}

func (p person) check() error {
	if p.Actor == "" || p.Reason == "" {
		return misused("--actor and --reason are required: they are kept in the journal")
	}
	return nil
}

// filterFlags choose what needs attention.
func filterFlags(flags *flag.FlagSet, w *which) {
	scopeFlags(flags, &w.scope)
	flags.StringVar(&w.State, "state", "", "refused, uncertain or late; of orders faulting, undecodable, unknown_status, surge or invalid")
	flags.StringVar(&w.Code, "code", "", "the vendor's error code")
	flags.StringVar(&w.Operation, "operation", "", "the call that was refused, as in the list")
	flags.Func("since", "when it was refused, or taken: a time, a day, or a duration such as 36h or 7d before now", moment(&w.Since))
	flags.Func("until", "the same, exclusively", moment(&w.Until))
}

// chooses says whether anything limits what is meant.
func (w which) chooses() bool {
	w.What = ""
	return !reflect.ValueOf(w).IsZero()
}

// states are those by which can be chosen, of orders the reasons.
var states = map[string][]string{
	aboutResults: {"refused", "uncertain", "late"},
	aboutOrders:  {"faulting", "undecodable", "unknown_status", "surge", "invalid"},
}

// of says what has such a state.
func of(state string) string {
	state, _, _ = strings.Cut(state, ":") // an invalid order's reason names fields
	for what, all := range states {
		if slices.Contains(all, state) {
			return what
		}
	}
	return ""
}

// check refuses what cannot be meant.
func (w which) check() error {
	switch {
	case w.What != aboutResults && w.What != aboutOrders:
		return misused("--what: want results or orders")
	case w.Connection != "" && w.Vendor == "":
		return misused("--connection needs --vendor")
	case w.What == aboutOrders && (w.Code != "" || w.Operation != ""):
		return misused("orders have no --code and no --operation: no vendor refused them")
	case w.State == "" || of(w.State) == w.What:
		return nil
	case of(w.State) != "":
		return misused("--state %s is one of %s: see --what", w.State, of(w.State))
	}
	return misused("--state: of %s want %s", w.What, strings.Join(states[w.What], ", "))
}

// moment reads a point in time, in words that an operator would use.
func moment(into *time.Time) func(string) error {
	return func(text string) error {
		for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04"} {
			if at, err := time.Parse(layout, text); err == nil {
				*into = at
				return nil
			}
		}
		scaled := text
		var days int
		if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && text == fmt.Sprintf("%dd", days) {
			scaled = fmt.Sprintf("%dh", 24*days)
		}
		ago, err := time.ParseDuration(scaled)
		if err != nil || ago <= 0 {
			return errors.New("want a time such as 2026-11-25T10:00:00Z, a day, or a duration such as 36h or 7d")
		}
		*into = time.Now().Add(-ago)
		return nil
	}
}

// none refuses words where a command has none.
func none(words []string) error {
	if len(words) > 0 {
		return misused("unknown argument %q", words[0])
	}
	return nil
}
