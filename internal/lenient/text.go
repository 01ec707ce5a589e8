package lenient

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// text takes a string and returns what it says.
func (d *Decoder) text() (text string, ok bool) {
	inner, plain, dirty, ok := d.quoted()
	if !ok {
		return "", false
	}
	if dirty {
		d.Note(Replaced)
	}
	if plain {
		return string(inner), true
	}
	d.scratch = unescape(d.scratch[:0], inner)
	return string(d.scratch), true
}

// unescape appends what the inside of a string stands for. What cannot be stored
// becomes U+FFFD.
func unescape(to, inner []byte) []byte {
	for len(inner) > 0 {
		at := bytes.IndexByte(inner, '\\')
		if at < 0 {
			return appendValid(to, inner)
		}
		to = appendValid(to, inner[:at])
		size, odd := escape(inner[at:])
		to = utf8.AppendRune(to, escaped(inner[at:at+size], odd))
		inner = inner[at+size:]
	}
	return to
}

// escaped is what an escape stands for.
func escaped(e []byte, odd bool) rune {
	switch e[1] {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'u':
	default:
		return rune(e[1])
	}
	unit, _ := codeUnit(e)
	switch {
	case odd:
		return utf8.RuneError
	case len(e) == 12:
		low, _ := codeUnit(e[6:])
		return utf16.DecodeRune(unit, low)
	}
	return unit
}

// appendValid appends text with U+FFFD for each byte that is no UTF-8, as
// encoding/json does.
func appendValid(to, text []byte) []byte {
	if utf8.Valid(text) {
		return append(to, text...)
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		to = utf8.AppendRune(to, r)
		text = text[size:]
	}
	return to
}

// maxRawDepth is how deep a raw part may be nested. MySQL takes 100 levels and
// SQLite 1000, of a document that the part is only a part of.
const maxRawDepth = 64

// raw takes the value at hand and returns a copy that every database takes.
func (d *Decoder) raw() (json.RawMessage, bool) {
	start, dirty, deepest := d.pos, d.dirty, d.deepest
	d.dirty, d.deepest = false, 0
	ok := d.skip(0)
	part := d.data[start:d.pos]
	switch {
	case !ok:
	case d.deepest > maxRawDepth:
		d.Note(Replaced)
		part = []byte("null")
	case d.dirty:
		d.Note(Replaced)
		part = storable(part)
	default:
		part = bytes.Clone(part)
	}
	d.dirty, d.deepest = dirty, deepest
	return part, ok
}

// storable copies valid JSON with U+FFFD for what cannot be stored in text, and
// with quotes around numbers that are too large.
func storable(part []byte) []byte {
	d := Decoder{data: part}
	copied := make([]byte, 0, len(part)+16)
	for d.pos < len(part) {
		start := d.pos
		switch c := part[start]; {
		case c == '"':
			if inner, _, dirty, _ := d.quoted(); dirty {
				copied = appendStorable(copied, inner)
				continue
			}
		case c == '-' || '0' <= c && c <= '9':
			if text, _ := d.number(); !storableNumber(text) {
				copied = append(append(append(copied, '"'), text...), '"')
				continue
			}
		default:
			d.pos++
		}
		copied = append(copied, part[start:d.pos]...)
	}
	return copied
}

// appendStorable appends a string without what cannot be stored. Its other
// escapes stay.
func appendStorable(to, inner []byte) []byte {
	to = append(to, '"')
	for len(inner) > 0 {
		at := bytes.IndexByte(inner, '\\')
		if at < 0 {
			at = len(inner)
		}
		to = appendValid(to, inner[:at])
		if inner = inner[at:]; len(inner) == 0 {
			break
		}
		size, odd := escape(inner)
		if odd {
			to = append(to, `\ufffd`...)
		} else {
			to = append(to, inner[:size]...)
		}
		inner = inner[size:]
	}
	return append(to, '"')
}

// storableNumber reports whether a number is one that every database's JSON type
// holds: within the range of a float64, and of a length that a decimal type has. A
// short one without an exponent always is.
func storableNumber(text []byte) bool {
	at := bytes.IndexAny(text, "eE")
	if at < 0 && len(text) < 300 {
		return true
	}
	if len(text) > 10_000 {
		return false
	}
	if at >= 0 {
		exponent, err := strconv.Atoi(string(text[at+1:]))
		if err != nil || exponent < -5_000 {
			return false
		}
	}
	_, err := strconv.ParseFloat(string(text), 64)
	return err == nil
}
