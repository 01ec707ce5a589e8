package ashbytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Headers of Ashby's answers: https://developers.ashbyhq.com/docs/support and
// https://developers.ashbyhq.com/docs/api-versions
const (
	// RequestIDHeader carries the id to quote to Ashby's support.
	RequestIDHeader = "X-Ashby-Request-Id"
	// VersionHeader carries the version that processed a request, and in a request
	// the one that is wanted.
	VersionHeader = "Ashby-Version"
	// VersionStatusHeader tells where that version is in its life.
	VersionStatusHeader = "Ashby-Version-Status"
)

// wireFailure is the envelope of every error:
// https://developers.ashbyhq.com/docs/responses
type wireFailure struct {
	Success   bool          `json:"success"`
	Errors    []string      `json:"errors,omitempty"`
	ErrorInfo wireErrorInfo `json:"errorInfo"`
}

type wireErrorInfo struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
}

// wireSuccess is the envelope of every success. Results is nil where there is no
// such member.
type wireSuccess struct {
	Success  bool     `json:"success"`
	Results  any      `json:"results,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
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

func (s *Server) jsonReply(status int, requestID string, envelope any) reply {
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set(RequestIDHeader, requestID)
	h.Set(VersionHeader, s.cfg.Version)
	h.Set(VersionStatusHeader, s.cfg.VersionStatus)
	return reply{status: status, header: h, body: encode(envelope)}
}

func textReply(status int, contentType, text string) reply {
	return reply{status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(text)}
}

func (r reply) contentLength() string { return strconv.Itoa(len(r.body)) }

// sent is the part of the body that reaches the caller.
func (r reply) sent() []byte {
	if r.cutOff {
		return r.body[:len(r.body)/2]
	}
	return r.body
}

func (r reply) setHeader(name, value string) {
	if r.header == nil {
		return
	}
	if value == "" {
		r.header.Del(name)
		return
	}
	r.header.Set(name, value)
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
