package ashbytest

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// DeliveryFault changes one request that Ashby sends: how it goes wrong, or whose it
// is. Faults can be combined; one that does not fit (a signature for a call, a key for
// a webhook) has no effect.
type DeliveryFault struct{ of simkit.DeliveryFault }

// String returns the name of the fault with its arguments, for [ParseDeliveryFault].
// [Delivery.Faults] has the same, but without secrets and without [From], which is no
// fault.
func (f DeliveryFault) String() string { return f.of.String() }

func planOf(faults []DeliveryFault) *simkit.Plan {
	return simkit.NewPlan(simkit.Map(faults, func(f DeliveryFault) simkit.DeliveryFault { return f.of })...)
}

// ParseDeliveryFault reads a fault by name, with arguments if it takes any:
// "no key", "duplicate=2", "absent fields=data.candidate". In names,
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
	return append(simkit.DeliveryFaults(Sign, Absent, ""), []simkit.Form[fault]{
		{Name: "from", Takes: "ORGANIZATION", Make: func(a args) fault { return From(a.Text()).of }},
		{Name: "under", Takes: "OPERATION", Make: func(a args) fault { return Under(a.Text()).of }},
		{Name: "header", Takes: "NAME,VALUE", Make: func(a args) fault { return Header(a.Text(), a.OptionalText()).of }},
		{Name: "with body", Takes: "BODY", Make: func(a args) fault { return WithBody([]byte(a.Text())).of }},
		{Name: "key as user name", Make: func(args) fault { return KeyAsUserName().of }},
		{Name: "key as password", Make: func(args) fault { return KeyAsPassword().of }},
		{Name: "bad key", Make: func(args) fault { return BadKey().of }},
		{Name: "with another key", Takes: "KEY", Make: func(a args) fault { return WithKey(a.Text()).of }},
		{Name: "no key", Make: func(args) fault { return NoKey().of }},
		{Name: "upper-case hex", Make: func(args) fault { return UpperCaseHex().of }},
		{Name: "bare signature", Make: func(args) fault { return BareSignature().of }},
		{Name: "hex-decoded secret", Make: func(args) fault { return HexDecodedSecret().of }},
	}...)
}

// From makes another organization send it; the empty name is the first one.
func From(organization string) DeliveryFault {
	return DeliveryFault{simkit.NewDeliveryFault(func(p *simkit.Plan) { p.Account = organization }, "from", organization).Silently()}
}

// Under calls another operation than the usual one, with the same body, as in
// SyncCustomFields(ctx, Under(OpCustomFieldsFetch)).
func Under(op string) DeliveryFault {
	return DeliveryFault{simkit.NewDeliveryFault(func(p *simkit.Plan) { p.Op = op }, "under", op)}
}

// Header sets a header, or removes it if the value is empty.
func Header(name, value string) DeliveryFault {
	return DeliveryFault{simkit.NewDeliveryFault(func(p *simkit.Plan) { p.Header[http.CanonicalHeaderKey(name)] = nonEmpty(value) }, "header", name, value).ShownAs("header", name)}
}

// Lost does not send it at all.
func Lost() DeliveryFault { return DeliveryFault{simkit.Lost()} }

// Late sends it after a while, or not at all if the context ends before.
func Late(after time.Duration) DeliveryFault { return DeliveryFault{simkit.Late(after)} }

// HangUp makes Ashby close the connection a while after it has sent the request, or
// at once if the duration is zero. An answer that comes before counts.
func HangUp(after time.Duration) DeliveryFault { return DeliveryFault{simkit.HangUp(after)} }

// AnswerLost lets the provider answer, and the answer is lost on the way: Ashby
// learns nothing from it. The test still sees the answer and its violations.
func AnswerLost() DeliveryFault { return DeliveryFault{simkit.AnswerLost()} }

// WithBody sends these bytes instead.
func WithBody(body []byte) DeliveryFault {
	return DeliveryFault{simkit.Mangled(func([]byte) []byte { return body }, "with body", string(body))}
}

// OversizedBody fills the body up with blanks, which JSON allows, to at least the
// given number of bytes.
func OversizedBody(size int) DeliveryFault { return DeliveryFault{simkit.OversizedBody(size)} }

// TruncatedBody sends the first half of the body; a webhook is correctly signed.
func TruncatedBody() DeliveryFault { return DeliveryFault{simkit.TruncatedBody()} }

// KeyAsUserName sends the partner key as the Basic user name with an empty
// password, as Ashby's own API wants its keys. It is the default.
func KeyAsUserName() DeliveryFault {
	return DeliveryFault{authorized(userName, false, "key as user name")}
}

// KeyAsPassword sends the partner key as the Basic password with an empty user name.
// Ashby does not document which half it uses.
func KeyAsPassword() DeliveryFault {
	return DeliveryFault{authorized(func(key string) string { return basicAuthorization("", key) }, false, "key as password")}
}

// BadKey sends a key that the provider never issued.
func BadKey() DeliveryFault {
	return DeliveryFault{authorized(func(key string) string { return userName(key + "-bad") }, true, "bad key")}
}

// WithKey sends the given key, such as one that was revoked or is another
// customer's. The provider is expected to refuse it.
func WithKey(key string) DeliveryFault {
	return DeliveryFault{authorized(func(string) string { return userName(key) }, true, "with another key", key).ShownAs("with another key")}
}

// NoKey sends no Authorization.
func NoKey() DeliveryFault {
	return DeliveryFault{authorized(func(string) string { return "" }, true, "no key")}
}

// Duplicate sends a webhook n more times, one after the other, with the same
// webhookActionId.
func Duplicate(n int) DeliveryFault { return DeliveryFault{simkit.Duplicate(n)} }

// DuplicateAtOnce sends a webhook n more times, all concurrently.
func DuplicateAtOnce(n int) DeliveryFault { return DeliveryFault{simkit.DuplicateAtOnce(n)} }

// BadSignature sends a well-formed signature that does not belong to the body.
func BadSignature() DeliveryFault { return DeliveryFault{simkit.BadSignature(Sign)} }

// MissingSignature sends no signature, as Ashby does if no secret was set up.
func MissingSignature() DeliveryFault { return DeliveryFault{simkit.MissingSignature()} }

// OldSecret signs with the secret that was replaced by [Server.RotateSecret], or
// before any rotation with one that was never valid.
func OldSecret() DeliveryFault { return DeliveryFault{simkit.OldSecret(Sign)} }

// SignedWith signs with the given secret, such as one that is not yet in use.
func SignedWith(secret string) DeliveryFault { return DeliveryFault{simkit.SignedWith(Sign, secret)} }

// UpperCaseHex sends the right signature with upper-case digits. Ashby's documented
// samples have lower-case ones.
func UpperCaseHex() DeliveryFault {
	return DeliveryFault{simkit.EncodedSignature("upper-case hex", func(mac []byte) string {
		return signaturePrefix + strings.ToUpper(hex.EncodeToString(mac))
	})}
}

// BareSignature sends the right digits without "sha256=".
func BareSignature() DeliveryFault {
	return DeliveryFault{simkit.EncodedSignature("bare signature", hex.EncodeToString)}
}

// HexDecodedSecret signs as if the secret were the hex form of the key, which it is
// not. A secret that is not hex gives an empty key.
func HexDecodedSecret() DeliveryFault {
	return DeliveryFault{simkit.SignedBy(func(secret, _ string, body []byte) string {
		key, err := hex.DecodeString(secret)
		if err != nil {
			key = nil
		}
		return Sign(string(key), body)
	}, "hex-decoded secret")}
}

// AbsentFields removes fields of a webhook's body, given by dotted path, such as
// "webhookActionId" or "data.candidate".
func AbsentFields(paths ...string) DeliveryFault {
	return DeliveryFault{simkit.AbsentFields(Absent, "", paths...)}
}

// NullFields makes fields of a webhook's body null, given by dotted path.
func NullFields(paths ...string) DeliveryFault { return DeliveryFault{simkit.NullFields("", paths...)} }

func authorized(authorize func(key string) string, wrong bool, name string, args ...any) simkit.DeliveryFault {
	return simkit.NewDeliveryFault(func(p *simkit.Plan) { p.Authorize, p.WrongKey = authorize, wrong }, name, args...)
}

func userName(key string) string { return basicAuthorization(key, "") }

func nonEmpty(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
