package kombo

import (
	"encoding/json"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/internal/transport"
)

// wireError is the answer to every failed call. Message is a string; an old
// page of the documentation shows an object.
type wireError struct {
	Error struct {
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
}

// errorCodes are the codes of Kombo's ATS error set. Only the code is to be
// branched on: the HTTP statuses of several changed in 2026
// (https://docs.kombo.dev/ats/important-changes).
var errorCodes = [...]errorCode{
	{"PLATFORM.RATE_LIMIT_EXCEEDED", rateLimited, transport.Yes, transport.No},
	{"PLATFORM.CONCURRENCY_LIMIT_EXCEEDED", rateLimited, transport.Yes, transport.No},
	{"PLATFORM.INTEGRATION_NOT_FOUND", notFound, transport.No, transport.No},
	{"PLATFORM.INPUT_INVALID", invalid, transport.No, transport.No},
	{"PLATFORM.UNKNOWN_ERROR", byStatus, transport.No, transport.Undecided},
	{"PLATFORM.IP_NOT_WHITELISTED", forbidden, transport.No, transport.No},
	{"PLATFORM.AUTHENTICATION_INVALID", unauthorized, transport.No, transport.No},
	{"PLATFORM.TASK_TIMED_OUT", unavailable, transport.No, transport.Yes},
	{"INTEGRATION.PERMISSION_MISSING", forbidden, transport.No, transport.No},
	{"INTEGRATION.AUTHENTICATION_INVALID", accountUnusable, transport.No, transport.No},
	{"INTEGRATION.QA_FAILED", accountUnusable, transport.No, transport.No},
	{"INTEGRATION.SETUP_SYNC_PENDING", accountUnusable, transport.No, transport.No},
	{"INTEGRATION.SETUP_INCOMPLETE", accountUnusable, transport.No, transport.No},
	{"INTEGRATION.INACTIVE", accountUnusable, transport.No, transport.No},
	{"INTEGRATION.MODEL_NOT_AVAILABLE", notSupported, transport.No, transport.No},
	{"INTEGRATION.MODEL_DISABLED", notSupported, transport.No, transport.No},
	{"INTEGRATION.ACTION_NOT_AVAILABLE", notSupported, transport.No, transport.No},
	{"INTEGRATION.ACTION_DISABLED", notSupported, transport.No, transport.No},
	{"REMOTE.SERVICE_UNAVAILABLE", unavailable, transport.Yes, transport.No},
	{"REMOTE.RATE_LIMIT_EXCEEDED", rateLimited, transport.Yes, transport.No},
	{"REMOTE.INPUT_INVALID", invalid, transport.No, transport.No},
	{"REMOTE.UNKNOWN_HTTP_ERROR", byStatus, transport.No, transport.Undecided},
	{"ATS.JOB_CLOSED", conflict, transport.No, transport.No},
	{"ATS.APPLICATION_ALREADY_EXISTS", conflict, transport.No, transport.No},
}

func findCode(code string) errorCode {
	for _, known := range errorCodes {
		if known.code == code {
			return known
		}
	}
	return errorCode{}
}

// classify reads an answer of Kombo's API. The codes are an open set: with one
// that is not listed, and with none, the status decides, and the transport
// repeats only the latter.
func classify(answer transport.Answer) *transport.Failure {
	if answer.StatusCode/100 == 2 {
		return nil
	}
	var wire wireError
	// What is not Kombo's envelope comes from a load balancer or proxy; it stays
	// readable as the error's Body.
	_ = json.Unmarshal(answer.Body, &wire)
	known := findCode(wire.Error.Code)
	return &transport.Failure{
		Code:    wire.Error.Code,
		Message: wire.message(),
		LogURL:  wire.Error.LogURL,
		Class:   known.class.sentinel(),
		Retry:   known.retry,
		Applied: known.applied,
	}
}

// message joins title and message.
func (w *wireError) message() string {
	var text string
	if json.Unmarshal(w.Error.Message, &text) != nil {
		text = ""
	}
	switch {
	case text == "":
		return w.Error.Title
	case w.Error.Title == "":
		return text
	}
	return w.Error.Title + ": " + text
}
