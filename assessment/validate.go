package assessment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Validate checks what every vendor requires of a result and reports all
// problems at once as a [*ValidationError]. The clients call it and add their
// vendor's own rules before anything is sent.
func (r Result) Validate() error {
	var p Problems
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
	if r.ReportURL != "" && !IsAbsoluteURL(r.ReportURL) {
		p.Add("report_url", "must be an absolute http or https URL")
	}
	r.Score.validate(&p, "score")
	for i, a := range r.Attributes {
		var own Problems
		a.validate(&own)
		p.addAll("attributes", i, own)
	}
	for i, a := range r.Attachments {
		var own Problems
		a.validate(&own)
		p.addAll("attachments", i, own)
	}
	var bad []Vendor
	for vendor, raw := range r.Passthrough {
		if !isObject(raw) {
			bad = append(bad, vendor)
		}
	}
	slices.Sort(bad) // the same result always gets the same text
	for _, vendor := range bad {
		p.Add("passthrough."+string(vendor), "must be a JSON object")
	}
	return p.Err()
}

// addAll notes the problems of one element of a list. The path is made here,
// not for every element that has none.
func (p *Problems) addAll(list string, i int, own Problems) {
	for _, problem := range own {
		path := fmt.Sprintf("%s[%d]", list, i)
		if problem.Path != "" {
			path += "." + problem.Path
		}
		p.Add(path, problem.Message)
	}
}

func (s *Score) validate(p *Problems, path string) {
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
}

func (a Attribute) validate(p *Problems) {
	if a.Label == "" {
		p.Add("label", "required")
	}
	switch v := a.Value.(type) {
	case nil:
		p.Add("value", "required")
	case Text, Flag, Elapsed:
	case Link:
		if !IsAbsoluteURL(string(v)) {
			p.Add("value", "must be an absolute http or https URL")
		}
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

func (a Attachment) validate(p *Problems) {
	if a.Name == "" {
		p.Add("name", "required")
	}
	switch {
	case a.URL == "" && len(a.Data) == 0:
		p.Add("", "needs a url or data")
	case a.URL != "" && len(a.Data) > 0:
		p.Add("", "has both a url and data")
	case a.URL != "" && !IsAbsoluteURL(a.URL):
		p.Add("url", "must be an absolute http or https URL")
	case len(a.Data) > 0 && a.ContentType == "":
		p.Add("content_type", "required with data")
	}
}

// IsAbsoluteURL reports whether text is an absolute http or https URL. It refuses what a vendor's check for a URI would: RFC 3986 has no
// place for blanks and some other characters, which [url.Parse] lets through.
func IsAbsoluteURL(text string) bool {
	if strings.ContainsAny(text, " \"<>\\^`{|}") {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{' && json.Valid(raw)
}
