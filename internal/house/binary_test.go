package house

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever uses one vendor's package must not pay for the others, for YAML or
// for test libraries.
//
// The floor is a program that does the same with the standard library alone.
// go-retryablehttp by itself makes it 1.04 times as large.
func TestLinkedProgram(t *testing.T) {
	floor := size(t, build(t, "testdata/floor", "main.go"))
	for _, c := range []struct {
		dir, file string
		limit     float64
	}{
		{"testdata/only", "main.go", 1.12},   // package kombo: client, signatures, events and their reader
		{"testdata/linked", "main.go", 1.18}, // and with it intake, store, handler and results
	} {
		t.Run(c.dir, func(t *testing.T) {
			binary := build(t, c.dir, c.file)
			require.Equal(t, []string{
				"github.com/hashicorp/go-cleanhttp",
				"github.com/hashicorp/go-retryablehttp",
			}, modules(t, binary))
			ratio := size(t, binary) / floor
			t.Logf("%.3f × the floor", ratio)
			require.LessOrEqual(t, ratio, c.limit)
		})
	}
}

func modules(t *testing.T, binary string) []string {
	t.Helper()
	info, err := buildinfo.ReadFile(binary)
	require.NoError(t, err)
	var paths []string
	for _, dep := range info.Deps {
		paths = append(paths, dep.Path)
	}
	slices.Sort(paths)
	return paths
}

func build(t *testing.T, dir, file string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), filepath.Base(dir))
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./"+dir).CombinedOutput()
	require.NoError(t, err, "%s/%s: %s", dir, file, out)
	return binary
}

func size(t *testing.T, name string) float64 {
	t.Helper()
	info, err := os.Stat(name)
	require.NoError(t, err)
	return float64(info.Size())
}
