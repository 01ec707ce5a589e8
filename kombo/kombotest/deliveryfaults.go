package kombotest

import (
	"fmt"
	"maps"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// DeliveryFault makes one delivery of a webhook go wrong in a certain way. Faults
// can be combined. A redelivery is made with [Server.Redeliver], another order of
// events with [Server.DeliverAll] and [Server.DeliverShuffled].
type DeliveryFault struct{ of simkit.DeliveryFault }

// String returns the name of the fault with its arguments, for [ParseDeliveryFault].
// [Delivery.Faults] has the same, but without secrets.
func (f DeliveryFault) String() string { return f.of.String() }

func planOf(faults []DeliveryFault) *simkit.Plan {
	return simkit.NewPlan(simkit.Map(faults, func(f DeliveryFault) simkit.DeliveryFault { return f.of })...)
}

// ParseDeliveryFault reads a fault by name, with arguments if it takes any:
// "missing signature", "duplicate=2", "absent fields=candidate.phone,job". In names,
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
	neutral := append(simkit.DeliveryFaults(Sign, Absent, inData), simkit.Base64SignatureFaults()...)
	return append(neutral, []simkit.Form[fault]{
		{Name: "unknown type", Takes: "TYPE", Make: func(a args) fault { return UnknownType(a.Text()).of }},
		{Name: "unknown status", Takes: "STATUS", Make: func(a args) fault { return UnknownStatus(a.Text()).of }},
		{Name: "unknown role", Takes: "ROLE", Make: func(a args) fault { return UnknownRole(a.Text()).of }},
		{Name: "legacy body", Make: func(args) fault { return LegacyBody().of }},
	}...)
}

// inData is where the paths of fields begin.
const inData = "data."

// render writes the body of an event.
func render(p *simkit.Plan, e Event, pretty bool) ([]byte, error) {
	data, err := simkit.Decode(e.Data)
	if err != nil {
		return nil, named(fmt.Errorf("data of the event: %w", err))
	}
	body := simkit.Encode(inOrder(p.Edit(map[string]any{"id": e.ID, "type": e.Type, "data": data})))
	if pretty {
		body = simkit.Indented(body)
	}
	return p.Mangle(body), nil
}

// inOrder gives an event the order of members that Kombo's examples have.
func inOrder(tree any) any {
	members, _ := tree.(map[string]any)
	id, hasID := members["id"].(string)
	eventType, hasType := members["type"].(string)
	if data, hasData := members["data"]; hasID && hasType && hasData && len(members) == 3 {
		return wireEvent{ID: id, Type: eventType, Data: data}
	}
	return tree
}

// Lost does not send the webhook at all.
func Lost() DeliveryFault { return DeliveryFault{simkit.Lost()} }

// Late sends it after a while, or not at all if the context ends before.
func Late(after time.Duration) DeliveryFault { return DeliveryFault{simkit.Late(after)} }

// Duplicate sends it n more times, one after the other, with the same event id.
func Duplicate(n int) DeliveryFault { return DeliveryFault{simkit.Duplicate(n)} }

// DuplicateAtOnce sends it n more times, all concurrently.
func DuplicateAtOnce(n int) DeliveryFault { return DeliveryFault{simkit.DuplicateAtOnce(n)} }

// HangUp makes the sender close the connection a while after it has sent the
// request, or at once if the duration is zero. An answer that comes before counts.
func HangUp(after time.Duration) DeliveryFault { return DeliveryFault{simkit.HangUp(after)} }

// AnswerLost lets the provider answer, and the answer is lost on the way: the
// order stays OPEN, whatever the provider said. The Delivery shows the answer.
func AnswerLost() DeliveryFault { return DeliveryFault{simkit.AnswerLost()} }

// BadSignature sends a well-formed signature that does not belong to the body.
func BadSignature() DeliveryFault { return DeliveryFault{simkit.BadSignature(Sign)} }

// MissingSignature sends no signature.
func MissingSignature() DeliveryFault { return DeliveryFault{simkit.MissingSignature()} }

// OldSecret signs with the secret that was replaced by [Server.RotateSecret], or
// before any rotation with one that was never valid.
func OldSecret() DeliveryFault { return DeliveryFault{simkit.OldSecret(Sign)} }

// SignedWith signs with the given secret, such as one that is not yet in use.
func SignedWith(secret string) DeliveryFault { return DeliveryFault{simkit.SignedWith(Sign, secret)} }

// PaddedSignature sends the right signature in base64url with padding. Kombo's
// documented code emits none.
func PaddedSignature() DeliveryFault { return DeliveryFault{simkit.PaddedSignature()} }

// StandardBase64Signature sends the right signature in the wrong alphabet:
// standard Base64 with padding.
func StandardBase64Signature() DeliveryFault { return DeliveryFault{simkit.StandardBase64Signature()} }

// UnknownType gives the event a type that a receiver does not know.
func UnknownType(eventType string) DeliveryFault {
	return changed("unknown type", "type", eventType, eventType)
}

// UnknownStatus gives the order a status that a receiver does not know.
func UnknownStatus(status string) DeliveryFault {
	return changed("unknown status", inData+"status", status, status)
}

// UnknownRole gives the first member of the hiring team a role that a receiver
// does not know.
func UnknownRole(role string) DeliveryFault {
	return changed("unknown role", inData+"job.hiring_team.0.hiring_team_roles", []string{role}, role)
}

// AbsentFields removes fields of the event's data, given by dotted path.
func AbsentFields(paths ...string) DeliveryFault {
	return DeliveryFault{simkit.AbsentFields(Absent, inData, paths...)}
}

// NullFields makes fields of the event's data null, given by dotted path.
func NullFields(paths ...string) DeliveryFault {
	return DeliveryFault{simkit.NullFields(inData, paths...)}
}

// LegacyBody sends the order as in 2024: at the top level of the body, without
// the envelope, and with remote_data.
func LegacyBody() DeliveryFault { return DeliveryFault{simkit.Edited(unwrapped, "legacy body")} }

// OversizedBody fills the body up with blanks, which JSON allows, to at least the
// given number of bytes.
func OversizedBody(size int) DeliveryFault { return DeliveryFault{simkit.OversizedBody(size)} }

// TruncatedBody sends the first half of the body, correctly signed.
func TruncatedBody() DeliveryFault { return DeliveryFault{simkit.TruncatedBody()} }

func changed(name, path string, value, arg any) DeliveryFault {
	return DeliveryFault{simkit.ChangedFields(simkit.Fields{Values: map[string]any{path: value}}, name, arg)}
}

// unwrapped is an order as it was sent in 2024: at the top level and with the
// data of the ATS beside it.
func unwrapped(event any) any {
	data, isObject := simkit.At(event, "data").(map[string]any)
	if !isObject {
		return simkit.At(event, "data")
	}
	old := maps.Clone(data)
	old["remote_data"] = map[string]any{"upstream_webhook_body": map[string]any{}, "/assessment-orders": map[string]any{}}
	return old
}
