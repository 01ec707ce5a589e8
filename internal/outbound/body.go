package outbound

import (
	"bytes"
	"encoding/json"
	"reflect"
	"unicode/utf8"
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
	// Nothing was replaced where the replacement character is not there. A value that
	// refers to itself does not come this far.
	if replacement(raw) && broken(reflect.ValueOf(value)) {
		problems.Add("body", "not valid UTF-8")
	} else {
		problems.Object("body", bytes.Join([][]byte{[]byte(`{"body":`), raw, []byte(`}`)}, nil))
	}
	return raw, problems.Err()
}

// replacement reports the character that encoding/json writes for bytes that are
// not UTF-8, as an escape or as it is.
func replacement(raw []byte) bool {
	return bytes.Contains(raw, []byte(`\ufffd`)) || bytes.ContainsRune(raw, utf8.RuneError)
}

// broken reports text that is not UTF-8 in what a value is encoded from. What
// encoding/json writes in its place differs between releases of Go, and may as well
// be a character of the text.
func broken(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String:
		return !utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && broken(v.Elem())
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if broken(entries.Key()) || broken(entries.Value()) {
				return true
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return false // written as base64, or JSON that is checked as such
		}
		for i := range v.Len() {
			if broken(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); (field.IsExported() || field.Anonymous) && broken(v.Field(i)) {
				return true
			}
		}
	}
	return false
}
