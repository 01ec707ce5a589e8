package outbound_test

import (
	"encoding/json"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/outbound"
)

// problems are the paths and messages of an error, one a line.
func problems(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var invalid *assessment.ValidationError
	require.ErrorAs(t, err, &invalid)
	var lines []string
	for _, p := range invalid.Problems {
		lines = append(lines, p.Path+": "+p.Message)
	}
	return strings.Join(lines, "\n")
}

func TestDecimal(t *testing.T) {
	for want, v := range map[string]float64{
		"87.4":                   87.4,
		"0":                      0,
		"-0.5":                   -0.5,
		"0.1":                    0.1,
		"100":                    100,
		"1000000000000000000000": 1e21, // JSON would write an exponent
		"0.0000001":              1e-7,
		"9007199254740992":       1 << 53,
	} {
		require.Equal(t, want, outbound.Decimal(v))
	}
	for _, zero := range []float64{0, math.Copysign(0, -1)} {
		require.Equal(t, "0", outbound.Decimal(zero))
		require.False(t, math.Signbit(outbound.Plain(zero)))
		require.False(t, math.Signbit(*outbound.PlainPointer(&zero)))
	}
	require.Nil(t, outbound.PlainPointer(nil))
	half := -0.5
	require.Equal(t, &half, outbound.PlainPointer(&half))
}

func TestURL(t *testing.T) {
	for given, want := range map[string]string{
		"https://example.com":                     "https://example.com",
		"HTTPS://EXAMPLE.com:8443/a?b=c&d=%C3%A4": "HTTPS://EXAMPLE.com:8443/a?b=c&d=%C3%A4",
		"https://example.com/r/Zoë":               "https://example.com/r/Zo%C3%AB",
		"https://example.com/r?x=[1]":             "https://example.com/r?x=%5B1%5D",
		"https://example.com/[a]/b#[c]":           "https://example.com/%5Ba%5D/b#%5Bc%5D",
		"https://example.com/#a#b":                "https://example.com/#a%23b",
		"https://example.com#ä":                   "https://example.com#%C3%A4",
		"https://example.com?q=日本":                "https://example.com?q=%E6%97%A5%E6%9C%AC",
		"https://bücher.example/ä":                "https://b%C3%BCcher.example/%C3%A4",
		"http://[2001:db8::1]:80/[x]":             "http://[2001:db8::1]:80/%5Bx%5D",
		"http://[::1]?[x]":                        "http://[::1]?%5Bx%5D",
	} {
		require.True(t, assessment.Link(given).Valid(), given)
		got := outbound.URL(given)
		require.Equal(t, want, got)
		require.True(t, isURI(got), got)
		require.Equal(t, got, outbound.URL(got), "written twice it is the same")
		before, err := url.Parse(given)
		require.NoError(t, err)
		after, err := url.Parse(got)
		require.NoError(t, err)
		require.Equal(t, []any{before.Host, before.Path, before.Query(), before.Fragment}, []any{after.Host, after.Path, after.Query(), after.Fragment})
	}
}

// isURI checks a URL by the grammar of RFC 3986, appendix A, character by
// character.
func isURI(text string) bool {
	const unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	const subDelims = "!$&'()*+,;="
	_, rest, _ := strings.Cut(text, "://")
	rest, fragment, _ := strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(authority, "[") {
		address, port, _ := strings.Cut(authority[1:], "]")
		authority = strings.ReplaceAll(address, ":", "") + strings.TrimPrefix(port, ":")
	}
	made := func(part, of string) bool {
		for i := 0; i < len(part); i++ {
			if part[i] == '%' {
				if i+2 >= len(part) || !strings.ContainsRune("0123456789ABCDEFabcdef", rune(part[i+1])) || !strings.ContainsRune("0123456789ABCDEFabcdef", rune(part[i+2])) {
					return false
				}
				i += 2
			} else if !strings.Contains(of, part[i:i+1]) {
				return false
			}
		}
		return true
	}
	pchar := unreserved + subDelims + ":@"
	return made(authority, pchar) && made(path, pchar+"/") && made(query, pchar+"/?") && made(fragment, pchar+"/?")
}

func FuzzURL(f *testing.F) {
	f.Add("https://example.com/r/Zoë?x=[1]#a#b")
	f.Add("http://[::1]:80/%zz")
	f.Add("https://example.com/r/Zoë#a\x1f")
	f.Fuzz(func(t *testing.T, text string) {
		if assessment.Link(text).Valid() && !isURI(outbound.URL(text)) {
			t.Fatalf("%q became %q", text, outbound.URL(text))
		}
	})
}

func TestFileName(t *testing.T) {
	const (
		cleaned = outbound.Cleaned
		pdf     = "sent with the extension .pdf of its content type"
	)
	for _, tc := range []struct {
		name, contentType, want string
		remarks                 []string
	}{
		{"report.pdf", "application/pdf", "report.pdf", nil},
		{"Bericht Größe 2.pdf", "", "Bericht Größe 2.pdf", nil},
		{"../../x.pdf", "", "x.pdf", []string{cleaned}},
		{`C:\temp\x.pdf`, "", "x.pdf", []string{cleaned}},
		{"re\r\nport.pdf", "", "report.pdf", []string{cleaned}},
		{"report\u202efdp.exe", "", "reportfdp.exe", []string{cleaned}},
		{"report", "application/pdf", "report.pdf", []string{pdf}},
		{"report", "Application/PDF; version=1.7", "report.pdf", []string{pdf}},
		{"/a/report", "application/pdf", "report.pdf", []string{cleaned, pdf}},
		{"Report 2.1", "application/pdf", "Report 2.1.pdf", []string{pdf}},
		{"Results 2024.06", "application/pdf", "Results 2024.06.pdf", []string{pdf}},
		{".pdf", "application/pdf", ".pdf.pdf", []string{pdf}},
		{"song.mp3", "", "song.mp3", nil},
		{"report", "", "report", []string{"has no extension, and none is known for its content type"}},
		{"report", "application/x-unheard", "report", []string{"has no extension, and none is known for its content type"}},
		{"..", "application/pdf", "", nil},
		{"a/", "application/pdf", "", nil},
		{"\t\n", "application/pdf", "", nil},
	} {
		got, remarks := outbound.FileName(assessment.Attachment{Name: tc.name, ContentType: tc.contentType})
		require.Equal(t, tc.want, got, tc.name)
		require.Equal(t, tc.remarks, remarks, tc.name)
	}
}

func TestIDs(t *testing.T) {
	ids := outbound.IDs{Reserved: func(id string) bool { return id == "status" }}
	require.Empty(t, ids.Claim("coding", 0, "parts"))
	require.Empty(t, ids.Claim("coding-2", 1, "parts"))
	require.Equal(t, "already the one of parts[0]", ids.Claim("coding", 2, "parts"))
	require.Equal(t, "reserved by this package", ids.Claim("status", 3, "parts"))
	require.Equal(t, []string{"coding-3", "coding-4", "status-2", "new"}, []string{
		ids.Mint("coding"), ids.Mint("coding"), ids.Mint("status"), ids.Mint("new"),
	})
}

func TestScoreWarnings(t *testing.T) {
	for want, s := range map[string]*assessment.Score{
		"outside its scale":        assessment.ScoreOutOf(11, 10),
		"outside its scale ":       assessment.ScoreBetween(-1, 0, 10),
		"outside its scale  ":      {Value: 1, Min: new(float64(2))},
		"the scale has no length":  assessment.ScoreBetween(5, 5, 5),
		"the scale has no length ": assessment.ScoreOutOf(0, 0),
		"":                         assessment.ScoreBetween(10, 0, 10),
		" ":                        assessment.ScoreBetween(0, 0, 10),
		"  ":                       {Value: 7},
		"   ":                      nil,
	} {
		want = strings.TrimSpace(want)
		r := assessment.Result{Score: s, Attributes: []assessment.Attribute{
			{Value: assessment.Number(1)}, {Value: assessment.SubResult{Score: s}},
		}}
		if want == "" {
			require.Empty(t, outbound.ScoreWarnings(r))
			continue
		}
		require.Equal(t, []string{"score: " + want, "attributes[1].value.score: " + want}, outbound.ScoreWarnings(r))
	}
}

func TestRef(t *testing.T) {
	rules := outbound.RefRules{Vendor: "v", Connection: "c", Account: "the tenant", Kinds: true, InPath: true}
	good := assessment.OrderRef{Vendor: "v", Connection: "c", Kind: assessment.KindAssessment, Account: "a:b/ü", ID: "x/y?é"}
	for want, change := range map[string]func(*assessment.OrderRef){
		"":                      func(*assessment.OrderRef) {},
		"ref.vendor: must be v": func(r *assessment.OrderRef) { r.Vendor = "w" },
		"ref.connection: belongs to another client":          func(r *assessment.OrderRef) { r.Connection = "" },
		"ref.kind: required: assessment or background_check": func(r *assessment.OrderRef) { r.Kind = "survey" },
		"ref.account: required: the tenant":                  func(r *assessment.OrderRef) { r.Account = "" },
		"ref.account: contains a control character":          func(r *assessment.OrderRef) { r.Account = "a\r\nb" },
		"ref.account: not valid UTF-8":                       func(r *assessment.OrderRef) { r.Account = "\xff" },
		"ref.id: required":                                   func(r *assessment.OrderRef) { r.ID = "" },
		"ref.id: not an order id":                            func(r *assessment.OrderRef) { r.ID = ".." },
		"ref.id: not valid UTF-8":                            func(r *assessment.OrderRef) { r.ID = "a\xc3" },
		"ref.id: contains a NUL":                             func(r *assessment.OrderRef) { r.ID = "a\x00" },
	} {
		ref := good
		change(&ref)
		var p outbound.Problems
		p.Ref(ref, rules)
		require.Equal(t, want, problems(t, p.Err()))
	}
}

func TestBody(t *testing.T) {
	for want, value := range map[string]any{
		"":                                     map[string]any{"a": "naïve \ufffd", "b": json.RawMessage(`{"c":"\\ufffd \\u0000"}`)},
		"body: not valid UTF-8":                map[string]any{"a": []string{"caf\xc3"}},
		"body: not valid UTF-8 ":               map[string]any{"caf\xc3": 1},
		"body: not valid UTF-8  ":              map[string]any{"a": json.RawMessage("\"\xff\"")},
		"body: not valid UTF-8   ":             &struct{ A *[1]string }{&[1]string{"caf\xc3"}},
		" ":                                    struct{ A []byte }{[]byte("\xff")}, // written as base64
		"body: contains a NUL":                 []any{map[string]any{"a": "\x00"}},
		"body: contains a NUL ":                json.RawMessage(`"\u0000"`),
		"body: contains half a surrogate pair": json.RawMessage(`["\ud800"]`),
	} {
		raw, err := outbound.Body(value)
		require.Equal(t, strings.TrimSpace(want), problems(t, err))
		require.NotEmpty(t, raw)
	}
	_, err := outbound.Body(func() {})
	require.Error(t, err)
}

func TestObject(t *testing.T) {
	for want, raw := range map[string]json.RawMessage{
		"": nil, " ": json.RawMessage(` {"a":null} `),
		"x: must be a JSON object": json.RawMessage(`null`), "x: must be a JSON object ": json.RawMessage(`[]`),
		"x: not valid UTF-8": json.RawMessage("{\"a\":\"\xff\"}"), "x: contains a NUL": json.RawMessage(`{"a":"\u0000"}`),
	} {
		var p outbound.Problems
		p.Object("x", raw)
		require.Equal(t, strings.TrimSpace(want), problems(t, p.Err()))
	}
}
