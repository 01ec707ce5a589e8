package assessment

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"
)

// MarshalJSON implements [json.Marshaler]: a stable form in snake_case, without
// Raw, that every database takes. What cannot be stored, in Fields too, is written
// as U+FFFD: U+0000, lone surrogates and bytes that are no UTF-8.
func (o Order) MarshalJSON() ([]byte, error) {
	type wire Order
	return storable(json.Marshal(wire(o)))
}

// MarshalJSON implements [json.Marshaler]: a stable form in snake_case that every
// database takes. What cannot be stored, in Passthrough too, is written as U+FFFD:
// U+0000, lone surrogates and bytes that are no UTF-8.
func (r Result) MarshalJSON() ([]byte, error) {
	type wire Result
	return storable(json.Marshal(wire(r)))
}

// UnmarshalJSON implements [json.Unmarshaler]. A time that could not be written
// again is an error: whatever is read can be stored.
func (o *Order) UnmarshalJSON(data []byte) error {
	type wire Order
	v := wire(*o)
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	if err := writable(v.OrderedAt, v.ReceivedAt); err != nil {
		return err
	}
	*o = Order(v)
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. A time that could not be written
// again is an error: whatever is read can be stored.
func (r *Result) UnmarshalJSON(data []byte) error {
	type wire Result
	v := wire(*r)
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	if err := writable(v.At, v.StartedAt, v.CompletedAt); err != nil {
		return err
	}
	*r = Result(v)
	return nil
}

// errTime is what a zone of 24 hours gets, which encoding/json reads and does not
// write.
var errTime = errors.New("assessment: time outside of what RFC 3339 allows")

func writable(times ...time.Time) error {
	for _, t := range times {
		if _, err := t.MarshalJSON(); err != nil {
			return errTime
		}
	}
	return nil
}

// storable replaces what no database takes in valid JSON. encoding/json passes it
// on: U+0000 as an escape, and whatever is in raw parts.
func storable(document []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(document) {
		document = bytes.ToValidUTF8(document, []byte("\ufffd"))
	}
	var mended []byte
	done := 0 // all before is in mended
	for at := 0; ; {
		next := bytes.IndexByte(document[at:], '\\')
		if next < 0 {
			break
		}
		at += next
		size, ok := escape(document[at:])
		if !ok {
			mended = append(append(mended, document[done:at]...), `\ufffd`...)
			done = at + size
		}
		at += size
	}
	if done == 0 {
		return document, nil
	}
	return append(mended, document[done:]...), nil
}

// escape returns the length of the escape that text begins with, and whether what
// it stands for can be stored.
func escape(text []byte) (size int, ok bool) {
	unit, isUnit := codeUnit(text)
	switch {
	case !isUnit:
		return 2, true // such as \n
	case unit == 0:
		return 6, false
	case unit < 0xD800 || unit > 0xDFFF:
		return 6, true
	case unit < 0xDC00:
		if low, isUnit := codeUnit(text[6:]); isUnit && 0xDC00 <= low && low <= 0xDFFF {
			return 12, true
		}
	}
	return 6, false
}

func codeUnit(text []byte) (unit uint64, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return unit, err == nil
}
