package outbound

import (
	"bytes"
	"encoding/json"
)

// Body encodes what a host sends by itself. Text that is not UTF-8, a NUL and
// half a surrogate pair are an [*assessment.ValidationError], wherever they are:
// encoding/json replaces the first without a word.
func Body(value any) ([]byte, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var problems Problems
	if replaced(raw) {
		problems.Add("body", "not valid UTF-8")
	} else {
		problems.Object("body", bytes.Join([][]byte{[]byte(`{"body":`), raw, []byte(`}`)}, nil))
	}
	return raw, problems.Err()
}

// replaced looks for the escape that encoding/json writes for bytes that are not
// UTF-8. It writes the character itself, where there is one, as it is.
func replaced(raw []byte) bool {
	for {
		before, rest, found := bytes.Cut(raw, []byte(`\ufffd`))
		if !found {
			return false
		}
		backslashes := len(before) - len(bytes.TrimRight(before, `\`))
		if backslashes%2 == 0 {
			return true
		}
		raw = rest
	}
}
