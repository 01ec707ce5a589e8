package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
)

// shell runs commands in a folder of its own, with nothing in the environment but what
// is said.
type shell struct {
	t   *testing.T
	ctx context.Context
	env map[string]string
	// token receives that of the sandbox that was served.
	token chan string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	t.Chdir(t.TempDir())
	return &shell{t: t, ctx: t.Context(), env: map[string]string{"XDG_RUNTIME_DIR": t.TempDir()}}
}

// said is what a command said.
type said struct {
	status      int
	out, errors string
}

func (s *shell) run(args ...string) said {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	status := sandbox.Run(s.ctx, args, func(name string) string { return s.env[name] }, &stdout, &stderr)
	return said{status, stdout.String(), stderr.String()}
}

// write writes a file and returns its name.
func (s *shell) write(name, content string) string {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

// requireSaid checks status and what was said on stderr.
func requireSaid(t *testing.T, got said, status int, message string) {
	t.Helper()
	require.Equal(t, status, got.status, got)
	require.Contains(t, got.errors, message)
}

func TestWrongUse(t *testing.T) {
	s := newShell(t)
	for _, c := range []struct{ line, message string }{
		{"srve", `there is no command "srve", did you mean "serve"?`},
		{"juggle", `there is no command "juggle": there are serve, env, `},
		{"env --formt json", `env has no flag --formt, did you mean "format"?`},
		{"env --format yaml", `it is one of sh, dotenv, json`},
		{"env --listen 127.0.0.1:0", "name one in --listen"},
		{"env --config missing.yaml", "missing.yaml"},
		{"env more", `unexpected argument "more"`},
		{"list", "what to list: vendors, "},
		{"list evnts", `there is no list of "evnts", did you mean "events"?`},
		{"list events faults", `unexpected argument "faults"`},
		{"list events --vendor komba", `there is no vendor "komba", did you mean "kombo"?`},
		{"serve --listen 0.0.0.0:0", "add --insecure-listen"},
		{"serve --kombo https://api.kombo.dev/v1 --listen 127.0.0.1:0", "belongs to a real vendor"},
		{"serve --allow-remote hooks.ashbyhq.com --ashby https://hooks.ashbyhq.com --listen 127.0.0.1:0", "belongs to a real vendor"},
		{"serve --provider http://8.8.8.8 --listen 127.0.0.1:0", "add --allow-remote 8.8.8.8"},
	} {
		got := s.run(strings.Fields(c.line)...)
		requireSaid(t, got, sandbox.ExitUsage, c.message)
		require.Empty(t, got.out, c.line)
	}
}

func TestManual(t *testing.T) {
	s := newShell(t)
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}} {
		got := s.run(args...)
		require.Equal(t, sandbox.ExitOK, got.status)
		require.Contains(t, got.out, "nothing could be judged")
		require.Empty(t, got.errors)
	}
	got := s.run("env", "--help")
	require.Equal(t, sandbox.ExitOK, got.status)
	require.Contains(t, got.out, "--stackone-packages URL")
}

func TestEnv(t *testing.T) {
	s := newShell(t)
	require.Contains(t, s.run("env").out, "export KOMBO_BASE_URL=http://127.0.0.1:8026/v1\n")
	require.Contains(t, s.run("env", "--listen", "127.0.0.1:9000", "--format", "dotenv").out, "\nASHBY_BASE_URL=http://127.0.0.1:9003\n")
	var variables map[string]string
	require.NoError(t, json.Unmarshal([]byte(s.run("env", "--format", "json", "--check").out), &variables))
	require.Equal(t, "partner_test_key_globex", variables["ASHBY_PARTNER_KEY_GLOBEX"])
	require.Equal(t, "stackone-test-webhook-secret-rotated", variables["STACKONE_NEXT_WEBHOOK_SECRET"])
	require.NotContains(t, s.run("env").out, "GLOBEX", "only the checks need a second customer")
}

// A secret of the environment is named, never printed.
func TestEnvNamesSecrets(t *testing.T) {
	s := newShell(t)
	s.env["MINE"], s.env["ACME_KEY"] = "real-secret", "real-partner-key"
	s.write("sandbox.yaml", "kombo: {secret: \"${MINE}\"}\nashby: {customers: [{name: Acme, partner_key: \"${ACME_KEY}\"}, {name: Big Corp}]}\n")
	got := s.run("env")
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Contains(t, got.out, "export KOMBO_WEBHOOK_SECRET=\"${MINE}\"\n")
	require.Contains(t, got.out, "export ASHBY_PARTNER_KEY=\"${ACME_KEY}\"\n")
	require.Contains(t, got.out, "export ASHBY_PARTNER_KEY_BIG_CORP=partner_test_key_big-corp\n")
	require.NotContains(t, got.out+got.errors, "real-")
}

func TestList(t *testing.T) {
	s := newShell(t)
	for _, c := range []struct{ line, want string }{
		{"list vendors", "stackone  StackOne\n"},
		{"list commands", "serves the page and the three vendors\n"},
		{"list events", "kombo.order "},
		{"list fields --vendor stackone", "candidate.email\n"},
		{"list faults --vendor kombo", "legacy body"},
		{"list call-faults", "rate limited\n"},
		{"list quirks", "RequirePackage"},
		{"list checks --vendor ashby", "ashby.start.conflict-409"},
	} {
		got := s.run(strings.Fields(c.line)...)
		require.Equal(t, sandbox.ExitOK, got.status, got)
		require.Contains(t, got.out, c.want)
	}
	var all []struct {
		Name    string
		Vendors []string
	}
	require.NoError(t, json.Unmarshal([]byte(s.run("list", "events", "--format", "json", "--vendor", "ashby").out), &all))
	require.NotEmpty(t, all)
	for _, one := range all {
		require.Equal(t, []string{"ashby"}, one.Vendors)
		require.True(t, strings.HasPrefix(one.Name, "ashby."))
	}
	require.NotContains(t, s.run("list", "checks", "--vendor", "ashby").out, "kombo.")
}

func TestInit(t *testing.T) {
	s := newShell(t)
	require.Equal(t, sandbox.ExitOK, s.run("init").status)
	got := s.run("env")
	require.Equal(t, sandbox.ExitOK, got.status, "what init writes can be read: %v", got)
	require.Contains(t, got.errors, "reading sandbox.yaml")
	require.Contains(t, got.out, "ASHBY_PARTNER_KEY_GLOBEX")
	requireSaid(t, s.run("init"), sandbox.ExitUsage, "--force replaces it")
	require.Equal(t, sandbox.ExitOK, s.run("init", "--force", "--output", filepath.Join(t.TempDir(), "other.yaml")).status)
	requireSaid(t, s.run("init", "--output", "missing/sandbox.yaml"), sandbox.ExitUsage, "missing")

	// The commented lines are right, too.
	data, err := os.ReadFile("sandbox.yaml")
	require.NoError(t, err)
	s.env = map[string]string{"KOMBO_API_KEY": "a", "KOMBO_WEBHOOK_SECRET": "b", "UMBRELLA_PARTNER_KEY": "c", "UMBRELLA_API_KEY": "d", "EMPTY_KEY": "e"}
	s.write("whole.yaml", commented.ReplaceAllString(string(data), "$1$2"))
	got = s.run("env", "--config", "whole.yaml")
	require.Equal(t, sandbox.ExitOK, got.status, got)
	require.Contains(t, got.out, `ASHBY_PARTNER_KEY_UMBRELLA="${UMBRELLA_PARTNER_KEY}"`)
}

// commented is a setting that init writes as a comment.
var commented = regexp.MustCompile(`(?m)^( +)# (\w+:|- )`)

func TestConfigIsStrict(t *testing.T) {
	s := newShell(t)
	s.env["SET"] = "x"
	for _, c := range []struct{ file, message string }{
		{"provder: {base: x}", `sandbox.yaml:1: unknown field "provder", did you mean "provider"?`},
		{"provider: {bse: x}", `unknown field "bse", did you mean "base"?`},
		{"kombo: {packages: /x}", `unknown field "packages"`},
		{"kombo: {webhook: hooks}", "webhook has to be an http or https URL, or a path that begins with /"},
		{"kombo: {webhook: ftp://localhost/x}", "webhook has to be an http or https URL"},
		{"kombo: {webhook: \"http://u:literal@localhost/x\"}", "the password in webhook has to be ${NAME}"},
		{"kombo: {secret: hunter2}", "secret has to be ${NAME}"},
		{"kombo: {secret: \"${MISSING}\"}", "the environment has no ${MISSING}"},
		{"stackone: {webhook: \"/x?token=${MISSING}\"}", "the environment has no ${MISSING}"},
		{"kombo: {customers: [{name: A}]}", "missing tool"},
		{"kombo: {customers: [{tool: workday}]}", "missing name"},
		{"stackone: {customers: [{name: A, tool: x}]}", `unknown field "tool"`},
		{"ashby: {customers: [{name: A, partner_key: literal}]}", "partner_key has to be ${NAME}"},
		{"ashby: {customers: [{name: A}, {name: a}]}", `a second customer with the id "a"`},
		{"kombo: {quirks: [Any2xx]}", "Kombo has no switch"},
		{"check: {settle: soon}", "settle has to be a duration"},
		{"check: {without: [kombo.inlne]}", "nothing is called"},
		{"check: {finsh: /x}", `unknown field "finsh", did you mean "finish"?`},
		{"[1, 2]", "must be a mapping"},
	} {
		s.write("sandbox.yaml", c.file)
		got := s.run("env")
		requireSaid(t, got, sandbox.ExitUsage, c.message)
		require.Contains(t, got.errors, "sandbox.yaml:1: ")
		require.NotContains(t, got.errors, "hunter2")
	}
}
