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

// largestBinary is how much larger the program of a user may become over the
// same program on the standard library alone.
const largestBinary = 1.08

// Whoever uses one vendor's package must not pay for the others, for YAML or
// for test libraries.
func TestLinkedProgram(t *testing.T) {
	linked := build(t, "testdata/linked", "main.go")
	floor := build(t, "testdata/floor", "main.go")

	info, err := buildinfo.ReadFile(linked)
	require.NoError(t, err)
	var modules []string
	for _, dep := range info.Deps {
		modules = append(modules, dep.Path)
	}
	slices.Sort(modules)
	require.Equal(t, []string{"github.com/hashicorp/go-cleanhttp", "github.com/hashicorp/go-retryablehttp"}, modules)

	ratio := size(t, linked) / size(t, floor)
	t.Logf("%.3f × the floor", ratio)
	require.LessOrEqual(t, ratio, largestBinary)
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
