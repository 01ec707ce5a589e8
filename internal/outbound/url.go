package outbound

import "strings"

// URL writes a valid [assessment.Link] as RFC 3986 wants it, by which the vendors
// check: what is not ASCII, and the reserved characters that have no meaning
// where they stand (square brackets outside the host, a second number sign), are
// percent-encoded. The URL still leads to where it did.
func URL(text string) string {
	if !strings.ContainsFunc(text, suspicious) {
		return text
	}
	var b strings.Builder
	inHost, inFragment := true, false
	afterScheme := strings.Index(text, "://") + len("://")
	b.WriteString(text[:afterScheme])
	for i := afterScheme; i < len(text); i++ {
		c := text[i]
		encode := c >= 0x80
		switch c {
		case '/', '?':
			inHost = false
		case '#':
			encode = inFragment
			inHost, inFragment = false, true
		case '[', ']':
			encode = !inHost
		}
		if !encode {
			b.WriteByte(c)
			continue
		}
		const digits = "0123456789ABCDEF"
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}

// suspicious: a URL without any of these is written as it is.
func suspicious(r rune) bool { return r >= 0x80 || r == '[' || r == ']' || r == '#' }
