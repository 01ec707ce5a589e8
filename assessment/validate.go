package assessment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Validate checks what every vendor requires of a result and reports all
// problems at once as a [*ValidationError]. The clients call it and add their
// vendor's own rules before anything is sent.
func (r Result) Validate() error {
	var p ValidationError
	switch r.Status {
	case StatusOpen, StatusInProgress, StatusCompleted, StatusCancelled, StatusExpired:
	case "":
		p.Add("status", "required")
	case StatusRejected:
		p.Add("status", "a rejection is answered, not written; use cancelled with a reason")
	default:
		p.Add("status", "unknown")
	}
	if !r.Outcome.Known() {
		p.Add("outcome", "unknown")
	}
	p.text("status_text", r.StatusText)
	if r.ReportURL != "" {
		p.url("report_url", r.ReportURL)
	}
	p.text("summary", r.Summary)
	p.text("reason", r.Reason)
	if !r.StartedAt.IsZero() && !r.CompletedAt.IsZero() && r.CompletedAt.Before(r.StartedAt) {
		p.Add("completed_at", "must not be before started_at")
	}
	r.Score.validate(&p, "score")
	for i, a := range r.Attributes {
		var own ValidationError
		a.validate(&own)
		p.addAll("attributes", i, own.Problems)
	}
	for i, a := range r.Attachments {
		var own ValidationError
		a.validate(&own)
		p.addAll("attachments", i, own.Problems)
	}
	r.validatePassthrough(&p)
	return p.Err()
}

func (r Result) validatePassthrough(p *ValidationError) {
	var bad []Vendor
	for vendor, raw := range r.Passthrough {
		if rawProblem(raw) != "" {
			bad = append(bad, vendor)
		}
	}
	slices.Sort(bad) // the same result always gets the same text
	for _, vendor := range bad {
		p.Add("passthrough."+string(vendor), rawProblem(r.Passthrough[vendor]))
	}
}

// text notes what neither the vendors nor the databases of hosts take.
func (e *ValidationError) text(path, text string) {
	if problem := textProblem(text); problem != "" {
		e.Add(path, problem)
	}
}

func textProblem(text string) string {
	switch {
	case !utf8.ValidString(text):
		return notUTF8
	case strings.IndexByte(text, 0) >= 0:
		return holdsNUL
	}
	return ""
}

func (e *ValidationError) url(path, text string) {
	if !Link(text).Valid() {
		e.Add(path, "must be an absolute http or https URL")
	}
}

const (
	notUTF8  = "not valid UTF-8"
	holdsNUL = "contains a NUL"
)

// addAll notes the problems of one element of a list. The path is made here,
// not for every element that has none.
func (e *ValidationError) addAll(list string, i int, own []Problem) {
	for _, problem := range own {
		path := fmt.Sprintf("%s[%d]", list, i)
		if problem.Path != "" {
			path += "." + problem.Path
		}
		e.Add(path, problem.Message)
	}
}

func (s *Score) validate(p *ValidationError, path string) {
	if s == nil {
		return
	}
	if !finite(s.Value) {
		p.Add(path+".value", "must be a finite number")
	}
	if s.Min != nil && !finite(*s.Min) {
		p.Add(path+".min", "must be a finite number")
	}
	if s.Max != nil && !finite(*s.Max) {
		p.Add(path+".max", "must be a finite number")
	}
	if s.Min != nil && s.Max != nil && *s.Min > *s.Max {
		p.Add(path+".min", "must not be above max")
	}
	if problem := textProblem(s.Label); problem != "" {
		p.Add(path+".label", problem)
	}
	if problem := textProblem(s.Text); problem != "" {
		p.Add(path+".text", problem)
	}
}

func (a Attribute) validate(p *ValidationError) {
	p.text("id", a.ID)
	if a.Label == "" {
		p.Add("label", "required")
	}
	p.text("label", a.Label)
	p.text("description", a.Description)
	switch v := a.Value.(type) {
	case nil:
		p.Add("value", "required")
	case Text:
		p.text("value", string(v))
	case Flag:
	case Elapsed:
		if v < 0 {
			p.Add("value", "must not be negative")
		}
	case Link:
		p.url("value", string(v))
	case Number:
		if !finite(float64(v)) {
			p.Add("value", "must be a finite number")
		}
	case SubResult:
		v.Score.validate(p, "value.score")
		switch {
		case v.Status == "":
		case v.Status == StatusRejected:
			p.Add("value.status", "a part of a test is not rejected; use cancelled")
		case !v.Status.Known():
			p.Add("value.status", "unknown")
		}
	default:
		// The compiler lets pointers through; no client translates them.
		p.Add("value", "must be a Text, Link, Number, Flag, Elapsed or SubResult, not a pointer to one")
	}
}

func (a Attachment) validate(p *ValidationError) {
	if a.Name == "" {
		p.Add("name", "required")
	}
	p.text("name", a.Name)
	p.text("content_type", a.ContentType)
	switch {
	case a.URL == "" && len(a.Data) == 0 && a.Ref != "":
		p.Add("ref", "is the host's own; whoever writes the result has to put a url or data in its place")
	case a.URL == "" && len(a.Data) == 0:
		p.Add("", "needs a url or data")
	case a.URL != "" && len(a.Data) > 0:
		p.Add("", "has both a url and data")
	case a.URL != "":
		p.url("url", a.URL)
	case len(a.Data) > 0 && a.ContentType == "":
		p.Add("content_type", "required with data")
	}
}

// escaped reports whether every percent sign stands before two hexadecimal
// digits.
func escaped(text string) bool {
	for {
		_, rest, found := strings.Cut(text, "%")
		if !found {
			return true
		}
		if len(rest) < 2 || !isHex(rest[0]) || !isHex(rest[1]) {
			return false
		}
		text = rest[2:]
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// isHost: a name, or an address of IP version 6 if there is a colon in it.
func isHost(host string) bool {
	if !strings.Contains(host, ":") {
		return host != "" && !strings.ContainsAny(host, "[]%")
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Zone() == ""
}

// isPort: none, or one that exists (RFC 793). No browser opens a URL with another.
func isPort(port string) bool {
	if port == "" {
		return true
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}

// rawProblem says why JSON of the host's own cannot be sent; it is empty if it
// can.
func rawProblem(raw json.RawMessage) string {
	object := bytes.TrimLeft(raw, " \t\r\n")
	switch {
	case len(object) == 0 || object[0] != '{' || !json.Valid(object):
		return "must be a JSON object"
	case !utf8.Valid(object):
		return notUTF8
	}
	return escapeProblem(object)
}

// escapeProblem looks for escapes in JSON that stand for no text: a NUL, and one
// half of a surrogate pair.
func escapeProblem(raw []byte) string {
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 {
			return ""
		}
		code, escape := escapedRune(raw[at:])
		if !escape {
			raw = raw[at+2:]
			continue
		}
		raw = raw[at+6:]
		switch {
		case code == 0:
			return holdsNUL
		case !utf16.IsSurrogate(code):
			continue
		}
		low, _ := escapedRune(raw)
		if utf16.DecodeRune(code, low) == utf8.RuneError {
			return "contains half a surrogate pair"
		}
		raw = raw[6:]
	}
}

// escapedRune reads an escape such as \u00e4 at the beginning of raw.
func escapedRune(raw []byte) (code rune, ok bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return rune(n), err == nil
}
