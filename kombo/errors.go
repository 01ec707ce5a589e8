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

// errorCode says what one of Kombo's error codes means. Retry is what
// https://docs.kombo.dev/guides/errors says: yes for those named safe to retry,
// no for all others.
type errorCode struct {
	class error // nil: the HTTP status decides
	retry transport.Decision
	// applied is yes for the one code that leaves open what became of a write,
	// and no for refusals whatever their HTTP status, which Kombo may change.
	applied transport.Decision
}

// errorCodes are the codes of Kombo's ATS error set. Only the code is to be
// branched on: the HTTP statuses of several changed in 2026
// (https://docs.kombo.dev/ats/important-changes).
var errorCodes = map[string]errorCode{
	"PLATFORM.RATE_LIMIT_EXCEEDED":        {assessment.ErrRateLimited, transport.Yes, transport.No},
	"PLATFORM.CONCURRENCY_LIMIT_EXCEEDED": {assessment.ErrRateLimited, transport.Yes, transport.No},
	"PLATFORM.INTEGRATION_NOT_FOUND":      {assessment.ErrNotFound, transport.No, transport.No},
	"PLATFORM.INPUT_INVALID":              {assessment.ErrInvalid, transport.No, transport.No},
	"PLATFORM.UNKNOWN_ERROR":              {nil, transport.No, transport.Undecided},
	"PLATFORM.IP_NOT_WHITELISTED":         {assessment.ErrForbidden, transport.No, transport.No},
	"PLATFORM.AUTHENTICATION_INVALID":     {assessment.ErrUnauthorized, transport.No, transport.No},
	"PLATFORM.TASK_TIMED_OUT":             {assessment.ErrUnavailable, transport.No, transport.Yes},
	"INTEGRATION.PERMISSION_MISSING":      {assessment.ErrForbidden, transport.No, transport.No},
	"INTEGRATION.AUTHENTICATION_INVALID":  {assessment.ErrAccountUnusable, transport.No, transport.No},
	"INTEGRATION.QA_FAILED":               {assessment.ErrAccountUnusable, transport.No, transport.No},
	"INTEGRATION.SETUP_SYNC_PENDING":      {assessment.ErrAccountUnusable, transport.No, transport.No},
	"INTEGRATION.SETUP_INCOMPLETE":        {assessment.ErrAccountUnusable, transport.No, transport.No},
	"INTEGRATION.INACTIVE":                {assessment.ErrAccountUnusable, transport.No, transport.No},
	"INTEGRATION.MODEL_NOT_AVAILABLE":     {assessment.ErrNotSupported, transport.No, transport.No},
	"INTEGRATION.MODEL_DISABLED":          {assessment.ErrNotSupported, transport.No, transport.No},
	"INTEGRATION.ACTION_NOT_AVAILABLE":    {assessment.ErrNotSupported, transport.No, transport.No},
	"INTEGRATION.ACTION_DISABLED":         {assessment.ErrNotSupported, transport.No, transport.No},
	"REMOTE.SERVICE_UNAVAILABLE":          {assessment.ErrUnavailable, transport.Yes, transport.No},
	"REMOTE.RATE_LIMIT_EXCEEDED":          {assessment.ErrRateLimited, transport.Yes, transport.No},
	"REMOTE.INPUT_INVALID":                {assessment.ErrInvalid, transport.No, transport.No},
	"REMOTE.UNKNOWN_HTTP_ERROR":           {nil, transport.No, transport.Undecided},
	"ATS.JOB_CLOSED":                      {assessment.ErrConflict, transport.No, transport.No},
	"ATS.APPLICATION_ALREADY_EXISTS":      {assessment.ErrConflict, transport.No, transport.No},
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
	known := errorCodes[wire.Error.Code]
	return &transport.Failure{
		Code:    wire.Error.Code,
		Message: wire.message(),
		LogURL:  wire.Error.LogURL,
		Class:   known.class,
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
