package sandbox_test

import (
	"bytes"
	"context"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/sandbox"
)

// What is copied from an exchange does it again: the scenario plays and expects what
// happened, and the command names the order, the candidate and the faults.
func TestCopiesOfAnOrder(t *testing.T) {
	dir := t.TempDir()
	env := func(name string) string { return map[string]string{"XDG_RUNTIME_DIR": dir}[name] }
	b := start(t, func(o *sandbox.Options) { o.RuntimeDir = sandbox.RuntimeDir(env) })
	for _, c := range []struct{ vendor, email, fault, expect string }{
		{"kombo", "reject@example.com", "", "rejected"},
		{"kombo", "kim@example.com", "bad signature", "failed"},
		{"stackone", "kim@example.com", "duplicate=1", "accepted"},
		{"ashby", "o'hara+1@example.com", "late=1ms + duplicate=1", "accepted"},
	} {
		page := b.post(t, "/do/order", "customer", customers[c.vendor], "first", "Kim \"K\"", "email", c.email, "faults", c.fault)
		row := b.get(t, regexp.MustCompile(`href="(/x/\d+)"`).FindStringSubmatch(page)[1])
		copied := func(id string) string {
			found := regexp.MustCompile(`(?s)<pre tabindex="0" id="` + id + `">(.*?)</pre>`).FindStringSubmatch(row)
			require.NotNil(t, found, id)
			return html.UnescapeString(found[1])
		}
		line := copied("copy-trigger")
		for _, word := range []string{"trigger " + c.vendor + ".order", "Kim", "@example.com"} {
			has(t, line, word)
		}
		scenario := copied("copy-scenario")
		has(t, scenario, "expect: "+c.expect)
		file := filepath.Join(dir, c.vendor+".yaml")
		require.NoError(t, os.WriteFile(file, []byte(scenario), 0o600))
		var out, problems bytes.Buffer
		require.Equal(t, sandbox.ExitOK, sandbox.Run(context.Background(), []string{"run", file}, env, &out, &problems), "%s\n%s\n%s", scenario, out.String(), problems.String())
	}
	// A call of the provider is no order, and has neither.
	order, _ := orderOn(t, b.post(t, "/do/order", "customer", customers["kombo"]))
	b.eventually(t, order, "took your")
	rows := regexp.MustCompile(`href="(/x/\d+)"`).FindAllStringSubmatch(b.get(t, order), -1)
	require.NotContains(t, b.get(t, rows[len(rows)-1][1]), "copy-trigger")
}
