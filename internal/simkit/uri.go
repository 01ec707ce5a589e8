package simkit

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
)

// IsURI tells whether a text is a URI as RFC 3986 has it, which is what "format: uri"
// means in a schema: it has a scheme, nothing but the characters of the grammar, and
// whatever else is escaped. Browsers, and Go's own parser, are more patient: they
// take "https://example.com/r/Zoë", "?x=[1]" and "?score=100%".
func IsURI(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || !hasURICharacters(text) {
		return false
	}
	return u.Host != "" && isHost(u.Host) || u.Host == "" && (u.Opaque != "" || u.Path != "")
}

// IsAbsoluteURL tells whether a text is a URL with a host, which is what prose means by
// an absolute URL: the least that makes a link work in a browser.
func IsAbsoluteURL(text string) bool {
	blank := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && u.Host != "" && !strings.ContainsFunc(text, blank)
}

const (
	letters    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	unreserved = letters + "0123456789-._~"
	subDelims  = "!$&'()*+,;="
)

// hasURICharacters checks everything but the host, in which brackets may stand.
func hasURICharacters(text string) bool {
	text, fragment, _ := strings.Cut(text, "#")
	text, query, _ := strings.Cut(text, "?")
	scheme, rest, _ := strings.Cut(text, ":")
	if authority, found := strings.CutPrefix(rest, "//"); found {
		end := strings.IndexByte(authority+"/", '/')
		if host := authority[:end]; !onlyOf(host, ":@[]") {
			return false
		}
		rest = authority[end:]
	}
	return isScheme(scheme) && onlyOf(rest, ":@/") && onlyOf(query, ":@/?") && onlyOf(fragment, ":@/?")
}

func isScheme(text string) bool {
	return text != "" && strings.Contains(letters, text[:1]) && strings.Trim(text, letters+"0123456789+-.") == ""
}

// onlyOf tells whether a text has nothing but unreserved characters, sub-delimiters,
// the ones given and well-formed escapes.
func onlyOf(text, more string) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '%':
			if i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2]) {
				return false
			}
			i += 2
		case strings.IndexByte(unreserved+subDelims+more, text[i]) < 0:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// isHost allows brackets around an IP address only.
func isHost(host string) bool {
	if !strings.ContainsAny(host, "[]") {
		return true
	}
	address, port, _ := strings.Cut(strings.TrimPrefix(host, "["), "]")
	_, err := netip.ParseAddr(address)
	return err == nil && strings.HasPrefix(host, "[") && !strings.ContainsAny(port, "[]")
}
