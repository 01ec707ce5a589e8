package durable_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// planSettings have a server log the plan of every statement, as JSON.
var planSettings = []string{
	"shared_preload_libraries=pg_stat_statements,auto_explain", "log_min_messages=log", "log_checkpoints=off", "log_autovacuum_min_duration=-1",
	"auto_explain.log_min_duration=0", "auto_explain.log_format=json", "auto_explain.sample_rate=0",
}

// samplePlans says which part of the statements is logged from now on.
func (d *database) samplePlans(t testing.TB, rate float64) {
	for _, statement := range []string{fmt.Sprintf("ALTER SYSTEM SET auto_explain.sample_rate = %v", rate), "SELECT pg_reload_conf()"} {
		_, err := d.db.Exec(statement)
		require.NoError(t, err)
	}
}

// planNode is what matters of a node of a plan.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Cond     string     `json:"Index Cond"`
	Plans    []planNode `json:"Plans"`
}

type plan struct {
	Query string   `json:"Query Text"`
	Plan  planNode `json:"Plan"`
}

// logged is how much the server has logged.
func (s *server) logged(t testing.TB) int64 {
	file, err := os.Stat(s.log)
	require.NoError(t, err)
	return file.Size()
}

// plans reads those that the server has logged since, one of each statement and
// shape.
func (s *server) plans(t testing.TB, since int64) (all []plan) {
	log, err := os.ReadFile(s.log)
	require.NoError(t, err)
	log = log[since:]
	seen := make(map[string]bool)
	for _, entry := range bytes.Split(log, []byte("plan:\n"))[1:] {
		var p plan
		require.NoError(t, json.NewDecoder(bytes.NewReader(entry)).Decode(&p))
		shape, err := json.Marshal(p)
		require.NoError(t, err)
		if !seen[string(shape)] {
			seen[string(shape)] = true
			all = append(all, p)
		}
	}
	return all
}

// fewRows are tables that may be read whole, and why.
var fewRows = map[string]string{
	"assessbridge_gates":        "a row for each gate that is closed",
	"assessbridge_processes":    "a row for each process of the last day",
	"assessbridge_integrations": "a row for each account",
	"assessbridge_habits":       "a row for each account",
	"assessbridge_refusals":     "a row for each route and minute of the last day in which deliveries were refused",
	"assessbridge_risks":        "a row for each order that may be lost",
	"assessbridge_meta":         "one row",
	"clock":                     "one row, of the tests",
	"river_leader":              "one row",
	"river_queue":               "a row for each queue",
	"river_migration":           "a row for each version",
}

// waiting are indexes that hold only what waits, so they may be read whole.
var waiting = []string{
	"assessbridge_orders_due", "assessbridge_orders_account",
	"assessbridge_results_pending", "assessbridge_results_due", "assessbridge_results_account", "assessbridge_results_attention",
	"assessbridge_integrations_next",
}

// wholeReads returns the statements that read a table whole, or an index. Small
// tables are read through an index by choice.
func wholeReads(all []plan, small bool) []string {
	found := make(map[string]bool)
	for _, p := range all {
		for n := range p.Plan.nodes() {
			if n.whole(small) {
				found[fmt.Sprintf("%s of %s%s: %s", n.Type, n.Relation, n.Index, strings.Join(strings.Fields(p.Query), " "))] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (n planNode) nodes() func(func(planNode) bool) {
	return func(yield func(planNode) bool) { n.walk(yield) }
}

func (n planNode) walk(yield func(planNode) bool) bool {
	if !yield(n) {
		return false
	}
	for _, child := range n.Plans {
		if !child.walk(yield) {
			return false
		}
	}
	return true
}

func (n planNode) whole(small bool) bool {
	ours := strings.HasPrefix(n.Relation, "assessbridge_") || strings.HasPrefix(n.Relation, "river_") || strings.HasPrefix(n.Index, "assessbridge_")
	switch {
	case n.Type == "Seq Scan":
		return ours && fewRows[n.Relation] == ""
	case strings.Contains(n.Type, "Index"):
		return ours && !small && n.Cond == "" && fewRows[n.Relation] == "" && !slices.Contains(waiting, n.Index)
	}
	return false
}
