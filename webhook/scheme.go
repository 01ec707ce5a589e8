package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/textproto"
	"strings"
)

// Encoding is how a scheme writes the 32 bytes of a MAC.
type Encoding int

// The encodings. The zero Encoding is none of them and refused.
const (
	// Hex is lower-case hexadecimal, 64 characters. Upper case is refused: no
	// sender documents it, and so every MAC has exactly one text.
	Hex Encoding = iota + 1
	// Base64URL is base64 with the URL-safe alphabet and without padding, 43
	// characters.
	Base64URL
)

// Scheme is how a sender signs: HMAC-SHA256 over the raw body, keyed with the
// bytes of the secret, written into one header. Three senders use it:
//
//   - Kombo, X-Kombo-Signature: [Base64URL]; see https://docs.kombo.dev/webhooks
//   - StackOne, x-stackone-signature: [Base64URL]; see the webhooks guide at
//     https://docs.stackone.com/guides/webhooks
//   - Ashby, Ashby-Signature: [Hex] with the prefix "sha256="; see
//     https://developers.ashbyhq.com/docs/authenticating-webhooks
type Scheme struct {
	// Header is the name of the header, in any case. Required.
	Header string
	// Prefix stands before the encoded MAC and is compared as it is.
	Prefix string
	// Encoding is how the MAC is written. Required.
	Encoding Encoding
	// AllowPadding also accepts the one "=" that padded base64 ends with. It
	// needs Base64URL; Sign never pads.
	AllowPadding bool
}

// macLen is the length of a MAC in bytes, maxTextLen that of its longest text.
const (
	macLen     = sha256.Size
	maxTextLen = 2 * macLen
)

// strictBase64URL refuses set bits behind the last byte. The lenient decoder
// ignores them, which would give every MAC four texts.
var strictBase64URL = base64.RawURLEncoding.Strict()

// normalized returns the scheme with its header in canonical form.
func (s Scheme) normalized() (Scheme, error) {
	switch {
	case strings.TrimSpace(s.Header) == "":
		return Scheme{}, errors.New("webhook: scheme without a header")
	case s.Encoding != Hex && s.Encoding != Base64URL:
		return Scheme{}, fmt.Errorf("webhook: unknown encoding %d", s.Encoding)
	case s.AllowPadding && s.Encoding != Base64URL:
		return Scheme{}, errors.New("webhook: only base64 can be padded")
	}
	s.Header = textproto.CanonicalMIMEHeaderKey(s.Header)
	return s, nil
}

// encode returns the complete header value for a MAC.
func (s Scheme) encode(mac *[macLen]byte) string {
	text := make([]byte, 0, 128)
	text = append(text, s.Prefix...)
	if s.Encoding == Hex {
		text = hex.AppendEncode(text, mac[:])
	} else {
		text = base64.RawURLEncoding.AppendEncode(text, mac[:])
	}
	return string(text)
}

// decode is the inverse of encode, up to padding. It looks at the length first,
// so that the work for a hostile header is bounded.
func (s Scheme) decode(value string) (mac [macLen]byte, ok bool) {
	text, ok := strings.CutPrefix(value, s.Prefix)
	if !ok {
		return mac, false
	}
	if s.Encoding == Hex {
		return decodeHex(text)
	}
	if s.AllowPadding {
		text = strings.TrimSuffix(text, "=")
	}
	return decodeBase64URL(text)
}

func decodeHex(text string) (mac [macLen]byte, ok bool) {
	if len(text) != hex.EncodedLen(macLen) || strings.ContainsAny(text, "ABCDEF") {
		return mac, false
	}
	var buf [maxTextLen]byte
	n, err := hex.Decode(mac[:], buf[:copy(buf[:], text)])
	return mac, err == nil && n == macLen
}

func decodeBase64URL(text string) (mac [macLen]byte, ok bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(macLen) {
		return mac, false
	}
	var buf [maxTextLen]byte
	// The decoder skips line breaks. The length tells: with one of them among
	// the 43 characters, fewer than 32 bytes come out.
	n, err := strictBase64URL.Decode(mac[:], buf[:copy(buf[:], text)])
	return mac, err == nil && n == macLen
}
