package ashby

import (
	"bytes"
	"encoding/json"
	"strings"
)

// flag is the member success, which says no in whatever form a server writes a
// boolean. The zero value says nothing.
type flag int8

const (
	flagYes flag = iota + 1
	flagNo
)

// UnmarshalJSON never fails: what is no form of a boolean says nothing.
func (f *flag) UnmarshalJSON(data []byte) error {
	*f = 0
	switch strings.ToLower(string(bytes.Trim(data, `"`))) {
	case "true", "1":
		*f = flagYes
	case "false", "0":
		*f = flagNo
	}
	return nil
}

// MarshalJSON writes a boolean.
func (f flag) MarshalJSON() ([]byte, error) { return json.Marshal(f == flagYes) }

// failed: the flag decides; without it an error does.
func (v *wireVerdict) failed() bool {
	if v.Success != 0 {
		return v.Success == flagNo
	}
	told := len(v.Info) > 0 && string(v.Info) != "null"
	switch errors := v.Errors.(type) {
	case nil:
		return told
	case []any:
		return told || len(errors) > 0
	}
	return told || v.Errors != any("")
}
