package catalog_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/catalog"
)

// FuzzParse checks that no document panics, that every problem has a line of
// the document, and that what is accepted keeps the rules and can be written
// down and read back.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/packages.yaml", "testdata/mistakes.yaml"} {
		data, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(data)
	}
	for _, text := range hostile {
		if len(text) < 1<<10 { // the fuzzer would only mutate bulk
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		packages, err := catalog.Parse(data)
		if err != nil {
			checkProblems(t, data, err)
			return
		}
		checkPackages(t, packages)
		again, err := catalog.Parse([]byte(write(packages)))
		if err != nil {
			t.Fatalf("written and read again: %v", err)
		}
		if diff := cmp.Diff(packages, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

func checkProblems(t *testing.T, data []byte, err error) {
	var e *catalog.Error
	if !errors.As(err, &e) || len(e.Problems) == 0 {
		t.Fatalf("no problems in %v", err)
	}
	// YAML ends a line at each of these, so this is never too few.
	last := 2 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r") +
		strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
	for _, p := range e.Problems {
		if p.Line < 1 || p.Line > last {
			t.Fatalf("line %d of %d: %s", p.Line, last, p.Message)
		}
		if strings.Contains(p.Message, "gave up") {
			t.Logf("parser panic on %q", data)
		}
	}
}

func checkPackages(t *testing.T, packages []assessment.Package) {
	if len(packages) == 0 {
		t.Fatal("neither packages nor an error")
	}
	seen := map[string]bool{}
	for _, p := range packages {
		if p.ID == "" || p.Name == "" || !p.Type.Known() || seen[p.ID] || p.RemoteID != "" {
			t.Fatalf("accepted %+v", p)
		}
		seen[p.ID] = true
	}
}

// write is a catalogue of double-quoted texts, whose escapes YAML shares with
// Go.
func write(packages []assessment.Package) string {
	var b strings.Builder
	entry := func(name, text string) { b.WriteString(name + ": " + strconv.QuoteToASCII(text) + ", ") }
	b.WriteString("packages: [")
	for _, p := range packages {
		b.WriteString("{")
		entry("id", p.ID)
		entry("name", p.Name)
		entry("description", p.Description)
		entry("type", string(p.Type))
		b.WriteString("tests: [")
		for _, test := range p.Tests {
			b.WriteString("{")
			entry("id", test.ID)
			entry("name", test.Name)
			entry("description", test.Description)
			b.WriteString("}, ")
		}
		b.WriteString("]}, ")
	}
	b.WriteString("]")
	return b.String()
}
