package assessment_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func FuzzParseOrderRef(f *testing.F) {
	for _, ref := range domainRefs() {
		f.Add(ref.String(), string(ref.Vendor), ref.Connection, string(ref.Kind), ref.Account, ref.ID)
	}
	f.Add("a/b/c/d/%2f", "%", "/", "%2F", "..", "\xff")
	f.Add("a/b/c/d/%4", "", "", "", "", "")
	f.Add("a/b/c/d/%41/", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, text, vendor, connection, kind, account, id string) {
		// What is parsed is written back as it was: no two texts for one order.
		if ref, err := assessment.ParseOrderRef(text); err == nil {
			require.Equal(t, text, ref.String())
		} else {
			require.Zero(t, ref)
		}
		ref := assessment.OrderRef{
			Vendor: assessment.Vendor(vendor), Connection: connection, Kind: assessment.Kind(kind), Account: account, ID: id,
		}
		parsed, err := assessment.ParseOrderRef(ref.String())
		require.NoError(t, err)
		require.Equal(t, ref, parsed)
	})
}

// domainReencodes checks that what can be read can be written, and is then read
// as the same value and written as the same text: a job may go through any
// number of queues. Nil and empty are one, because empty lists are left out.
func domainReencodes[T any](t *testing.T, text []byte) {
	var first T
	if json.Unmarshal(text, &first) != nil {
		return
	}
	written, err := json.Marshal(first)
	require.NoError(t, err)
	var second T
	require.NoError(t, json.Unmarshal(written, &second), "%s", written)
	if !utf8.Valid(text) || bytes.Contains(text, []byte(`\u`)) {
		return // some of it may have been replaced; see TestJSONFormsAreStorable
	}
	domainRequireEqual(t, first, second, domainEmpty())
	again, err := json.Marshal(second)
	require.NoError(t, err)
	require.Equal(t, string(written), string(again))
}

func FuzzOrderJSON(f *testing.F) {
	f.Add(domainFile(f, "testdata/order_full.v1.json"))
	f.Add(domainFile(f, "testdata/order_full.v2.json"))
	f.Add(domainFile(f, "testdata/order_minimal.v1.json"))
	for _, text := range []string{
		`null`, `{}`, `[]`, `{"ref":"////"}`, `{"ref":null,"job":null}`,
		`{"fields":{"a":  {"<b>" : [1 , 2] },"b":null,"c":1e400,"":""}}`,
		`{"received_at":"2026-06-30T12:00:00+02:00"}`,
		`{"received_at":"0001-01-01T00:00:00Z"}`,
		`{"received_at":"9999-12-31T23:59:59.999999999-23:59"}`,
		`{"ordered_at":"2026-06-30T12:00:00+24:00"}`,
		`{"requester":{"roles":[]},"job":{"hiring_team":[{}],"location":{}}}`,
		"{\"candidate\":{\"first_name\":\"\xff\u2028<\"},\"fields\":{\"\xff\":\"\xff\"}}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { domainReencodes[assessment.Order](t, text) })
}

func FuzzResultJSON(f *testing.F) {
	f.Add(domainFile(f, "testdata/result_full.v1.json"))
	f.Add(domainFile(f, "testdata/result_minimal.v1.json"))
	for _, text := range []string{
		`null`, `{}`, `[]`, `{"score":{}}`, `{"score":{"value":-0,"min":1e-400,"max":5e-324}}`,
		`{"attributes":[null]}`, `{"attributes":[]}`,
		`{"attributes":[{"kind":"elapsed","value":"-2562047h47m16.854775808s"},{"kind":"elapsed","value":"1.5ns"}]}`,
		`{"attributes":[{"kind":"number","value":1e308},{"kind":"sub_result","value":{"score":null}}]}`,
		`{"attachments":[{"data":""},{"data":"AA=="},{"data":null}]}`,
		`{"passthrough":{"kombo": { "a" : "<" },"":null}}`,
		`{"at":"0000-01-01T00:00:00+23:59"}`,
		`{"completed_at":"2026-06-30T12:00:00-24:00"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { domainReencodes[assessment.Result](t, text) })
}
