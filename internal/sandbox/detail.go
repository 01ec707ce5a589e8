package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/assessbridge/assessbridge/ashby/ashbytest"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// rowView is a row in full.
type rowView struct {
	Row
	Sent, Expected  string // signatures
	SignatureHeader string
	Curl            string
	GoTest          string
	Trigger         string // the order as a command
	Scenario        string // and as a file that the command plays
	Secrets         bool   // are shown
	Editing         bool
	Headers         string // for the editor
	Old             *Row   // the row that this one repeats
	Diff            []DiffLine
	RequestDiff     []DiffLine // empty: the requests have the same body
	Others          []Row      // with which it can be compared
}

func (p *page) rowView(r Row, query url.Values) *rowView {
	v := &rowView{Row: r, Secrets: query.Get("secrets") == "1", Editing: query.Get("edit") == "1"}
	v.SignatureHeader, v.Sent, v.Expected = p.app.signatures(r)
	if r.ToProvider && r.Exchange != 0 || r.By != "" {
		v.Curl = p.app.curl(r, v.Secrets)
		v.Headers = headerText(r.RequestHeader)
	}
	if r.ToProvider && r.Order != "" {
		v.GoTest = p.app.goTest(r)
		v.Trigger, v.Scenario = p.app.commands(r)
	}
	for _, other := range p.app.Timeline(Ref{r.Vendor, r.Order}) {
		if other.N != r.N && r.Order != "" {
			v.Others = append(v.Others, other)
		}
	}
	if n := query.Get("with"); n != "" {
		v.compare(p.app, n)
	}
	return v
}

// signatures returns the header with the signature as it was sent and as it ought to
// be for these bytes with the secret of now. Ashby signs webhooks only.
func (a *App) signatures(r Row) (header, sent, expected string) {
	return signaturesBy(a.secretNow(r.Vendor), r)
}

func signaturesBy(secret string, r Row) (header, sent, expected string) {
	if !r.ToProvider {
		return "", "", ""
	}
	switch r.Vendor {
	case Kombo:
		header, expected = kombotest.SignatureHeader, kombotest.Sign(secret, r.RequestBody)
	case StackOne:
		header, expected = stackonetest.SignatureHeader, stackonetest.Sign(secret, r.RequestBody)
	case Ashby:
		if r.RequestHeader.Get(ashbytest.SignatureHeader) == "" {
			return "", "", ""
		}
		header, expected = ashbytest.SignatureHeader, ashbytest.Sign(secret, r.RequestBody)
	}
	return header, r.RequestHeader.Get(header), expected
}

// forged tells whether the provider took a message that no secret of the vendor has
// signed. Another spelling of the right digest is no forgery, and neither is the secret
// before a rotation.
func (a *App) forged(r Row) bool {
	if r.Verdict.Outcome != Taken && r.Verdict.Outcome != Again {
		return false
	}
	header, _, _ := a.signatures(r)
	for _, secret := range []string{a.secretNow(r.Vendor), a.vendorSettings(r.Vendor).Secret} {
		if _, sent, expected := signaturesBy(secret, r); bytes.Equal(digest(sent), digest(expected)) {
			return false
		}
	}
	return header != ""
}

// digest is what a signature stands for, in whatever spelling.
func digest(signature string) []byte {
	signature = strings.TrimPrefix(signature, "sha256=")
	if d, err := hex.DecodeString(signature); err == nil {
		return d
	}
	d, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(signature))
	if err != nil {
		return nil
	}
	return d
}

// pretty indents JSON and leaves everything else as it is.
func pretty(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return strings.ToValidUTF8(string(body), "�")
	}
	return b.String()
}

// headerLine is one value of a header.
type headerLine struct{ Name, Value string }

func headerLines(h http.Header) []headerLine {
	var lines []headerLine
	for name, values := range h {
		for _, value := range values {
			lines = append(lines, headerLine{name, value})
		}
	}
	slices.SortStableFunc(lines, func(a, b headerLine) int { return strings.Compare(a.Name, b.Name) })
	return lines
}

func headerText(h http.Header) string {
	var b strings.Builder
	for _, line := range headerLines(h) {
		b.WriteString(line.Name + ": " + line.Value + "\n")
	}
	return b.String()
}
