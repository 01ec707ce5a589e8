package ashbytest

import (
	"fmt"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// Headers of Ashby's answers: https://developers.ashbyhq.com/docs/support and
// https://developers.ashbyhq.com/docs/api-versions
const (
	// RequestIDHeader carries the id to quote to Ashby's support.
	RequestIDHeader = "X-Ashby-Request-Id"
	// VersionHeader carries the version that processed a request, and in a request
	// the one that is wanted.
	VersionHeader = "Ashby-Version"
	// VersionStatusHeader tells where that version is in its life.
	VersionStatusHeader = "Ashby-Version-Status"
)

// wireFailure is the envelope of every error:
// https://developers.ashbyhq.com/docs/responses
type wireFailure struct {
	Success   bool          `json:"success"`
	Errors    []string      `json:"errors,omitempty"`
	ErrorInfo wireErrorInfo `json:"errorInfo"`
}

type wireErrorInfo struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
}

// wireSuccess is the envelope of every success. Results is nil where there is no
// such member.
type wireSuccess struct {
	Success  bool     `json:"success"`
	Results  any      `json:"results,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
}

func (s *Server) jsonReply(status int, requestID string, envelope any) simkit.Reply {
	r := simkit.JSONReply(status, envelope)
	r.Header.Set(RequestIDHeader, requestID)
	r.Header.Set(VersionHeader, s.cfg.Version)
	r.Header.Set(VersionStatusHeader, s.cfg.VersionStatus)
	return r
}

// Absence is the type of [Absent].
type Absence string

// Absent as the value of a field removes its key.
const Absent Absence = "absent"

// fields are set by dotted path.
func fields(values map[string]any) simkit.Fields {
	return simkit.Fields{Values: values, Absent: Absent}
}

// named says whose error it is.
func named(err error) error { return fmt.Errorf("ashbytest: %w", err) }
