package check

import (
	"bytes"
	_ "embed" // the page
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
	"time"
)

//go:embed report.html.tmpl
var page string

// HTML is the report as one page that needs nothing else. What the service answered
// is hostile: it only ever stands there as text.
func (r *Report) HTML() ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"pretty": pretty, "headers": headers, "check": checkOf, "ms": milliseconds, "sources": func(id string) []Source { return checkOf(id).Contract },
	}).Parse(page)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func checkOf(id string) Check {
	c, _ := Explain(id) // a report of another version may have checks that this one lacks
	return c
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }

// pretty is a body as it is read best: JSON with indentation.
func pretty(body string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(body), "", "  ") != nil {
		return body
	}
	return b.String()
}

// headers are those of an exchange, a line each.
func headers(h map[string][]string) string {
	var b strings.Builder
	for _, name := range sorted(h) {
		for _, value := range h[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	return b.String()
}

// Matrix is one row for each area, by vendor, with the number of checks in each state.
type Matrix struct {
	Vendor, Area string
	Cells        []Cell
}

// Cell is one check in the matrix.
type Cell struct {
	ID    string
	State State
}

// Matrix is what became of every check, by vendor and area.
func (r *Report) Matrix() []Matrix {
	var rows []Matrix
	for _, one := range r.Results {
		if n := len(rows); n == 0 || rows[n-1].Vendor != one.Vendor() || rows[n-1].Area != one.Area() {
			rows = append(rows, Matrix{Vendor: one.Vendor(), Area: one.Area()})
		}
		row := &rows[len(rows)-1]
		row.Cells = append(row.Cells, Cell{one.ID, one.State})
	}
	return rows
}

// In are the results in one of the states.
func (r *Report) In(states ...State) []Result {
	var list []Result
	for _, one := range r.Results {
		for _, s := range states {
			if one.State == s {
				list = append(list, one)
			}
		}
	}
	return list
}

// Repeat is the command that runs a check again.
func (r *Report) Repeat(id string) string { return fmt.Sprintf("check %s --seed %d", id, r.Seed) }

// Tally is the number of results of a vendor in each state, for the head of the page.
type Tally struct {
	Vendor string
	Level  Level
	Counts map[State]int
}

// Of is the number of results in a state.
func (t Tally) Of(s State) int { return t.Counts[s] }

// Tallies are the counts by vendor and level.
func (r *Report) Tallies() []Tally {
	var list []Tally
	at := map[string]int{}
	for _, one := range r.Results {
		key := one.Vendor() + " " + string(one.Level)
		i, found := at[key]
		if !found {
			i = len(list)
			at[key] = i
			list = append(list, Tally{one.Vendor(), one.Level, map[State]int{}})
		}
		list[i].Counts[one.State]++
	}
	return list
}
