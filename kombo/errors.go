package kombo

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/lenient"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// wireError is the answer to every failed call. Message is a string; an old
// page of the documentation shows an object.
type wireError struct {
	Status string `json:"status"`
	Error  struct {
		Code    string          `json:"code"`
		Title   string          `json:"title"`
		Message json.RawMessage `json:"message"`
		LogURL  string          `json:"log_url"`
	} `json:"error"`
}

// errorClass numbers the sentinels, so that the table below is data and not code
// that fills a map in every program.
type errorClass int8

const (
	byStatus errorClass = iota // the HTTP status decides
	rateLimited
	notFound
	invalid
	forbidden
	unauthorized
	unavailable
	accountUnusable
	notSupported
	conflict
)

func (c errorClass) sentinel() error {
	return [...]error{
		byStatus:        nil,
		rateLimited:     assessment.ErrRateLimited,
		notFound:        assessment.ErrNotFound,
		invalid:         assessment.ErrInvalid,
		forbidden:       assessment.ErrForbidden,
		unauthorized:    assessment.ErrUnauthorized,
		unavailable:     assessment.ErrUnavailable,
		accountUnusable: assessment.ErrAccountUnusable,
		notSupported:    assessment.ErrNotSupported,
		conflict:        assessment.ErrConflict,
	}[c]
}

// errorCode says what one of Kombo's error codes means. Retry is what
// https://docs.kombo.dev/guides/errors says: yes for those named safe to retry,
// no for all others.
type errorCode struct {
	code  string
	class errorClass
	retry transport.Decision
	// applied is yes for the one code that leaves open what became of a write,
	// and no for refusals whatever their HTTP status, which Kombo may change.
	applied transport.Decision
	limit   transport.Limit
}

// errorCodes are the codes of Kombo's ATS error set. Only the code is to be
// branched on: the HTTP statuses of several changed in 2026
// (https://docs.kombo.dev/ats/important-changes).
var errorCodes = [...]errorCode{
	{"PLATFORM.RATE_LIMIT_EXCEEDED", rateLimited, transport.Yes, transport.No, transport.KeyLimit},
	{"PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", rateLimited, transport.Yes, transport.No, transport.ConcurrencyLimit},
	{"PLATFORM.INTEGRATION_NOT_FOUND", notFound, transport.No, transport.No, 0},
	{"PLATFORM.INPUT_INVALID", invalid, transport.No, transport.No, 0},
	{"PLATFORM.UNKNOWN_ERROR", byStatus, transport.No, transport.Undecided, 0},
	{"PLATFORM.IP_NOT_WHITELISTED", forbidden, transport.No, transport.No, 0},
	{"PLATFORM.AUTHENTICATION_INVALID", unauthorized, transport.No, transport.No, 0},
	{"PLATFORM.TASK_TIMED_OUT", unavailable, transport.No, transport.Yes, 0},
	{"INTEGRATION.PERMISSION_MISSING", forbidden, transport.No, transport.No, 0},
	{"INTEGRATION.AUTHENTICATION_INVALID", accountUnusable, transport.No, transport.No, 0},
	{"INTEGRATION.QA_FAILED", accountUnusable, transport.No, transport.No, 0},
	{"INTEGRATION.SETUP_SYNC_PENDING", accountUnusable, transport.No, transport.No, 0},
	{"INTEGRATION.SETUP_INCOMPLETE", accountUnusable, transport.No, transport.No, 0},
	{"INTEGRATION.INACTIVE", accountUnusable, transport.No, transport.No, 0},
	{"INTEGRATION.MODEL_NOT_AVAILABLE", notSupported, transport.No, transport.No, 0},
	{"INTEGRATION.MODEL_DISABLED", notSupported, transport.No, transport.No, 0},
	{"INTEGRATION.ACTION_NOT_AVAILABLE", notSupported, transport.No, transport.No, 0},
	{"INTEGRATION.ACTION_DISABLED", notSupported, transport.No, transport.No, 0},
	{"REMOTE.SERVICE_UNAVAILABLE", unavailable, transport.Yes, transport.No, 0},
	{"REMOTE.RATE_LIMIT_EXCEEDED", rateLimited, transport.Yes, transport.No, transport.RemoteLimit},
	{"REMOTE.INPUT_INVALID", invalid, transport.No, transport.No, 0},
	{"REMOTE.UNKNOWN_HTTP_ERROR", byStatus, transport.No, transport.Undecided, 0},
	{"ATS.JOB_CLOSED", conflict, transport.No, transport.No, 0},
	{"ATS.APPLICATION_ALREADY_EXISTS", conflict, transport.No, transport.No, 0},
}

func findCode(code string) errorCode {
	for _, known := range errorCodes {
		if known.code == code {
			return known
		}
	}
	return errorCode{}
}

// fixedTexts are the titles and messages that Kombo's documentation and the test
// fixtures of its clients show word for word. Whatever else it says may quote the
// request.
var fixedTexts = []string{
	"Input invalid", "The provided input is invalid or malformed.",
	"Authentication invalid", "The provided API key is invalid or expired.",
	"Permission missing", "The integration is missing required permissions to access this resource.",
	"Rate limit exceeded", "You have exceeded the rate limit. Please try again later.",
	"This data model isn't supported for the selected integration.",
}

// classify reads Kombo's error envelope. The codes are an open set: with one that
// is not listed, and with none, the status decides the class, but neither is a
// reason to repeat a call, except for a 429
// (https://docs.kombo.dev/guides/errors). What is not Kombo's envelope comes from
// a load balancer or proxy.
func classify(answer transport.Answer) *transport.Failure {
	if answer.StatusCode/100 == 2 && !bytes.Contains(answer.Body, []byte(`"error"`)) {
		return nil // as nearly always
	}
	var wire wireError
	// Members of another type than documented leave the others readable.
	_, _ = lenient.Unmarshal(answer.Body, &wire)
	if !wire.failed() {
		return nil
	}
	known := findCode(wire.Error.Code)
	failure := &transport.Failure{
		Code:    wire.Error.Code,
		Message: wire.message(),
		Public:  transport.Known(fixedTexts, ": ", wire.Error.Title, wire.text()),
		LogURL:  wire.Error.LogURL,
		Class:   known.class.sentinel(),
		Retry:   known.retry,
		Applied: known.applied,
		Limit:   known.limit,
	}
	if failure.Code == "" && answer.StatusCode != http.StatusTooManyRequests {
		failure.Retry = transport.No
	}
	return failure
}

// failed reports whether this is the error envelope.
func (w *wireError) failed() bool {
	return w.Status == "error" || w.Error.Code != "" || w.Error.Title != "" || len(w.Error.Message) > 0
}

// text is the message where it is one, or a list of them.
func (w *wireError) text() string {
	var texts []string
	if message := w.Error.Message; len(message) > 0 && message[0] == '"' {
		texts = []string{""}
		_, _ = lenient.Unmarshal(message, &texts[0])
	} else {
		_, _ = lenient.Unmarshal(message, &texts)
	}
	return strings.Join(texts, "; ")
}

// message joins title and message.
func (w *wireError) message() string {
	switch text := w.text(); {
	case text == "":
		return w.Error.Title
	case w.Error.Title == "":
		return text
	default:
		return w.Error.Title + ": " + text
	}
}
