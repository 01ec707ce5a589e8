package stackone

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"
)

// What StackOne sends is read leniently: every property may be missing or null,
// enums appear as objects and as bare strings, ids as strings and as numbers,
// and one odd value must not cost the rest of a document.

// text is a string that may come as a number. Numbers keep their digits: ids
// beyond 2^53 do not survive a float64.
type text string

// UnmarshalJSON never fails: what is neither a string, a number nor a boolean
// reads as unknown.
func (t *text) UnmarshalJSON(data []byte) error {
	*t = text(looseText(data))
	return nil
}

// idText is an id, a string or a number. A boolean is none: it would be the same
// id for everything.
type idText string

// UnmarshalJSON never fails: an error would end the decoding of the whole
// document. See [oddIDs].
func (i *idText) UnmarshalJSON(data []byte) error {
	*i = ""
	if isID(data) {
		*i = idText(looseText(data))
	}
	return nil
}

func isID(data []byte) bool {
	return data[0] == '"' || data[0] == '-' || '0' <= data[0] && data[0] <= '9'
}

// oddIDs names the ids beside an envelope that are there and neither text nor
// number.
func oddIDs(body []byte) (names []string) {
	var wire struct {
		AccountID json.RawMessage `json:"account_id"`
		RecordID  json.RawMessage `json:"record_id"`
		JobID     json.RawMessage `json:"job_id"`
	}
	_ = json.Unmarshal(body, &wire)
	for _, member := range []struct {
		name string
		raw  json.RawMessage
	}{{"account_id", wire.AccountID}, {"record_id", wire.RecordID}, {"job_id", wire.JobID}} {
		if !absent(member.raw) && !isID(member.raw) {
			names = append(names, member.name)
		}
	}
	return names
}

func looseText(data []byte) string {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return ""
	}
	switch data[0] {
	case '"':
		if plain(data) {
			return string(data[1 : len(data)-1])
		}
		var s string
		_ = json.Unmarshal(data, &s)
		return s
	case 'n', '{', '[':
		return ""
	}
	return string(data)
}

// plain reports whether a JSON string stands for its own bytes.
func plain(quoted []byte) bool {
	for _, c := range quoted {
		if c == '\\' || c < ' ' || c >= 0x80 {
			return false
		}
	}
	return len(quoted) >= 2
}

// enum is an enum object, or the value alone where StackOne sends a bare string.
// The ATS's own value can be any JSON; only a text or a number is kept.
type enum struct{ value, source string }

// UnmarshalJSON never fails.
func (e *enum) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		*e = enum{value: looseText(data)}
		return nil
	}
	var wire struct {
		Value  text `json:"value"`
		Source text `json:"source_value"`
	}
	err := json.Unmarshal(data, &wire)
	*e = enum{value: string(wire.Value), source: string(wire.Source)}
	return err
}

// String is StackOne's word, or the ATS's where StackOne has none.
func (e enum) String() string {
	if (e.value == "" || e.value == unmapped) && e.source != "" {
		return e.source
	}
	return e.value
}

// unmapped is StackOne's word for what exists at the ATS without an equivalent.
const unmapped = "unmapped_value"

// date is a time in RFC 3339, also without a zone or a time of day; anything
// else reads as unknown.
type date time.Time

// UnmarshalJSON never fails.
func (d *date) UnmarshalJSON(data []byte) error {
	*d = date{}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, looseText(data)); err == nil {
			*d = date(t.UTC())
			break
		}
	}
	return nil
}

func (d date) time() time.Time { return time.Time(d) }

// loose decodes what can be decoded: encoding/json goes on after a member of the
// wrong type and reports the first of them at the end.
func loose(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return nil
	}
	return err
}

// absent reports whether a member is missing or null.
func absent(member json.RawMessage) bool { return len(member) == 0 || string(member) == "null" }

// statusCode is the HTTP status in a body, which may come as text; zero is what
// cannot be read.
type statusCode int

// UnmarshalJSON never fails.
func (c *statusCode) UnmarshalJSON(data []byte) error {
	*c = 0
	n := 0
	for _, digit := range bytes.Trim(data, `"`) {
		if digit < '0' || digit > '9' {
			return nil
		}
		n = min(10*n+int(digit-'0'), 1000) // one more digit than there are in a status
	}
	*c = statusCode(n)
	return nil
}

// one is the envelope of a single record, and of a create's answer.
type one[T any] struct{ Data T }

var errNoData = errors.New("answer without data")

// UnmarshalJSON requires the one member that StackOne's schema requires. Without
// it the document is something else, whatever its HTTP status.
func (o *one[T]) UnmarshalJSON(body []byte) error {
	var wire struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return err
	}
	if absent(wire.Data) {
		return errNoData
	}
	return loose(wire.Data, &o.Data)
}

// page is one page of a unified list. Its next_page is a deprecated twin of
// next.
type page[T any] struct {
	Next string
	Data []T
}

var errCursor = errors.New("the cursor is neither text nor null")

// UnmarshalJSON requires data to be a list: a page that reads as empty because
// it is something else would make a synchronisation create everything anew, and
// so would a cursor that is taken for the end.
func (p *page[T]) UnmarshalJSON(body []byte) error {
	var wire struct {
		Next json.RawMessage `json:"next"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return err
	}
	if len(wire.Data) == 0 || wire.Data[0] != '[' {
		return errNoData
	}
	if len(wire.Next) > 0 && strings.IndexByte("{[tf", wire.Next[0]) >= 0 {
		return errCursor
	}
	p.Next = looseText(wire.Next)
	var list []*T
	err := records(wire.Data, &list)
	p.Data = make([]T, 0, len(list))
	for _, record := range list {
		if record != nil { // null: there is none
			p.Data = append(p.Data, *record)
		}
	}
	return err
}

// records decodes a list whose records must be whole: a text or number of
// another type is left out, but not a list or an object.
func records(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Type.Kind() == reflect.String {
		return nil
	}
	return err
}
