package kombotest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// DeliveryFault makes one delivery of a webhook go wrong in a certain way. Faults
// can be combined. A redelivery is made with [Server.Redeliver], another order of
// events with [Server.DeliverAll] and [Server.DeliverShuffled].
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
	edits     []func(event *wireEvent)
	unwrapped bool
	mangles   []func([]byte) []byte

	// how it is signed
	sign     func(secret, old string, body []byte) string
	unsigned bool

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
func (p *plan) render(e Event, pretty bool) ([]byte, error) {
	data, err := decode(e.Data)
	if err != nil {
		return nil, fmt.Errorf("kombotest: data of the event: %w", err)
	}
	w := &wireEvent{ID: e.ID, Type: e.Type, Data: data}
	for _, edit := range p.edits {
		edit(w)
	}
	body := encode(w)
	if p.unwrapped {
		body = encode(unwrapped(w.Data))
	}
	if pretty {
		body = indented(body)
	}
	return p.mangle(body), nil
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

// unwrapped is an order as it was sent in 2024: at the top level and with the
// data of the ATS beside it.
func unwrapped(data any) any {
	members, ok := data.(map[string]any)
	if !ok {
		return data
	}
	old := maps.Clone(members)
	old["remote_data"] = map[string]any{"upstream_webhook_body": map[string]any{}, "/assessment-orders": map[string]any{}}
	return old
}

// Lost does not send the webhook at all.
func Lost() DeliveryFault {
	return DeliveryFault{"lost", func(p *plan) { p.lost = true }}
}

// Late sends it after a while, or not at all if the context ends before.
func Late(after time.Duration) DeliveryFault {
	return DeliveryFault{"late", func(p *plan) { p.late = after }}
}

// Duplicate sends it n more times, one after the other, with the same event id.
func Duplicate(n int) DeliveryFault {
	return DeliveryFault{"duplicate", func(p *plan) { p.copies = max(n, 0) }}
}

// DuplicateAtOnce sends it n more times, all concurrently.
func DuplicateAtOnce(n int) DeliveryFault {
	return DeliveryFault{"duplicate at once", func(p *plan) { p.copies, p.atOnce = max(n, 0), true }}
}

// HangUp makes the sender close the connection a while after it has sent the
// request, or at once if the duration is zero. An answer that comes before counts.
func HangUp(after time.Duration) DeliveryFault {
	return DeliveryFault{"hang up", func(p *plan) { p.hangsUp, p.hangUpAfter = true, after }}
}

// AnswerLost lets the provider answer, and the answer is lost on the way: the
// order stays OPEN, whatever the provider said. The Delivery shows the answer.
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

// SignedWith signs with the given secret, such as one that is not yet in use.
func SignedWith(secret string) DeliveryFault {
	return signedBy("signed with another secret", func(_, _ string, body []byte) string { return Sign(secret, body) })
}

// PaddedSignature sends the right signature in base64url with padding. Kombo's
// documented code emits none.
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

func signedBy(name string, sign func(secret, old string, body []byte) string) DeliveryFault {
	return DeliveryFault{name, func(p *plan) { p.sign = sign }}
}

// UnknownType gives the event a type that a receiver does not know.
func UnknownType(eventType string) DeliveryFault {
	return edited("unknown type", func(e *wireEvent) { e.Type = eventType })
}

// UnknownStatus gives the order a status that a receiver does not know.
func UnknownStatus(status string) DeliveryFault {
	return edited("unknown status", setIn("status", status))
}

// UnknownRole gives the first member of the hiring team a role that a receiver
// does not know.
func UnknownRole(role string) DeliveryFault {
	return edited("unknown role", setIn("job.hiring_team.0.hiring_team_roles", []string{role}))
}

// AbsentFields removes fields of the event's data, given by dotted path.
func AbsentFields(paths ...string) DeliveryFault {
	return edited("absent fields", setAll(paths, Absent))
}

// NullFields makes fields of the event's data null, given by dotted path.
func NullFields(paths ...string) DeliveryFault {
	return edited("null fields", setAll(paths, nil))
}

// LegacyBody sends the order as in 2024: at the top level of the body, without
// the envelope, and with remote_data.
func LegacyBody() DeliveryFault {
	return DeliveryFault{"legacy body", func(p *plan) { p.unwrapped = true }}
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

func edited(name string, edit func(*wireEvent)) DeliveryFault {
	return DeliveryFault{name, func(p *plan) { p.edits = append(p.edits, edit) }}
}

func mangled(name string, mangle func([]byte) []byte) DeliveryFault {
	return DeliveryFault{name, func(p *plan) { p.mangles = append(p.mangles, mangle) }}
}

func setAll(paths []string, value any) func(*wireEvent) {
	return func(e *wireEvent) {
		for _, path := range paths {
			setIn(path, value)(e)
		}
	}
}

// setIn edits the data of an event. A path that leads nowhere is no error: an
// absent parent has no fields.
func setIn(path string, value any) func(*wireEvent) {
	return func(e *wireEvent) { _ = setPath(e.Data, path, value) }
}

func sortedPaths(fields map[string]any) []string { return slices.Sorted(maps.Keys(fields)) }
