package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment/catalog"
)

const (
	wantMapping = "must be a mapping with id, name, description, type, tests; it is "
	types       = "the types are skills_test, behavioral, video_interview, background_check, reference_check"
	aliases     = "anchors and aliases are not supported"
)

func lines(all ...string) string { return strings.Join(all, "\n") }

func TestProblems(t *testing.T) {
	for _, tc := range []struct {
		name string
		text string
		want []catalog.Problem
	}{
		// Nothing there
		{"empty file", "", []catalog.Problem{{1, "empty document"}}},
		{"comments only", "# one\n\n# two\n", []catalog.Problem{{1, "empty document"}}},
		{"empty document", "\n---\n...\n", []catalog.Problem{{3, "empty document"}}},
		{"null", "\n\nnull", []catalog.Problem{{3, "empty document"}}},
		{"empty mapping", "{}", []catalog.Problem{{1, "missing packages"}}},
		{"null list", "\npackages:", []catalog.Problem{{2, "packages is empty"}}},
		{"empty list", "\npackages: []", []catalog.Problem{{2, "packages is empty"}}},

		// Several documents
		{"second document", lines("packages: [{id: a, name: b, type: behavioral}]", "---", "packages: []"), []catalog.Problem{{3, "a second document; there must be one"}}},
		{"mistake in the second", lines("packages: []", "---", "a: ]"), []catalog.Problem{{3, "not YAML, here or below: did not find expected node content"}}},

		// Wrong kinds
		{"list on top", "- id: a", []catalog.Problem{{1, "must be a mapping with packages, aliases, jobs; it is a list"}}},
		{"text on top", "packages", []catalog.Problem{{1, `must be a mapping with packages, aliases, jobs; it is the text "packages"`}}},
		{"packages is a mapping", "packages:\n  a: b", []catalog.Problem{{2, "packages must be a list; it is a mapping"}}},
		{"packages is a text", "packages: a", []catalog.Problem{{1, `packages must be a list; it is the text "a"`}}},
		{"package is a list", "packages:\n- [a]", []catalog.Problem{{2, "package 1: " + wantMapping + "a list"}}},
		{"package is null", "packages:\n- ", []catalog.Problem{{2, "package 1: " + wantMapping + "empty"}}},
		{"id is a list", "packages:\n- id: [a]\n  name: b\n  type: behavioral", []catalog.Problem{{2, "package 1: id must be text; it is a list"}}},
		{"name is a mapping", "packages:\n- id: a\n  name: {b: c}\n  type: behavioral", []catalog.Problem{{3, `package "a": name must be text; it is a mapping`}}},
		{"type is a list", "packages:\n- id: a\n  name: b\n  type:\n    - behavioral", []catalog.Problem{{5, `package "a": type must be text; it is a list`}}},
		{"tests is a text", "packages:\n- id: a\n  name: b\n  type: behavioral\n  tests: c", []catalog.Problem{{5, `package "a": tests must be a list; it is the text "c"`}}},
		{"test is a text", "packages:\n- id: a\n  name: b\n  type: behavioral\n  tests: [c]", []catalog.Problem{{5, `package "a": test 1: must be a mapping with id, name, description; it is the text "c"`}}},
		{"key is a list", "[a]: b\npackages: [{id: a, name: b, type: behavioral}]", []catalog.Problem{{1, "a field's name must be text; it is a list"}}},

		// Missing and blank
		{"all missing", "packages:\n\n- description: a", []catalog.Problem{{3, "package 1: missing id"}, {3, "package 1: missing name"}, {3, "package 1: missing type"}}},
		{"all null", "packages:\n- id: ~\n  name: null\n  type:", []catalog.Problem{{2, "package 1: missing id"}, {3, "package 1: missing name"}, {4, "package 1: missing type"}}},
		{"all blank", "packages:\n- id: ''\n  name: ' '\n  type: \"\\t\"", []catalog.Problem{{2, "package 1: missing id"}, {3, "package 1: missing name"}, {4, "package 1: missing type"}}},
		{"test without id and name", "packages:\n- id: a\n  name: b\n  type: behavioral\n  tests:\n  - {}", []catalog.Problem{{6, `package "a": test 1: missing id`}, {6, `package "a": test 1: missing name`}}},

		// Names
		{"misspelt list", "Package: []", []catalog.Problem{{1, `unknown field "Package", did you mean "packages"?`}, {1, "missing packages"}}},
		{"no hint for a stranger", "packages:\n- id: a\n  name: b\n  type: behavioral\n  price: 1", []catalog.Problem{{5, `package "a": unknown field "price"`}}},
		{"no hint for a short word", "packages:\n- id: a\n  name: b\n  type: behavioral\n  xy: 1", []catalog.Problem{{5, `package "a": unknown field "xy"`}}},
		{"unknown type", "packages:\n- id: a\n  name: b\n  type: Behavioural", []catalog.Problem{{4, `package "a": unknown type "Behavioural", did you mean "behavioral"?; ` + types}}},
		{"stranger as type", "packages:\n- id: a\n  name: b\n  type: 12", []catalog.Problem{{4, `package "a": unknown type "12"; ` + types}}},
		{"repeated field", "packages: []\npackages: []", []catalog.Problem{{1, "packages is empty"}, {2, `field "packages" again, first on line 1`}}},
		{"same id in two spellings", "packages:\n- {id: 1, name: b, type: behavioral}\n- {id: '1', name: b, type: behavioral}", []catalog.Problem{{3, `package "1": the id is used already on line 2`}}},
		{"long text is cut", "packages:\n- " + strings.Repeat("ä", 100), []catalog.Problem{{2, "package 1: " + wantMapping + `the text "` + strings.Repeat("ä", 60) + `…"`}}},

		// More than plain YAML
		{"alias", "packages:\n- &a {id: a, name: b, type: behavioral}\n- *a", []catalog.Problem{{2, aliases}, {3, aliases}}},
		{"alias to itself", "packages: &a\n- *a", []catalog.Problem{{1, aliases}, {2, aliases}}},
		{"alias as text", "packages:\n- id: &a a\n  name: *a\n  type: behavioral", []catalog.Problem{{2, aliases}, {3, aliases}}},
		{"alias as key", "packages:\n- id: &a name\n  *a : b\n  name: b\n  type: behavioral", []catalog.Problem{{2, aliases}, {3, aliases}}},
		{"unknown alias", "packages:\n- id: a\n  name: *b", []catalog.Problem{{3, aliases}}},
		{"merge key", "packages:\n- <<: {id: a}\n  id: a\n  name: b\n  type: behavioral", []catalog.Problem{{2, `package "a": merge keys are not supported`}}},
		{"tag", "packages:\n- id: !!str 1\n  name: !local b\n  type: behavioral", []catalog.Problem{{2, `tags are not supported: "!!str"`}, {3, `tags are not supported: "!local"`}}},
		{"binary", "packages:\n- id: a\n  name: !!binary AAAA\n  type: behavioral", []catalog.Problem{{3, `tags are not supported: "!!binary"`}}},

		// Characters
		{"NUL", "packages:\n- id: a\x00", []catalog.Problem{{2, "control character U+0000"}}},
		{"two bad lines", "packages:\x01\n- id: a\n  name: \x7f\x7f", []catalog.Problem{{1, "control character U+0001"}, {3, "control character U+007F"}}},
		{"Latin 1", "packages:\n- id: a\n  name: \xdcbersicht", []catalog.Problem{{3, "not UTF-8: byte 0xdc"}}},
		{"UTF-16", "\xff\xfep\x00a\x00", []catalog.Problem{{1, "not UTF-8: byte 0xff"}}},
		{"byte order mark inside", "packages:\n- id: \uFEFFa", []catalog.Problem{{2, "control character U+FEFF"}}},
		{"escaped NUL", "packages:\n- id: \"a\\0\"\n  name: b\n  type: behavioral", []catalog.Problem{{2, "package \"a\\x00\": id holds the control character U+0000"}}},

		// Ids that look like another
		{"no-break space in an id", "packages:\n- id: a\u00a0b\n  name: b\n  type: behavioral", []catalog.Problem{{2, `package "a\u00a0b": id holds the invisible character U+00A0`}}},
		{"zero width space in an id", "packages:\n- name: b\n  id: a\u200b\n  type: behavioral", []catalog.Problem{{3, `package "a\u200b": id holds the invisible character U+200B`}}},
		{"soft hyphen in a test's id", "packages:\n- id: a\n  name: b\n  type: behavioral\n  tests:\n  - id: a\u00adb\n    name: c", []catalog.Problem{{6, `package "a": test "a\u00adb": id holds the invisible character U+00AD`}}},
		{"variation selector in an id", "packages:\n- id: a\ufe0f\n  name: b\n  type: behavioral", []catalog.Problem{{2, "package \"a\ufe0f\": id holds the invisible character U+FE0F"}}},
		{"tab in an id", "packages:\n- id: \"a\\tb\"\n  name: b\n  type: behavioral", []catalog.Problem{{2, `package "a\tb": id holds the invisible character U+0009`}}},
		{"blank at the end of an id", "packages:\n- id: \"a \"\n  name: b\n  type: behavioral", []catalog.Problem{{2, `package "a ": id begins or ends with a blank`}}},

		// Syntax
		{"tab", "packages:\n\t- id: a", []catalog.Problem{{2, "not YAML, here or below: found character that cannot start any token"}}},
		{"colon in text", "packages:\n- id: a\n  name: b: c", []catalog.Problem{{3, "not YAML, here or below: mapping values are not allowed in this context"}}},
		{"colon in the first line", "packages: b: c", []catalog.Problem{{1, "not YAML, here or below: mapping values are not allowed in this context"}}},
		{"open list", "packages:\n- id: a\n  tests: [{id: b\n", []catalog.Problem{{3, "not YAML, here or below: did not find expected ',' or '}'"}}},
		{"indentation", "packages:\n  - id: a\n    name: b\n   type: c", []catalog.Problem{{2, "not YAML, here or below: did not find expected '-' indicator"}}},
		{"bracket", "packages:\n- id: a\n  name: ]", []catalog.Problem{{3, "not YAML, here or below: did not find expected node content"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			packages, err := catalog.Parse([]byte(tc.text))
			require.Nil(t, packages)
			var problems *catalog.Error
			require.ErrorAs(t, err, &problems)
			require.Empty(t, cmp.Diff(tc.want, problems.Problems))
		})
	}
}

func TestErrorWithoutName(t *testing.T) {
	_, err := catalog.Parse([]byte("packages:\n- id: x\n  type: behavioral"))
	require.EqualError(t, err, `line 2: package "x": missing name`)
}

// A file that is no catalogue gets a readable error all the same.
func TestManyProblems(t *testing.T) {
	_, err := catalog.Parse([]byte("packages:\n" + strings.Repeat("- x\n", 1000)))
	var problems *catalog.Error
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems.Problems, 101)
	require.Equal(t, catalog.Problem{Line: 101, Message: "900 more problems"}, problems.Problems[100])
}
