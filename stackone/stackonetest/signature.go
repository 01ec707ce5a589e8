package stackonetest

import (
	"encoding/base64"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// SignatureHeader carries the signature of a webhook and of a call to the
// packages endpoint: https://docs.stackone.com/guides/webhooks
const SignatureHeader = "X-Stackone-Signature"

// Sign returns the signature of a body: HMAC-SHA256 over the raw bytes with the
// UTF-8 bytes of the secret as key, in base64url without padding, as documented
// on https://docs.stackone.com/guides/webhooks.
func Sign(secret string, body []byte) string {
	return base64.RawURLEncoding.EncodeToString(simkit.MAC(secret, body))
}
