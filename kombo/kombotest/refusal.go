package kombotest

import (
	"net/http"
	"strings"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Codes that the simulator answers by itself. Any other code can be produced with
// [Status].
const (
	codeInputInvalid        = "PLATFORM.INPUT_INVALID"
	codeAuthInvalid         = "PLATFORM.AUTHENTICATION_INVALID"
	codeIntegrationNotFound = "PLATFORM.INTEGRATION_NOT_FOUND"
	codeRateLimit           = "PLATFORM.RATE_LIMIT_EXCEEDED"
	codeConcurrency         = "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED"
	codeTaskTimedOut        = "PLATFORM.TASK_TIMED_OUT"
	codeUnknownError        = "PLATFORM.UNKNOWN_ERROR"
	codeInactive            = "INTEGRATION.INACTIVE"
	codeCredentialsInvalid  = "INTEGRATION.AUTHENTICATION_INVALID"
	codeQAFailed            = "INTEGRATION.QA_FAILED"
	codeSetupIncomplete     = "INTEGRATION.SETUP_INCOMPLETE"
	codeSyncPending         = "INTEGRATION.SETUP_SYNC_PENDING"
	codeActionNotAvailable  = "INTEGRATION.ACTION_NOT_AVAILABLE"
)

// defaultStatuses are the HTTP statuses of the codes. Documented are those of
// RATE_LIMIT_EXCEEDED, CONCURRENCY_LIMIT_EXCEEDED, INPUT_INVALID,
// AUTHENTICATION_INVALID, PERMISSION_MISSING, JOB_CLOSED and the three 409; the
// others are choices, which [Config.Statuses] overrides.
var defaultStatuses = map[string]int{
	codeRateLimit:                     http.StatusTooManyRequests,
	codeConcurrency:                   http.StatusTooManyRequests,
	codeInputInvalid:                  http.StatusBadRequest,
	codeAuthInvalid:                   http.StatusUnauthorized,
	"INTEGRATION.PERMISSION_MISSING":  http.StatusForbidden,
	"ATS.JOB_CLOSED":                  http.StatusBadRequest,
	codeQAFailed:                      http.StatusConflict,
	codeSyncPending:                   http.StatusConflict,
	codeSetupIncomplete:               http.StatusConflict,
	codeIntegrationNotFound:           http.StatusNotFound,
	codeUnknownError:                  http.StatusInternalServerError,
	"PLATFORM.IP_NOT_WHITELISTED":     http.StatusForbidden,
	codeTaskTimedOut:                  http.StatusGatewayTimeout,
	codeInactive:                      http.StatusForbidden,
	codeCredentialsInvalid:            http.StatusForbidden,
	"INTEGRATION.MODEL_NOT_AVAILABLE": http.StatusBadRequest,
	"INTEGRATION.MODEL_DISABLED":      http.StatusBadRequest,
	codeActionNotAvailable:            http.StatusBadRequest,
	"INTEGRATION.ACTION_DISABLED":     http.StatusBadRequest,
	"REMOTE.SERVICE_UNAVAILABLE":      http.StatusServiceUnavailable,
	"REMOTE.RATE_LIMIT_EXCEEDED":      http.StatusTooManyRequests,
	"REMOTE.INPUT_INVALID":            http.StatusBadRequest,
	"REMOTE.UNKNOWN_HTTP_ERROR":       http.StatusBadGateway,
	"ATS.APPLICATION_ALREADY_EXISTS":  http.StatusBadRequest,
}

// titles and messages are those of Kombo's samples. Kombo asks clients not to
// branch on them; the simulator appends what exactly was wrong.
var titles = map[string]string{
	codeInputInvalid:                 "Input invalid",
	codeAuthInvalid:                  "Authentication invalid",
	codeRateLimit:                    "Rate limit exceeded",
	"INTEGRATION.PERMISSION_MISSING": "Permission missing",
}

var messages = map[string]string{
	codeInputInvalid:                 "The provided input is invalid or malformed.",
	codeAuthInvalid:                  "The provided API key is invalid or expired.",
	codeRateLimit:                    "You have exceeded the rate limit. Please try again later.",
	"INTEGRATION.PERMISSION_MISSING": "The integration is missing required permissions to access this resource.",
}

// refusal is an error that the caller of the API gets to see.
type refusal struct {
	code   string // empty: null in the envelope
	detail string
	status int // 0: that of the code
}

func (r *refusal) Error() string { return r.code + ": " + r.detail }

func refuse(code, detail string) *refusal { return &refusal{code: code, detail: detail} }

// invalid refuses a request in which a check found problems; nil: it found none.
func invalid(check *simkit.Checker) *refusal {
	if len(check.Problems) == 0 {
		return nil
	}
	return refuse(codeInputInvalid, strings.Join(check.Problems, ". ")+".")
}

func (s *Server) refused(r *refusal) simkit.Reply {
	status := r.status
	if status == 0 {
		status = s.statusOf(r.code)
	}
	return simkit.JSONReply(status, wireFailure{Status: "error", Error: s.errorBody(r)})
}

func (s *Server) statusOf(code string) int {
	if status, ok := s.cfg.Statuses[code]; ok {
		return status
	}
	return simkit.OrDefault(defaultStatuses[code], http.StatusInternalServerError)
}

func (s *Server) errorBody(r *refusal) wireError {
	message := simkit.OrDefault(messages[r.code], "The request could not be processed.")
	if r.detail != "" {
		message += " " + r.detail
	}
	if r.code == "" {
		return wireError{Message: message}
	}
	logURL := "https://app.kombo.dev/env/" + DefaultEnvironmentID + "/logs/" + s.newID("log")
	return wireError{Code: &r.code, Title: simkit.Nullable(titles[r.code]), Message: message, LogURL: &logURL}
}
