package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const secret = "s3cr3t-s3cr3t-s3cr3t"

// good are variables that suffice.
func good(more ...string) []string {
	return append([]string{
		prefix + "PUBLIC_URL=https://tests.example.com",
		prefix + "KOMBO_API_KEY=" + secret, prefix + "KOMBO_WEBHOOK_SECRET=" + secret,
	}, more...)
}

func TestSettingsFromEverywhere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "service.yaml")
	require.NoError(t, os.WriteFile(file, []byte("listen: :1\nops_listen: :2\ndb: a.db\ndrain: 7s\n"+
		"ashby_customers:\n  - {name: acme, our_key: a, ashby_key: b}\nkombo_integrations: [workday:1]\n"), 0o600))
	c, err := read([]string{"--config", file, "--listen", ":4", "--jobs-write"}, good(
		prefix+"OPS_LISTEN=:3", prefix+"MIGRATE=false", "HOME=/root"), io.Discard)
	require.NoError(t, err)
	require.Equal(t, ":4", c.Listen, "a flag goes before a variable")
	require.Equal(t, ":3", c.OpsListen, "a variable goes before the file")
	require.Equal(t, "a.db", c.DB)
	require.Equal(t, 7*time.Second, c.Drain)
	require.Equal(t, []customer{{"acme", "a", "b"}}, c.Customers)
	require.Equal(t, []string{"workday:1"}, c.Integrations)
	require.True(t, c.JobsWrite)
	require.False(t, c.Migrate)
	require.Equal(t, "eu", c.KomboRegion, "a default")

	c, err = read(nil, good(prefix+"CONFIG="+file, prefix+`ASHBY_CUSTOMERS=[{"name":"b","our_key":"c","ashby_key":"d"}]`), io.Discard)
	require.NoError(t, err)
	require.Equal(t, []customer{{"b", "c", "d"}}, c.Customers, "a list takes the place of a list")
}

// What is wrong is named, and no secret is shown.
func TestSettingsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		variables []string
		file      string
		want      string
	}{
		"nothing":             {nil, "", "ASSESSBRIDGE_KOMBO_API_KEY"},
		"half a vendor":       {[]string{prefix + "STACKONE_API_KEY=" + secret}, "", "ASSESSBRIDGE_STACKONE_WEBHOOK_SECRET is missing"},
		"the other half":      {[]string{prefix + "KOMBO_WEBHOOK_SECRET=" + secret}, "", "ASSESSBRIDGE_KOMBO_API_KEY is missing"},
		"no public URL":       {good()[1:], "", "ASSESSBRIDGE_PUBLIC_URL is missing"},
		"relative public URL": {good(prefix + "PUBLIC_URL=tests.example.com"), "", "ASSESSBRIDGE_PUBLIC_URL"},
		"letter missing":      {good(prefix + "OPS_TOKN=" + secret), "", "unknown variable ASSESSBRIDGE_OPS_TOKN: did you mean ASSESSBRIDGE_OPS_TOKEN?"},
		"prefix misspelt":     {good("ASSESBRIDGE_OPS_TOKEN=" + secret), "", "did you mean ASSESSBRIDGE_OPS_TOKEN?"},
		"small letters":       {good("assessbridge_ops_token=" + secret), "", "did you mean ASSESSBRIDGE_OPS_TOKEN?"},
		"no duration":         {good(prefix + "DRAIN=" + secret), "", "ASSESSBRIDGE_DRAIN: want a duration"},
		"negative duration":   {good(prefix + "DRAIN=-1s"), "", "ASSESSBRIDGE_DRAIN"},
		"no number":           {good(prefix + "KOMBO_MAX_STARTS=" + secret), "", "ASSESSBRIDGE_KOMBO_MAX_STARTS: want a number"},
		"no calls":            {good(prefix + "KOMBO_CALLS_PER_MINUTE=0"), "", "ASSESSBRIDGE_KOMBO_CALLS_PER_MINUTE"},
		"no bool":             {good(prefix + "MIGRATE=" + secret), "", "ASSESSBRIDGE_MIGRATE: want true or false"},
		"no list":             {good(prefix + "ASHBY_CUSTOMERS=" + secret), "", "ASSESSBRIDGE_ASHBY_CUSTOMERS: want"},
		"unknown member":      {good(prefix + "ASHBY_CUSTOMERS=[{nme: " + secret + "}]"), "", `unknown setting "nme"`},
		"incomplete customer": {good(prefix + "ASHBY_CUSTOMERS=[{name: a}]"), "", "each needs name, our_key and ashby_key"},
		"short token":         {good(prefix + "OPS_TOKEN=short"), "", "ASSESSBRIDGE_OPS_TOKEN: want 16"},
		"database":            {good(prefix + "DB=mysql://u:" + secret + "@h/d"), "", "ASSESSBRIDGE_DB: want"},
		"unknown field":       {good(), "listen: :1\nlisten_ops: :2\n", `service.yaml: line 2: unknown setting "listen_ops"`},
		"field twice":         {good(), "listen: :1\nlisten: :2\n", "line 2"},
		"mistyped field":      {good(), "migrate: " + secret + "\n", "service.yaml: line 1: cannot unmarshal"},
		"two documents":       {good(), "listen: :1\n---\nlisten: :2\n", "want one YAML document"},
	} {
		t.Run(name, func(t *testing.T) {
			var args []string
			if c.file != "" {
				file := filepath.Join(t.TempDir(), "service.yaml")
				require.NoError(t, os.WriteFile(file, []byte(c.file), 0o600))
				args = []string{"--config", file}
			}
			_, err := read(args, c.variables, io.Discard)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "s3cr3t")
		})
	}
	_, err := read([]string{"serve"}, good(), io.Discard)
	require.ErrorContains(t, err, `unknown argument "serve"`)
	_, err = read(nil, good(prefix+"SOMETHING_ELSE=1"), io.Discard)
	require.NoError(t, err, "others may use the prefix")
}

func TestHelpNamesEverything(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"--help"}, []string{prefix + "OPS_TOKEN=" + secret}, io.Discard, &out))
	s := defaults()
	for _, f := range s.fields() {
		require.Contains(t, out.String(), f.variable)
		require.NotEmpty(t, f.help, f.name)
	}
	require.NotContains(t, out.String(), secret)
}
