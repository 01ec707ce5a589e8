package lenient_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/lenient"
)

// document has a member of every type that is read.
type document struct {
	Text   string                     `json:"text"`
	ID     lenient.Text               `json:"id"`
	Word   lenient.Scalar             `json:"word"`
	Name   lenient.Name               `json:"name"`
	Flag   lenient.Flag               `json:"flag"`
	Bool   bool                       `json:"bool"`
	Int    int                        `json:"int"`
	Float  float64                    `json:"float"`
	At     time.Time                  `json:"at"`
	Raw    json.RawMessage            `json:"raw"`
	Inner  inner                      `json:"inner"`
	Maybe  *inner                     `json:"maybe"`
	List   []inner                    `json:"list"`
	Words  []string                   `json:"words"`
	Fields map[string]json.RawMessage `json:"fields"`
	Any    any                        `json:"any"`
	Enum   enum                       `json:"enum"`
	Tree   []document                 `json:"tree"`
	Hidden string                     `json:"-"`
	embedded
}

type inner struct {
	A string       `json:"a"`
	B lenient.Text `json:"b"`
}

type embedded struct {
	Text  string `json:"text"` // hidden by the outer one
	Below string `json:"below"`
}

// enum reads itself.
type enum struct{ value string }

func (e *enum) ReadJSON(d *lenient.Decoder, raw []byte) {
	if raw[0] != '{' {
		d.Read(raw, &e.value)
		return
	}
	var wire struct {
		Value string `json:"value"`
	}
	d.Read(raw, &wire)
	e.value = wire.Value
}

const big = "9007199254740993123"

// The table of odd JSON.
func TestUnmarshal(t *testing.T) {
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		json string
		want document
		odd  string // paths and reasons
	}{
		"nothing":       {`{}`, document{}, ""},
		"all null":      {`{"text":null,"id":null,"flag":null,"int":null,"at":null,"inner":null,"maybe":null,"list":null,"fields":null,"enum":null}`, document{}, ""},
		"as documented": {`{"text":"a","id":"b","bool":true,"int":-3,"float":1.5e1,"at":"2026-03-01T12:00:00.000Z"}`, document{Text: "a", ID: "b", Bool: true, Int: -3, Float: 15, At: at}, ""},
		"unknown":       {`{"new":{"a":[1,{"b":null}],"b":"\u00e4"},"text":"a"}`, document{Text: "a"}, ""},
		"white space":   {" \r\n\t{ \"text\" : \"a\" , \"words\" : [ \"b\" , \"c\" ] } \n", document{Text: "a", Words: []string{"b", "c"}}, ""},
		"empty":         {`{"inner":{},"maybe":{},"list":[],"words":[],"fields":{}}`, document{Maybe: &inner{}, List: []inner{}, Words: []string{}, Fields: map[string]json.RawMessage{}}, ""},

		"byte order mark":            {"\ufeff{\"text\":\"a\"}", document{Text: "a"}, ""},
		"byte order mark after rest": {"\n\n\ufeff\n{\"text\":\"a\"}", document{Text: "a"}, ""},
		"byte order mark in text":    {"{\"text\":\"\ufeffa\"}", document{Text: "\ufeffa"}, ""},

		"other case":             {`{"Text":"a","ID":"b","TEXT":"c"}`, document{}, "Text:5 ID:5 TEXT:5"},
		"other case beside":      {`{"id":"a","ID":"b"}`, document{ID: "a"}, "ID:5"},
		"other case before":      {`{"ID":"b","id":"a"}`, document{ID: "a"}, "ID:5"},
		"name of the Go field":   {`{"Hidden":"a","Below":"b"}`, document{}, "Below:5"},
		"name with escapes":      {`{"\u0074ext":"a","inner":{"\u0061":"b"}}`, document{Text: "a", Inner: inner{A: "b"}}, ""},
		"embedded":               {`{"text":"a","below":"b"}`, document{Text: "a", embedded: embedded{Below: "b"}}, ""},
		"repeated":               {`{"text":"a","text":"b"}`, document{Text: "b"}, "text:4"},
		"repeated under escapes": {`{"text":"a","te\u0078t":"b"}`, document{Text: "b"}, "text:4"},
		"repeated object":        {`{"inner":{"a":"1","b":"2"},"inner":{"a":"3"}}`, document{Inner: inner{A: "3"}}, "inner:4"},
		"repeated pointer":       {`{"maybe":{"a":"1","b":"2"},"maybe":{"b":"3"}}`, document{Maybe: &inner{B: "3"}}, "maybe:4"},
		"repeated list":          {`{"list":[{"a":"1"},{"a":"2"}],"list":[{"b":"3"}]}`, document{List: []inner{{B: "3"}}}, "list:4"},
		"repeated, then null":    {`{"inner":{"a":"1"},"inner":null}`, document{}, "inner:4"},
		"repeated, then odd":     {`{"inner":{"a":"1"},"inner":[]}`, document{}, "inner:4"},
		"repeated, odd before":   {`{"inner":{"a":[]},"inner":{"a":"1"}}`, document{Inner: inner{A: "1"}}, "inner:4"},
		"repeated in a map":      {`{"fields":{"a":1,"a":2}}`, document{Fields: map[string]json.RawMessage{"a": []byte("2")}}, "fields.a:4"},
		"odd name in a map":      {`{"fields":{"a\u0000":1}}`, document{Fields: map[string]json.RawMessage{"a\ufffd": []byte("1")}}, "fields.?:6"},
		"repeated unknown":       {`{"new":1,"new":2}`, document{}, ""},

		"number as text":      {`{"text":` + big + `}`, document{Text: big}, "text:3"},
		"number as id":        {`{"id":` + big + `,"word":-1.50}`, document{ID: big, Word: "-1.50"}, ""},
		"number as name":      {`{"name":7}`, document{}, "name:1"},
		"name":                {`{"name":"7"}`, document{Name: "7"}, ""},
		"text as number":      {`{"int":"14","float":"1.5"}`, document{Int: 14, Float: 1.5}, "int:3 float:3"},
		"text as no number":   {`{"int":"x","float":"Inf"}`, document{}, "int:1 float:1"},
		"fraction as integer": {`{"int":1.5}`, document{}, "int:1"},
		"too large":           {`{"int":` + big + big + `,"float":1e999}`, document{}, "int:1 float:1"},
		"boolean as text":     {`{"text":true,"id":false,"word":true}`, document{Word: "true"}, "text:1 id:1"},
		"booleans":            {`{"bool":"true","flag":"FALSE"}`, document{Bool: true, Flag: lenient.No}, "bool:3"},
		"booleans as numbers": {`{"bool":0,"flag":1}`, document{Flag: lenient.Yes}, "bool:3"},
		"no booleans":         {`{"bool":"maybe","flag":2}`, document{}, "bool:1 flag:1"},
		"a time that is none": {`{"at":"soon"}`, document{}, "at:1"},
		"a time of no type":   {`{"at":true}`, document{}, "at:1"},
		"no time":             {`{"at":""}`, document{}, ""},

		"all odd at once": {
			`{"text":[],"id":{},"inner":[],"list":{},"words":["a",{},"b"],"fields":7,"at":[],"enum":{"value":[]},"maybe":"x"}`,
			document{Words: []string{"a", "", "b"}, Maybe: &inner{}},
			"text:1 id:1 inner:2 list:2 words[1]:1 fields:2 at:1 enum.value:1 maybe:2",
		},
		"in a list":         {`{"list":[{"a":"1"},"x",{"a":[],"b":"2"},null]}`, document{List: []inner{{A: "1"}, {}, {B: "2"}, {}}}, "list[1]:2 list[2].a:1"},
		"in a tree":         {`{"tree":[{"tree":[{"text":{}}]}]}`, document{Tree: []document{{Tree: []document{{}}}}}, "tree[0].tree[0].text:1"},
		"another enum":      {`{"enum":"x"}`, document{Enum: enum{"x"}}, ""},
		"anything":          {`{"any":{"a":[1]}}`, document{Any: map[string]any{"a": []any{1.0}}}, ""},
		"no plain name":     {`{"fields":{"ann@example.com":"\u0000"}}`, document{Fields: map[string]json.RawMessage{"ann@example.com": []byte(`"\ufffd"`)}}, "fields.?:6"},
		"escapes":           {`{"text":"\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00ä"}`, document{Text: "\"\\/\b\f\n\r\tä😀ä"}, ""},
		"NUL":               {`{"text":"Ma\u0000ria","id":"\u0000"}`, document{Text: "Ma�ria", ID: "�"}, "text:6 id:6"},
		"lone surrogates":   {`{"text":"a\ud800b\udc00\ud800\ud83d\ude00"}`, document{Text: "a�b��😀"}, "text:6"},
		"no UTF-8":          {"{\"text\":\"a\xe9b\xff\"}", document{Text: "a�b�"}, "text:6"},
		"raw as it is":      {`{"raw":{ "a":[1.50, "\u00e4"]}}`, document{Raw: []byte(`{ "a":[1.50, "\u00e4"]}`)}, ""},
		"raw null":          {`{"raw":null,"fields":{"a":null}}`, document{Raw: []byte("null"), Fields: map[string]json.RawMessage{"a": []byte("null")}}, ""},
		"raw NUL":           {`{"raw":["a\\u0000\u0000\n",{"\u0000":1}]}`, document{Raw: []byte(`["a\\u0000\ufffd\n",{"\ufffd":1}]`)}, "raw:6"},
		"raw surrogates":    {`{"raw":"\ud800\ud83d\ude00\udc00"}`, document{Raw: []byte(`"\ufffd\ud83d\ude00\ufffd"`)}, "raw:6"},
		"raw no UTF-8":      {"{\"raw\":{\"k\xe9\":\"ä\xe9\"}}", document{Raw: []byte(`{"k�":"ä�"}`)}, "raw:6"},
		"raw large numbers": {`{"raw":[1e400,-1e-9999,1e300]}`, document{Raw: []byte(`["1e400","-1e-9999",1e300]`)}, "raw:6"},
		"raw too deep":      {`{"raw":` + nested(200) + `,"text":"a"}`, document{Raw: []byte("null"), Text: "a"}, "raw:6"},
		"unknown too deep":  {`{"new":` + nested(5000) + `,"text":"a"}`, document{Text: "a"}, ""},
		"unknown NUL":       {`{"new":"\u0000","text":"a"}`, document{Text: "a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got document
			odd, err := lenient.Unmarshal([]byte(tc.json), &got)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.odd, reports(odd))
		})
	}
}

func reports(odd []lenient.Odd) string {
	all := make([]string, len(odd))
	for i, o := range odd {
		all[i] = fmt.Sprintf("%s:%d", o.Path, o.Why)
	}
	return strings.Join(all, " ")
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestAnotherDocument(t *testing.T) {
	for _, text := range []string{`[]`, `"x"`, `7`, `true`} {
		var got document
		odd, err := lenient.Unmarshal([]byte(text), &got)
		require.NoError(t, err)
		require.Equal(t, []lenient.Odd{{Why: lenient.WrongShape}}, odd, "%s", text)
	}
	odd, err := lenient.Unmarshal([]byte("null"), new(document))
	require.NoError(t, err)
	require.Empty(t, odd)
}

// The error of a document's own method is that of the whole; inside of another it
// costs one value.
func TestOwnUnmarshaler(t *testing.T) {
	var address textMethod
	_, err := lenient.Unmarshal([]byte(`"x"`), &address)
	require.EqualError(t, err, "refused")
	var outer struct {
		A textMethod `json:"a"`
		B string     `json:"b"`
	}
	odd, err := lenient.Unmarshal([]byte(`{"a":"x","b":"y"}`), &outer)
	require.NoError(t, err)
	require.Equal(t, "a:1", reports(odd))
	require.Equal(t, "y", outer.B)
}

type textMethod struct{}

func (*textMethod) UnmarshalJSON([]byte) error { return fmt.Errorf("refused") }

var malformed = []string{
	``, ` `, `{`, `}`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":}`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{a:1}`, `{"a":1 "b":2}`,
	`[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, `{]`, `[}`, `nul`, `nulL`, `tru`, `falsy`, `NaN`, `-`, `01`, `1.`, `.5`, `1e`, `1e+`, `+1`, `0x1`,
	`"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`, "\"\n\"", "\"a\x00\"", `"a" "b"`, `{} {}`, `{}x`, "\ufeff\ufeff{}", "{}\ufeff", "\xff\xfe{\x00}\x00", nested(10001),
}

func TestMalformed(t *testing.T) {
	for _, text := range malformed {
		for _, document := range []string{text, `{"text":` + text + `}`, `{"new":` + text + `}`, `{"raw":[` + text + `]}`} {
			if json.Valid([]byte(document)) {
				continue // such as an empty list
			}
			_, err := lenient.Unmarshal([]byte(document), new(struct {
				Text string          `json:"text"`
				Raw  json.RawMessage `json:"raw"`
			}))
			require.ErrorIs(t, err, lenient.ErrSyntax, "%.50q", document)
			require.False(t, lenient.Valid([]byte(document)))
		}
	}
}

func TestNoTarget(t *testing.T) {
	for _, v := range []any{nil, document{}, (*document)(nil)} {
		_, err := lenient.Unmarshal([]byte(`{}`), v)
		require.ErrorContains(t, err, "not a pointer")
	}
}

func TestReportsAreLimited(t *testing.T) {
	var got struct {
		Words []string `json:"words"`
	}
	odd, err := lenient.Unmarshal([]byte(`{"words":[`+strings.Repeat(`{},`, 5000)+`"x"]}`), &got)
	require.NoError(t, err)
	require.Len(t, odd, 1000)
	require.Equal(t, "x", got.Words[5000])
}

// A hostile document cannot make the reports cost more than the reading.
func TestEndlessRepetition(t *testing.T) {
	body := `{` + strings.Repeat(`"text":[],"words":[{}],`, 100_000) + `"text":"a","fields":{` + strings.Repeat(`"a":1,`, 100_000) + `"b":2}}`
	var got document
	odd, err := lenient.Unmarshal([]byte(body), &got)
	require.NoError(t, err)
	require.Equal(t, "a", got.Text)
	require.Len(t, got.Fields, 2)
	require.LessOrEqual(t, len(odd), 1000)
}

// An ordinary document costs little more than its own values.
func TestAllocations(t *testing.T) {
	body := []byte(`{"text":"a long text","id":"4711","inner":{"a":"an e-mail"},"new":{"a":[1,2,{"b":"c"}]},"list":[{"a":"x y"}]}`)
	allocated := testing.AllocsPerRun(100, func() {
		var d struct {
			Text  string       `json:"text"`
			ID    lenient.Text `json:"id"`
			Inner inner        `json:"inner"`
			List  []inner      `json:"list"`
		}
		_, _ = lenient.Unmarshal(body, &d)
	})
	require.LessOrEqual(t, allocated, 16.0)
}
