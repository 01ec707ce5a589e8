package assessment_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func domainProblems(t *testing.T, err error) []assessment.Problem {
	t.Helper()
	if err == nil {
		return nil
	}
	require.ErrorIs(t, err, assessment.ErrInvalid)
	var invalid *assessment.ValidationError
	require.ErrorAs(t, err, &invalid)
	return invalid.Problems
}

const (
	domainNotURL    = "must be an absolute http or https URL"
	domainNotNumber = "must be a finite number"
	domainForeign   = "must be a Text, Link, Number, Flag, Elapsed or SubResult, not a pointer to one"
)

func TestResultValidateRules(t *testing.T) {
	attribute := func(v assessment.AttributeValue) assessment.Result {
		return assessment.Result{
			Status:     assessment.StatusOpen,
			Attributes: []assessment.Attribute{{Label: "fine", Value: assessment.Text("")}, {Label: "l", Value: v}},
		}
	}
	attachment := func(a assessment.Attachment) assessment.Result {
		return assessment.Result{
			Status:      assessment.StatusOpen,
			Attachments: []assessment.Attachment{{Name: "fine", URL: "https://example.com"}, a},
		}
	}
	score := func(s *assessment.Score) assessment.Result {
		return assessment.Result{Status: assessment.StatusOpen, Score: s}
	}
	passthrough := func(raw string) assessment.Result {
		return assessment.Result{
			Status:      assessment.StatusOpen,
			Passthrough: map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(raw)},
		}
	}
	type rule struct {
		name    string
		result  assessment.Result
		path    string
		message string
	}
	rules := []rule{
		{"no status", assessment.Result{}, "status", "required"},
		{"unknown status", assessment.Result{Status: "OPEN"}, "status", "unknown"},
		{"rejected", assessment.Result{Status: assessment.StatusRejected}, "status", "a rejection is answered, not written; use cancelled with a reason"},
		{"unknown outcome", assessment.Result{Status: assessment.StatusOpen, Outcome: "pass"}, "outcome", "unknown"},
		{"score min above max", score(assessment.ScoreBetween(1, 2, 1)), "score.min", "must not be above max"},
		{"no attribute value", attribute(nil), "attributes[1].value", "required"},
		{"no attribute label", assessment.Result{
			Status: assessment.StatusOpen, Attributes: []assessment.Attribute{{ID: "id", Value: assessment.Flag(false)}},
		}, "attributes[0].label", "required"},
		{"empty link", attribute(assessment.Link("")), "attributes[1].value", domainNotURL},
		{"relative link", attribute(assessment.Link("/report")), "attributes[1].value", domainNotURL},
		{"sub-result rejected", attribute(assessment.SubResult{Status: assessment.StatusRejected}), "attributes[1].value.status", "a part of a test is not rejected; use cancelled"},
		{"sub-result of unknown status", attribute(assessment.SubResult{Status: "done"}), "attributes[1].value.status", "unknown"},
		{"sub-result min above max", attribute(assessment.SubResult{
			Status: assessment.StatusCompleted, Score: assessment.ScoreBetween(1, 2, 1),
		}), "attributes[1].value.score.min", "must not be above max"},
		{"attachment without name", attachment(assessment.Attachment{URL: "https://example.com"}), "attachments[1].name", "required"},
		{"attachment without content", attachment(assessment.Attachment{Name: "n", ContentType: "a/b"}), "attachments[1]", "needs a url or data"},
		{"attachment of the host's", attachment(assessment.Attachment{Name: "n", ContentType: "a/b", Ref: "s3://r/1"}), "attachments[1].ref", "is the host's own; whoever writes the result has to put a url or data in its place"},
		{"attachment with empty data", attachment(assessment.Attachment{Name: "n", ContentType: "a/b", Data: []byte{}}), "attachments[1]", "needs a url or data"},
		{"attachment with both", attachment(assessment.Attachment{
			Name: "n", ContentType: "a/b", URL: "https://example.com", Data: []byte("x"),
		}), "attachments[1]", "has both a url and data"},
		{"attachment by a relative URL", attachment(assessment.Attachment{Name: "n", URL: "x"}), "attachments[1].url", domainNotURL},
		{"attachment data without type", attachment(assessment.Attachment{Name: "n", Data: []byte("x")}), "attachments[1].content_type", "required with data"},
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		rules = append(rules,
			rule{"score value", score(&assessment.Score{Value: bad}), "score.value", domainNotNumber},
			rule{"score min", score(&assessment.Score{Min: &bad}), "score.min", domainNotNumber},
			rule{"score max", score(&assessment.Score{Max: &bad}), "score.max", domainNotNumber},
			rule{"number", attribute(assessment.Number(bad)), "attributes[1].value", domainNotNumber},
			rule{"sub-result score", attribute(assessment.SubResult{
				Status: assessment.StatusCompleted, Score: &assessment.Score{Value: bad},
			}), "attributes[1].value.score.value", domainNotNumber},
		)
	}
	for _, bad := range []string{"example.com/r", "//example.com/r", "https://", "https:///r", "https://:443/r", "ftp://example.com", "javascript:alert(1)", "http://a b", "https://example.com/\n"} {
		rules = append(rules, rule{"report URL " + bad, assessment.Result{Status: assessment.StatusOpen, ReportURL: bad}, "report_url", domainNotURL})
	}
	for _, bad := range []string{"", "null", "[]", `"x"`, "1", "{", "{}{}", "{]"} {
		rules = append(rules, rule{"passthrough " + bad, passthrough(bad), "passthrough.kombo", "must be a JSON object"})
	}
	for name, value := range domainForeignValues() {
		rules = append(rules, rule{"foreign value " + name, attribute(value), "attributes[1].value", domainForeign})
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			err := r.result.Validate()
			require.Equal(t, []assessment.Problem{{Path: r.path, Message: r.message}}, domainProblems(t, err))
			require.EqualError(t, err, "invalid: "+r.path+": "+r.message)
		})
	}
}

func TestResultValidateAccepts(t *testing.T) {
	accepted := map[string]assessment.Result{
		"full":             domainFullResult(),
		"score on a point": {Status: assessment.StatusCompleted, Score: assessment.ScoreBetween(5, 1, 1)},
		"score off scale":  {Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(11, 10)},
		"sub-result without status": {Status: assessment.StatusOpen, Attributes: []assessment.Attribute{
			{Label: "l", Value: assessment.SubResult{}},
		}},
		"URLs": {Status: assessment.StatusOpen, ReportURL: "HTTP://[::1]:8080", Attributes: []assessment.Attribute{
			{Label: "l", Value: assessment.Link("https://example.com/a?b#c")},
		}},
		"white space around an object": {Status: assessment.StatusOpen, Passthrough: map[assessment.Vendor]json.RawMessage{
			assessment.StackOne: json.RawMessage(" \t\r\n{} "),
		}},
	}
	for _, s := range []assessment.Status{
		assessment.StatusOpen, assessment.StatusInProgress, assessment.StatusCompleted,
		assessment.StatusCancelled, assessment.StatusExpired,
	} {
		accepted[string(s)] = assessment.Result{Status: s}
	}
	for name, r := range accepted {
		require.NoError(t, r.Validate(), name)
	}
}

func TestResultValidateReportsEverything(t *testing.T) {
	nan := math.NaN()
	r := assessment.Result{
		Status:    "done",
		Outcome:   "maybe",
		ReportURL: "report",
		Score:     &assessment.Score{Value: nan, Min: &nan, Max: &nan},
		Attributes: []assessment.Attribute{
			{},
			{Value: assessment.SubResult{Score: &assessment.Score{Value: nan}, Status: "done"}},
		},
		Attachments: []assessment.Attachment{{}, {Data: []byte("x")}},
		Passthrough: map[assessment.Vendor]json.RawMessage{
			assessment.StackOne: nil, assessment.Kombo: nil, assessment.Ashby: nil, "b": nil, "c": nil,
		},
	}
	want := []assessment.Problem{
		{Path: "status", Message: "unknown"},
		{Path: "outcome", Message: "unknown"},
		{Path: "report_url", Message: domainNotURL},
		{Path: "score.value", Message: domainNotNumber},
		{Path: "score.min", Message: domainNotNumber},
		{Path: "score.max", Message: domainNotNumber},
		{Path: "attributes[0].label", Message: "required"},
		{Path: "attributes[0].value", Message: "required"},
		{Path: "attributes[1].label", Message: "required"},
		{Path: "attributes[1].value.score.value", Message: domainNotNumber},
		{Path: "attributes[1].value.status", Message: "unknown"},
		{Path: "attachments[0].name", Message: "required"},
		{Path: "attachments[0]", Message: "needs a url or data"},
		{Path: "attachments[1].name", Message: "required"},
		{Path: "attachments[1].content_type", Message: "required with data"},
		{Path: "passthrough.ashby", Message: "must be a JSON object"},
		{Path: "passthrough.b", Message: "must be a JSON object"},
		{Path: "passthrough.c", Message: "must be a JSON object"},
		{Path: "passthrough.kombo", Message: "must be a JSON object"},
		{Path: "passthrough.stackone", Message: "must be a JSON object"},
	}
	require.Equal(t, want, domainProblems(t, r.Validate()))
}

// What is wrong with a value is said without repeating it: the text of a
// ValidationError is logged, and may be answered to a peer.
func TestResultValidateDoesNotEcho(t *testing.T) {
	var r assessment.Result
	domainFill(t, reflect.ValueOf(&r).Elem(), "", nil)
	r.Passthrough = map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(domainMarker)}
	err := r.Validate()
	require.GreaterOrEqual(t, len(domainProblems(t, err)), 6)
	require.Empty(t, domainLeaks(err.Error()))
}

func TestValidationErrorCollects(t *testing.T) {
	var p assessment.ValidationError
	require.NoError(t, p.Err())
	p.Add("a", "first")
	p.Add("b[0].c", "second")
	require.EqualError(t, p.Err(), "invalid: a: first; b[0].c: second")
	require.True(t, errors.Is(p.Err(), assessment.ErrInvalid))
	require.False(t, errors.Is(p.Err(), assessment.ErrNotFound))
	require.EqualError(t, &assessment.ValidationError{}, "invalid")
}

// RFC 3986 has no place for these characters, and vendors check by it, while
// [url.Parse] lets them through.
func TestResultValidateURLs(t *testing.T) {
	for _, good := range []string{
		"https://example.com", "http://example.com/", "HTTPS://EXAMPLE.COM/A", "https://example.com/a?b=c&d=e#f",
		"https://example.com:8443/a", "http://127.0.0.1:80/a", "https://[::1]/a", "https://[2001:db8::1]:8443/a",
		"https://user@example.com/a", "https://user:pass@example.com/a", "https://example.com/%20%22%3C%3E%5C%5E%60%7B%7C%7D",
		"https://example.com/bericht-für-jürgen", "https://bücher.example/ä?ö=ü", "https://例え.jp/テスト",
		"https://example.com/a'b(c)*!;,=@:$~", "https://example.com/?a[]=1", "https://example.com:65535/", "https://example.com:/",
	} {
		require.NoError(t, assessment.Result{Status: assessment.StatusOpen, ReportURL: good}.Validate(), good)
	}
	bad := []string{
		" ", "example.com", "/a", "//example.com/a", "https:", "https://", "https:///a", "https://:443/x", "https://user@/x",
		"https:example.com", "ftp://example.com", "mailto:a@example.com", "javascript:alert(1)", "data:text/html,x", "file:///etc",
		"https://example.com/%zz", "https://example.com:port/", "https://[::1/a", "https://exa\tmple.com/", "https://example.com/\r\n",
		// A percent sign that encodes nothing, and hosts that are none.
		"https://example.com/?score=100%", "https://example.com/100%", "https://example.com/#5%x", "https://example.com/?a=%4",
		"https://[fe80::1%25eth0]/", "https://a[b]/", "https://[1.2.3.4]/", "https://[::g]/", "https://example.com/caf\xc3",
		"https://example.com/\x00", "https://example.com/\x7f", " https://example.com", "https://example.com ",
		"https://example.com:65536/", "http://[::1]:99999999999/",
	}
	for _, c := range " \"<>\\^`{|}" {
		for _, at := range []string{"https://example.com/a%cb", "https://example.com/?a=%c", "https://example.com/#%c", "https://exa%cmple.com/"} {
			bad = append(bad, fmt.Sprintf(at, c))
		}
	}
	for _, text := range bad {
		r := assessment.Result{
			Status: assessment.StatusOpen, ReportURL: text,
			Attributes:  []assessment.Attribute{{Label: "l", Value: assessment.Link(text)}},
			Attachments: []assessment.Attachment{{Name: "n", URL: text}},
		}
		require.Equal(t, []assessment.Problem{
			{Path: "report_url", Message: domainNotURL}, {Path: "attributes[0].value", Message: domainNotURL},
			{Path: "attachments[0].url", Message: domainNotURL},
		}, domainProblems(t, r.Validate()), "%q", text)
	}
}

// encoding/json replaces what is not UTF-8 without a word, and databases refuse a
// NUL: neither is ever sent or stored.
func TestResultValidateText(t *testing.T) {
	fields := map[string]func(r *assessment.Result, text string){
		"status_text":               func(r *assessment.Result, s string) { r.StatusText = s },
		"summary":                   func(r *assessment.Result, s string) { r.Summary = s },
		"reason":                    func(r *assessment.Result, s string) { r.Reason = s },
		"score.text":                func(r *assessment.Result, s string) { r.Score = &assessment.Score{Text: s} },
		"score.label":               func(r *assessment.Result, s string) { r.Score = &assessment.Score{Label: s} },
		"attributes[0].id":          domainAttribute(func(a *assessment.Attribute, s string) { a.ID = s }),
		"attributes[0].label":       domainAttribute(func(a *assessment.Attribute, s string) { a.Label = s }),
		"attributes[0].description": domainAttribute(func(a *assessment.Attribute, s string) { a.Description = s }),
		"attributes[0].value":       domainAttribute(func(a *assessment.Attribute, s string) { a.Value = assessment.Text(s) }),
		"attributes[0].value.score.label": domainAttribute(func(a *assessment.Attribute, s string) {
			a.Value = assessment.SubResult{Score: &assessment.Score{Label: s}}
		}),
		"attachments[0].name": func(r *assessment.Result, s string) {
			r.Attachments = []assessment.Attachment{{Name: s, URL: "https://example.com"}}
		},
		"attachments[0].content_type": func(r *assessment.Result, s string) {
			r.Attachments = []assessment.Attachment{{Name: "n", ContentType: s, URL: "https://example.com"}}
		},
	}
	for text, message := range map[string]string{
		"caf\xc3": "not valid UTF-8", "\xff": "not valid UTF-8", "\xed\xa0\x80": "not valid UTF-8", "a\x00b": "contains a NUL",
	} {
		for path, set := range fields {
			r := assessment.Result{Status: assessment.StatusOpen}
			set(&r, text)
			require.Equal(t, []assessment.Problem{{Path: path, Message: message}}, domainProblems(t, r.Validate()), "%s %q", path, text)
			r = assessment.Result{Status: assessment.StatusOpen}
			set(&r, "naïve \ufffd 日本 \t\r\n")
			require.NoError(t, r.Validate(), path)
		}
	}
	for raw, message := range map[string]string{
		"{\"a\":\"\xff\"}": "not valid UTF-8", `{"a":"\u0000"}`: "contains a NUL", `{"\u0000":1}`: "contains a NUL", "{\"a\":\"\x00\"}": "must be a JSON object",
		`{"a":"\ud800"}`: "contains half a surrogate pair", `{"a":"\uDC00x"}`: "contains half a surrogate pair",
		`{"a":"\ud83d\u0041"}`: "contains half a surrogate pair", `{"a":"\ud83dxxxxxx"}`: "contains half a surrogate pair",
		`{"a":"\ud83d\ude00 \\u0000 \\\\ud800 \" \u00e9 é"}`: "",
	} {
		r := assessment.Result{Status: assessment.StatusOpen, Passthrough: map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(raw)}}
		if message == "" {
			require.NoError(t, r.Validate(), raw)
			continue
		}
		require.Equal(t, []assessment.Problem{{Path: "passthrough.kombo", Message: message}}, domainProblems(t, r.Validate()), raw)
	}
}

func domainAttribute(set func(*assessment.Attribute, string)) func(*assessment.Result, string) {
	return func(r *assessment.Result, s string) {
		a := assessment.Attribute{Label: "l", Value: assessment.Text("")}
		set(&a, s)
		r.Attributes = []assessment.Attribute{a}
	}
}

func TestResultValidateTimes(t *testing.T) {
	noon := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	r := assessment.Result{Status: assessment.StatusCompleted, StartedAt: noon, CompletedAt: noon.Add(-time.Nanosecond)}
	require.Equal(t, []assessment.Problem{{Path: "completed_at", Message: "must not be before started_at"}}, domainProblems(t, r.Validate()))
	r.CompletedAt = noon.In(time.FixedZone("", -3600))
	require.NoError(t, r.Validate(), "in no time at all")
	r.StartedAt, r.CompletedAt = time.Time{}, time.Time{}
	r.Attributes = []assessment.Attribute{{Label: "l", Value: assessment.Elapsed(-1)}}
	require.Equal(t, []assessment.Problem{{Path: "attributes[0].value", Message: "must not be negative"}}, domainProblems(t, r.Validate()))
}
