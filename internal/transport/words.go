package transport

import (
	"bytes"
	"encoding/json"

	"github.com/assessbridge/assessbridge/internal/lenient"
)

// Words are what an envelope says of an error, however it is written: as a text, as
// a list, as objects with a message. All three vendors have answered with other
// forms than they document. What holds no words is left out; the whole answer stays
// readable as the error's Body.
type Words []string

// ReadJSON implements [lenient.Reader].
func (w *Words) ReadJSON(_ *lenient.Decoder, raw []byte) { *w = WordsOf(raw) }

// WordsOf reads the words of a part of an envelope.
func WordsOf(raw []byte) Words { return words(nil, raw, 0) }

const (
	maxWords     = 20
	maxWordDepth = 4
)

func words(found Words, raw []byte, depth int) Words {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || len(found) == maxWords || depth > maxWordDepth {
		return found
	}
	switch raw[0] {
	case '"':
		var text string
		if _, err := lenient.Unmarshal(raw, &text); err == nil && text != "" {
			found = append(found, text)
		}
	case '[':
		var list []json.RawMessage
		_, _ = lenient.Unmarshal(raw, &list)
		for _, each := range list {
			found = words(found, each, depth+1)
		}
	case '{':
		return wordsOfObject(found, raw, depth)
	}
	return found
}

// wordsOfObject reads the message, and behind it what it is about.
func wordsOfObject(found Words, raw []byte, depth int) Words {
	var object struct {
		Message   json.RawMessage `json:"message"`
		Detail    json.RawMessage `json:"detail"`
		Title     json.RawMessage `json:"title"`
		Parameter lenient.Scalar  `json:"parameter"`
		Path      lenient.Scalar  `json:"path"`
	}
	_, _ = lenient.Unmarshal(raw, &object)
	for _, part := range []json.RawMessage{object.Message, object.Detail, object.Title} {
		more := words(found, part, depth+1)
		if len(more) == len(found) {
			continue
		}
		for _, about := range []lenient.Scalar{object.Parameter, object.Path} {
			if about != "" {
				more[len(more)-1] += " (" + string(about) + ")"
				break
			}
		}
		return more
	}
	return found
}
