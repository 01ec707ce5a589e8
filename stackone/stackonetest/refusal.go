package stackonetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Failure is an error answer of the API. The envelope is that of
// https://docs.stackone.com/guides/unified-api-error-codes-and-troubleshooting-guide;
// every member but the status may be on any status.
type Failure struct {
	Status    int      `json:",omitzero"` // HTTP status, and statusCode in the body
	Message   string   `json:",omitzero"` // empty: the documented message of the status
	ErrorCode string   `json:",omitzero"` // such as AccountInvalidCredentialsError; empty: not sent
	Errors    []string `json:",omitzero"`
	// Provider are the errors of the ATS behind StackOne; nil: not sent.
	Provider []ProviderError `json:",omitzero"`
	// Data is the member of that name, which StackOne's OpenAPI description has on
	// 400: any JSON; nil: not sent.
	Data json.RawMessage `json:",omitzero"`
	// NoTimestamp leaves the timestamp out, as several documented samples do.
	NoTimestamp bool `json:",omitzero"`
	// RetryAfter is the header of that name; empty: not sent, but 408 always has it.
	RetryAfter string `json:",omitzero"`
}

// ProviderError is what the ATS answered. A zero status and empty texts are sent
// as null.
type ProviderError struct {
	Status  int               `json:",omitzero"`
	URL     string            `json:",omitzero"`
	Raw     json.RawMessage   `json:",omitzero"` // any JSON, also a text; nil: null
	Headers map[string]string `json:",omitzero"`
}

// messages are those of the examples in StackOne's OpenAPI description.
var messages = map[int]string{
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden resource",
	404: "Not Found",
	408: "Request timed out",
	409: "Conflict",
	412: "Precondition failed",
	422: "Unprocessable Entity",
	429: "Too many requests",
	500: "Internal server error",
	501: "Not Implemented",
	502: "Bad Gateway",
}

const (
	codeValidation     = "ValidationError"
	codeBadCredentials = "AccountInvalidCredentialsError"
	codeInactive       = "AccountIntegrationInactiveError"
)

func greenhouseRepeat() Failure {
	return Failure{
		Status: http.StatusBadRequest,
		Provider: []ProviderError{{
			Status: http.StatusUnprocessableEntity,
			URL:    "https://app.greenhouse.io/integrations/testing/partner",
			Raw:    json.RawMessage(`{"error":"The test has been completed already"}`),
		}},
	}
}

func (f Failure) isZero() bool { return f.Status == 0 }

func (f Failure) validate() error {
	if !f.isZero() && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("stackonetest: %d is not an error status", f.Status)
	}
	if f.Data != nil && !json.Valid(f.Data) {
		return fmt.Errorf("stackonetest: the data of a failure are not JSON")
	}
	for _, p := range f.Provider {
		if p.Raw != nil && !json.Valid(p.Raw) {
			return fmt.Errorf("stackonetest: the raw answer of %q is not JSON", p.URL)
		}
	}
	return nil
}

// failed is a plain failure with a message of its own.
func failed(status int, format string, args ...any) *Failure {
	return &Failure{Status: status, Message: fmt.Sprintf(format, args...)}
}

// invalid is the answer to a request that breaks documented rules.
func invalid(problems ...string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Message: "Validation failed", ErrorCode: codeValidation, Errors: problems}
}

func (f Failure) reply(now time.Time) simkit.Reply {
	rep := simkit.JSONReply(f.Status, f.body(now))
	if f.Status == http.StatusRequestTimeout {
		f.RetryAfter = simkit.OrDefault(f.RetryAfter, "60")
	}
	if f.RetryAfter != "" {
		rep.Header.Set("Retry-After", f.RetryAfter)
	}
	return rep
}

type wireFailure struct {
	StatusCode int                 `json:"statusCode"`
	Message    string              `json:"message"`
	Timestamp  string              `json:"timestamp,omitempty"`
	Data       json.RawMessage     `json:"data,omitempty"`
	ErrorCode  string              `json:"errorCode,omitempty"`
	Errors     []string            `json:"errors,omitempty"`
	Provider   []wireProviderError `json:"provider_errors,omitzero"`
}

type wireProviderError struct {
	Status  *int              `json:"status"`
	URL     *string           `json:"url"`
	Raw     json.RawMessage   `json:"raw"`
	Headers map[string]string `json:"headers,omitempty"`
}

func (f Failure) body(now time.Time) wireFailure {
	w := wireFailure{
		StatusCode: f.Status,
		Message:    simkit.OrDefault(f.Message, simkit.OrDefault(messages[f.Status], http.StatusText(f.Status))),
		ErrorCode:  f.ErrorCode,
		Errors:     f.Errors,
	}
	if !f.NoTimestamp {
		w.Timestamp = timestamp(now)
	}
	if json.Valid(f.Data) {
		w.Data = f.Data
	}
	if f.Provider != nil {
		w.Provider = []wireProviderError{}
	}
	for _, p := range f.Provider {
		w.Provider = append(w.Provider, p.wire())
	}
	return w
}

func (p ProviderError) wire() wireProviderError {
	w := wireProviderError{URL: simkit.Nullable(p.URL), Raw: p.Raw, Headers: p.Headers}
	if p.Status != 0 {
		w.Status = &p.Status
	}
	if !json.Valid(w.Raw) {
		w.Raw = nil // written as null
	}
	return w
}
