package stackonetest

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// DeliveryFault makes one webhook, or one call of the packages endpoint, go wrong
// in a certain way. Faults can be combined. A redelivery is made with
// [Server.Redeliver], another order of events with [Server.DeliverAll] and
// [Server.DeliverShuffled].
type DeliveryFault struct{ of simkit.DeliveryFault }

// String returns the name of the fault with its arguments, for [ParseDeliveryFault].
// [Delivery.Faults] has the same, but without secrets.
func (f DeliveryFault) String() string { return f.of.String() }

func planOf(faults []DeliveryFault) *simkit.Plan {
	return simkit.NewPlan(simkit.Map(faults, func(f DeliveryFault) simkit.DeliveryFault { return f.of })...)
}

// ParseDeliveryFault reads a fault by name, with arguments if it takes any:
// "missing signature", "duplicate=2", "absent fields=event_data.candidate". In names,
// hyphens stand for blanks, and case does not matter. [DeliveryFaults] lists them.
func ParseDeliveryFault(text string) (DeliveryFault, error) {
	f, err := simkit.ParseDeliveryFault(deliveryFaults(), text)
	if err != nil {
		return DeliveryFault{}, named(err)
	}
	return DeliveryFault{f}, nil
}

// DeliveryFaults lists what [ParseDeliveryFault] takes, sorted, with the arguments in
// capitals.
func DeliveryFaults() []string { return deliveryFaults().Forms() }

func deliveryFaults() simkit.Catalogue[simkit.DeliveryFault] {
	type args = *simkit.Args
	type fault = simkit.DeliveryFault
	neutral := append(simkit.DeliveryFaults(Sign, Absent, ""), simkit.Base64SignatureFaults()...)
	return append(neutral, []simkit.Form[fault]{
		{Name: "also as", Takes: "EVENT", Make: func(a args) fault { return AlsoAs(a.Text()).of }},
		{Name: "new sent_at", Make: func(args) fault { return NewSentAt().of }},
		{Name: "hex signature", Make: func(args) fault { return HexSignature().of }},
		{Name: "wrong key", Make: func(args) fault { return WrongKey().of }},
		{Name: "missing key", Make: func(args) fault { return MissingKey().of }},
		{Name: "named event", Takes: "EVENT", Make: func(a args) fault { return NamedEvent(a.Text()).of }},
		{Name: "changed fields", Takes: "FIELDS", Make: func(a args) fault { return ChangedFields(readJSON[map[string]any](a)).of }},
		{Name: "legacy body", Make: func(args) fault { return LegacyBody().of }},
	}...)
}

// renamedPlan is the plan of the same event under another name.
func renamedPlan(p *simkit.Plan, event string) *simkit.Plan {
	r := *p
	r.Edits = append(slices.Clone(p.Edits), rename(event))
	return &r
}

func rename(event string) func(tree any) any {
	return func(tree any) any {
		if e, ok := tree.(map[string]any); ok {
			e["event"], e["record_type"] = event, recordType(event)
		}
		return tree
	}
}

// render writes the body of an event.
func render(p *simkit.Plan, e Event, sentAt string, pretty bool) []byte {
	if p.Verbatim {
		return p.Mangle(e.Body)
	}
	body := bytes.Clone(e.Body)
	if tree, err := simkit.Decode(e.Body); err == nil && (sentAt != "" || len(p.Edits) > 0) {
		if event, ok := tree.(map[string]any); ok && sentAt != "" {
			event["sent_at"] = sentAt
		}
		body = simkit.Encode(p.Edit(tree))
	}
	if pretty {
		body = simkit.Indented(body)
	}
	return p.Mangle(body)
}

// Lost does not send it at all.
func Lost() DeliveryFault { return DeliveryFault{simkit.Lost()} }

// Late sends it after a while, or not at all if the context ends before.
func Late(after time.Duration) DeliveryFault { return DeliveryFault{simkit.Late(after)} }

// Duplicate sends it n more times, one after the other.
func Duplicate(n int) DeliveryFault { return DeliveryFault{simkit.Duplicate(n)} }

// DuplicateAtOnce sends it n more times, all concurrently.
func DuplicateAtOnce(n int) DeliveryFault { return DeliveryFault{simkit.DuplicateAtOnce(n)} }

// AlsoAs sends it a second time under another name, as when two events are enabled
// that mean the same order.
func AlsoAs(event string) DeliveryFault {
	return DeliveryFault{simkit.NewDeliveryFault(func(p *simkit.Plan) { p.AlsoAs = append(p.AlsoAs, event) }, "also as", event)}
}

// NewSentAt gives every attempt, the first one included, a sent_at of its own that
// is later than that of the attempt before.
func NewSentAt() DeliveryFault {
	return DeliveryFault{simkit.NewDeliveryFault(func(p *simkit.Plan) { p.Renewed = true }, "new sent_at")}
}

// HangUp makes the sender close the connection a while after it has sent the
// request, or at once if the duration is zero. An answer that comes before counts.
func HangUp(after time.Duration) DeliveryFault { return DeliveryFault{simkit.HangUp(after)} }

// AnswerLost lets the provider answer, and the answer is lost on the way. The
// Delivery shows the answer.
func AnswerLost() DeliveryFault { return DeliveryFault{simkit.AnswerLost()} }

// BadSignature sends a well-formed signature that does not belong to the body.
func BadSignature() DeliveryFault { return DeliveryFault{simkit.BadSignature(Sign)} }

// MissingSignature sends no signature.
func MissingSignature() DeliveryFault { return DeliveryFault{simkit.MissingSignature()} }

// OldSecret signs with the secret that was replaced by [Server.RotateSecret], or
// before any rotation with one that was never valid.
func OldSecret() DeliveryFault { return DeliveryFault{simkit.OldSecret(Sign)} }

// SignedWith signs with the given secret, such as a second one that is not yet the
// active one.
func SignedWith(secret string) DeliveryFault { return DeliveryFault{simkit.SignedWith(Sign, secret)} }

// PaddedSignature sends the right signature in base64url with padding. StackOne's
// documented one has none.
func PaddedSignature() DeliveryFault { return DeliveryFault{simkit.PaddedSignature()} }

// StandardBase64Signature sends the right signature in the wrong alphabet:
// standard Base64 with padding.
func StandardBase64Signature() DeliveryFault { return DeliveryFault{simkit.StandardBase64Signature()} }

// HexSignature sends the right signature in hexadecimal digits.
func HexSignature() DeliveryFault { return DeliveryFault{simkit.HexSignature()} }

// WrongKey sends another key in the Authorization of a call of the packages
// endpoint. It has no effect on webhooks.
func WrongKey() DeliveryFault {
	return DeliveryFault{authorized("wrong key", func(key string) string { return basic(key + "-wrong:") })}
}

// MissingKey sends no Authorization with a call of the packages endpoint. It has
// no effect on webhooks.
func MissingKey() DeliveryFault {
	return DeliveryFault{authorized("missing key", func(string) string { return "" })}
}

// NamedEvent gives the event another name, such as one that a receiver does not
// know.
func NamedEvent(event string) DeliveryFault {
	return DeliveryFault{simkit.Edited(rename(event), "named event", event)}
}

// AbsentFields removes fields of the event, given by dotted path, such as
// "event_data.candidate".
func AbsentFields(paths ...string) DeliveryFault {
	return DeliveryFault{simkit.AbsentFields(Absent, "", paths...)}
}

// NullFields makes fields of the event null, given by dotted path.
func NullFields(paths ...string) DeliveryFault { return DeliveryFault{simkit.NullFields("", paths...)} }

// ChangedFields sets fields of the event, given by dotted path, such as
// "event_data.application.application_status.value" to a status that a receiver
// does not know.
func ChangedFields(values map[string]any) DeliveryFault {
	return DeliveryFault{simkit.ChangedFields(fields(maps.Clone(values)), "changed fields", values)}
}

// LegacyBody sends the event as before native events named the ATS's record:
// without record_remote_id.
func LegacyBody() DeliveryFault {
	return DeliveryFault{simkit.ChangedFields(fields(map[string]any{"record_remote_id": Absent}), "legacy body")}
}

// OversizedBody fills the body up with blanks, which JSON allows, to at least the
// given number of bytes.
func OversizedBody(size int) DeliveryFault { return DeliveryFault{simkit.OversizedBody(size)} }

// TruncatedBody sends the first half of the body, correctly signed.
func TruncatedBody() DeliveryFault { return DeliveryFault{simkit.TruncatedBody()} }

func authorized(name string, authorize func(key string) string) simkit.DeliveryFault {
	return simkit.NewDeliveryFault(func(p *simkit.Plan) { p.Authorize = authorize }, name)
}
