package sandbox

import (
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// listed is something that a command takes.
type listed struct {
	Name    string   `json:"name"`
	Text    string   `json:"text,omitempty"`
	Vendors []string `json:"vendors,omitempty"` // empty: it belongs to none
}

// listNames are what can be listed. What is not listed is not accepted.
var listNames = []string{"vendors", "commands", "events", "fields", "faults", "call-faults", "quirks", "calls", "scenarios", "checks"}

func lists() map[string]func() []listed {
	return map[string]func() []listed{
		"vendors": listVendors, "commands": listCommands, "events": listEvents, "fields": listFields,
		"faults":      func() []listed { return listForms(deliveryForms) },
		"call-faults": func() []listed { return listForms(callForms) },
		"quirks":      listQuirks, "calls": listCalls, "scenarios": listScenarios, "checks": listChecks,
	}
}

func (c *command) list(f *flag.FlagSet) func([]string) error {
	form := format(f, "text", formJSON)
	vendor := f.String("vendor", "", "only what belongs to `VENDOR`")
	return func(args []string) error {
		what, err := one(args, "what to list: "+strings.Join(listNames, ", "))
		if err != nil {
			return err
		}
		if *vendor != "" && !slices.Contains(Vendors, *vendor) {
			return unknown("vendor", *vendor, Vendors)
		}
		of, found := lists()[what]
		if !found {
			return unknown("list of", what, listNames)
		}
		all := slices.DeleteFunc(of(), func(l listed) bool {
			return *vendor != "" && !slices.Contains(l.Vendors, *vendor)
		})
		if *form == formJSON {
			return c.writeJSON(all)
		}
		return c.write(tableOf(all))
	}
}

func (c *command) writeJSON(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return c.write(string(data) + "\n")
}

// tableOf aligns the names of what is listed.
func tableOf(all []listed) string {
	width := 0
	for _, l := range all {
		width = max(width, len([]rune(l.Name)))
	}
	var b strings.Builder
	for _, l := range all {
		text := l.Text
		if len(l.Vendors) > 0 && len(l.Vendors) < len(Vendors) && !strings.HasPrefix(l.Name, l.Vendors[0]+".") {
			text = strings.TrimSpace(strings.Join(l.Vendors, ", ") + "  " + text)
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-*s  %s", width, l.Name, text), " ") + "\n")
	}
	return b.String()
}

func listVendors() []listed {
	var all []listed
	for _, vendor := range Vendors {
		all = append(all, listed{vendor, label(vendor), []string{vendor}})
	}
	return all
}

func listCommands() []listed {
	var all []listed
	for _, s := range subcommands() {
		all = append(all, listed{Name: strings.TrimSpace(s.Name + " " + s.Args), Text: s.Text})
	}
	return all
}

func listEvents() []listed {
	var all []listed
	for _, e := range events {
		all = append(all, listed{e.Vendor + "." + e.Name, e.Text, []string{e.Vendor}})
	}
	return all
}

// listFields are the fields of an order that can be set.
func listFields() []listed {
	var all []listed
	for _, vendor := range Vendors {
		for _, path := range fieldsOf(vendor) {
			all = merged(all, path, vendor)
		}
	}
	slices.SortStableFunc(all, func(a, b listed) int { return strings.Compare(a.Name, b.Name) })
	return all
}

var (
	deliveryForms = map[string]func() []string{Kombo: kombotest.DeliveryFaults, StackOne: stackonetest.DeliveryFaults, Ashby: ashbytest.DeliveryFaults}
	callForms     = map[string]func() []string{Kombo: kombotest.Faults, StackOne: stackonetest.Faults, Ashby: ashbytest.Faults}
)

func listForms(of map[string]func() []string) []listed {
	var all []listed
	for _, vendor := range Vendors {
		for _, form := range of[vendor]() {
			all = merged(all, form, vendor)
		}
	}
	slices.SortStableFunc(all, func(a, b listed) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// merged adds a vendor to what is listed under a name.
func merged(all []listed, name, vendor string) []listed {
	if i := slices.IndexFunc(all, func(l listed) bool { return l.Name == name }); i >= 0 {
		all[i].Vendors = append(all[i].Vendors, vendor)
		return all
	}
	return append(all, listed{Name: name, Vendors: []string{vendor}})
}

func listQuirks() []listed {
	var all []listed
	for _, q := range Quirks {
		all = append(all, listed{q.Name, q.Label, []string{q.Vendor}})
	}
	return all
}

func listChecks() []listed {
	var all []listed
	for _, one := range check.Catalogue() {
		l := listed{Name: one.ID, Text: one.Title + " (" + string(one.Level) + ")", Vendors: Vendors}
		if slices.Contains(Vendors, one.Vendor()) {
			l.Vendors = []string{one.Vendor()}
		}
		all = append(all, l)
	}
	return all
}
