package ashby

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// errorCode says what one of Ashby's codes means.
type errorCode struct {
	class error
	retry transport.Decision
	limit transport.Limit
	// open: it leaves open whether the call was carried out.
	open bool
}

// errorCodes are the codes that Ashby's reference names
// (https://developers.ashbyhq.com/docs/responses); those of assessment.update are
// not among them.
var errorCodes = map[string]errorCode{
	"invalid_input":               {class: assessment.ErrInvalid, retry: transport.No},
	"missing_endpoint_permission": {class: assessment.ErrForbidden, retry: transport.No},
	"application_not_found":       {class: assessment.ErrNotFound, retry: transport.No},
	"rate_limit_exceeded":         {class: assessment.ErrRateLimited, retry: transport.Yes, limit: transport.KeyLimit},
	"concurrent_limit_exceeded":   {class: assessment.ErrRateLimited, retry: transport.Yes, limit: transport.ConcurrencyLimit},
	"generic_internal_error":      {class: assessment.ErrUnavailable, retry: transport.Yes, open: true},
}

// fixedTexts are the messages that Ashby's reference shows word for word, and the
// title of the page that the firewall before the API answers with. Whatever else
// is said may quote the request.
var fixedTexts = []string{
	"Request payload is malformed",
	"Application not found - are you lacking permissions to edit candidates?",
	"Rate limit exceeded",
	"Your organization has exceeded the rate limit of 15 report requests per minute. Try again in 60 seconds.",
	"Your organization has reached the maximum of 3 concurrent report operations. Please wait for existing operations to complete or try again in 30 seconds.",
	"Access denied | api.ashbyhq.com used Cloudflare to restrict access",
}

// classify reads an answer of Ashby's API. The status says little: whatever would
// be a 4xx elsewhere is a 200 with success:false
// (https://developers.ashbyhq.com/docs/responses). A success may be empty, and
// without the flag an answer that tells of an error is none.
func classify(answer transport.Answer) *transport.Failure {
	ok := answer.StatusCode/100 == 2
	var verdict wireVerdict
	_, _ = lenient.Unmarshal(answer.Body, &verdict)
	if ok && !verdict.failed() {
		return nil
	}
	var wire wireFailure
	_, _ = lenient.Unmarshal(answer.Body, &wire)
	failure := wire.failure(ok)
	if !verdict.failed() {
		failure = wire.foreign(answer)
	}
	failure.Public = transport.Known(fixedTexts, "", failure.Message)
	return failure
}

// failed: the flag decides; without it an error does.
func (v *wireVerdict) failed() bool {
	if v.Success != lenient.Unsaid {
		return v.Success == lenient.No
	}
	told := len(v.Info) > 0 && string(v.Info) != "null"
	switch errors := v.Errors.(type) {
	case nil:
		return told
	case []any:
		return told || len(errors) > 0
	}
	return told || v.Errors != any("")
}

// failure reads an error envelope. Ashby says no by it, so nothing was carried
// out, unless the status speaks of a fault.
func (w *wireFailure) failure(ok bool) *transport.Failure {
	known, listed := errorCodes[w.Info.Code]
	f := &transport.Failure{
		Code: w.Info.Code, Message: w.message(), RequestID: w.Info.RequestID,
		Class: known.class, Retry: known.retry, Limit: known.limit,
	}
	switch {
	case known.open:
		f.Applied = transport.Yes
	case ok || listed:
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
	if text == "" {
		text = strings.Join(w.Message, "; ")
	}
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
		f.Class, f.Retry, f.Limit = known.class, known.retry, known.limit
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
