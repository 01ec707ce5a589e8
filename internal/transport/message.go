package transport

import (
	"bytes"
	"slices"
	"strings"
)

// What of a vendor's words may stand in the text of an error. A message can quote
// what was sent, a candidate's name or address among it, and texts of errors end
// in logs.

// maxWord is the longest text that is taken for a code, in bytes.
const maxWord = 64

// plain moves a code that is no plain word to the message: it may hold anything.
func plain(code, message string) (plainCode, wholeMessage string) {
	switch {
	case code == "" || isWord(code):
		return code, message
	case message == "":
		return "", code
	}
	return "", code + ": " + message
}

// isWord reports whether s matches [A-Za-z0-9_.-]{1,64}.
func isWord(s string) bool {
	if s == "" || len(s) > maxWord {
		return false
	}
	for i := range len(s) {
		if !wordByte(s[i]) {
			return false
		}
	}
	return true
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '.' || c == '-'
}

// shown is what the text of an error shows of the vendor's message: what is known
// to be fixed text, and of the rest the names of the fields that it is about.
func (e *exchange) shown(message string) string {
	f := &e.answered.failure
	if message == "" || message == f.Public || e.client.config.ShowVendorMessages {
		return message
	}
	text := "message withheld"
	if fields := e.refusedFields(message); len(fields) > 0 {
		text += ", about " + strings.Join(fields, ", ")
	}
	if f.Public != "" {
		return f.Public + " (" + text + ")"
	}
	return text
}

// maxFields is how many refused fields the text of an error lists at most.
const maxFields = 10

// refusedFields lists the paths that the vendor's envelope names, and those words
// of its message that are members of the body sent.
func (e *exchange) refusedFields(message string) []string {
	fields := slices.Clone(e.answered.failure.Fields)
	for _, word := range strings.FieldsFunc(message, notInPath) {
		word = strings.Trim(word, ".")
		if !slices.Contains(fields, word) && e.names(word) {
			fields = append(fields, word)
		}
	}
	return fields[:min(len(fields), maxFields)]
}

// names reports whether every part of a path is a member of the body sent. Only
// our own encoders wrote it, without white space.
func (e *exchange) names(path string) bool {
	found := false
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune(".[]", r) }) {
		if digits(part) {
			continue
		}
		if !bytes.Contains(e.call.Body, []byte(`"`+part+`":`)) {
			return false
		}
		found = true
	}
	return found
}

func notInPath(r rune) bool {
	return r > 0x7f || !wordByte(byte(r)) && r != '[' && r != ']'
}
