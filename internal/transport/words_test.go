package transport

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/lenient"
)

func TestWords(t *testing.T) {
	for raw, want := range map[string]Words{
		`"no"`:          {"no"},
		`["a","b"]`:     {"a", "b"},
		`["a",null,""]`: {"a"},
		`{"message":"missing module permission","parameter":"webhooks"}`: {"missing module permission (webhooks)"},
		`[{"message":"a"},{"message":["b","c"],"path":"d.e"}]`:           {"a", "b", "c (d.e)"},
		`{"title":"a","detail":"b"}`:                                     {"b"},
		`{"message":null,"title":"a"}`:                                   {"a"},
		`{"a":1}`:                                                        nil,
		`7`:                                                              nil,
		`true`:                                                           nil,
		`null`:                                                           nil,
		`""`:                                                             nil,
		` [ "a" ] `:                                                      {"a"},
		strings.Repeat("[", 100) + `"a"` + strings.Repeat("]", 100):           nil,
		strings.Repeat(`{"message":`, 100) + `"a"` + strings.Repeat("}", 100): nil,
	} {
		var wire struct {
			Errors Words `json:"errors"`
		}
		_, err := lenient.Unmarshal([]byte(`{"errors":`+raw+`}`), &wire)
		require.NoError(t, err)
		require.Equal(t, want, wire.Errors, raw)
	}
	require.Len(t, WordsOf([]byte(`["a"`+strings.Repeat(`,"a"`, 100)+`]`)), maxWords)
	require.Empty(t, WordsOf([]byte(`["a`)))
	require.Empty(t, WordsOf(nil))
}
