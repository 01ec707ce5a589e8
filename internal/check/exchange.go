package check

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Exchange is one request of a check and its answer, without credentials.
type Exchange struct {
	Number         int           `json:"number"` // in the check, from 1
	Direction      string        `json:"direction"`
	Operation      string        `json:"operation,omitempty"`
	Order          string        `json:"order,omitempty"`
	Time           time.Time     `json:"time"`
	Duration       time.Duration `json:"duration_ns"`
	Method         string        `json:"method"`
	URL            string        `json:"url"`
	RequestHeader  http.Header   `json:"request_header,omitempty"`
	RequestBody    string        `json:"request_body,omitempty"`
	Status         int           `json:"status"` // 0: no answer
	ResponseHeader http.Header   `json:"response_header,omitempty"`
	ResponseBody   string        `json:"response_body,omitempty"`
	Err            string        `json:"error,omitempty"`
	Fault          string        `json:"fault,omitempty"`

	at place
}

// maxShown is how much of a body a report has.
const maxShown = 16 << 10

func shownBody(body []byte) string {
	cut := ""
	if len(body) > maxShown {
		cut = fmt.Sprintf("… (%d bytes)", len(body))
		body = body[:maxShown]
	}
	if !utf8.Valid(body) && cut == "" {
		return fmt.Sprintf("%q", body)
	}
	return strings.ToValidUTF8(string(body), "") + cut
}

// passing are headers that differ from run to run and mean nothing to a check.
var passing = []string{"Date"}

// hidden are headers that carry a credential.
var hidden = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key"}

func shown(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range passing {
		h.Del(name)
	}
	for _, name := range hidden {
		if h.Get(name) != "" {
			h.Set(name, "[redacted]")
		}
	}
	if len(h) == 0 {
		return nil
	}
	return h
}

// shownCall is a URL of the vendor's API without the host, whose port is another one
// in every run.
func shownCall(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.RequestURI()
}

func (t *T) record(e Exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.records = append(t.records, e)
}

// numbered returns the exchanges in the order in which they began, and gives every
// mismatch the number of its own.
func (t *T) numbered() ([]Exchange, []Mismatch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.records, func(a, b Exchange) int {
		return cmp.Or(cmp.Compare(a.at.world, b.at.world), cmp.Compare(a.at.id, b.at.id))
	})
	numbers := map[place]int{}
	for i := range t.records {
		t.records[i].Number = i + 1
		numbers[t.records[i].at] = i + 1
	}
	for i := range t.mismatches {
		t.mismatches[i].Exchange = numbers[t.mismatches[i].at]
	}
	t.scrub()
	return t.records, t.mismatches
}

// scrub takes secrets out of what a report keeps: a service that gives one away
// would have it published by its own report.
func (t *T) scrub() {
	var pairs []string
	for _, secret := range t.secrets() {
		if secret != "" {
			pairs = append(pairs, secret, "[secret]")
		}
	}
	clean := strings.NewReplacer(pairs...).Replace
	for i := range t.records {
		e := &t.records[i]
		e.RequestHeader, e.ResponseHeader = cleanHeader(e.RequestHeader, clean), cleanHeader(e.ResponseHeader, clean)
		for _, text := range []*string{&e.URL, &e.RequestBody, &e.ResponseBody, &e.Err} {
			*text = clean(*text)
		}
	}
	for i := range t.mismatches {
		t.mismatches[i].Expected, t.mismatches[i].Got = clean(t.mismatches[i].Expected), clean(t.mismatches[i].Got)
	}
}

func cleanHeader(h http.Header, clean func(string) string) http.Header {
	h = h.Clone()
	for _, values := range h {
		for i := range values {
			values[i] = clean(values[i])
		}
	}
	return h
}

// Curl is the request as a command line. Credentials stand in it as variables.
func (e Exchange) Curl() string {
	if e.Direction != "to the service" {
		return ""
	}
	parts := []string{"curl", "-i", "-X", e.Method}
	for _, name := range slices.Sorted(maps.Keys(e.RequestHeader)) {
		value := e.RequestHeader.Get(name)
		if name == "Authorization" && value == "[redacted]" {
			parts = append(parts, "-H", `"Authorization: $AUTHORIZATION"`)
			continue
		}
		parts = append(parts, "-H", quoted(name+": "+value))
	}
	if e.RequestBody != "" {
		parts = append(parts, "--data-binary", quoted(e.RequestBody))
	}
	return strings.Join(append(parts, quoted(e.URL)), " ")
}

// quoted is a text as one word of a POSIX shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
