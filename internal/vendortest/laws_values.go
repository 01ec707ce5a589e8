package vendortest

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// uri is what RFC 3986 leaves of an absolute http URL: the vendors' schemas say
// "format": "uri" and refuse all else.
var uri = regexp.MustCompile(`^https?://[A-Za-z0-9._~!$&'()*+,;=:%-]+(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?(\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?(#([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?$`)

// texts are all strings in a JSON document.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		for _, member := range v {
			all = append(all, texts(member)...)
		}
	case []any:
		for _, element := range v {
			all = append(all, texts(element)...)
		}
	}
	return all
}

// sent is the body that a result became, or the error before the network.
func (v Vendor) sent(t testing.TB, r assessment.Result) ([]string, assessment.Receipt, error) {
	t.Helper()
	a := v.Outlet.dial(t, Answers(200, v.Outlet.Written))
	receipt, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), r)
	if err != nil {
		require.NotEmpty(t, Paths(t, err))
		require.Empty(t, a.seen)
		return nil, receipt, err
	}
	require.Len(t, a.seen, 1)
	return texts(Decoded(t, []byte(a.seen[0].Body))), receipt, nil
}

// A URL that goes to a recruiter is one that the vendor's schema takes: letters
// beyond ASCII and reserved characters are encoded, so that it still opens, and
// what cannot be a URI is refused.
func urlsAreURIs(t *testing.T, v Vendor) {
	for given, want := range map[string]string{
		"https://tests.example.com/r/1":            "https://tests.example.com/r/1",
		"https://tests.example.com/r/Zoë":          "https://tests.example.com/r/Zo%C3%AB",
		"https://tests.example.com/r?x=[1]":        "https://tests.example.com/r?x=%5B1%5D",
		"https://tests.example.com/r#a#b":          "https://tests.example.com/r#a%23b",
		"https://tests.example.com/r/a%20b?c=%2Fd": "https://tests.example.com/r/a%20b?c=%2Fd",
	} {
		t.Run(given, func(t *testing.T) {
			r := final(time.Now())
			r.ReportURL = given
			r.Attributes = []assessment.Attribute{{ID: "link", Label: "Link", Value: assessment.Link(given)}}
			r.Attachments = []assessment.Attachment{{Name: "r.pdf", ContentType: "application/pdf", URL: given}}
			all, _, err := v.sent(t, r)
			require.NoError(t, err)
			require.Contains(t, all, want)
			for _, text := range all {
				if strings.HasPrefix(text, "https://tests.example.com/") {
					require.Regexp(t, uri, text)
				}
			}
		})
	}
	for _, no := range []string{
		"/r/1", "r/1", "tests.example.com/r", "//tests.example.com/r", "javascript:alert(1)", "http:///r/1", "https://", "mailto:a@example.com",
		"data:text/html,x", "ftp://tests.example.com/r", "https://tests.example.com:port/r", "https://[::1/r", "https://tests.example.com/\x00", "https://tests.example.com/\xff",
		"https://tests.example.com/a\nb", "https://tests.example.com/r?score=100%", "https://tests.example.com/a b", " ",
	} {
		t.Run("no URL: "+no, func(t *testing.T) {
			for name, set := range map[string]func(*assessment.Result){
				"report": func(r *assessment.Result) { r.ReportURL = no },
				"link": func(r *assessment.Result) {
					r.Attributes = []assessment.Attribute{{ID: "l", Label: "L", Value: assessment.Link(no)}}
				},
				"attachment": func(r *assessment.Result) {
					r.Attachments = []assessment.Attachment{{Name: "r.pdf", ContentType: "application/pdf", URL: no}}
				},
			} {
				r := final(time.Now())
				set(&r)
				_, _, err := v.sent(t, r)
				require.ErrorIs(t, err, assessment.ErrInvalid, name)
			}
		})
	}
}

// The name of a file is a name: no path, no line, no character that a header or a
// file system stumbles over.
func fileNames(t *testing.T, v Vendor) {
	for _, name := range []string{"../../x.pdf", "/etc/passwd", `C:\x.pdf`, "re\r\nport.pdf", "a\x00.pdf", "..", ".", "a/b", "a\tb.pdf", "a\u202egnp.pdf"} {
		t.Run(name, func(t *testing.T) {
			r := final(time.Now())
			r.Attachments = []assessment.Attachment{{Name: name, ContentType: "application/pdf", URL: "https://tests.example.com/f"}}
			all, _, err := v.sent(t, r)
			if err != nil {
				return
			}
			for _, text := range all {
				require.NotEqual(t, name, text, "neither refused nor mended")
			}
		})
	}
}

// Times that cannot be are refused, and nothing is sent as minus zero.
func impossibleValues(t *testing.T, v Vendor) {
	now := time.Now()
	for name, set := range map[string]func(*assessment.Result){
		"end before start": func(r *assessment.Result) { r.StartedAt, r.CompletedAt = now, now.Add(-time.Hour) },
		"negative duration": func(r *assessment.Result) {
			r.Attributes = []assessment.Attribute{{ID: "e", Label: "E", Value: assessment.Elapsed(-5 * time.Minute)}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := final(now)
			set(&r)
			_, _, err := v.sent(t, r)
			require.ErrorIs(t, err, assessment.ErrInvalid)
		})
	}
	t.Run("minus zero", func(t *testing.T) {
		negative := math.Copysign(0, -1)
		r := final(now)
		r.Score = assessment.ScoreOutOf(negative, 100)
		r.Attributes = []assessment.Attribute{{ID: "n", Label: "N", Value: assessment.Number(negative)}}
		a := v.Outlet.dial(t, Answers(200, v.Outlet.Written))
		_, err := a.client.PublishResult(t.Context(), v.Outlet.Ref("1"), r)
		require.NoError(t, err)
		require.NotContains(t, a.seen[0].Body, "-0")
	})
}
