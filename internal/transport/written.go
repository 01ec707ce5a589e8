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
}

var errTellsOfError = errors.New("a success that tells of an error")

// Check implements [Checker].
func (w *Written) Check() error {
	told := strings.Trim(string(w.Error), ` "{}[]`)
	if told != "" && told != "null" && told != "false" || w.Success == lenient.No || strings.EqualFold(string(w.Status), "error") {
		return errTellsOfError
	}
	return nil
}
