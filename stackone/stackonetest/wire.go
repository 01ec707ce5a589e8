package stackonetest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// timestampLayout is the format of StackOne's documented timestamps.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// reply is an answer of the API before it is written to a socket or handed to an
// in-process caller.
type reply struct {
	status int
	header http.Header
	// lead precedes the body: the newlines of a heartbeat.
	lead []byte
	body []byte
	// reset: no answer at all, the connection is reset.
	reset bool
	// cutOff: the connection ends in the middle of the body.
	cutOff bool
	// bodyDelay passes between the header (with the lead) and the body.
	bodyDelay time.Duration
}

func jsonReply(status int, v any) reply {
	header := http.Header{}
	header.Set("Content-Type", "application/json; charset=utf-8")
	return reply{status: status, header: header, body: encode(v)}
}

// setHeader sets a header, or removes it if the value is empty.
func (r *reply) setHeader(name, value string) {
	if r.header == nil {
		r.header = http.Header{}
	}
	if value == "" {
		r.header.Del(name)
		return
	}
	r.header.Set(name, value)
}

func (r reply) length() int { return len(r.lead) + len(r.body) }

func (r reply) contentLength() string { return strconv.Itoa(r.length()) }

// sent is the part of the body proper that reaches the caller.
func (r reply) sent() []byte {
	if r.cutOff {
		return r.body[:len(r.body)/2]
	}
	return r.body
}

// allSent is everything that reaches the caller.
func (r reply) allSent() []byte {
	return append(bytes.Clone(r.lead), r.sent()...)
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

// decode reads exactly one JSON value and keeps the text of its numbers: ids go
// beyond what a float can hold.
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

// decodeObject is decode for texts of this package and of callers that must be
// objects.
func decodeObject(body []byte) map[string]any {
	v, err := decode(body)
	members, ok := v.(map[string]any)
	if err != nil || !ok {
		return map[string]any{}
	}
	return members
}

// cloned is a deep copy of a JSON tree.
func cloned(tree map[string]any) map[string]any { return decodeObject(encode(tree)) }

func nullable(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }
