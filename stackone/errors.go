package stackone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// wireError is the answer to a failed call. Everything in it may be missing,
// on any status
// (https://docs.stackone.com/guides/unified-api-error-codes-and-troubleshooting-guide).
type wireError struct {
	StatusCode     statusCode          `json:"statusCode"`
	Data           json.RawMessage     `json:"data"`
	Message        transport.Words     `json:"message"` // a list where the framework behind the API validates
	Code           string              `json:"errorCode"`
	Errors         transport.Words     `json:"errors"`
	ProviderErrors []wireProviderError `json:"provider_errors"`
}

type wireProviderError struct {
	Status  int                       `json:"status"`
	URL     string                    `json:"url"`
	Raw     json.RawMessage           `json:"raw"`
	Headers map[string]lenient.Scalar `json:"headers"`
}

// errorCodes are the codes that StackOne's guides name. All of them are
// refusals that stay.
var errorCodes = map[string]error{
	"ValidationError":                  assessment.ErrInvalid,
	"AccountInvalidCredentialsError":   assessment.ErrAccountUnusable,
	"AccountExpiredCredentialsError":   assessment.ErrAccountUnusable,
	"AccountAuthenticationFailedError": assessment.ErrAccountUnusable,
	"AccountIntegrationInactiveError":  assessment.ErrAccountUnusable,
}

// fixedTexts are the messages that StackOne's API document and guides show word
// for word. Whatever else it says may quote the request or the ATS.
var fixedTexts = []string{
	"Bad Request", "Unauthorized", "Forbidden resource", "Not Found", "Resource not found", "Request timed out",
	"Conflict", "Precondition failed", "Unprocessable Entity", "Too many requests", "Internal server error",
	"Not Implemented", "Bad Gateway", "Validation failed",
}

// classify reads an answer of StackOne's API. The HTTP status decides, never the
// statusCode in a body: a delete is answered 200 with 204 inside. But an error
// envelope under a success leaves open what became of the call.
func classify(answer transport.Answer) *transport.Failure {
	ok := answer.StatusCode/100 == 2
	if ok && strings.EqualFold(answer.Header.Get("Preference-Applied"), "heartbeat") {
		return lateFailure(answer)
	}
	if ok && !mayBeError(answer.Body) {
		return nil // as nearly always
	}
	wire := decodeError(answer.Body)
	if ok && !wire.failed() {
		return nil
	}
	failure := wire.failure()
	if class, known := errorCodes[wire.Code]; known {
		failure.Class, failure.Retry, failure.Applied = class, transport.No, transport.No
	} else if ok || passing(answer.StatusCode) {
		failure.Retry = transport.Yes
	}
	if answer.StatusCode == http.StatusTooManyRequests {
		// StackOne's own limit or that of the ATS: nothing tells which.
		failure.Limit = transport.RemoteLimit
	}
	return failure
}

// mayBeError spares a success the decoding as a failure.
func mayBeError(body []byte) bool {
	if bytes.Contains(body, []byte(`"errorCode"`)) || bytes.Contains(body, []byte(`"provider_errors"`)) {
		return true
	}
	for {
		_, rest, found := bytes.Cut(body, []byte(`"statusCode"`))
		if !found {
			return false
		}
		if value := bytes.TrimLeft(rest, " \t\r\n:\""); len(value) > 0 && value[0] >= '4' && value[0] <= '9' {
			return true
		}
		body = rest
	}
}

// failed reports whether a body is the error envelope.
func (w *wireError) failed() bool {
	return w.StatusCode >= http.StatusBadRequest || w.Code != "" || absent(w.Data) && len(w.ProviderErrors) > 0
}

// failure reads the envelope. Its parts can all be missing, on any status.
func (w *wireError) failure() *transport.Failure {
	known, told := transport.Known(fixedTexts, ", ", w.Message...), w.providerStatuses()
	return &transport.Failure{
		Code: w.Code, Message: w.message(), Public: joined(known, told), Fields: w.fields(),
	}
}

// passing lists the statuses that decide alone whether to try again, where a code
// is not known to be a refusal. An unknown code stands for anything, so that
// elsewhere it ends a call; but StackOne asks to come again after these
// (https://docs.stackone.com/guides/rate-limiting), and its reference does not
// know codes at all: the guides name a few.
func passing(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// lateFailure is anything but a success under a heartbeat: its HTTP status was
// sent before the work was done and says nothing about it. What StackOne does
// when the work fails is not documented, so the outcome is taken for unknown
// unless the document tells of success.
func lateFailure(answer transport.Answer) *transport.Failure {
	if done(answer.Body) {
		return nil
	}
	const late = "no success after a heartbeat"
	wire := decodeError(answer.Body)
	failure := wire.failure()
	failure.Message, failure.Public = joined(late, failure.Message), joined(late, failure.Public)
	failure.Class, failure.Retry, failure.Applied = assessment.ErrUnavailable, transport.No, transport.Yes
	return failure
}

// done reports whether a document tells of success: by its statusCode, or by the
// data of a read, which has none.
func done(body []byte) bool {
	var wire struct {
		StatusCode *statusCode     `json:"statusCode"`
		Data       json.RawMessage `json:"data"`
	}
	if _, err := lenient.Unmarshal(body, &wire); err != nil {
		return false
	}
	if wire.StatusCode != nil {
		return *wire.StatusCode/100 == 2
	}
	return !absent(wire.Data)
}

// decodeError keeps what can be read: members of another type are left out, and
// what is no JSON at all comes from a proxy or a firewall.
func decodeError(body []byte) wireError {
	var wire wireError
	_, _ = lenient.Unmarshal(body, &wire)
	return wire
}

// message joins the text, the list of a validation and the statuses of the ATS.
// The ATS's own words may hold a candidate's data; they are in [ProviderErrors].
func (w *wireError) message() string {
	return joined(strings.Join(w.Message, ", "), strings.Join(w.Errors, ", "), w.providerStatuses())
}

func (w *wireError) providerStatuses() string {
	var parts []string
	for _, e := range w.ProviderErrors {
		if e.Status != 0 {
			parts = append(parts, "the ATS answered "+strconv.Itoa(e.Status))
		}
	}
	return joined(parts...)
}

// joined leaves out what is empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

// fields are the paths that a list of validation errors begins with, as in
// "first_name must be a string".
func (w *wireError) fields() []string {
	var fields []string
	for _, text := range slices.Concat(w.Message, w.Errors) {
		path, rest, _ := strings.Cut(text, " ")
		if isPath(path) && (strings.HasPrefix(rest, "must ") || strings.HasPrefix(rest, "should ")) {
			fields = append(fields, path)
		}
	}
	return fields
}

// isPath reports whether s is written like the path of a member, in lower case.
func isPath(s string) bool {
	return s != "" && len(s) <= 64 && 'a' <= s[0] && s[0] <= 'z' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_.[]") == ""
}

// ProviderError is what the ATS behind StackOne answered.
type ProviderError struct {
	Status int
	URL    string
	// Raw is the ATS's body as JSON: an object, a text or anything else. It may
	// hold a candidate's data.
	Raw json.RawMessage
	// Headers are those of the ATS's answer.
	Headers map[string]string
}

// String names the status only: the rest may hold a candidate's data or a
// token.
func (e ProviderError) String() string { return "the ATS answered " + strconv.Itoa(e.Status) }

// Format implements [fmt.Formatter]: every verb prints [ProviderError.String].
func (e ProviderError) Format(f fmt.State, verb rune) { transport.FormatText(f, verb, e.String()) }

// LogValue implements [slog.LogValuer] with the text of [ProviderError.String].
func (e ProviderError) LogValue() slog.Value { return slog.StringValue(e.String()) }

// ProviderErrors returns what the ATS said, if err is an
// [*assessment.APIError] of StackOne whose answer tells; it often explains a 502
// or a 422.
func ProviderErrors(err error) []ProviderError {
	var failure *assessment.APIError
	if !errors.As(err, &failure) || failure.Vendor != assessment.StackOne {
		return nil
	}
	var all []ProviderError
	for _, e := range decodeError(failure.Body).ProviderErrors {
		headers := make(map[string]string, len(e.Headers))
		for name, value := range e.Headers {
			headers[name] = string(value)
		}
		all = append(all, ProviderError{Status: e.Status, URL: e.URL, Raw: e.Raw, Headers: headers})
	}
	return all
}
