package simkit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Plan is how one request to the provider is sent, with all faults taken together.
type Plan struct {
	// Names are those of the faults, without the secrets among their arguments.
	Names []string

	// Who sends what.
	Account string // empty: as usual
	Op      string // empty: as usual
	AlsoAs  []string
	Renewed bool // every attempt has a time of sending of its own

	// What the body is. An edit returns the tree that is sent.
	Edits    []func(tree any) any
	Mangles  []func([]byte) []byte
	Verbatim bool // the body is no event, so that edits have no effect

	// How it is signed and authenticated; nil: as usual. An empty result is not sent.
	Sign      func(secret, old string, body []byte) string
	Authorize func(key string) string
	WrongKey  bool
	Header    http.Header // to be set; without a value: to be removed

	// How it is sent.
	Lost         bool
	Late         time.Duration
	Copies       int
	AtOnce       bool
	HangsUp      bool
	HangUpAfter  time.Duration
	IgnoreAnswer bool
}

// NewPlan takes faults together.
func NewPlan(faults ...DeliveryFault) *Plan {
	p := &Plan{Header: http.Header{}}
	for _, f := range faults {
		if f.apply == nil {
			continue // the zero value is no fault
		}
		if !f.silent {
			p.Names = append(p.Names, f.shown())
		}
		f.apply(p)
	}
	return p
}

// Fault is the names in one text.
func (p *Plan) Fault() string { return strings.Join(p.Names, ", ") }

// Edit lets the edits loose on a JSON tree.
func (p *Plan) Edit(tree any) any {
	for _, edit := range p.Edits {
		tree = edit(tree)
	}
	return tree
}

// Mangle spoils the bytes of a body.
func (p *Plan) Mangle(body []byte) []byte {
	for _, mangle := range p.Mangles {
		body = mangle(body)
	}
	return body
}

// Retry is the plan of a repetition: the same body without the accidents of the
// first attempt.
func (p *Plan) Retry() *Plan {
	return &Plan{Header: http.Header{}, Edits: p.Edits, Mangles: p.Mangles, Verbatim: p.Verbatim, Renewed: p.Renewed}
}

// SetHeaders applies the plan's own headers.
func (p *Plan) SetHeaders(h http.Header) {
	for name, values := range p.Header {
		h.Del(name)
		if len(values) > 0 {
			h[name] = values
		}
	}
}

// DeliveryFault changes how one request to the provider is sent. The zero value
// changes nothing.
type DeliveryFault struct {
	name   string // with its arguments
	bare   string // the name to be shown, if an argument is a secret
	silent bool   // it is a choice, not a fault
	apply  func(*Plan)
}

// NewDeliveryFault names a change of a plan.
func NewDeliveryFault(apply func(*Plan), name string, args ...any) DeliveryFault {
	return DeliveryFault{name: label(name, args...), apply: apply}
}

// ShownAs returns the fault recorded under another name, because an argument may be a
// secret.
func (f DeliveryFault) ShownAs(name string, args ...any) DeliveryFault {
	f.bare = label(name, args...)
	return f
}

// Silently returns the fault without a name in what is recorded: it is none.
func (f DeliveryFault) Silently() DeliveryFault {
	f.silent = true
	return f
}

// String returns the name with its arguments, in the form that
// [ParseDeliveryFault] reads.
func (f DeliveryFault) String() string { return f.name }

func (f DeliveryFault) shown() string {
	if f.bare != "" {
		return f.bare
	}
	return f.name
}

// ParseDeliveryFault reads what [DeliveryFault.String] writes. In a name, hyphens
// stand for blanks and case does not matter.
func ParseDeliveryFault(known Catalogue[DeliveryFault], text string) (DeliveryFault, error) {
	if strings.TrimSpace(text) == "" {
		return DeliveryFault{}, nil
	}
	return known.parse(text)
}

// Signer signs a body with a secret, as one vendor does.
type Signer func(secret string, body []byte) string

// MAC is HMAC-SHA256 over a body.
func MAC(key string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write(body)
	return h.Sum(nil)
}

// Lost does not send it at all.
func Lost() DeliveryFault { return NewDeliveryFault(func(p *Plan) { p.Lost = true }, "lost") }

// Late sends it after a while, or not at all if the context ends before.
func Late(after time.Duration) DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.Late = after }, "late", after)
}

// Duplicate sends it n more times, one after the other.
func Duplicate(n int) DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.Copies = max(n, 0) }, "duplicate", n)
}

// DuplicateAtOnce sends it n more times, all concurrently.
func DuplicateAtOnce(n int) DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.Copies, p.AtOnce = max(n, 0), true }, "duplicate at once", n)
}

// HangUp closes the connection a while after the request was sent, or at once.
func HangUp(after time.Duration) DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.HangsUp, p.HangUpAfter = true, after }, "hang up", after)
}

// AnswerLost lets the provider answer and does not listen.
func AnswerLost() DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.IgnoreAnswer = true }, "answer lost")
}

// SignedBy signs in another way; an empty signature is not sent.
func SignedBy(sign func(secret, old string, body []byte) string, name string, args ...any) DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.Sign = sign }, name, args...)
}

// BadSignature sends a well-formed signature that does not belong to the body.
func BadSignature(sign Signer) DeliveryFault {
	return SignedBy(func(secret, _ string, body []byte) string {
		return sign(secret, append(slices.Clone(body), ' '))
	}, "bad signature")
}

// MissingSignature sends no signature.
func MissingSignature() DeliveryFault {
	return SignedBy(func(string, string, []byte) string { return "" }, "missing signature")
}

// OldSecret signs with the secret that was replaced, or before any rotation with one
// that was never valid.
func OldSecret(sign Signer) DeliveryFault {
	return SignedBy(func(_, old string, body []byte) string { return sign(old, body) }, "old secret")
}

// SignedWith signs with the given secret.
func SignedWith(sign Signer, secret string) DeliveryFault {
	return SignedBy(func(_, _ string, body []byte) string { return sign(secret, body) }, "signed with another secret", secret).ShownAs("signed with another secret")
}

// EncodedSignature sends the right signature in another encoding.
func EncodedSignature(name string, encode func(mac []byte) string) DeliveryFault {
	return SignedBy(func(secret, _ string, body []byte) string { return encode(MAC(secret, body)) }, name)
}

// PaddedSignature sends the signature in base64url with padding.
func PaddedSignature() DeliveryFault {
	return EncodedSignature("padded signature", base64.URLEncoding.EncodeToString)
}

// StandardBase64Signature sends the signature in standard Base64 with padding.
func StandardBase64Signature() DeliveryFault {
	return EncodedSignature("standard Base64 signature", base64.StdEncoding.EncodeToString)
}

// HexSignature sends the signature in hexadecimal digits.
func HexSignature() DeliveryFault { return EncodedSignature("hex signature", hex.EncodeToString) }

// OversizedBody fills the body up with blanks, which JSON allows, to at least the
// given number of bytes.
func OversizedBody(size int) DeliveryFault {
	return Mangled(func(body []byte) []byte {
		return append(slices.Clone(body), bytes.Repeat([]byte{' '}, max(size-len(body), 0))...)
	}, "oversized body", size)
}

// TruncatedBody sends the first half of the body, correctly signed.
func TruncatedBody() DeliveryFault {
	return Mangled(func(body []byte) []byte { return body[:len(body)/2] }, "truncated body")
}

// Mangled changes the bytes of the body.
func Mangled(mangle func([]byte) []byte, name string, args ...any) DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.Mangles = append(p.Mangles, mangle) }, name, args...)
}

// Edited changes the JSON tree of the body.
func Edited(edit func(tree any) any, name string, args ...any) DeliveryFault {
	return NewDeliveryFault(func(p *Plan) { p.Edits = append(p.Edits, edit) }, name, args...)
}

// ChangedFields sets fields by dotted path. A path that leads nowhere is no error: an
// absent parent has no fields.
func ChangedFields(f Fields, name string, args ...any) DeliveryFault {
	return Edited(func(tree any) any {
		f.SetLeniently(tree)
		return tree
	}, name, args...)
}

// AbsentFields removes fields by dotted path, below the prefix.
func AbsentFields(absent any, prefix string, paths ...string) DeliveryFault {
	return ChangedFields(Fields{Values: sameValue(prefix, paths, absent), Absent: absent}, "absent fields", texts(paths)...)
}

// NullFields makes fields null by dotted path, below the prefix.
func NullFields(prefix string, paths ...string) DeliveryFault {
	return ChangedFields(Fields{Values: sameValue(prefix, paths, nil)}, "null fields", texts(paths)...)
}

func sameValue(prefix string, paths []string, value any) map[string]any {
	values := map[string]any{}
	for _, path := range paths {
		values[prefix+path] = value
	}
	return values
}

func texts(list []string) []any {
	items := make([]any, len(list))
	for i, text := range list {
		items[i] = text
	}
	return items
}

// DeliveryFaults are those that name no vendor. The signer is the vendor's; absent and
// prefix are those of [AbsentFields].
func DeliveryFaults(sign Signer, absent any, prefix string) Catalogue[DeliveryFault] {
	return Catalogue[DeliveryFault]{
		{"lost", "", func(*Args) DeliveryFault { return Lost() }},
		{"late", "DURATION", func(a *Args) DeliveryFault { return Late(a.Duration()) }},
		{"duplicate", "TIMES", func(a *Args) DeliveryFault { return Duplicate(a.Int()) }},
		{"duplicate at once", "TIMES", func(a *Args) DeliveryFault { return DuplicateAtOnce(a.Int()) }},
		{"hang up", "DURATION", func(a *Args) DeliveryFault { return HangUp(a.Duration()) }},
		{"answer lost", "", func(*Args) DeliveryFault { return AnswerLost() }},
		{"bad signature", "", func(*Args) DeliveryFault { return BadSignature(sign) }},
		{"missing signature", "", func(*Args) DeliveryFault { return MissingSignature() }},
		{"old secret", "", func(*Args) DeliveryFault { return OldSecret(sign) }},
		{"signed with another secret", "SECRET", func(a *Args) DeliveryFault { return SignedWith(sign, a.Text()) }},
		{"absent fields", "PATH,…", func(a *Args) DeliveryFault { return AbsentFields(absent, prefix, a.Texts()...) }},
		{"null fields", "PATH,…", func(a *Args) DeliveryFault { return NullFields(prefix, a.Texts()...) }},
		{"oversized body", "BYTES", func(a *Args) DeliveryFault { return OversizedBody(a.Int()) }},
		{"truncated body", "", func(*Args) DeliveryFault { return TruncatedBody() }},
	}
}

// Base64SignatureFaults are for vendors whose signature is base64url.
func Base64SignatureFaults() Catalogue[DeliveryFault] {
	return Catalogue[DeliveryFault]{
		{"padded signature", "", func(*Args) DeliveryFault { return PaddedSignature() }},
		{"standard Base64 signature", "", func(*Args) DeliveryFault { return StandardBase64Signature() }},
	}
}
