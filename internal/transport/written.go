package transport

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/assessbridge/assessbridge/internal/lenient"
)

// Written is the answer to a write of which nothing is needed, for [JSON]. The
// vendors' own answers to it differ from release to release, so no member is
// required; but what tells of an error in the words of a proxy or a gateway is not
// theirs, and says nothing of what became of the write.
type Written struct {
	Success lenient.Flag    `json:"success"`
	Status  lenient.Name    `json:"status"`
	Error   json.RawMessage `json:"error"`
	Errors  json.RawMessage `json:"errors"`
}

var errTellsOfError = errors.New("a success that tells of an error")

// Check implements [Checker].
func (w *Written) Check() error {
	// Beside a flag that says yes, Ashby's list of errors is none.
	listed := w.Success != lenient.Yes && tells(w.Errors)
	if tells(w.Error) || listed || w.Success == lenient.No || Failed(string(w.Status)) {
		return errTellsOfError
	}
	return nil
}

// tells reports whether a member that holds an error, or a list of them, holds any.
func tells(raw json.RawMessage) bool {
	switch strings.Trim(string(raw), " \t\r\n\"{}[]") {
	case "", "null", "false", "0":
		return false
	}
	return true
}

// Failed reports whether the status in an envelope says that the call failed, in any
// of the words that are in use for it.
func Failed(status string) bool {
	switch strings.ToLower(status) {
	case "error", "fail", "failed", "failure":
		return true
	}
	return false
}
