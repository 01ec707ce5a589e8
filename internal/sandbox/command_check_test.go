package sandbox_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/check"
	"github.com/assessbridge/assessbridge/internal/sandbox"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// check runs the command for itself, at ports that are free.
func (s *shell) check(args ...string) said {
	return s.run(append([]string{"check", "--listen", "127.0.0.1:0"}, args...)...)
}

func TestCheckPasses(t *testing.T) {
	s := newShell(t)
	s.env["GITHUB_STEP_SUMMARY"] = filepath.Join(t.TempDir(), "summary.md")
	got := s.check("--demo", "kombo.auth", "stackone.auth.forged", "ashby.list.shape", "--report", "report", "--seed", "9")
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Contains(t, got.out, "6 passed, 0 failed\nreport/report.html\n")
	require.Contains(t, got.errors, "passed     kombo.auth.forged\n")

	data, err := os.ReadFile("report/report.json")
	require.NoError(t, err)
	report, err := check.ReadReport(data)
	require.NoError(t, err)
	require.EqualValues(t, 9, report.Seed)
	require.Equal(t, check.VerdictPassed, report.Verdict)
	data, err = os.ReadFile("report/junit.xml")
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal(data, new(any)))
	data, err = os.ReadFile("report/report.html")
	require.NoError(t, err)
	require.Contains(t, string(data), `id="kombo.auth.forged"`)
	data, err = os.ReadFile(s.env["GITHUB_STEP_SUMMARY"])
	require.NoError(t, err)
	require.Contains(t, string(data), "### Conformance: passed\n\n6 passed, 0 failed\n\n| vendor | level | passed |")
}

// A service that takes everything fails where it has to refuse.
func TestCheckFails(t *testing.T) {
	s := newShell(t)
	provider := newService(t, 200, "{}")
	s.env["GITHUB_STEP_SUMMARY"] = filepath.Join(t.TempDir(), "summary.md")
	got := s.check("kombo.auth.forged", "--kombo", provider.URL)
	requireSaid(t, got, sandbox.ExitOutcome, "the checks failed")
	require.Contains(t, got.out, "kombo.auth.forged: ")
	require.Contains(t, got.out, "again: check kombo.auth.forged --seed 1")
	require.Contains(t, got.out, "0 passed, 1 failed (kombo.auth.forged)\n")
	data, err := os.ReadFile(s.env["GITHUB_STEP_SUMMARY"])
	require.NoError(t, err)
	require.Contains(t, string(data), "| kombo.auth.forged | ")

	s.write("known.yaml", "kombo.auth.forged: mended in March\n")
	require.Equal(t, sandbox.ExitOK, s.check("kombo.auth.forged", "--kombo", provider.URL, "--known", "known.yaml").status)
	s.write("sandbox.yaml", "kombo: {}\ncheck: {known: known.yaml}\n")
	got = s.check("kombo.auth.forged", "--kombo", provider.URL)
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Contains(t, got.out, "known: mended in March\n  kombo.auth.forged\n")
	got = s.check("kombo.auth.forged", "--demo")
	require.Equal(t, sandbox.ExitOutcome, got.status, "what is known and passes is out of date")
	require.Contains(t, got.out, "take it off the list")
}

func TestCheckForms(t *testing.T) {
	s := newShell(t)
	provider := newService(t, 200, "{}")
	got := s.check("kombo.auth", "--kombo", provider.URL, "--format", "json")
	require.Equal(t, sandbox.ExitOutcome, got.status)
	report, err := check.ReadReport([]byte(got.out))
	require.NoError(t, err)
	require.Equal(t, 4, report.Counts[check.Failed])
	require.Contains(t, got.errors, report.Line(), "stdout is data")

	s.write("earlier.json", strings.Replace(got.out, `"state": "failed"`, `"state": "passed"`, 1))
	got = s.check("kombo.auth", "--kombo", provider.URL, "--format", "tap", "--baseline", "earlier.json")
	require.Equal(t, sandbox.ExitOutcome, got.status)
	require.True(t, strings.HasPrefix(got.out, "TAP version 14\n1..4\nnot ok 1 - kombo.auth.forged: "), got.out)
	require.Contains(t, got.errors, "compared with earlier.json: 1 new (kombo.auth.forged), 0 fixed, 3 same")

	got = s.check("kombo.auth", "--kombo", provider.URL, "--skip", "kombo.auth.unsigned", "-v")
	require.Contains(t, got.out, "skipped: left out with --skip kombo.auth.unsigned\n  kombo.auth.unsigned\n")
	require.Contains(t, got.out, "kombo.auth.forged 1 to the service: POST "+provider.URL+" -> 200")
	got = s.check("kombo.auth.forged", "all.http.oversized", "--kombo", provider.URL, "--bail")
	require.Contains(t, got.out, "skipped: an earlier check failed, and the run was to end there\n  all.http.oversized\n")
}

func TestCheckJudgesNothing(t *testing.T) {
	s := newShell(t)
	got := s.check("--provider", nobody(t))
	requireSaid(t, got, sandbox.ExitNothing, "nothing could be judged: nothing listens at 127.0.0.1:")
	require.Contains(t, got.errors, "host.docker.internal")
	requireSaid(t, s.check("ashby", "--kombo", newService(t, 200, "").URL), sandbox.ExitNothing, "no check ran to its end")
	requireSaid(t, s.check("--demo", "kombo.auth", "--skip", "kombo.auth"), sandbox.ExitNothing, "no check ran to its end")
	requireSaid(t, s.check("--dry-run", "kombo.auth", "--skip", "kombo.auth"), sandbox.ExitNothing, "no check would run")
	requireSaid(t, s.check("--dry-run", "kombo", "--vendor", "ashby"), sandbox.ExitNothing, "no check would run")
}

func TestCheckWrongUse(t *testing.T) {
	s := newShell(t)
	s.write("known.yaml", "kombo.auth.forget: x\nkombo.auth.forged: \"\"\n")
	s.write("other.json", "{}")
	for _, c := range []struct{ line, message string }{
		{"kombo.auth.forget", `did you mean "kombo.auth.forged"?`},
		{"kombo.outh", `did you mean "kombo.auth"?`},
		{"everything", `there is no check "everything": list checks has them all`},
		{"--skip kombo.auth.forget", `did you mean "kombo.auth.forged"?`},
		{"--vendor komba", `did you mean "kombo"?`},
		{"--level hard", "it is one of all, core, strict"},
		{"--set 1999.1", "there is no set"},
		{"--explain kombo.auth.forget", `did you mean "kombo.auth.forged"?`},
		{"--explain kombo.auth", "is an area"},
		{"--known missing.yaml", "missing.yaml"},
		{"--demo --known known.yaml", "known.yaml:1: there is no check"},
		{"--demo --known known.yaml", "known.yaml:2: kombo.auth.forged needs a reason"},
		{"--baseline missing.json", "missing.json"},
		{"--baseline other.json", "other.json: "},
		{"--format yaml", "it is one of text, json, tap"},
		{"--timeout -1s", "--timeout"},
		{"--start true --kombo http://127.0.0.1:1 --allow-remote x --stackone https://api.stackone.com", "belongs to a real vendor"},
	} {
		requireSaid(t, s.check(strings.Fields(c.line)...), sandbox.ExitUsage, c.message)
	}
}

func TestCheckExplains(t *testing.T) {
	s := newShell(t)
	got := s.check("--explain", "kombo.auth.forged")
	require.Equal(t, sandbox.ExitOK, got.status)
	one, _ := check.Explain("kombo.auth.forged")
	for _, text := range []string{one.Title, one.Why, one.Passes, one.WithSDK, one.Without, one.Contract[0].URL, one.Failures[0].Sentence()} {
		require.Contains(t, got.out, text)
	}
	for _, c := range check.Catalogue() {
		require.Contains(t, s.check("--explain", c.ID).out, c.Title)
	}
	got = s.check("--dry-run", "--level", "core", "--vendor", "kombo")
	require.Contains(t, got.out, "kombo.auth.forged")
	require.NotContains(t, got.out, "(strict)")
	require.NotContains(t, got.out, "stackone.")
}

// The hooks of a build for tests let the checks see what cannot be seen from outside.
func TestCheckHooks(t *testing.T) {
	s := newShell(t)
	var asked []string
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path == "/kombo" {
			return // which accepts
		}
		asked = append(asked, r.URL.Path+" "+string(body))
		_, _ = io.WriteString(w, `{"started": 2}`)
	}))
	t.Cleanup(provider.Close)
	s.write("sandbox.yaml", "provider: {base: \""+provider.URL+"\"}\nkombo: {}\n"+
		"check: {settle: 20ms, patience: 50ms, started: /started, finish: /finish, reconcile: /reconcile}\n")
	got := s.check("kombo.order.duplicate", "kombo.result.completed", "kombo.order.lost-then-reconciled")
	require.Equal(t, sandbox.ExitOutcome, got.status, got)
	require.Contains(t, got.out, "3 failed")
	all := strings.Join(asked, "\n")
	require.Contains(t, all, `/started {"vendor":"kombo","account":"`)
	require.Contains(t, all, `/finish {"vendor":"kombo","account":"`)
	require.Contains(t, all, `"result":{"status":"completed"`)
	require.Contains(t, all, `/reconcile {}`)
}

// The calls of the provider find the sandbox while the checks run, and the checks run in
// the sandbox that is there.
func TestCheckInTheSandbox(t *testing.T) {
	s := newShell(t)
	page := s.serve("--demo")
	token := <-s.token
	ref := s.place("kombo.order")
	got := s.run("check", "kombo.auth.forged", "stackone.auth.rotation")
	require.Equal(t, sandbox.ExitOutcome, got.status, got)
	require.Contains(t, got.out, page+"/report/1#stackone.auth.rotation\n")
	require.Contains(t, got.out, page+"/report/1\n")
	require.Equal(t, sandbox.ExitOK, s.run("wait", ref).status, "the sandbox's own orders go on")

	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	stranger, err := http.Get(page + "/report/1")
	require.NoError(t, err)
	require.NoError(t, stranger.Body.Close())
	require.Equal(t, http.StatusUnauthorized, stranger.StatusCode)
	for path, status := range map[string]int{"/report/1": 200, "/report/2": 404, "/report/x": 404} {
		response, err := browser.Get(page + path + "?token=" + token)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, status, response.StatusCode)
		if status == 200 {
			require.Contains(t, string(body), `id="stackone.auth.rotation"`)
			require.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
			require.NotContains(t, response.Header.Get("Content-Security-Policy"), "script-src")
		}
	}
}

// providerAddress makes this test binary a provider for Kombo at the address that it
// names: a program that --start runs.
const providerAddress = "SANDBOX_TEST_PROVIDER"

func TestMain(m *testing.M) {
	address := os.Getenv(providerAddress)
	if address == "" {
		os.Exit(m.Run())
	}
	secret := os.Getenv("KOMBO_WEBHOOK_SECRET")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || kombotest.Sign(secret, body) != r.Header.Get(kombotest.SignatureHeader) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	fmt.Println("the provider says something")
	if err := http.ListenAndServe(address, handler); err != nil { //nolint:gosec // it lives for a moment
		os.Exit(1)
	}
}

// A provider that the command starts has the secrets in its environment, and ends with
// all that it started.
func TestStart(t *testing.T) {
	s := newShell(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	binary, err := os.Executable()
	require.NoError(t, err)
	// A shell in between: the provider is a grandchild.
	start := fmt.Sprintf("%s=%s '%s' & wait", providerAddress, address, binary)
	got := s.check("kombo.auth", "--kombo", "http://"+address, "--start", start)
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.NotContains(t, got.out, "the provider says something", "stdout is data")
	require.Contains(t, got.errors, "the provider says something")
	_, err = net.Dial("tcp", address)
	require.Error(t, err, "nothing is left of it")

	requireSaid(t, s.trigger("kombo.order", "--kombo", "http://"+address, "--start", "exit 7"), sandbox.ExitNothing,
		"your service ended before it was ready: exit status 7")
	ctx, stop := context.WithCancel(t.Context())
	s.ctx = ctx
	stop()
	require.Equal(t, sandbox.ExitInterrupted, s.trigger("kombo.order", "--kombo", "http://"+address, "--start", "sleep 60").status)
}
