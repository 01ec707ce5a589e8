package assessment_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// domainRefs are the references whose texts are pinned: they lie in the
// databases of our users.
func domainRefs() map[string]assessment.OrderRef {
	return map[string]assessment.OrderRef{
		"zero": {},
		"kombo": {
			Vendor: assessment.Kombo, Account: "workday:CBNMt7dSNCzBdnRTx87dev4E", ID: "B5KQKhAgTv6ZwzrfAbqbhipd",
		},
		"stackone": {
			Vendor: assessment.StackOne, Connection: "eu", Kind: assessment.KindAssessment,
			Account: "45355976281015164504", ID: "c28x/IQ+=",
		},
		"ashby": {Vendor: assessment.Ashby, Account: "Acme Inc.", ID: "5b591aed-88e3-4395-b9c6-7d529f93354a"},
		"odd": {
			Vendor: "later", Connection: "100%", Kind: "%", Account: "a/b\x00\xff\xf0\x9f", ID: "é?#&\"\\~-._:",
		},
	}
}

func TestOrderRefTextIsPinned(t *testing.T) {
	var pinned map[string]string
	require.NoError(t, json.Unmarshal(domainFile(t, "testdata/refs.v1.json"), &pinned))
	refs := domainRefs()
	require.Len(t, pinned, len(refs))
	for name, ref := range refs {
		require.Equal(t, pinned[name], ref.String(), name)
		parsed, err := assessment.ParseOrderRef(pinned[name])
		require.NoError(t, err, name)
		require.Equal(t, ref, parsed, name)
	}
}

func TestOrderRefRoundTrip(t *testing.T) {
	values := []string{"", "/", "//", "%", "%%", "%2F", "%2f", "%25", ".", "..", " ", "+", "\n", "\x00", "é", "日本", "\xff\xfe", "\xed\xa0\x80", "a/b%c"}
	for c := range 256 {
		values = append(values, string([]byte{byte(c)}))
	}
	seen := make(map[string]assessment.OrderRef)
	for _, v := range values {
		for _, ref := range []assessment.OrderRef{
			{Vendor: assessment.Vendor(v)}, {Connection: v}, {Kind: assessment.Kind(v)}, {Account: v}, {ID: v},
			{Vendor: assessment.Vendor(v), Connection: v, Kind: assessment.Kind(v), Account: v, ID: v},
		} {
			text := ref.String()
			parsed, err := assessment.ParseOrderRef(text)
			require.NoError(t, err, "%q", text)
			require.Equal(t, ref, parsed, "%q", text)
			for _, c := range []byte(text) {
				require.True(t, '!' <= c && c <= '~' && !strings.ContainsRune("\"'<>&\\`", rune(c)), "%q", text)
			}
			if other, ok := seen[text]; ok {
				require.Equal(t, other, ref, "two refs share %q", text)
			}
			seen[text] = ref
		}
	}
}

func TestParseOrderRefRefusesWhatStringDoesNotWrite(t *testing.T) {
	const marker = "LEAK"
	for name, text := range map[string]string{
		"empty":                     "",
		"one element":               marker,
		"four elements":             "a/b/c/" + marker,
		"six elements":              "a/b/c/d/e/" + marker,
		"trailing slash":            "a/b/c/d/" + marker + "/",
		"space":                     "a/b/c/d/" + marker + " e",
		"leading space":             " a/b/c/d/" + marker,
		"trailing newline":          "a/b/c/d/" + marker + "\n",
		"plus":                      "a/b/c/d/" + marker + "+",
		"raw byte":                  "a/b/c/d/" + marker + "\xff",
		"raw letter":                "a/b/c/d/" + marker + "é",
		"raw byte beside escape":    "a/b/c/d/%20" + marker + "é",
		"lower-case hex":            "a/b/c/d/" + marker + "%2f",
		"half lower-case hex":       "a/b/c/d/" + marker + "%2F%Ff",
		"not hex":                   "a/b/c/d/" + marker + "%GG",
		"second digit not hex":      "a/b/c/d/" + marker + "%2G",
		"percent at the end":        "a/b/c/d/" + marker + "%",
		"one digit":                 "a/b/c/d/" + marker + "%2",
		"escape cut by a slash":     "a/b/c/" + marker + "%2/F",
		"escaped letter":            "a/b/c/d/" + marker + "%41",
		"escaped digit":             "a/b/c/d/" + marker + "%30",
		"escaped colon":             "a/b/c/d/" + marker + "%3A",
		"escaped tilde":             "a/b/c/d/" + marker + "%7E",
		"double escape of a letter": "a/b/c/d/" + marker + "%2541%41",
	} {
		t.Run(name, func(t *testing.T) {
			ref, err := assessment.ParseOrderRef(text)
			require.Error(t, err)
			require.Zero(t, ref)
			// The text may come from a peer and end up in a log.
			require.NotContains(t, err.Error(), marker)

			kept := assessment.OrderRef{ID: "kept"}
			require.Error(t, kept.UnmarshalText([]byte(text)))
			require.Equal(t, assessment.OrderRef{ID: "kept"}, kept, "half decoded")

			quoted, err := json.Marshal(text)
			require.NoError(t, err)
			var decoded assessment.OrderRef
			err = json.Unmarshal(quoted, &decoded)
			require.Error(t, err)
			require.NotContains(t, err.Error(), marker)
		})
	}
}

func TestOrderRefText(t *testing.T) {
	for name, ref := range domainRefs() {
		text, err := ref.MarshalText()
		require.NoError(t, err)
		require.Equal(t, ref.String(), string(text), name)
		var back assessment.OrderRef
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, ref, back, name)
	}
}

func TestOrderRefInJSON(t *testing.T) {
	type holder struct {
		Value   assessment.OrderRef            `json:"value"`
		Pointer *assessment.OrderRef           `json:"pointer"`
		Keyed   map[assessment.OrderRef]string `json:"keyed"`
	}
	for name, ref := range domainRefs() {
		want := holder{Value: ref, Pointer: &ref, Keyed: map[assessment.OrderRef]string{ref: name, {ID: "other"}: ""}}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got holder
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, want, got, name)
	}

	var absent holder
	require.NoError(t, json.Unmarshal([]byte(`{"value":null,"pointer":null}`), &absent))
	require.Zero(t, absent)
	require.Error(t, json.Unmarshal([]byte(`{"value":7}`), &absent))
	require.Error(t, json.Unmarshal([]byte(`{"keyed":{"not a ref":""}}`), &absent))
}

func TestOrderRefIsZero(t *testing.T) {
	require.True(t, assessment.OrderRef{}.IsZero())
	for _, ref := range []assessment.OrderRef{
		{Vendor: "v"}, {Connection: "c"}, {Kind: "k"}, {Account: "a"}, {ID: "i"},
	} {
		require.False(t, ref.IsZero(), "%s", ref)
	}
}
