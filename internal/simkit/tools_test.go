package simkit_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

func TestIsURI(t *testing.T) {
	for text, want := range map[string]bool{
		"https://example.com":                   true,
		"https://example.com/":                  true,
		"http://localhost:8080/a/b?x=1&y=/?#f?": true,
		"https://example.com/r/Zo%C3%AB":        true,
		"https://[::1]:8080/a":                  true,
		"https://user@example.com/a;b=c,d":      true,
		"mailto:a@example.com":                  true,
		"urn:isbn:0451450523":                   true,
		"file:///etc/hosts":                     true,
		"https://example.com/r/Zoë":             false,
		"https://example.com/?x=[1]":            false,
		"https://example.com/?x=%5B1%5D":        true,
		"https://example.com/?score=100%":       false,
		"https://example.com/?score=100%25":     true,
		"https://example.com/%zz":               false,
		"https://example.com/a b":               false,
		"https://example.com/a\tb":              false,
		"https://example.com/a|b":               false,
		"https://example.com/{id}":              false,
		"https://example.com/a\\b":              false,
		"https://example.com/<a>":               false,
		`https://example.com/"a"`:               false,
		"https://example.com/a^b`c":             false,
		"https://example.com/#a#b":              false,
		"https://münchen.example/":              false,
		"https://[example.com]/":                false,
		"https://exa[mple.com/":                 false,
		"/r/1":                                  false,
		"example.com":                           false,
		"":                                      false,
		"https:":                                false,
		"1http://example.com":                   false,
	} {
		require.Equal(t, want, simkit.IsURI(text), "%q", text)
	}
	require.True(t, simkit.IsAbsoluteURL("https://example.com"))
	require.False(t, simkit.IsAbsoluteURL("mailto:a@example.com"))
	require.True(t, simkit.IsAbsoluteURL("https://example.com/ü?x=[1]"))
	require.False(t, simkit.IsAbsoluteURL("https://example.com/a b"))
	require.False(t, simkit.IsAbsoluteURL("/a"))
}

func TestRedactedURL(t *testing.T) {
	for address, want := range map[string]string{
		"https://example.com/a?b=c&d":                                "https://example.com/a?b=c&d",
		"https://user:pw@example.com/a@b":                            "https://redacted@example.com/a@b",
		"https://user@example.com":                                   "https://redacted@example.com",
		"/hook?token=abc&page=1":                                     "/hook?token=redacted&page=1",
		"/hook?Access_Token=abc":                                     "/hook?Access_Token=redacted",
		"/hook?api-key=a&apikey=b&client_secret=c&X-Amz-Signature=d": "/hook?api-key=redacted&apikey=redacted&client_secret=redacted&X-Amz-Signature=redacted",
		"/hook?tok%65n=abc":                                          "/hook?tok%65n=redacted",
		"/hook?accessToken=abc&monkey=1":                             "/hook?accessToken=redacted&monkey=1",
		"/hook?token=":                                               "/hook?token=",
		"/hook#access_token=a":                                       "/hook#access_token=redacted",
		"":                                                           "",
	} {
		require.Equal(t, want, simkit.RedactedURL(address))
	}
}

func TestTable(t *testing.T) {
	var table simkit.Table[string, int]
	table.Add(1, "a", "b")
	table.Add(2, "b", "c") // "b" is taken
	table.Add(3)
	found := func(key string) any {
		if v, ok := table.Find(key); ok {
			return v
		}
		return nil
	}
	require.Equal(t, []any{1, 1, 2, nil}, []any{found("a"), found("b"), found("c"), found("d")})
	require.Equal(t, []int{1, 2, 3}, table.Values())
	table.Remove("a")
	table.Remove("a")
	require.Equal(t, []any{nil, nil, 2}, []any{found("a"), found("b"), found("c")})
	require.Equal(t, []int{2, 3}, table.Values())
	table.Remove("c")
	table.Add(4, "c")
	require.Equal(t, []int{3, 4}, table.Values())
	require.Equal(t, 2, table.Len())
	for v := range table.All() {
		require.Equal(t, 3, v)
		break
	}
}

func TestLatest(t *testing.T) {
	var list []int
	for i := range 10_000 {
		list = simkit.Latest(append(list, i))
		require.Less(t, len(list), 2000)
	}
	require.Equal(t, 9999, list[len(list)-1])
	require.GreaterOrEqual(t, len(list), 1000)
}

func TestIDs(t *testing.T) {
	a, b, other := simkit.NewIDs(1), simkit.NewIDs(1), simkit.NewIDs(2)
	require.Equal(t, a.UUID("order"), b.UUID("order"))
	_, n := a.Next("event")
	require.Equal(t, 1, n)
	require.Equal(t, a.UUID("order"), b.UUID("order"), "kinds count apart")
	require.NotEqual(t, a.UUID("order"), b.UUID("event"))
	require.NotEqual(t, a.UUID("x"), other.UUID("x"))
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, a.UUID("x"))
	require.Regexp(t, `^[ab]{20}$`, a.Pick("x", "ab", 20))
}

func TestSetPath(t *testing.T) {
	const absent = absence("absent")
	tree := func() any {
		v, err := simkit.Decode([]byte(`{"a":{"b":[1,{"c":2}]},"big":12345678901234567890}`))
		require.NoError(t, err)
		return v
	}
	for _, c := range []struct {
		path  string
		value any
		want  string // empty: an error
	}{
		{"a.b.1.c", "x", `{"a":{"b":[1,{"c":"x"}]},"big":12345678901234567890}`},
		{"a.b.0", nil, `{"a":{"b":[null,{"c":2}]},"big":12345678901234567890}`},
		{"a", absent, `{"big":12345678901234567890}`},
		{"a.new", map[string]int{"d": 1}, `{"a":{"b":[1,{"c":2}],"new":{"d":1}},"big":12345678901234567890}`},
		{"a.b.2", 1, ""},
		{"a.b.x", 1, ""},
		{"nobody.b", 1, ""},
		{"big.x", 1, ""},
		{"a", func() {}, ""},
	} {
		v := tree()
		err := simkit.SetPath(v, c.path, c.value, absent)
		if c.want == "" {
			require.Error(t, err, c.path)
			require.Empty(t, cmp.Diff(tree(), v), c.path)
			continue
		}
		require.NoError(t, err, c.path)
		require.Equal(t, c.want, string(simkit.Encode(v)))
	}
	require.Error(t, simkit.Fields{Values: map[string]any{"x.y": 1}}.Set(tree()))
	require.Equal(t, "x", simkit.TextAt(map[string]any{"a": map[string]any{"b": "x"}}, "a", "b"))
	require.Empty(t, simkit.TextAt("text", "a"))
}

func TestJSON(t *testing.T) {
	_, err := simkit.Decode([]byte(`{} {}`))
	require.Error(t, err)
	require.Equal(t, `{"a":"<&>","b":1e400}`, string(simkit.Canonical([]byte(`{ "b":1e400, "a":"<&>"}`))))
	require.Equal(t, "{", string(simkit.Canonical([]byte("{"))))
	require.Equal(t, "{\n  \"a\": 1\n}", string(simkit.Indented([]byte(`{"a":1}`))))
	require.Equal(t, "{", string(simkit.Indented([]byte("{"))))
	require.Empty(t, simkit.DecodeObject([]byte(`[]`)))
	require.Equal(t, "null", string(simkit.Encode(func() {})))
	require.Nil(t, simkit.Nullable(""))
}

func TestChecker(t *testing.T) {
	header := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	check := &simkit.Checker{}
	o := check.Body(header, []byte(`{
		"text":1,"null":null,"enum":"x","uri":"a b","email":"A <a@b.c>","number":"1","infinite":1e999,"flag":"true","list":{},
		"items":[{"ok":"1","more":1},2],"child":3,"empty":"","uuid":"1","at":"yesterday","ms":1.5,"extra":true,"nested":{"odd":1}
	}`))
	require.NotNil(t, o)
	o.Text("text", simkit.Required)
	o.Text("null", simkit.Optional)
	o.Text("absent", simkit.Required)
	o.Text("fine", simkit.Optional)
	o.Enum("enum", simkit.Required, "a", "b")
	o.URI("uri", simkit.Required)
	o.Email("email", simkit.Required)
	o.Number("number", simkit.Required)
	o.Number("infinite", simkit.Required)
	o.Flag("flag", simkit.Required)
	o.List("list", simkit.Required)
	o.Each("items", simkit.Required, func(item *simkit.Object) { item.Text("ok", simkit.Required) })
	o.Child("child", simkit.Required)
	o.Filled("empty", simkit.Required)
	o.UUID("uuid", simkit.Required, true)
	o.DateTime("at", simkit.Required)
	o.Milliseconds("ms")
	nested := o.Child("nested", simkit.Required)
	nested.Done()
	nested.Done()
	o.Done()
	require.Equal(t, []string{
		"text must be a string", "null must not be null", "absent is required", "enum must be one of a, b", "uri must be a URI",
		"email must be an e-mail address", "number must be a number", "infinite must be a finite number", "flag must be a boolean",
		"list must be an array", "items[1] must be an object", "child must be an object", "empty must not be empty",
		"uuid must be a UUID", "at must be a valid ISO 8601 date-time", "ms must be an integer, in milliseconds since 1970",
	}, check.Problems)
	require.Equal(t, []string{"extra", "items[0].more", "nested.odd"}, check.Unknown)

	check = &simkit.Checker{OpenEnums: true}
	o = check.Body(header, []byte(`{"enum":"x","null":null,"n":1.50,"ms":5}`))
	require.Equal(t, "x", o.Enum("enum", simkit.Required, "a"))
	require.Empty(t, o.Text("null", simkit.OptionalOrNull))
	require.Equal(t, json.Number("1.50"), o.Number("n", simkit.Required))
	require.Equal(t, int64(5), o.Milliseconds("ms"))
	require.True(t, o.Has("null"))
	require.False(t, o.Given("null"))
	require.Empty(t, check.Problems)

	seen := map[string]bool{}
	check = &simkit.Checker{}
	for _, text := range []string{`"a"`, `"a"`, `" "`, `""`, `"b"`} {
		o = check.Body(header, []byte(`{"id":`+text+`}`))
		o.Unique("id", simkit.Required, seen, false)
		o.Unique("id", simkit.Required, seen, true)
	}
	require.Equal(t, []string{
		"id repeats the id of another one",
		"id must not be empty", "id must not be empty", "id must not be empty", "id must not be empty",
	}, check.Problems)

	for body, header := range map[string]http.Header{"{": header, "[]": header, "{}": {}} {
		check = &simkit.Checker{}
		require.Nil(t, check.Body(header, []byte(body)))
		require.Len(t, check.Problems, 1)
	}
}
