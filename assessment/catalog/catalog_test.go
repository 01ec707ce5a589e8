package catalog_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/catalog"
)

// wantPackages is testdata/packages.yaml.
var wantPackages = []assessment.Package{
	{
		ID:          "typescript_test",
		Name:        "TypeScript",
		Description: "Types, generics and the event loop",
		Type:        assessment.SkillsTest,
	},
	{
		ID:          "1001",
		Name:        "Criminal record",
		Description: "Federal and state registers, seven years back",
		Type:        assessment.BackgroundCheck,
		Tests: []assessment.Test{
			{ID: "007", Name: "Federal register"},
			{ID: "0x10", Name: "State registers", Description: "All fifty"},
		},
	},
	{ID: "~", Name: `Übersicht: "Teamfit"`, Type: assessment.Behavioral},
}

func TestParse(t *testing.T) {
	data, err := os.ReadFile("testdata/packages.yaml")
	require.NoError(t, err)
	for name, text := range map[string]string{
		"as it is":            string(data),
		"CRLF":                strings.ReplaceAll(string(data), "\n", "\r\n"),
		"byte order mark":     "\uFEFF" + string(data),
		"document markers":    "---\n" + string(data) + "...\n",
		"YAML directive":      "%YAML 1.1\n---\n" + string(data),
		"comment at the end":  string(data) + "# end",
		"no newline at end":   strings.TrimRight(string(data), "\n"),
		"whitespace at start": "\n\n" + string(data),
	} {
		got, err := catalog.Parse([]byte(text))
		require.NoError(t, err, name)
		require.Empty(t, cmp.Diff(wantPackages, got), name)
	}
}

func TestLoad(t *testing.T) {
	got, err := catalog.Load(os.DirFS("testdata"), "packages.yaml")
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(wantPackages, got))

	_, err = catalog.Load(os.DirFS("testdata"), "absent.yaml")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = catalog.Load(os.DirFS("."), "testdata")
	require.ErrorContains(t, err, "catalog: ")
}

func TestReadFile(t *testing.T) {
	got, err := catalog.ReadFile(filepath.Join("testdata", "packages.yaml"))
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(wantPackages, got))

	_, err = catalog.ReadFile(filepath.Join("testdata", "absent.yaml"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// All mistakes come at once, each at its line, under the name of the file.
func TestMistakes(t *testing.T) {
	_, err := catalog.Load(os.DirFS("testdata"), "mistakes.yaml")
	require.EqualError(t, err, strings.Join([]string{
		`mistakes.yaml:2: package "typescript_test": missing name`,
		`mistakes.yaml:3: package "typescript_test": unknown field "nmae", did you mean "name"?`,
		`mistakes.yaml:4: package "typescript_test": unknown type "skils_test", did you mean "skills_test"?; the types are skills_test, behavioral, video_interview, background_check, reference_check`,
		`mistakes.yaml:5: package "typescript_test": the id is used already on line 2`,
		`mistakes.yaml:8: package "typescript_test": field "type" again, first on line 7`,
		`mistakes.yaml:9: package 3: missing id`,
		`mistakes.yaml:10: package 3: description must be text; it is a list`,
		`mistakes.yaml:16: package 3: test "camera": the id is used already on line 13`,
		`mistakes.yaml:17: package 3: test "camera": unknown field "remote_id"`,
		`mistakes.yaml:18: package 4: must be a mapping with id, name, description, type, tests; it is the text "just a text"`,
	}, "\n"))

	var problems *catalog.Error
	require.ErrorAs(t, err, &problems)
	require.Equal(t, "mistakes.yaml", problems.Name)
	require.Len(t, problems.Problems, 10)
}

// Letters of every script, and a space inside, are fine in an id.
func TestVisibleIDs(t *testing.T) {
	for _, id := range []string{"Café 1", "テスト", "اختبار", "a/b:c#d", "\U0001F600"} {
		got, err := catalog.Parse([]byte("packages: [{id: '" + id + "', name: b, type: behavioral}]"))
		require.NoError(t, err, id)
		require.Equal(t, id, got[0].ID)
	}
}

// The scalars that YAML readers disagree about are all taken as written.
func TestLiteralText(t *testing.T) {
	for _, text := range []string{
		"1001", "007", "0x10", "0o17", "0b11", "1_000", "1e3", "+1", "-0", "3.10", ".inf", ".nan",
		"true", "yes", "NO", "2026-01-02", "2026-01-02T03:04:05Z", "12:30:45", "1.2.3", "=", "a#b", "日本語",
	} {
		got, err := catalog.Parse([]byte("packages: [{id: " + text + ", name: " + text + ", type: behavioral}]"))
		require.NoError(t, err, text)
		want := []assessment.Package{{ID: text, Name: text, Type: assessment.Behavioral}}
		require.Empty(t, cmp.Diff(want, got), text)
	}
}

func TestLoadTooLarge(t *testing.T) {
	good := "packages: [{id: a, name: b, type: behavioral}]"
	pad := strings.Repeat("\n", catalog.MaxSize-len(good))
	fsys := fstest.MapFS{
		"largest.yaml":   {Data: []byte(good + pad)},
		"too-large.yaml": {Data: []byte(good + pad + "\n")},
	}
	_, err := catalog.Load(fsys, "largest.yaml")
	require.NoError(t, err)
	_, err = catalog.Load(fsys, "too-large.yaml")
	require.EqualError(t, err, "too-large.yaml:1: larger than 1048576 bytes")
}

// A file that cannot be read to its end is not a catalogue with mistakes.
func TestLoadReadError(t *testing.T) {
	_, err := catalog.Load(os.DirFS("."), "testdata")
	var problems *catalog.Error
	require.False(t, errors.As(err, &problems))
}
