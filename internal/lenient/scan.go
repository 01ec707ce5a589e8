package lenient

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is the number of objects and lists that may be open at once, that of
// encoding/json.
const maxDepth = 10000

var byteOrderMark = []byte("\ufeff")

// start skips what may stand before a document: white space, of which StackOne
// sends some while a request is running, and a byte order mark.
func (d *Decoder) start() {
	d.space()
	if bytes.HasPrefix(d.data[d.pos:], byteOrderMark) {
		d.pos += len(byteOrderMark)
	}
	d.space()
}

func (d *Decoder) atEnd() bool {
	d.space()
	return d.pos == len(d.data)
}

// space skips white space and returns the byte behind it, zero at the end.
func (d *Decoder) space() byte {
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; c {
		case ' ', '\n', '\t', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

// peek returns the byte at hand, zero at the end.
func (d *Decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// literal takes a word.
func (d *Decoder) literal(word string) bool {
	if end := d.pos + len(word); end <= len(d.data) && string(d.data[d.pos:end]) == word {
		d.pos = end
		return true
	}
	return false
}

// quoted takes a string. plain is whether the bytes between the quotes are its
// text, dirty whether some of it cannot be stored. Escapes are checked here, so
// that unescape need not.
func (d *Decoder) quoted() (inner []byte, plain, dirty, ok bool) {
	start := d.pos + 1
	at, high, escapes := start, false, false
	for {
		at, high = d.plainRun(at, high)
		if at >= len(d.data) || d.data[at] < ' ' {
			d.pos = min(at, len(d.data))
			return nil, false, false, false
		}
		if d.data[at] == '"' {
			break
		}
		size, odd := escape(d.data[at:])
		if size == 0 {
			d.pos = at
			return nil, false, false, false
		}
		at += size
		escapes, dirty = true, dirty || odd
	}
	inner = d.data[start:at]
	d.pos = at + 1
	dirty = dirty || high && !utf8.Valid(inner)
	d.dirty = d.dirty || dirty
	return inner, !escapes && !dirty, dirty, true
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plainRun returns the index of the next byte that is a quote, a backslash or a
// control character, eight bytes at a time: most of a large body is text. high
// is whether there were bytes beyond ASCII.
func (d *Decoder) plainRun(at int, high bool) (int, bool) {
	data := d.data
	for at+8 <= len(data) {
		x := binary.LittleEndian.Uint64(data[at:])
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		found := ((quote - ones) &^ quote) | ((slash - ones) &^ slash) | ((x - ones*' ') &^ x)
		high = high || x&highs != 0
		if found &= highs; found != 0 {
			return at + bits.TrailingZeros64(found)/8, high
		}
		at += 8
	}
	for at < len(data) && data[at] != '"' && data[at] != '\\' && data[at] >= ' ' {
		high = high || data[at] >= utf8.RuneSelf
		at++
	}
	return at, high
}

// escape returns the length of the escape that data begins with, zero if there is
// none, and whether what it stands for cannot be stored.
func escape(data []byte) (size int, odd bool) {
	if len(data) < 2 {
		return 0, false
	}
	switch data[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, false
	case 'u':
	default:
		return 0, false
	}
	unit, ok := codeUnit(data)
	if !ok {
		return 0, false
	}
	switch {
	case unit == 0:
		return 6, true
	case unit < 0xD800 || unit > 0xDFFF:
		return 6, false
	case unit < 0xDC00:
		if low, ok := codeUnit(data[6:]); ok && 0xDC00 <= low && low <= 0xDFFF {
			return 12, false
		}
	}
	return 6, true
}

// codeUnit reads an escape of the form \uXXXX.
func codeUnit(data []byte) (unit rune, ok bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	for _, c := range data[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// number takes a number and returns its text.
func (d *Decoder) number() (text []byte, ok bool) {
	start := d.pos
	if d.peek() == '-' {
		d.pos++
	}
	if d.peek() == '0' {
		d.pos++
	} else if !d.digits() {
		return nil, false
	}
	if d.peek() == '.' {
		d.pos++
		if !d.digits() {
			return nil, false
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.pos++
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if !d.digits() {
			return nil, false
		}
	}
	return d.data[start:d.pos], true
}

// digits takes one digit or more.
func (d *Decoder) digits() bool {
	start := d.pos
	for c := d.peek(); '0' <= c && c <= '9'; c = d.peek() {
		d.pos++
	}
	return d.pos > start
}

// skip takes the value at hand, whatever it is. level counts what is open inside
// of it.
func (d *Decoder) skip(level int) bool {
	d.deepest = max(d.deepest, level)
	switch d.peek() {
	case '"':
		_, _, _, ok := d.quoted()
		return ok
	case '{':
		return d.members(func([]byte) bool { return d.skip(level + 1) })
	case '[':
		return d.elements(func(int) bool { return d.skip(level + 1) })
	case 't':
		return d.literal("true")
	case 'f':
		return d.literal("false")
	case 'n':
		return d.literal("null")
	}
	text, ok := d.number()
	d.dirty = d.dirty || ok && !storableNumber(text)
	return ok
}

// members takes an object; each is called at the value of every member. The name
// is valid until then only.
func (d *Decoder) members(each func(name []byte) bool) bool {
	if d.depth++; d.depth > maxDepth {
		return false
	}
	d.pos++
	for c := d.space(); c != '}'; c = d.space() {
		if c != '"' {
			return false
		}
		name, plain, dirty, ok := d.quoted()
		if !ok || d.space() != ':' {
			return false
		}
		if !plain {
			d.scratch = unescape(d.scratch[:0], name)
			name = d.scratch
		}
		d.oddName = dirty
		d.pos++
		d.space()
		if !each(name) {
			return false
		}
		if c = d.space(); c == '}' {
			break
		}
		if c != ',' {
			return false
		}
		d.pos++
		if d.space() == '}' {
			return false
		}
	}
	d.pos++
	d.depth--
	return true
}

// elements takes a list; each is called at every element.
func (d *Decoder) elements(each func(index int) bool) bool {
	if d.depth++; d.depth > maxDepth {
		return false
	}
	d.pos++
	for i, c := 0, d.space(); c != ']'; i++ {
		d.space()
		if !each(i) {
			return false
		}
		if c = d.space(); c == ']' {
			break
		}
		if c != ',' {
			return false
		}
		d.pos++
	}
	d.pos++
	d.depth--
	return true
}
