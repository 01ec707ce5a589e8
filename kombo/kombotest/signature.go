package kombotest

import (
	"encoding/base64"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// SignatureHeader carries the signature of a webhook:
// https://docs.kombo.dev/assessment/guides/webhooks
const SignatureHeader = "X-Kombo-Signature"

// Sign returns the signature of a webhook body: HMAC-SHA256 over the raw bytes
// with the UTF-8 bytes of the secret as key, in base64url without padding.
func Sign(secret string, body []byte) string {
	return base64.RawURLEncoding.EncodeToString(simkit.MAC(secret, body))
}
