package ashbytest

import (
	"encoding/hex"
	"slices"
	"strings"
)

// Duplicate sends a webhook n more times, one after the other, with the same
// webhookActionId.
func Duplicate(n int) DeliveryOption {
	return DeliveryOption{"duplicate", func(p *plan) { p.copies = max(n, 0) }}
}

// DuplicateAtOnce sends a webhook n more times, all concurrently.
func DuplicateAtOnce(n int) DeliveryOption {
	return DeliveryOption{"duplicate at once", func(p *plan) { p.copies, p.atOnce = max(n, 0), true }}
}

// BadSignature sends a well-formed signature that does not belong to the body.
func BadSignature() DeliveryOption {
	return signedBy("bad signature", func(secret, _ string, body []byte) string {
		return Sign(secret, append(slices.Clone(body), ' '))
	})
}

// MissingSignature sends no signature, as Ashby does if no secret was set up.
func MissingSignature() DeliveryOption {
	return signedBy("missing signature", func(string, string, []byte) string { return "" })
}

// OldSecret signs with the secret that was replaced by [Server.RotateSecret], or
// before any rotation with one that was never valid.
func OldSecret() DeliveryOption {
	return signedBy("old secret", func(_, old string, body []byte) string { return Sign(old, body) })
}

// SignedWith signs with the given secret, such as one that is not yet in use.
func SignedWith(secret string) DeliveryOption {
	return signedBy("signed with another secret", func(_, _ string, body []byte) string { return Sign(secret, body) })
}

// UpperCaseHex sends the right signature with upper-case digits. Ashby's documented
// samples have lower-case ones.
func UpperCaseHex() DeliveryOption {
	return signedBy("upper-case hex", func(secret, _ string, body []byte) string {
		return signaturePrefix + strings.ToUpper(strings.TrimPrefix(Sign(secret, body), signaturePrefix))
	})
}

// BareSignature sends the right digits without "sha256=".
func BareSignature() DeliveryOption {
	return signedBy("bare signature", func(secret, _ string, body []byte) string {
		return strings.TrimPrefix(Sign(secret, body), signaturePrefix)
	})
}

// HexDecodedSecret signs as if the secret were the hex form of the key, which it is
// not. A secret that is not hex gives an empty key.
func HexDecodedSecret() DeliveryOption {
	return signedBy("hex-decoded secret", func(secret, _ string, body []byte) string {
		key, err := hex.DecodeString(secret)
		if err != nil {
			key = nil
		}
		return signaturePrefix + hex.EncodeToString(mac(key, body))
	})
}

func signedBy(name string, sign func(secret, old string, body []byte) string) DeliveryOption {
	return DeliveryOption{name, func(p *plan) { p.sign = sign }}
}

// AbsentFields removes fields of a webhook's body, given by dotted path, such as
// "webhookActionId" or "data.candidate".
func AbsentFields(paths ...string) DeliveryOption { return edited("absent fields", paths, Absent) }

// NullFields makes fields of a webhook's body null, given by dotted path.
func NullFields(paths ...string) DeliveryOption { return edited("null fields", paths, nil) }

func edited(name string, paths []string, value any) DeliveryOption {
	return DeliveryOption{name, func(p *plan) {
		p.edits = append(p.edits, func(tree any) {
			for _, path := range paths {
				_ = setPath(tree, path, value) // an absent parent has no fields
			}
		})
	}}
}
