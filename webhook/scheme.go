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

// Encoding is how a scheme writes the 32 bytes of a MAC, or [Token].
type Encoding int

// The encodings. The zero Encoding is none of them and refused.
const (
	// Hex is lower-case hexadecimal, 64 characters. Upper case is refused: no
	// sender documents it, and so every MAC has exactly one text.
	Hex Encoding = iota + 1
	// Base64URL is base64 with the URL-safe alphabet and without padding, 43
	// characters.
	Base64URL
	// Base64 is base64 with the standard alphabet and its padding, 44 characters.
	Base64
	// RawBase64 is base64 with the standard alphabet and without padding, 43
	// characters.
	RawBase64
	// Token is no signature: the header holds the secret itself. It proves who
	// sends, not what was sent.
	Token
)

// Scheme is how a sender proves a delivery: mostly by an HMAC-SHA256 over the raw
// body, keyed with the bytes of the secret, written into one header. Three
// senders use it plainly:
//
//   - Kombo, X-Kombo-Signature: [Base64URL]; see https://docs.kombo.dev/webhooks
//   - StackOne, x-stackone-signature: [Base64URL]; see the webhooks guide at
//     https://docs.stackone.com/guides/webhooks
//   - Ashby, Ashby-Signature: [Hex] with the prefix "sha256="; see
//     https://developers.ashbyhq.com/docs/authenticating-webhooks
//
// Others sign a time along with the body, see [Timestamp], or send a [Token],
// such as in the header Authorization with the prefix "Bearer ".
type Scheme struct {
	// Header is the name of the header, in any case. Required.
	Header string
	// Prefix stands before the encoded MAC and is compared as it is.
	Prefix string
	// Encoding is how the MAC is written. Required.
	Encoding Encoding
	// AllowPadding also accepts the one "=" that padded base64 ends with. It
	// needs Base64URL or RawBase64; Sign never pads these.
	AllowPadding bool
	// Timestamp says where the time stands that is signed with the body. The zero
	// value: nothing but the body is signed.
	Timestamp Timestamp
}

const (
	// macLen is the length of a MAC in bytes, maxTextLen that of its longest text.
	macLen     = sha256.Size
	maxTextLen = 2 * macLen
	// maxHeader bounds the work for a hostile header, in bytes.
	maxHeader = 1 << 10
)

// The strict decoders refuse set bits behind the last byte. The lenient ones
// ignore them, which would give every MAC four texts.
var (
	strictBase64URL = base64.RawURLEncoding.Strict()
	strictBase64    = base64.RawStdEncoding.Strict()
)

// normalized returns the scheme with its headers in canonical form.
func (s Scheme) normalized() (Scheme, error) {
	switch {
	case strings.TrimSpace(s.Header) == "":
		return Scheme{}, errors.New("webhook: scheme without a header")
	case s.Encoding < Hex || s.Encoding > Token:
		return Scheme{}, fmt.Errorf("webhook: unknown encoding %d", s.Encoding)
	case s.AllowPadding && s.Encoding != Base64URL && s.Encoding != RawBase64:
		return Scheme{}, errors.New("webhook: only base64 without padding can be padded")
	}
	s.Header = textproto.CanonicalMIMEHeaderKey(s.Header)
	var err error
	s.Timestamp, err = s.Timestamp.normalized(s)
	return s, err
}

// encode returns the text of a MAC behind its prefix.
func (s Scheme) encode(mac *[macLen]byte) string {
	text := make([]byte, 0, 128)
	text = append(text, s.Prefix...)
	switch s.Encoding {
	case Hex:
		text = hex.AppendEncode(text, mac[:])
	case Base64:
		text = base64.StdEncoding.AppendEncode(text, mac[:])
	case RawBase64:
		text = base64.RawStdEncoding.AppendEncode(text, mac[:])
	default:
		text = base64.RawURLEncoding.AppendEncode(text, mac[:])
	}
	return string(text)
}

// decode is the inverse of encode, up to padding. It looks at the length first,
// so that the work for a hostile header is bounded. A token becomes its hash,
// which has the length of a MAC.
func (s Scheme) decode(value string) (mac [macLen]byte, ok bool) {
	text, ok := strings.CutPrefix(value, s.Prefix)
	if !ok {
		return mac, false
	}
	switch s.Encoding {
	case Hex:
		return decodeHex(text)
	case Token:
		return hashToken(text)
	case Base64:
		if text, ok = strings.CutSuffix(text, "="); !ok {
			return mac, false
		}
	}
	if s.AllowPadding {
		text = strings.TrimSuffix(text, "=")
	}
	if s.Encoding == Base64URL {
		return decodeBase64(strictBase64URL, text)
	}
	return decodeBase64(strictBase64, text)
}

func decodeHex(text string) (mac [macLen]byte, ok bool) {
	if len(text) != hex.EncodedLen(macLen) || strings.ContainsAny(text, "ABCDEF") {
		return mac, false
	}
	var buf [maxTextLen]byte
	n, err := hex.Decode(mac[:], buf[:copy(buf[:], text)])
	return mac, err == nil && n == macLen
}

func decodeBase64(encoding *base64.Encoding, text string) (mac [macLen]byte, ok bool) {
	if len(text) != encoding.EncodedLen(macLen) {
		return mac, false
	}
	var buf [maxTextLen]byte
	// The decoder skips line breaks. The length tells: with one of them among
	// the 43 characters, fewer than 32 bytes come out.
	n, err := encoding.Decode(mac[:], buf[:copy(buf[:], text)])
	return mac, err == nil && n == macLen
}

// hashToken makes tokens of any length comparable in constant time.
func hashToken(text string) (sum [macLen]byte, ok bool) {
	if text == "" || len(text) > maxHeader {
		return sum, false
	}
	var buf [maxHeader]byte
	return sha256.Sum256(buf[:copy(buf[:], text)]), true
}
