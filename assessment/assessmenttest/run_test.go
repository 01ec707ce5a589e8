package assessmenttest_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/assessmenttest"
)

// The example of the documentation passes.
func TestConformance(t *testing.T) {
	t.Parallel()
	conformance(t)
}

// What go doc shows is the example that is tested.
func TestDocShowsTheExample(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	text := string(example)
	text = strings.NewReplacer("package assessmenttest_test", "package myservice", "func conformance(", "func TestConformance(",
		"// conformance is to be called TestConformance in a test file of your own.\n", "").Replace(text)
	text, _, _ = strings.Cut(text, "// A whole test of")
	var quoted strings.Builder
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		if line == "" {
			quoted.WriteString("//\n")
			continue
		}
		quoted.WriteString("//\t" + line + "\n")
	}
	require.Contains(t, string(doc), quoted.String())
}

// inner are the tests that TestInner runs in a process of their own, because most are
// to fail.
var inner = map[string]func(t *testing.T){
	"passes": conformance,
	"fails":  func(t *testing.T) { run(t, func(*assessmenttest.Target) {}) },
	"known": func(t *testing.T) {
		run(t, func(target *assessmenttest.Target) {
			target.Known = everything("it is new")
			target.Skip = map[string]string{"kombo.auth.forged": "told not to"}
			delete(target.Known, "kombo.auth.forged")
		})
	},
	"stale": func(t *testing.T) {
		runOn(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }), func(target *assessmenttest.Target) {
			target.Known = map[string]string{"kombo.order.accepted": "it was broken once"}
		})
	},
	"nothing": func(t *testing.T) { assessmenttest.Run(t, assessmenttest.Target{Vendors: assessmenttest.Start(t)}) },
	"unknown": func(t *testing.T) {
		run(t, func(target *assessmenttest.Target) { target.Skip = map[string]string{"kombo.nothing": "x"} })
	},
	"capability": func(t *testing.T) {
		run(t, func(target *assessmenttest.Target) { target.Without = []string{"kombo.magic"} })
	},
	"url": func(t *testing.T) {
		run(t, func(target *assessmenttest.Target) {
			target.Kombo.Webhook = assessmenttest.URL("http://127.0.0.1:1/nobody")
		})
	},
}

const innerVariable = "ASSESSMENTTEST_INNER"

// TestInner does nothing unless it is named by the environment.
func TestInner(t *testing.T) {
	if f := inner[os.Getenv(innerVariable)]; f != nil {
		f(t)
	}
}

// run checks a service that refuses everything.
func run(t *testing.T, change func(*assessmenttest.Target)) {
	t.Helper()
	runOn(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }), change)
}

func runOn(t *testing.T, h http.Handler, change func(*assessmenttest.Target)) {
	t.Helper()
	target := assessmenttest.Target{
		Vendors: assessmenttest.Start(t, func(c *assessmenttest.Config) { c.Seed = 3 }),
		Kombo:   assessmenttest.Kombo{Webhook: assessmenttest.Handler(h, "/")},
		Finish:  func(context.Context, assessment.OrderRef, assessment.Result) error { return nil },
		Settle:  10 * time.Millisecond, Patience: 50 * time.Millisecond,
		ReportDir: os.Getenv(innerVariable + "_DIR"),
	}
	change(&target)
	assessmenttest.Run(t, target)
}

// everything has a reason for all checks that fail on a service that refuses everything.
func everything(reason string) map[string]string {
	known := map[string]string{}
	for _, id := range []string{
		"kombo.auth.forged", "kombo.auth.unsigned", "kombo.auth.wrong-alphabet", "kombo.auth.reserialised",
		"kombo.order.accepted", "kombo.order.rejected-body", "kombo.order.fault-is-not-rejection", "kombo.order.absent-null-unknown",
		"kombo.order.duplicate", "kombo.order.duplicate-at-once", "kombo.order.answer-lost", "kombo.event.unknown-type", "kombo.inline.url-in-time",
		"all.privacy.no-cause-no-secret-in-answers",
		"kombo.result.completed", "kombo.result.interim", "kombo.result.once", "kombo.result.retried-after-429-5xx-reset",
	} {
		known[id] = reason
	}
	return known
}

// outcome is the end and the subtests of an inner test.
type outcome struct {
	passed bool
	output string
}

func (o outcome) state(id string) string {
	path := regexp.QuoteMeta("TestInner/" + strings.ReplaceAll(id, ".", "/"))
	if found := regexp.MustCompile(`--- (PASS|FAIL|SKIP): ` + path + ` `).FindStringSubmatch(o.output); found != nil {
		return found[1]
	}
	return "not run"
}

func play(t *testing.T, name, pattern, dir string) outcome {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, "-test.run", pattern, "-test.v")
	cmd.Env = append(os.Environ(), innerVariable+"="+name, innerVariable+"_DIR="+dir)
	output, err := cmd.CombinedOutput()
	return outcome{err == nil, string(output)}
}

func TestRun(t *testing.T) {
	const whole = "^TestInner$"
	t.Run("every check is a subtest", func(t *testing.T) {
		t.Parallel()
		o := play(t, "passes", whole, "")
		require.True(t, o.passed, o.output)
		require.Equal(t, "PASS", o.state("kombo.auth.forged"))
		require.Equal(t, "SKIP", o.state("kombo.order.lost-then-reconciled"), "there is no Reconcile")
		require.Contains(t, o.output, "does not say how to look for lost orders")
	})
	t.Run("one area can be run", func(t *testing.T) {
		t.Parallel()
		o := play(t, "passes", "^TestInner$/kombo/auth", "")
		require.True(t, o.passed, o.output)
		require.Equal(t, "PASS", o.state("kombo.auth.unsigned"))
		require.Equal(t, "not run", o.state("kombo.order.accepted"))
	})
	t.Run("a failure says what follows, what differs and what to do", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		o := play(t, "fails", whole, dir)
		require.False(t, o.passed)
		require.Equal(t, "FAIL", o.state("kombo.order.accepted"))
		for _, part := range []string{"The order stays open.", "expected 2xx", "got      status 401", "curl -i -X POST", "With this SDK:", "https://docs.kombo.dev/"} {
			require.Contains(t, o.output, part)
		}
		for _, name := range []string{"report.json", "junit.xml", "report.html"} {
			require.FileExists(t, filepath.Join(dir, name))
		}
	})
	t.Run("what is known and skipped does not fail", func(t *testing.T) {
		t.Parallel()
		o := play(t, "known", whole, "")
		require.True(t, o.passed, o.output)
		require.Equal(t, "SKIP", o.state("kombo.order.accepted"))
		require.Contains(t, o.output, "known: it is new")
		require.Contains(t, o.output, "skipped: told not to")
	})
	t.Run("a known failure that is mended fails", func(t *testing.T) {
		t.Parallel()
		o := play(t, "stale", "^TestInner$/kombo/order/accepted", "")
		require.False(t, o.passed)
		require.Contains(t, o.output, "take it off the list")
	})
	for name, text := range map[string]string{
		"nothing": "nothing was judged", "unknown": "unknown checks: [kombo.nothing]", "capability": `nothing is called "kombo.magic"`, "url": "no answer",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := play(t, name, whole, "")
			require.False(t, o.passed)
			require.Contains(t, o.output, text)
		})
	}
}
