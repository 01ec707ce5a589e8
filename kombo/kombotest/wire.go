package kombotest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// timestampLayout is the format of every timestamp that Kombo sends.
const timestampLayout = "2006-01-02T15:04:05.000Z"

type wireWarning struct {
	Message string `json:"message"`
}

// wireSuccess is the envelope of every success. Warnings is nil where the
// documented answer has no such member.
type wireSuccess struct {
	Status   string         `json:"status"`
	Data     any            `json:"data"`
	Warnings *[]wireWarning `json:"warnings,omitempty"`
}

// wireFailure is the envelope of every error: https://docs.kombo.dev/guides/errors
type wireFailure struct {
	Status string    `json:"status"`
	Error  wireError `json:"error"`
}

type wireError struct {
	Code    *string `json:"code"`
	Title   *string `json:"title"`
	Message string  `json:"message"`
	LogURL  *string `json:"log_url"`
}

type wireEndUser struct {
	OrganizationName string  `json:"organization_name"`
	CreatorEmail     *string `json:"creator_email"`
	OriginID         *string `json:"origin_id"`
}

type wireEvent struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data any    `json:"data"`
}

// reply is an answer of the API before it is written to a socket or handed to an
// in-process caller.
type reply struct {
	status int
	header http.Header
	body   []byte
	// reset: no answer at all, the connection is reset.
	reset bool
	// cutOff: the connection ends in the middle of the body.
	cutOff bool
	// bodyDelay passes between the header and the body.
	bodyDelay time.Duration
}

func jsonReply(status int, envelope any) reply {
	body := encode(envelope)
	return reply{status: status, header: standardHeader(), body: body}
}

// standardHeader carries the documented sample values of the rate limit:
// https://docs.kombo.dev/assessment/getting-started/fetching-data
func standardHeader() http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Ratelimit-Limit", "300")
	h.Set("Ratelimit-Remaining", "298")
	h.Set("Ratelimit-Reset", "57")
	return h
}

func (r reply) contentLength() string { return strconv.Itoa(len(r.body)) }

// sent is the part of the body that reaches the caller.
func (r reply) sent() []byte {
	if r.cutOff {
		return r.body[:len(r.body)/2]
	}
	return r.body
}

// encode writes JSON as JavaScript does, without the HTML escapes of Go. Values
// come from decoded JSON or from the structs of this package and always encode.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("null")
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// decode reads exactly one JSON value and keeps the text of its numbers.
func decode(body []byte) (any, error) {
	if !json.Valid(body) {
		var ignored any
		return nil, json.Unmarshal(body, &ignored)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }
