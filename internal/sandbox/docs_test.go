package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
)

// page reads docs/sandbox.md.
func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/sandbox.md")
	require.NoError(t, err)
	return string(text)
}

// fence returns the code blocks of a language.
func fence(text, language string) []string {
	var blocks []string
	for _, found := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, found[1])
	}
	return blocks
}

// The providers of the page take orders, refuse what is forged, and need nothing but
// their language.
func TestPageProviders(t *testing.T) {
	text := page(t)
	for _, c := range []struct{ language, program, file string }{
		{"js", "node", "provider.mjs"},
		{"python", "python3", "provider.py"},
	} {
		t.Run(c.program, func(t *testing.T) {
			_, err := exec.LookPath(c.program)
			require.NoError(t, err, "%s is needed; on Debian type: apt-get install -y nodejs python3", c.program)
			s := newShell(t)
			s.write(c.file, fence(text, c.language)[0])
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			_, port, err := net.SplitHostPort(l.Addr().String())
			require.NoError(t, err)
			require.NoError(t, l.Close())
			t.Setenv("PORT", port)
			start := c.program + " " + c.file
			has(t, text, "--start '"+start+"'")
			got := s.check("kombo.auth", "--kombo", "http://127.0.0.1:"+port, "--start", start)
			require.Equal(t, sandbox.ExitOK, got.status, got)
			require.Contains(t, got.out, "4 passed, 0 failed")
			got = s.trigger("kombo.order", "--kombo", "http://127.0.0.1:"+port, "--start", start, "--set", "candidate.first_name=Zoë")
			require.Equal(t, sandbox.ExitOK, got.status, got)
		})
	}
}

// The page names the commands, the statuses, the variables, the lists and the file as
// the program has them.
func TestPageNamesWhatIsThere(t *testing.T) {
	text := page(t)
	s := newShell(t)
	var commands []struct{ Name, Text string }
	require.NoError(t, json.Unmarshal([]byte(s.run("list", "commands", "--format", "json").out), &commands))
	table := "| Command | What it does |\n|---|---|\n"
	for _, c := range commands {
		table += fmt.Sprintf("| `%s` | %s |\n", strings.ReplaceAll(c.Name, "|", `\|`), c.Text)
	}
	has(t, text, table+"\n")

	manual := s.run("help").out
	_, statuses, found := strings.Cut(manual, "Exit status:\n")
	require.True(t, found)
	table = "| Exit status | Meaning |\n|---|---|\n"
	for line := range strings.Lines(statuses) {
		status, meaning, _ := strings.Cut(strings.TrimSpace(line), "  ")
		table += fmt.Sprintf("| %s | %s |\n", status, meaning)
	}
	has(t, text, table+"\n")

	table = "| Flag | Variable |\n|---|---|\n"
	for _, found := range regexp.MustCompile(`--(\S+) URL\n.*\(else \$(\w+)\)`).FindAllStringSubmatch(s.run("serve", "--help").out, -1) {
		has(t, text, fmt.Sprintf("| `--%s` | `%s` |\n", found[1], found[2]))
		table = ""
	}
	require.Empty(t, table, "there are such flags")

	for _, name := range regexp.MustCompile(`there are (.*)`).FindStringSubmatch(s.run("list", "nothing").errors)[1:] {
		for _, one := range strings.Split(strings.TrimSpace(name), ", ") {
			has(t, text, "`"+one+"`")
		}
	}
	require.Equal(t, sandbox.ExitOK, s.run("init").status)
	written, err := os.ReadFile("sandbox.yaml")
	require.NoError(t, err)
	require.Contains(t, fence(text, "yaml"), string(written))
}

// Every command line of the page is understood, and its scenario can be played.
func TestPageCommandLines(t *testing.T) {
	text := page(t)
	s := newShell(t)
	s.write("order.json", "{}")
	provider := newService(t, 200, "")
	for line := range strings.Lines(strings.Join(fence(text, "sh"), "")) {
		args, isOurs := strings.CutPrefix(strings.TrimSpace(line), "sandbox trigger ")
		if !isOurs {
			continue
		}
		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", `printf '%s\0' `+args).Output()
		require.NoError(t, err)
		got := s.trigger(append(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), "--provider", provider.URL)...)
		require.NotEqual(t, sandbox.ExitUsage, got.status, "%s: %v", line, got)
	}
	require.NotEmpty(t, provider.bodies)
	s.write("s.yaml", fence(text, "yaml")[0])
	got := s.scenario("s.yaml", "--provider", nobody(t))
	requireSaid(t, got, sandbox.ExitNothing, "step 2")
}
