package stackone

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// wireError is the answer to a failed call. Everything in it may be missing,
// on any status
// (https://docs.stackone.com/guides/unified-api-error-codes-and-troubleshooting-guide).
type wireError struct {
	Message        string              `json:"message"`
	Code           string              `json:"errorCode"`
	Errors         []string            `json:"errors"`
	ProviderErrors []wireProviderError `json:"provider_errors"`
}

type wireProviderError struct {
	Status  int                        `json:"status"`
	URL     string                     `json:"url"`
	Raw     json.RawMessage            `json:"raw"`
	Headers map[string]json.RawMessage `json:"headers"`
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

// classify reads an answer of StackOne's API. The HTTP status decides, never the
// statusCode in a body: a delete is answered 200 with 204 inside.
func classify(answer transport.Answer) *transport.Failure {
	if answer.StatusCode/100 == 2 {
		return lateFailure(answer)
	}
	wire := decodeError(answer.Body)
	failure := &transport.Failure{Code: wire.Code, Message: wire.message()}
	if class, known := errorCodes[wire.Code]; known {
		failure.Class, failure.Retry, failure.Applied = class, transport.No, transport.No
	} else if passing(answer.StatusCode) {
		failure.Retry = transport.Yes
	}
	return failure
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
	if !strings.EqualFold(answer.Header.Get("Preference-Applied"), "heartbeat") || done(answer.Body) {
		return nil
	}
	wire := decodeError(answer.Body)
	return &transport.Failure{
		Code: wire.Code, Message: strings.TrimSuffix("no success after a heartbeat: "+wire.message(), ": "),
		Class: assessment.ErrUnavailable, Retry: transport.No, Applied: transport.Yes,
	}
}

// done reports whether a document tells of success: by its statusCode, or by the
// data of a read, which has none.
func done(body []byte) bool {
	var wire struct {
		StatusCode *statusCode     `json:"statusCode"`
		Data       json.RawMessage `json:"data"`
	}
	if json.Unmarshal(body, &wire) != nil {
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
	_ = json.Unmarshal(body, &wire)
	return wire
}

// message joins the text, the list of a validation and the statuses of the ATS.
// The ATS's own words may hold a candidate's data; they are in [ProviderErrors].
func (w *wireError) message() string {
	parts := make([]string, 0, 3)
	if w.Message != "" {
		parts = append(parts, w.Message)
	}
	if len(w.Errors) > 0 {
		parts = append(parts, strings.Join(w.Errors, ", "))
	}
	for _, e := range w.ProviderErrors {
		if e.Status != 0 {
			parts = append(parts, "the ATS answered "+strconv.Itoa(e.Status))
		}
	}
	return strings.Join(parts, ": ")
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
			headers[name] = looseText(value)
		}
		all = append(all, ProviderError{Status: e.Status, URL: e.URL, Raw: e.Raw, Headers: headers})
	}
	return all
}
