package vendortest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// hostile are strings that no JSON body and no header may be made of.
var hostile = map[string]string{
	"no UTF-8": "caf\xc3", "NUL": "a\x00b", "surrogate": "a\xed\xa0\x80b", "overlong": "\xc0\xaf",
}

// Text that is no text is refused before the network with the path of each, or is
// not sent at all: it is never altered in silence and never breaks the body.
func hostileText(t *testing.T, v Vendor) {
	for name, text := range hostile {
		for path, set := range textsOf(full()) {
			t.Run(name+"/"+path, func(t *testing.T) {
				result := set(text)
				a := v.Outlet.dial(t, Answers(200, v.Outlet.Written))
				_, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), result)
				if err != nil {
					require.NotEmpty(t, Paths(t, err))
					require.NotContains(t, err.Error(), text)
					require.Empty(t, a.seen)
					return
				}
				for _, s := range a.seen {
					require.True(t, utf8.ValidString(s.Body))
					require.NotContains(t, s.Body, "\ufffd")
					require.NotContains(t, s.Body, `\ufffd`)
					require.NotContains(t, s.Body, "\x00")
					require.NotContains(t, s.Body, `\u0000`)
				}
			})
		}
		t.Run(name+"/passthrough", func(t *testing.T) {
			result := full()
			result.Passthrough = map[assessment.Vendor]json.RawMessage{v.Name: json.RawMessage(`{"a":"` + text + `"}`)}
			a := v.Outlet.dial(t, Answers(200, v.Outlet.Written))
			_, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), result)
			if err != nil {
				require.NotEmpty(t, Paths(t, err))
				return
			}
			require.True(t, utf8.ValidString(a.seen[0].Body), "nothing of it is sent")
			require.NotContains(t, a.seen[0].Body, "\ufffd")
		})
		t.Run(name+"/reference", func(t *testing.T) {
			for _, ref := range []assessment.OrderRef{
				{Vendor: v.Name, Kind: v.Outlet.Ref("1").Kind, Account: "a" + text, ID: "1"},
				{Vendor: v.Name, Kind: v.Outlet.Ref("1").Kind, Account: v.Outlet.Ref("1").Account, ID: "1" + text},
			} {
				a := v.Outlet.dial(t, Answers(200, v.Outlet.Written))
				if _, err := a.client.PublishResult(t.Context(), ref, final(time.Now())); err != nil {
					require.ErrorIs(t, err, assessment.ErrInvalid)
					require.Empty(t, a.seen)
				}
				for _, s := range a.seen {
					require.True(t, utf8.ValidString(s.Body))
					require.NotContains(t, s.Body, "\x00")
				}
			}
		})
	}
}

// full is a result with everything in it that has text.
func full() assessment.Result {
	r := final(time.Now())
	r.StatusText, r.Reason, r.Score.Label = "Done", "None", "Good"
	r.Attributes = []assessment.Attribute{
		{ID: "a", Label: "Label", Description: "Description", Value: assessment.Text("Text")},
		{ID: "l", Label: "Link", Value: assessment.Link("https://tests.example.com/l")},
	}
	r.Attachments = []assessment.Attachment{{Name: "report.pdf", ContentType: "application/pdf", URL: "https://tests.example.com/r.pdf"}}
	return r
}

// textsOf returns, for each string in r by its path, the result with another one
// in its place.
func textsOf(r assessment.Result) map[string]func(string) assessment.Result {
	all := make(map[string]func(string) assessment.Result)
	var walk func(path string, at func(reflect.Value) reflect.Value, v reflect.Value)
	walk = func(path string, at func(reflect.Value) reflect.Value, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			if v.String() == "" || strings.HasSuffix(path, "Status") || strings.HasSuffix(path, "Outcome") || strings.HasSuffix(path, "Ref") {
				return
			}
			all[path] = func(text string) assessment.Result {
				changed := deepCopy(r)
				field := at(reflect.ValueOf(&changed).Elem())
				field.SetString(text)
				return changed
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, func(root reflect.Value) reflect.Value { return at(root).Field(i) }, v.Field(i))
			}
		case reflect.Pointer:
			if !v.IsNil() {
				walk(path, func(root reflect.Value) reflect.Value { return at(root).Elem() }, v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), func(root reflect.Value) reflect.Value { return at(root).Index(i) }, v.Index(i))
			}
		}
	}
	walk("", func(root reflect.Value) reflect.Value { return root }, reflect.ValueOf(r))
	for i, a := range r.Attributes {
		all[fmt.Sprintf(".Attributes[%d].Value", i)] = func(text string) assessment.Result {
			changed := deepCopy(r)
			switch a.Value.(type) {
			case assessment.Text:
				changed.Attributes[i].Value = assessment.Text(text)
			case assessment.Link:
				changed.Attributes[i].Value = assessment.Link("https://tests.example.com/" + text)
			}
			return changed
		}
	}
	return all
}

// deepCopy makes a result that can be changed without changing r.
func deepCopy(r assessment.Result) assessment.Result {
	r.Attributes = append([]assessment.Attribute(nil), r.Attributes...)
	r.Attachments = append([]assessment.Attachment(nil), r.Attachments...)
	if r.Score != nil {
		score := *r.Score
		r.Score = &score
	}
	return r
}
