package ashby

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// errorCode says what one of Ashby's codes means.
type errorCode struct {
	class error
	retry transport.Decision
}

// errorCodes are the codes that Ashby's reference names
// (https://developers.ashbyhq.com/docs/responses); those of assessment.update are
// not among them.
var errorCodes = map[string]errorCode{
	"invalid_input":               {assessment.ErrInvalid, transport.No},
	"missing_endpoint_permission": {assessment.ErrForbidden, transport.No},
	"application_not_found":       {assessment.ErrNotFound, transport.No},
	"rate_limit_exceeded":         {assessment.ErrRateLimited, transport.Yes},
	"concurrent_limit_exceeded":   {assessment.ErrRateLimited, transport.Yes},
}

// classify reads an answer of Ashby's API. The status says little: whatever would
// be a 4xx elsewhere is a 200 with success:false
// (https://developers.ashbyhq.com/docs/responses). A success may be empty, and
// without the flag an answer that tells of an error is none.
func classify(answer transport.Answer) *transport.Failure {
	ok := answer.StatusCode/100 == 2
	body := bytes.TrimSpace(answer.Body)
	var verdict wireVerdict
	// Members of another type than documented leave the others readable.
	err := json.Unmarshal(body, &verdict)
	var odd *json.UnmarshalTypeError
	valid := len(body) == 0 || err == nil || errors.As(err, &odd)
	if ok && valid && !verdict.failed() {
		return nil
	}
	var wire wireFailure
	_ = json.Unmarshal(body, &wire)
	switch {
	case verdict.failed():
		return wire.failure(ok)
	case ok:
		// A page of a proxy, or half an answer: Ashby may have done it or not.
		return &transport.Failure{
			Message: "the answer is not JSON", Class: assessment.ErrUnavailable,
			Retry: transport.Yes, Applied: transport.Yes,
		}
	}
	return wire.foreign(answer)
}

// failure reads an error envelope. Ashby says no by it, so nothing was carried
// out, unless the status speaks of a fault.
func (w *wireFailure) failure(ok bool) *transport.Failure {
	known, listed := errorCodes[w.Info.Code]
	f := &transport.Failure{
		Code: w.Info.Code, Message: w.message(), RequestID: w.Info.RequestID,
		Class: known.class, Retry: known.retry,
	}
	if ok || listed {
		f.Applied = transport.No
	}
	switch {
	case listed:
	case strings.HasSuffix(w.Info.Code, "_not_found"):
		f.Class = assessment.ErrNotFound
	case ok:
		f.Class = assessment.ErrInvalid
	}
	return f
}

// message falls back on the deprecated texts.
func (w *wireFailure) message() string {
	if w.Info.Message != "" {
		return w.Info.Message
	}
	text := strings.Join(w.Errors, "; ")
	if text == w.Info.Code {
		return ""
	}
	return text
}

// foreign is a failure that is not Ashby's envelope: from a load balancer, from
// the firewall before the API, or one of the bodies of 401 and 403, which are
// "human-readable" (https://developers.ashbyhq.com/reference/authentication). The
// whole of it stays readable as the error's Body.
func (w *wireFailure) foreign(answer transport.Answer) *transport.Failure {
	f := &transport.Failure{Code: w.Info.Code, Message: w.message(), RequestID: w.Info.RequestID}
	if known, listed := errorCodes[f.Code]; listed {
		f.Class, f.Retry = known.class, known.retry
	}
	if f.Message != "" || f.Code != "" {
		return f
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		f.Message = readable(answer.Body)
	}
	return f
}

// maxReadable is the longest text that is taken for a message, in bytes.
const maxReadable = 300

// readable returns a short plain text, or the title of an HTML page: it is the
// difference between a wrong key and a firewall that does not like the client.
func readable(body []byte) string {
	text := strings.ToValidUTF8(string(bytes.TrimSpace(body)), "")
	if strings.HasPrefix(text, "<") {
		_, rest, _ := strings.Cut(text, "<title>")
		title, _, found := strings.Cut(rest, "</title>")
		if !found {
			return ""
		}
		text = strings.TrimSpace(title)
	}
	if len(text) > maxReadable || strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		return ""
	}
	return text
}
