package yamlfile

import (
	"bytes"
	"unicode/utf8"
)

// byteOrderMark may stand at the beginning: some editors write it.
const byteOrderMark = '\uFEFF'

// checkText refuses what is not a text of tolerable size. The YAML parser would
// find most of it, too, but not say where; and given a UTF-16 byte order mark,
// it would read a document that no editor shows.
func checkText(data []byte, p *Problems) {
	if len(data) > MaxSize {
		p.add(1, "larger than %d bytes", MaxSize)
		return
	}
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if line == 1 {
			text = bytes.TrimPrefix(text, []byte(string(byteOrderMark)))
		}
		checkLine(line, text, p)
	}
}

// checkLine reports the first bad character of a line.
func checkLine(line int, text []byte, p *Problems) {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			p.add(line, "not UTF-8: byte 0x%02x", text[0])
			return
		case !printable(r):
			p.add(line, "control character %U", r)
			return
		}
		text = text[size:]
	}
}

// printable reports whether YAML 1.2, production 1, allows a character.
func printable(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r', r == 0x85:
		return true
	case r < 0x20, 0x7F <= r && r < 0xA0:
		return false
	}
	return r != byteOrderMark && r != 0xFFFE && r != 0xFFFF
}
