package ashby

import "encoding/json"

// text is an id. Ashby documents strings; a number is taken as its digits, also
// beyond 2^53, because an id that got lost would make every order look like the
// first one.
type text struct {
	value string
	odd   bool // it was of another type, and counts as missing
}

// UnmarshalJSON never fails, so that an odd id does not end the decoding of the
// others. Null is nothing.
func (t *text) UnmarshalJSON(data []byte) error {
	*t = text{}
	switch data[0] {
	case '"':
		if plain(data) {
			t.value = string(data[1 : len(data)-1])
			return nil
		}
		return json.Unmarshal(data, &t.value)
	case 'n':
	case 't', 'f', '{', '[':
		t.odd = true
	default:
		t.value = string(data)
	}
	return nil
}

// plain reports whether a JSON string stands for its own bytes.
func plain(quoted []byte) bool {
	for _, c := range quoted {
		if c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}
