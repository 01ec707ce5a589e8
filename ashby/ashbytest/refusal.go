package ashbytest

import (
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Codes that the simulator answers by itself and that Ashby documents. Any other
// can be produced with [Refused] and [Status].
const (
	codeInvalidInput     = "invalid_input"
	codePermission       = "missing_endpoint_permission"
	codeNoApplication    = "application_not_found"
	codeRateLimit        = "rate_limit_exceeded"
	codeConcurrencyLimit = "concurrent_limit_exceeded"
)

// messages are those of Ashby's examples.
var messages = map[string]string{
	codeInvalidInput:     "Request payload is malformed",
	codeNoApplication:    "Application not found - are you lacking permissions to edit candidates?",
	codePermission:       "The API key is unknown, was deactivated or lacks the permission for this endpoint",
	codeRateLimit:        "Your organization has exceeded the rate limit. Try again in 60 seconds.",
	codeConcurrencyLimit: "Your organization has reached the maximum of concurrent operations. Try again in 30 seconds.",
}

// errorTexts are the entries of the deprecated array that are sentences in Ashby's
// examples; elsewhere the entry is the code.
var errorTexts = map[string]string{
	codeRateLimit:        "Rate limit exceeded",
	codeConcurrencyLimit: "Concurrent limit exceeded",
}

// refusal is an error that the caller of the API gets to see.
type refusal struct {
	code   string
	detail string
	status int // 0: 200, Ashby's status for whatever would be a 4XX elsewhere
}

func refuse(code, detail string) *refusal { return &refusal{code: code, detail: detail} }

// invalid refuses a request in which a check found problems; nil: it found none.
func invalid(check *simkit.Checker) *refusal {
	if len(check.Problems) == 0 {
		return nil
	}
	return refuse(codeInvalidInput, strings.Join(check.Problems, "; "))
}

func (s *Server) refused(r *refusal) simkit.Reply {
	status := simkit.OrDefault(r.status, http.StatusOK)
	message := simkit.OrDefault(messages[r.code], "The request could not be processed")
	if r.detail != "" {
		message = strings.TrimSuffix(message, ".") + ". " + r.detail
	}
	isAuth := status == http.StatusUnauthorized || status == http.StatusForbidden
	if isAuth && s.cfg.Quirks.TextAuthErrors {
		return simkit.TextReply(status, "text/plain; charset=utf-8", message)
	}
	id := s.newRequestID()
	envelope := wireFailure{ErrorInfo: wireErrorInfo{Code: r.code, Message: message, RequestID: id}}
	if !s.cfg.Quirks.OmitErrors {
		envelope.Errors = []string{simkit.OrDefault(errorTexts[r.code], r.code)}
	}
	return s.jsonReply(status, id, envelope)
}
