package lenient_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/assessbridge/assessbridge/internal/lenient"
)

// FuzzUnmarshal: whatever arrives, nothing panics, the same documents are taken as
// by encoding/json, text and raw parts are those of encoding/json but for what
// cannot be stored, and what was read can be written and read again.
func FuzzUnmarshal(f *testing.F) {
	for _, text := range malformed {
		if len(text) < 1000 {
			f.Add([]byte(text))
		}
	}
	for _, seed := range []string{
		`{"text":"a","id":4711,"inner":{"a":[]},"list":[{"a":"b"},7],"fields":{"x":[1e400,"\u0000"]},"any":{"a":null}}`,
		"\ufeff{\"text\":\"\xe9\",\"text\":\"\\ud800\",\"at\":1772366400000,\"raw\":{\"a\":[true]}}",
		`{"flag":"1","bool":"x","int":"7","enum":{"value":"v"},"tree":[{"maybe":{"b":1}}],"words":["a",null]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got document
		odd, err := lenient.Unmarshal(body, &got)
		rest := bytes.TrimPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("\ufeff"))
		if valid := json.Valid(rest); valid != (err == nil) || valid != lenient.Valid(body) {
			t.Fatalf("valid %v, but error %v", valid, err)
		}
		if err != nil {
			return
		}
		for _, o := range odd {
			if !utf8.ValidString(o.Path) {
				t.Fatalf("path %q", o.Path)
			}
		}
		again, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(bytes.ReplaceAll(again, []byte(`\\`), nil), []byte(`\u0000`)) || !utf8.Valid(again) {
			t.Fatalf("not storable: %q", again)
		}
	})
}

// FuzzText compares text with what encoding/json makes of it.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`"a"`, `"\ud83d\ude00"`, `"\ud800x"`, "\"\xe9\xff\"", `"\u0000"`, `"\\u0000"`, `"ä\n"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want, got string
		if len(body) == 0 || body[0] != '"' || json.Unmarshal(body, &want) != nil {
			return
		}
		odd, err := lenient.Unmarshal(body, &got)
		clean := strings.ReplaceAll(want, "\x00", "\ufffd")
		if err != nil || got != clean {
			t.Fatalf("%q, want %q (%v)", got, clean, err)
		}
		if reported := len(odd) > 0; reported != (clean != want) && utf8.Valid(body) && !strings.Contains(clean, "\ufffd") {
			t.Fatalf("reported: %v", reported)
		}
		var raw json.RawMessage
		if _, err := lenient.Unmarshal(body, &raw); err != nil {
			t.Fatal(err)
		}
		var reread string
		if err := json.Unmarshal(raw, &reread); err != nil || reread != clean {
			t.Fatalf("raw %q reads as %q, want %q", raw, reread, clean)
		}
	})
}
