package ashbytest

import (
	"encoding/hex"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// SignatureHeader carries the signature of a webhook:
// https://developers.ashbyhq.com/docs/authenticating-webhooks
const SignatureHeader = "Ashby-Signature"

const signaturePrefix = "sha256="

// Sign returns the signature of a webhook body: "sha256=" and the lower-case hex of
// HMAC-SHA256 over the raw bytes. The characters of the secret are the key, also if
// they look like hex.
func Sign(secret string, body []byte) string {
	return signaturePrefix + hex.EncodeToString(simkit.MAC(secret, body))
}
