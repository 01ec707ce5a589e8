package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// samples are what /metrics says at one time, by series.
type samples map[string]string

// sample is a line of Prometheus' text format: a series and its value.
var sample = regexp.MustCompile(`^(assessbridge_[a-z_]+(?:\{[^}]*\})?) (\S+)$`)

// scrape reads the gauges of the alarms, as Prometheus would; nil is that nobody
// answers.
func scrape(t testing.TB, v *service) samples {
	t.Helper()
	text, err := metricsText(v)
	if err != nil {
		return nil
	}
	found := make(samples)
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if m := sample.FindStringSubmatch(lines.Text()); m != nil && !strings.Contains(m[1], "_duration_seconds") {
			found[m[1]] = m[2]
		}
	}
	require.Contains(t, found, "assessbridge_database_up")
	return found
}

// timeline is what was scraped, a scrape a minute.
type timeline []samples

// longest is longer than any alarm waits, in minutes.
const longest = 4*60 + 10

// holds appends a scrape whose cause lasts for some minutes.
func (l timeline) holds(s samples, minutes int) timeline {
	for range minutes {
		l = append(l, s)
	}
	return l
}

// series is the timeline as promtool reads it. The series of a process that does not
// answer, or does not lead any more, end at once.
func (l timeline) series() map[string]string {
	all := make(map[string]string)
	for minute, now := range l {
		for name := range now {
			if all[name] == "" {
				all[name] = strings.Repeat(" _", minute)
			}
		}
		for name := range all {
			switch value, there := now[name]; {
			case there:
				all[name] += " " + value
			case strings.HasSuffix(all[name], " _"), strings.HasSuffix(all[name], " stale"):
				all[name] += " _"
			default:
				all[name] += " stale"
			}
		}
	}
	return all
}

// fires requires that at given minutes of the timeline exactly the alarms fire that
// are listed for it. Promtool judges by the rules of alerts.yaml.
func (l timeline) fires(t testing.TB, at map[int][]string) {
	t.Helper()
	rules, err := filepath.Abs("alerts.yaml")
	require.NoError(t, err)
	var test strings.Builder
	_, _ = fmt.Fprintf(&test, "rule_files: [%s]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n", rules)
	for name, values := range l.series() {
		_, _ = fmt.Fprintf(&test, "  - series: '%s'\n    values: '%s'\n", ofInstance(name), strings.TrimSpace(values))
	}
	_, _ = fmt.Fprint(&test, "  promql_expr_test:\n")
	for minute, alarms := range at {
		_, _ = fmt.Fprintf(&test, "  - expr: count by (alertname, stored) (ALERTS{alertstate=\"firing\"})\n    eval_time: %dm\n    exp_samples:\n", minute)
		for _, a := range alarms {
			_, _ = fmt.Fprintf(&test, "    - {labels: '%s', value: 1}\n", firing(a))
		}
	}
	file := filepath.Join(t.TempDir(), "scraped.yaml")
	require.NoError(t, os.WriteFile(file, []byte(test.String()), 0o600))
	promtool(t, "test", "rules", file)
}

// firing are the labels that count leaves of an alarm. Two rules have one name; their
// label tells them apart.
func firing(alarm string) string {
	name, stored, two := strings.Cut(alarm, " ")
	labels := `alertname="Assessbridge` + name + `"`
	if two {
		labels += `, stored="` + stored + `"`
	}
	return "{" + labels + "}"
}

// ofInstance gives a series the labels that Prometheus adds.
func ofInstance(series string) string {
	name, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	if labels != "" {
		labels += ","
	}
	return name + "{" + labels + `instance="10.0.0.1:8081",job="assessments"}`
}

// nameOf is how the tests of faults call a rule.
func nameOf(a alarm) string {
	return strings.TrimSpace(strings.TrimPrefix(a.Alert, "Assessbridge") + " " + a.Labels["stored"])
}

// Every alarm has a fault that is made in TestAlarmsFire, so that a new one is not
// forgotten.
func TestAlarmsHaveFaults(t *testing.T) {
	var rules, made []string
	for _, a := range alarms(t) {
		rules = append(rules, nameOf(a))
	}
	for _, f := range faults {
		made = append(made, f.alarm)
	}
	slices.Sort(rules)
	slices.Sort(made)
	require.Equal(t, rules, made)
}
