package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const removed = "[removed]"

// secrets lists everything that no text may show: the keys, and the form in
// which they are sent.
func (e *exchange) secrets() []string {
	var all []string
	for _, key := range []string{e.key, e.oldKey} {
		if key == "" {
			continue
		}
		h := make(http.Header, 1)
		e.client.authorize(h, key)
		_, credentials, _ := strings.Cut(h.Get("Authorization"), " ")
		all = append(all, key)
		if credentials != "" {
			all = append(all, credentials)
		}
	}
	return all
}

// scrub removes the keys from a text that came from outside: vendors quote a
// refused key, and a caller's transport may quote whole requests.
func (e *exchange) scrub(text string) string {
	if text == "" {
		return ""
	}
	for _, secret := range e.secrets() {
		text = strings.ReplaceAll(text, secret, removed)
	}
	return text
}

// scrubBytes returns body itself unless there is something to remove.
func (e *exchange) scrubBytes(body []byte) []byte {
	for _, secret := range e.secrets() {
		if bytes.Contains(body, []byte(secret)) {
			body = bytes.ReplaceAll(body, []byte(secret), []byte(removed))
		}
	}
	return body
}

// scrubError hides keys and URLs in the text of an error and keeps the error
// itself for [errors.Is] and [errors.As].
func (e *exchange) scrubError(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := e.scrub(text)
	var inner *url.Error
	if errors.As(err, &inner) {
		clean = strings.ReplaceAll(clean, e.scrub(inner.URL), removed)
	}
	if clean == text {
		return err
	}
	return &scrubbed{clean, err}
}

// scrubbed is an error with another text.
type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string { return s.text }
func (s *scrubbed) Unwrap() error { return s.err }

// Format implements [fmt.Formatter], so that %#v cannot show the error inside.
func (s *scrubbed) Format(f fmt.State, verb rune) { FormatText(f, verb, s.text) }

// FormatText writes text for any fmt verb. Types that hold a secret or a candidate's
// data implement [fmt.Formatter] with it, because a String method alone leaves %+v,
// %#v and %d to print every field.
func FormatText(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text)
}
