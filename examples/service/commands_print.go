package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes an answer to stdout, as JSON or as a table for people.
func (s *session) print(answer any, text func(*table)) error {
	if s.format == "json" {
		encoder := json.NewEncoder(s.out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(answer)
	}
	t := &table{w: tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)}
	text(t)
	return t.w.Flush()
}

// table has columns. An empty cell is a dash, so that columns can be cut out.
type table struct{ w *tabwriter.Writer }

func (t *table) line(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		switch c := cell.(type) {
		case time.Time:
			if !c.IsZero() {
				texts[i] = c.UTC().Format("2006-01-02T15:04:05.000Z07:00")
			}
		case bool:
			texts[i] = map[bool]string{true: "yes", false: "no"}[c]
		case int, int64:
			texts[i] = fmt.Sprint(c)
		default:
			texts[i] = printable(fmt.Sprint(c))
		}
		if texts[i] == "" {
			texts[i] = "-"
		}
	}
	_, _ = fmt.Fprintln(t.w, strings.Join(texts, "\t"))
}

func (t *table) attention(rows []row) {
	t.line("WHAT", "ROW", "ORDER", "STATE", "REASON", "HTTP", "CODE", "OPERATION", "REQUEST", "SINCE", "CONTENT")
	for _, r := range rows {
		since := r.Settled
		if since.IsZero() {
			since = r.Made
		}
		t.line(r.What, positive(r.Row), r.Order, r.State, r.Reason, positive(int64(r.HTTPStatus)), r.Code, r.Operation, r.RequestID, since, r.HasBody)
	}
}

// positive is a number that is not known if it is zero.
func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (t *table) dealt(a manyAnswer) {
	t.line("WHAT", "MATCHED", "NEWER", "GONE", "HELD", "RUNNING", "CHANGED", "DRYRUN", "DUE")
	t.line(a.What, a.Matched, a.Newer, a.Gone, a.Held, a.Running, a.Changed, a.DryRun, a.Due)
}

func (t *table) gates(gates []gate) {
	t.line("ROUTE", "ACCOUNT", "WHAT", "KIND", "CAUSE", "SINCE", "OPENS", "PENDING", "BY")
	for _, g := range gates {
		t.line(g.Route, g.Account, g.What, g.Kind, g.Cause, g.Since, g.Opens, g.Pending, g.By)
	}
}

func (t *table) notes(notes []note) {
	t.line("AT", "WHAT", "ROW", "OUTCOME", "HTTP", "CODE", "REQUEST", "CALLS", "ACTOR", "REASON")
	for _, n := range notes {
		t.line(n.At, n.What, positive(n.Seq), n.Outcome, positive(int64(n.HTTPStatus)), n.Code, n.RequestID, positive(int64(n.Attempts)), n.Actor, n.Reason)
	}
}

func (t *table) subject(orders []subjectOrder) {
	t.line("ORDER", "STATE", "MADE", "RESULT", "FINAL", "PUBLISHED", "SETTLED", "CONTENT")
	for _, o := range orders {
		if len(o.Results) == 0 {
			t.line(o.Order, o.State, o.Made, "", "", "", "", "")
		}
		for _, r := range o.Results {
			t.line(o.Order, o.State, o.Made, r.State, r.Final, r.Made, r.Settled, r.HasBody)
		}
	}
}

// done lists orders with which something was done, and those with which it was not.
func (t *table) done(what string, done, not []string) {
	t.line("ORDER", what)
	for _, order := range done {
		t.line(order, true)
	}
	for _, order := range not {
		t.line(order, false)
	}
}

func (t *table) backfilled(a backfillAnswer) {
	t.line("OPEN", "LOST", "YOUNG", "QUEUED", "DRYRUN")
	t.line(a.Open, a.Lost, a.Young, a.Queued, a.DryRun)
}

func (t *table) lost(a lostAnswer) {
	t.line("INTEGRATIONS", "SINCE", "DRYRUN")
	t.line(a.Integrations, a.Since, a.DryRun)
}

func (t *table) offboarded(a offboardAnswer) {
	t.line("ORDERS", "RESULTS", "WAITING", "CLAIMS", "LANES", "SUBJECTS", "JOURNAL", "GATES", "INTEGRATIONS", "ROWS", "JOBS", "FILES", "DRYRUN", "DONE")
	t.line(a.Orders, a.Results, a.Waiting(), a.Claims, a.Lanes, a.Subjects, a.Journal, a.Gates, a.Integrations, a.Rows, a.Jobs, a.Files, a.DryRun, a.Done)
}
