package assessment_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// PostgreSQL's jsonb refuses U+0000, lone surrogates and bytes that are no UTF-8:
// an order with one of them in a raw part could never be queued.
func TestJSONFormsAreStorable(t *testing.T) {
	raw := map[string]json.RawMessage{
		"a\x00": json.RawMessage(`["\u0000","\\u0000","\ud83d\ude00","\ud800","\udc00\ud800","\ud800\ud800\udc00","\n\"\u00e4"]`),
		"b\xe9": json.RawMessage("{\"k\xe9\":\"\xff\xfe\",\"\\u0000\":1}"),
	}
	order := assessment.Order{
		Ref:       assessment.OrderRef{Vendor: assessment.Ashby, ID: "o"},
		Candidate: assessment.Candidate{FirstName: "Ma\x00ria", LastName: "a\xe9b"},
		Job:       assessment.Job{Description: "<p>a & b\\u0000</p>"}, Fields: raw,
	}
	result := assessment.Result{
		Status: assessment.StatusCompleted, Summary: "a\x00b\xff",
		Attributes:  []assessment.Attribute{{Label: "x\x00", Value: assessment.Text("\x00")}},
		Passthrough: map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`{"a":"\u0000\udfff"}`)},
	}
	for name, value := range map[string]any{
		"order": order, "pointer": &order, "result": result, "in a job": struct{ Order assessment.Order }{order},
		"list": []assessment.Result{result},
	} {
		t.Run(name, func(t *testing.T) {
			stored, err := json.Marshal(value)
			require.NoError(t, err)
			requireStorable(t, stored)
		})
	}
	stored, err := json.Marshal(order)
	require.NoError(t, err)
	var got assessment.Order
	require.NoError(t, json.Unmarshal(stored, &got))
	require.Equal(t, "Ma�ria", got.Candidate.FirstName)
	require.Equal(t, "<p>a & b\\u0000</p>", got.Job.Description, "a backslash is text")
	require.Equal(t, `["\ufffd","\\u0000","\ud83d\ude00","\ufffd","\ufffd\ufffd","\ufffd\ud800\udc00","\n\"\u00e4"]`, string(got.Fields["a�"]))
	require.Len(t, got.Fields, 2)
}

func requireStorable(t testing.TB, stored []byte) {
	t.Helper()
	require.True(t, json.Valid(stored))
	require.True(t, utf8.Valid(stored))
	text := strings.ReplaceAll(string(stored), `\\`, "")
	require.NotContains(t, text, `\u0000`)
	paired := strings.NewReplacer(`\ud83d\ude00`, "", `\ud800\udc00`, "").Replace(text)
	for _, surrogate := range []string{`\ud`, `\uD`} {
		require.NotContains(t, paired, surrogate)
	}
}

// A raw part that is no JSON is the host's mistake and stays an error.
func TestJSONFormOfInvalidRawParts(t *testing.T) {
	_, err := json.Marshal(assessment.Order{Fields: map[string]json.RawMessage{"a": json.RawMessage(`{`)}})
	require.Error(t, err)
}

func FuzzJSONForms(f *testing.F) {
	f.Add("Ma\x00ria", []byte(`"\ud800"`))
	f.Add("a\xe9", []byte("{\"k\xe9\":[\"\\u0000\",\"\\\\u0000\"]}"))
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		order := assessment.Order{Candidate: assessment.Candidate{FirstName: text}, Fields: map[string]json.RawMessage{text: raw}}
		stored, err := json.Marshal(order)
		require.NoError(t, err)
		require.True(t, json.Valid(stored))
		require.True(t, utf8.Valid(stored))
		require.NotContains(t, strings.ReplaceAll(string(stored), `\\`, ""), `\u0000`)
		require.NoError(t, json.Unmarshal(stored, new(assessment.Order)))
	})
}

// encoding/json reads zones of 24 hours and does not write them.
func TestTimesThatCannotBeWrittenAreNotRead(t *testing.T) {
	for _, zone := range []string{"+24:00", "-24:00"} {
		at := `"2026-06-30T12:00:00` + zone + `"}`
		for _, name := range []string{"ordered_at", "received_at"} {
			var order assessment.Order
			require.ErrorContains(t, json.Unmarshal([]byte(`{"`+name+`":`+at), &order), "time", name)
		}
		for _, name := range []string{"at", "started_at", "completed_at"} {
			var result assessment.Result
			require.ErrorContains(t, json.Unmarshal([]byte(`{"`+name+`":`+at), &result), "time", name)
		}
	}
}
