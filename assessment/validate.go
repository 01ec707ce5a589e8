package assessment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
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
	if r.ReportURL != "" && !absoluteURL(r.ReportURL) {
		p.Add("report_url", "must be an absolute http or https URL")
	}
	r.Score.validate(&p, "score")
	for i, a := range r.Attributes {
		a.validate(&p, fmt.Sprintf("attributes[%d]", i))
	}
	for i, a := range r.Attachments {
		a.validate(&p, fmt.Sprintf("attachments[%d]", i))
	}
	// In order, so that the same result always gets the same text.
	for _, vendor := range slices.Sorted(maps.Keys(r.Passthrough)) {
		if !isObject(r.Passthrough[vendor]) {
			p.Add("passthrough."+string(vendor), "must be a JSON object")
		}
	}
	return p.Err()
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

func (a Attribute) validate(p *Problems, path string) {
	if a.Label == "" {
		p.Add(path+".label", "required")
	}
	switch v := a.Value.(type) {
	case nil:
		p.Add(path+".value", "required")
	case Text, Flag, Elapsed:
	case Link:
		if !absoluteURL(string(v)) {
			p.Add(path+".value", "must be an absolute http or https URL")
		}
	case Number:
		if !finite(float64(v)) {
			p.Add(path+".value", "must be a finite number")
		}
	case SubResult:
		v.Score.validate(p, path+".value.score")
		switch {
		case v.Status == "":
		case v.Status == StatusRejected:
			p.Add(path+".value.status", "a part of a test is not rejected; use cancelled")
		case !v.Status.Known():
			p.Add(path+".value.status", "unknown")
		}
	default:
		// The compiler lets pointers through; no client translates them.
		p.Add(path+".value", "must be a Text, Link, Number, Flag, Elapsed or SubResult, not a pointer to one")
	}
}

func (a Attachment) validate(p *Problems, path string) {
	if a.Name == "" {
		p.Add(path+".name", "required")
	}
	switch {
	case a.URL == "" && len(a.Data) == 0:
		p.Add(path, "needs a url or data")
	case a.URL != "" && len(a.Data) > 0:
		p.Add(path, "has both a url and data")
	case a.URL != "" && !absoluteURL(a.URL):
		p.Add(path+".url", "must be an absolute http or https URL")
	case len(a.Data) > 0 && a.ContentType == "":
		p.Add(path+".content_type", "required with data")
	}
}

func absoluteURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != ""
}

func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	return len(raw) > 0 && raw[0] == '{' && json.Valid(raw)
}
