package simkit

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"
)

// Reply is an answer of a simulated API before it is written.
type Reply struct {
	Status int
	Header http.Header
	// Lead precedes the body at once, as the newlines of a heartbeat do.
	Lead []byte
	Body []byte
	// Foreign: it is not the vendor's own answer but that of something in between.
	Foreign bool
	// Reset: there is no answer, the connection is reset.
	Reset bool
	// CutOff: the connection ends in the middle of the body.
	CutOff bool
	// BodyDelay passes between the header (with the lead) and the body.
	BodyDelay time.Duration
}

// TextReply is an answer with a body that is not the vendor's envelope.
func TextReply(status int, contentType, text string) Reply {
	return Reply{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: []byte(text), Foreign: true}
}

// JSONReply is an answer with a JSON body.
func JSONReply(status int, v any) Reply {
	return Reply{Status: status, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: Encode(v)}
}

// SetHeader sets a header, or removes it if the value is empty. A reset has none.
func (r *Reply) SetHeader(name, value string) {
	if r.Reset {
		return
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if value == "" {
		r.Header.Del(name)
		return
	}
	r.Header.Set(name, value)
}

// sent is the part of the body proper that reaches the caller.
func (r Reply) sent() []byte {
	if r.CutOff {
		return r.Body[:len(r.Body)/2]
	}
	return r.Body
}

// allSent is everything that reaches the caller.
func (r Reply) allSent() []byte {
	if len(r.Lead) == 0 {
		return r.sent()
	}
	return append(bytes.Clone(r.Lead), r.sent()...)
}

// write sends the reply. wait is told to end early when the simulator is closed.
func (r Reply) write(ctx context.Context, w http.ResponseWriter, wait func(context.Context, time.Duration) bool) {
	if r.Reset {
		resetConnection(w)
		return
	}
	for name, values := range r.Header {
		w.Header()[name] = values
	}
	if len(r.Lead) == 0 {
		// With a lead the length is not known when the header is sent.
		w.Header().Set("Content-Length", strconv.Itoa(len(r.Body)))
	}
	w.WriteHeader(r.Status)
	if len(r.Lead) > 0 || r.BodyDelay > 0 {
		_, _ = w.Write(r.Lead)
		// A writer that cannot flush only sends header and body together.
		_ = http.NewResponseController(w).Flush()
		if !wait(ctx, r.BodyDelay) {
			return
		}
	}
	// A failed write means that the caller has gone. Writing less than announced
	// makes net/http close the connection, which is what a cut-off body is.
	_, _ = w.Write(r.sent())
	if r.CutOff && len(r.Lead) > 0 {
		resetConnection(w)
	}
}

// resetConnection makes the peer see ECONNRESET: with a linger time of zero the
// kernel sends RST where a plain close would send FIN.
func resetConnection(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's documented way to drop a connection
	}
	if lingers, ok := c.(interface{ SetLinger(seconds int) error }); ok {
		_ = lingers.SetLinger(0) // on failure the peer sees an orderly close instead
	}
	_ = c.Close()
}
