package stackonetest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// DeliveryFault makes one webhook, or one call of the packages endpoint, go wrong
// in a certain way. Faults can be combined. A redelivery is made with
// [Server.Redeliver], another order of events with [Server.DeliverAll] and
// [Server.DeliverShuffled].
type DeliveryFault struct {
	name  string
	apply func(*plan)
}

// String returns the name of the fault, as in [Delivery.Faults].
func (f DeliveryFault) String() string { return f.name }

// plan is how one event is delivered, with all faults taken together.
type plan struct {
	names []string

	// what the body is
	edits     []func(event map[string]any)
	mangles   []func([]byte) []byte
	verbatim  bool
	newSentAt bool
	alsoAs    []string

	// how it is signed
	sign      func(secret, old string, body []byte) string
	unsigned  bool
	authorize func(key string) string // of the packages endpoint

	// how it is sent
	lost         bool
	late         time.Duration
	copies       int
	atOnce       bool
	hangsUp      bool
	hangUpAfter  time.Duration
	ignoreAnswer bool
}

func newPlan(faults []DeliveryFault) *plan {
	p := &plan{}
	for _, f := range faults {
		if f.apply == nil {
			continue // the zero value is no fault
		}
		p.names = append(p.names, f.name)
		f.apply(p)
	}
	return p
}

func (p *plan) name() string { return strings.Join(p.names, ", ") }

// retry is the plan of a repetition: the same body without the accidents of the
// first attempt.
func (p *plan) retry() *plan {
	return &plan{edits: p.edits, mangles: p.mangles, verbatim: p.verbatim, newSentAt: p.newSentAt}
}

// renamed is the plan of the same event under another name.
func (p *plan) renamed(event string) *plan {
	r := *p
	r.edits = append(slices.Clone(p.edits), rename(event))
	return &r
}

func rename(event string) func(map[string]any) {
	return func(e map[string]any) { e["event"], e["record_type"] = event, recordType(event) }
}

func (p *plan) signature(secret, old string, body []byte) (signature string, signed bool) {
	if p.unsigned {
		return "", false
	}
	if p.sign != nil {
		return p.sign(secret, old, body), true
	}
	return Sign(secret, body), true
}

// render writes the body of an event.
func (p *plan) render(e Event, sentAt string, pretty bool) []byte {
	if p.verbatim {
		return p.mangle(e.Body)
	}
	body := bytes.Clone(e.Body)
	if tree, err := decode(e.Body); err == nil && (sentAt != "" || len(p.edits) > 0) {
		body = encode(p.edited(tree, sentAt))
	}
	if pretty {
		body = indented(body)
	}
	return p.mangle(body)
}

func (p *plan) edited(tree any, sentAt string) any {
	event, ok := tree.(map[string]any)
	if !ok {
		return tree
	}
	if sentAt != "" {
		event["sent_at"] = sentAt
	}
	for _, edit := range p.edits {
		edit(event)
	}
	return event
}

func (p *plan) mangle(body []byte) []byte {
	for _, mangle := range p.mangles {
		body = mangle(body)
	}
	return body
}

func indented(body []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return body
	}
	return b.Bytes()
}

// Lost does not send it at all.
func Lost() DeliveryFault {
	return DeliveryFault{"lost", func(p *plan) { p.lost = true }}
}

// Late sends it after a while, or not at all if the context ends before.
func Late(after time.Duration) DeliveryFault {
	return DeliveryFault{"late", func(p *plan) { p.late = after }}
}

// Duplicate sends it n more times, one after the other.
func Duplicate(n int) DeliveryFault {
	return DeliveryFault{"duplicate", func(p *plan) { p.copies = max(n, 0) }}
}

// DuplicateAtOnce sends it n more times, all concurrently.
func DuplicateAtOnce(n int) DeliveryFault {
	return DeliveryFault{"duplicate at once", func(p *plan) { p.copies, p.atOnce = max(n, 0), true }}
}

// AlsoAs sends it a second time under another name, as when two events are enabled
// that mean the same order.
func AlsoAs(event string) DeliveryFault {
	return DeliveryFault{"also as " + event, func(p *plan) { p.alsoAs = append(p.alsoAs, event) }}
}

// NewSentAt gives every attempt, the first one included, a sent_at of its own that
// is later than that of the attempt before.
func NewSentAt() DeliveryFault {
	return DeliveryFault{"new sent_at", func(p *plan) { p.newSentAt = true }}
}

// HangUp makes the sender close the connection a while after it has sent the
// request, or at once if the duration is zero. An answer that comes before counts.
func HangUp(after time.Duration) DeliveryFault {
	return DeliveryFault{"hang up", func(p *plan) { p.hangsUp, p.hangUpAfter = true, after }}
}

// AnswerLost lets the provider answer, and the answer is lost on the way. The
// Delivery shows the answer.
func AnswerLost() DeliveryFault {
	return DeliveryFault{"answer lost", func(p *plan) { p.ignoreAnswer = true }}
}

// BadSignature sends a well-formed signature that does not belong to the body.
func BadSignature() DeliveryFault {
	return signedBy("bad signature", func(secret, _ string, body []byte) string {
		return Sign(secret, append(slices.Clone(body), ' '))
	})
}

// MissingSignature sends no signature.
func MissingSignature() DeliveryFault {
	return DeliveryFault{"missing signature", func(p *plan) { p.unsigned = true }}
}

// OldSecret signs with the secret that was replaced by [Server.RotateSecret], or
// before any rotation with one that was never valid.
func OldSecret() DeliveryFault {
	return signedBy("old secret", func(_, old string, body []byte) string { return Sign(old, body) })
}

// SignedWith signs with the given secret, such as a second one that is not yet the
// active one.
func SignedWith(secret string) DeliveryFault {
	return signedBy("signed with another secret", func(_, _ string, body []byte) string { return Sign(secret, body) })
}

// PaddedSignature sends the right signature in base64url with padding. StackOne's
// documented one has none.
func PaddedSignature() DeliveryFault {
	return signedBy("padded signature", func(secret, _ string, body []byte) string {
		return base64.URLEncoding.EncodeToString(mac(secret, body))
	})
}

// StandardBase64Signature sends the right signature in the wrong alphabet:
// standard Base64 with padding.
func StandardBase64Signature() DeliveryFault {
	return signedBy("standard Base64 signature", func(secret, _ string, body []byte) string {
		return base64.StdEncoding.EncodeToString(mac(secret, body))
	})
}

// HexSignature sends the right signature in hexadecimal digits.
func HexSignature() DeliveryFault {
	return signedBy("hex signature", func(secret, _ string, body []byte) string {
		return hex.EncodeToString(mac(secret, body))
	})
}

func signedBy(name string, sign func(secret, old string, body []byte) string) DeliveryFault {
	return DeliveryFault{name, func(p *plan) { p.sign = sign }}
}

// WrongKey sends another key in the Authorization of a call of the packages
// endpoint. It has no effect on webhooks.
func WrongKey() DeliveryFault {
	return DeliveryFault{"wrong key", func(p *plan) { p.authorize = func(key string) string { return basic(key + "-wrong:") } }}
}

// MissingKey sends no Authorization with a call of the packages endpoint. It has
// no effect on webhooks.
func MissingKey() DeliveryFault {
	return DeliveryFault{"missing key", func(p *plan) { p.authorize = func(string) string { return "" } }}
}

// NamedEvent gives the event another name, such as one that a receiver does not
// know.
func NamedEvent(event string) DeliveryFault { return edited("named event", rename(event)) }

// AbsentFields removes fields of the event, given by dotted path, such as
// "event_data.candidate".
func AbsentFields(paths ...string) DeliveryFault {
	return edited("absent fields", setAll(paths, Absent))
}

// NullFields makes fields of the event null, given by dotted path.
func NullFields(paths ...string) DeliveryFault {
	return edited("null fields", setAll(paths, nil))
}

// ChangedFields sets fields of the event, given by dotted path, such as
// "event_data.application.application_status.value" to a status that a receiver
// does not know.
func ChangedFields(fields map[string]any) DeliveryFault {
	fields = maps.Clone(fields)
	return edited("changed fields", func(e map[string]any) {
		for _, path := range sortedKeys(fields) {
			_ = setPath(e, path, fields[path]) // an absent parent has no fields
		}
	})
}

// LegacyBody sends the event as before native events named the ATS's record:
// without record_remote_id.
func LegacyBody() DeliveryFault {
	return edited("legacy body", setAll([]string{"record_remote_id"}, Absent))
}

// OversizedBody fills the body up with blanks, which JSON allows, to at least the
// given number of bytes.
func OversizedBody(size int) DeliveryFault {
	return mangled("oversized body", func(body []byte) []byte {
		return append(slices.Clone(body), bytes.Repeat([]byte{' '}, max(size-len(body), 0))...)
	})
}

// TruncatedBody sends the first half of the body, correctly signed.
func TruncatedBody() DeliveryFault {
	return mangled("truncated body", func(body []byte) []byte { return body[:len(body)/2] })
}

func edited(name string, edit func(map[string]any)) DeliveryFault {
	return DeliveryFault{name, func(p *plan) { p.edits = append(p.edits, edit) }}
}

func mangled(name string, mangle func([]byte) []byte) DeliveryFault {
	return DeliveryFault{name, func(p *plan) { p.mangles = append(p.mangles, mangle) }}
}

// setAll edits an event. A path that leads nowhere is no error: an absent parent
// has no fields.
func setAll(paths []string, value any) func(map[string]any) {
	return func(e map[string]any) {
		for _, path := range paths {
			_ = setPath(e, path, value)
		}
	}
}
