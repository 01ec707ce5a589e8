package yamlfile_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/yamlfile"
)

func TestReadNamesTheFile(t *testing.T) {
	fsys := fstest.MapFS{"sandbox.yaml": {Data: []byte("provider:\n  bse: http://localhost\n")}}
	file, err := fsys.Open("sandbox.yaml")
	require.NoError(t, err)
	err = yamlfile.Read(file, "sandbox.yaml", func(top yamlfile.Value) {
		m, ok := top.Mapping("provider")
		require.True(t, ok)
		provider, ok := m.Field("provider")
		require.True(t, ok)
		provider.Mapping("base")
	})
	require.EqualError(t, err, `sandbox.yaml:2: unknown field "bse", did you mean "base"?`)
	var problems *yamlfile.Error
	require.True(t, errors.As(err, &problems))
}

func TestFields(t *testing.T) {
	err := yamlfile.Parse([]byte("text: 007\nnull: ~\n"), func(top yamlfile.Value) {
		m, ok := top.Mapping("text", "null", "absent")
		require.True(t, ok)
		require.Equal(t, "007", m.Text("text"))
		require.Equal(t, []bool{true, true, false}, []bool{m.Has("text"), m.Has("null"), m.Has("absent")})
		_, ok = m.Field("null")
		require.False(t, ok)
		_, ok = m.Field("absent")
		require.False(t, ok)
		require.Equal(t, 2, m.LineOf("null"))
		require.Equal(t, 1, m.LineOf("absent"))
	})
	require.NoError(t, err)
}

func TestEntries(t *testing.T) {
	type entry struct {
		name, value string
		line        int
	}
	for name, c := range map[string]struct {
		text string
		want []entry
		err  string
	}{
		"free names":    {"m:\n  b: 1\n  a: two\n", []entry{{"b", "1", 2}, {"a", "two", 3}}, ""},
		"repeated":      {"m:\n  a: 1\n  a: 2\n", []entry{{"a", "1", 2}}, `line 3: "a" again in m, first on line 2`},
		"no mapping":    {"m: [a]\n", nil, "line 1: m must be a mapping; it is a list"},
		"name a list":   {"m:\n  [a]: 1\n", nil, "line 2: a name in m must be text; it is a list"},
		"empty name":    {"m:\n  '': 1\n", nil, "line 2: a name in m is empty"},
		"merge key":     {"m:\n  <<: 1\n", nil, "line 2: merge keys are not supported"},
		"value a list":  {"m:\n  a: []\n", []entry{{"a", "", 2}}, "line 2: value must be text; it is a list"},
		"alias as name": {"m:\n  *a : 1\n", nil, "line 2: anchors and aliases are not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []entry
			err := yamlfile.Parse([]byte(c.text), func(top yamlfile.Value) {
				m, _ := top.Mapping("m")
				v, ok := m.Field("m")
				require.True(t, ok)
				for _, e := range v.Entries("m") {
					got = append(got, entry{e.Name, e.Value.Text("value"), e.Line})
				}
			})
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, c.err)
			}
			require.Equal(t, c.want, got)
		})
	}
}
