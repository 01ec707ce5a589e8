package catalog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment/catalog"
)

// bomb is nine levels of nine aliases each: four hundred million texts if it is
// expanded.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [lol]\n")
	for i := 1; i <= 9; i++ {
		level := string(rune('0' + i))
		below := "*a" + string(rune('0'+i-1))
		b.WriteString("a" + level + ": &a" + level + " [" + strings.Repeat(below+",", 8) + below + "]\n")
	}
	b.WriteString("packages: *a9\n")
	return b.String()
}

// bulk is enough of anything to find what grows faster than the text.
const bulk = catalog.MaxSize / 8

// hostile are documents that have broken YAML readers: found by fuzzers, made
// to explode, or nested to exhaust the stack.
var hostile = []string{
	bomb(),
	"#\n-\n{", "#\n-\n-\n0", "#\n - - QI", "a:\n.\n-\n", "{{},<<}", "0: [:!00 ", "! !00 ",
	"a:\n  # c\n- b\n# d\n  e: f\n", "\"\\0\\\r\n", "  0: [\n] 0", "? ? \"\n\" 0", "? \ufeff: \ufeff\n",
	"&a [*a]", "&a {*a : *a}", "<<: [*a]", "&a a: &a *a",
	"packages: &a\n  - id: *a", "? {packages: []}\n: x", "packages:\n  ? []\n  : {}",
	"%YAML 9.9\n---\n", "%TAG ! !\n%TAG ! !\n---\na", "--- !!map\n", "\"\\ud800\"", "|1000000000\n", ">-9x\n",
	strings.Repeat("[", bulk),
	strings.Repeat("{", bulk),
	strings.Repeat("- ", bulk/2),
	strings.Repeat("? ", bulk/2),
	strings.Repeat("{a: [", bulk/5),
	strings.Repeat("--- ", bulk/4),
	"packages: [" + strings.Repeat("a,", bulk/2) + "]",
	"packages:\n" + strings.Repeat("- {}\n", bulk/5),
	"packages:\n" + strings.Repeat("- #\n", bulk/4),
	"packages:\n- id: " + strings.Repeat("a", bulk),
	strings.Repeat("a: b\n", bulk/5),
	strings.Repeat("#", catalog.MaxSize),
	strings.Repeat("&a ", bulk/3),
	strings.Repeat("\x00", catalog.MaxSize),
	strings.Repeat("\xff\n", catalog.MaxSize/2),
}

func TestHostile(t *testing.T) {
	for _, text := range hostile {
		_, err := catalog.Parse([]byte(text))
		var problems *catalog.Error
		require.ErrorAs(t, err, &problems)
		require.LessOrEqual(t, len(err.Error()), 64<<10)
	}
}

func TestBomb(t *testing.T) {
	_, err := catalog.Parse([]byte("packages: [" + strings.Repeat("*a,", 1000) + "]"))
	require.EqualError(t, err, "line 1: anchors and aliases are not supported")

	_, err = catalog.Parse([]byte(bomb()))
	require.ErrorContains(t, err, "line 11: anchors and aliases are not supported")
}
