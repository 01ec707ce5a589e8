package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// operationsPage says what to do about each alarm.
const operationsPage = "../../docs/operations.md"

// promtool runs Prometheus' own checker.
func promtool(t testing.TB, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	require.NoError(t, err, "these tests need Prometheus' promtool; on Debian type: sudo apt-get install -y prometheus")
	out, err := exec.Command(path, args...).CombinedOutput()
	require.NoError(t, err, "promtool %s\n%s", strings.Join(args, " "), out)
	require.Contains(t, string(out), "SUCCESS")
}

func TestAlarmRules(t *testing.T) {
	promtool(t, "check", "rules", "alerts.yaml")
	promtool(t, "test", "rules", "alerts_test.yaml")
}

// alarm is a rule of alerts.yaml.
type alarm struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// alarms returns what alerts.yaml has.
func alarms(t testing.TB) (all []alarm) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string  `yaml:"name"`
			Rules []alarm `yaml:"rules"`
		} `yaml:"groups"`
	}
	decodeFile(t, "alerts.yaml", &file)
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

func decodeFile(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into), name)
}

var (
	heading = regexp.MustCompile(`(?m)^(#+) (.+)$`)
	// dropped is what GitHub leaves out of a heading when it makes an anchor of it.
	dropped = regexp.MustCompile(`[^\pL\pN\-_ ]`)
)

func anchor(heading string) string {
	return strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// chapter returns the chapter of the operations page that has this heading, and the
// headings of its sections by their anchors.
func chapter(t testing.TB, title string) (text string, sections map[string]string) {
	t.Helper()
	page, err := os.ReadFile(operationsPage)
	require.NoError(t, err)
	_, text, found := strings.Cut(fence.ReplaceAllStringFunc(string(page), quoteHeadings), "\n## "+title+"\n")
	require.True(t, found, title)
	text, _, _ = strings.Cut(text, "\n## ")
	sections = make(map[string]string)
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		sections[anchor(h[2])] = h[2]
	}
	return text, sections
}

// quoteHeadings keeps comments of a shell's block from being taken for headings.
func quoteHeadings(block string) string { return strings.ReplaceAll(block, "\n#", "\n\\#") }

// Every alarm says how bad it is, what is wrong and where to read on, and there is a
// section for it. No label names an account: an alarm may be about thousands.
func TestAlarmsLeadToTheirSections(t *testing.T) {
	const page = "https://github.com/assessbridge/assessbridge/blob/main/docs/operations.md#"
	_, sections := chapter(t, "Alarms")
	for _, a := range alarms(t) {
		require.Regexp(t, `^Assessbridge[A-Z][A-Za-z]+$`, a.Alert)
		require.Contains(t, []string{"page", "ticket"}, a.Labels["severity"], a.Alert)
		for label := range a.Labels {
			require.Contains(t, []string{"severity", "stored"}, label, a.Alert)
		}
		for _, grouped := range regexp.MustCompile(`\bby \(([^)]*)\)`).FindAllStringSubmatch(a.Expr, -1) {
			require.Equal(t, "installation", grouped[1], a.Alert)
		}
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		require.NotEmpty(t, a.Annotations["description"], a.Alert)
		at, found := strings.CutPrefix(a.Annotations["runbook_url"], page)
		require.True(t, found, a.Alert)
		require.Equal(t, a.Alert, sections[at], "the section of %s", a.Alert)
	}
	for _, title := range sections {
		if strings.HasPrefix(title, "Assessbridge") {
			require.True(t, slices.ContainsFunc(alarms(t), func(a alarm) bool { return a.Alert == title }), "no alarm is called %s", title)
		}
	}
}

// Every alarm has a case in alerts_test.yaml in which it fires, and ends after that.
func TestAlarmsHaveCases(t *testing.T) {
	type fired struct {
		Labels map[string]string `yaml:"exp_labels"`
	}
	var file struct {
		Tests []struct {
			Name  string `yaml:"name"`
			Cases []struct {
				Alert string  `yaml:"alertname"`
				Fired []fired `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	decodeFile(t, "alerts_test.yaml", &file)
	complete := func(a alarm) bool {
		for _, test := range file.Tests {
			var before, fires, ends bool
			for _, c := range test.Cases {
				if c.Alert != a.Alert {
					continue
				}
				now := slices.ContainsFunc(c.Fired, func(f fired) bool {
					return f.Labels["severity"] == a.Labels["severity"] && f.Labels["stored"] == a.Labels["stored"]
				})
				before = before || !fires && !now
				fires = fires || now
				ends = fires && !now
			}
			if before && fires && ends {
				return true
			}
		}
		return false
	}
	for _, a := range alarms(t) {
		require.True(t, complete(a), "%s %v", a.Alert, a.Labels)
	}
}

var (
	selected = regexp.MustCompile(`\b(assessbridge_\w+)(\{[^}]*\})?`)
	served   = regexp.MustCompile(`(?m)^(assessbridge_\w+)(\{[^}]*\})? `)
	typed    = regexp.MustCompile(`(?m)^# TYPE (assessbridge_\w+) (\w+)$`)
)

// The alarms watch what the service serves under these names and labels, and what it
// serves is watched or said to be for information.
func TestAlarmsWatchWhatIsServed(t *testing.T) {
	r := begin(t, nil)
	var text string
	eventually(t, "this process leads", func() bool {
		_, text = r.get(t, "GET", "/metrics", "")
		return strings.Contains(text, "assessbridge_leader 1")
	})
	series := make(map[string]bool)
	for _, m := range served.FindAllStringSubmatch(text, -1) {
		series[m[1]+m[2]] = true
	}
	watched := make(map[string]bool)
	for _, a := range alarms(t) {
		for _, m := range selected.FindAllStringSubmatch(a.Expr, -1) {
			require.True(t, series[m[1]+m[2]], "%s watches %s, which is not served:\n%s", a.Alert, m[0], text)
			watched[m[1]+m[2]] = true
		}
	}
	information, _ := chapter(t, "Alarms")
	kinds := make(map[string]string)
	for _, m := range typed.FindAllStringSubmatch(text, -1) {
		kinds[m[1]] = m[2]
	}
	require.NotEmpty(t, series)
	for name := range series {
		metric, _, _ := strings.Cut(name, "{")
		if kinds[metric] == "gauge" && !watched[name] {
			require.True(t, strings.Contains(information, "`"+metric+"`"), "no alarm watches %s, and the page does not say that it is for information", name)
		}
	}
}
