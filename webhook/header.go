package webhook

import (
	"net/http"
	"strings"
)

// HeaderValue returns the one value of a header that proves who sends. A proxy may
// have added a copy, as a field of its own or behind a comma in the same one
// (https://www.rfc-editor.org/rfc/rfc9110#section-5.3); equal copies are one value,
// and of different ones nobody knows which a proxy has looked at.
//
// The name must be in canonical form. If the header has no such field, one that
// differs in case is taken: gateways that hand requests over as events write all
// names in lower case, and not every adaptor puts that right.
//
// The error is [ErrNoSignature] or wraps [ErrBadSignature].
func HeaderValue(header http.Header, name string) (string, error) {
	one := ""
	for _, value := range fields(header, name) {
		switch {
		case value == "" || value == one:
		case one != "":
			return "", errRepeated
		default:
			one = value
		}
	}
	if one == "" {
		return "", ErrNoSignature
	}
	return single(one), nil
}

// fields returns the values of a header whatever the case of its name.
func fields(header http.Header, name string) []string {
	if values, ok := header[name]; ok {
		return values
	}
	var found []string
	for other, values := range header {
		if strings.EqualFold(other, name) {
			found = append(found, values...)
		}
	}
	return found
}

// single takes equal copies behind commas for one. What is not made of copies alone
// is left as it is: some schemes have lists.
func single(value string) string {
	if len(value) > maxJoined {
		return value
	}
	for at := 0; at < len(value); at++ {
		if value[at] == ',' && copies(value[at:], value[:at]) {
			return value[:at]
		}
	}
	return value
}

// maxJoined bounds the work for a hostile header, in bytes.
const maxJoined = 4 << 10

// copies reports whether rest is a comma and a copy of one, any number of times.
func copies(rest, one string) bool {
	for rest != "" {
		after, ok := strings.CutPrefix(rest, ",")
		if ok {
			rest, ok = strings.CutPrefix(strings.TrimLeft(after, " \t"), one)
		}
		if !ok || one == "" {
			return false
		}
	}
	return true
}
