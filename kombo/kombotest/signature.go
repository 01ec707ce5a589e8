package kombotest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// SignatureHeader carries the signature of a webhook:
// https://docs.kombo.dev/assessment/guides/webhooks
const SignatureHeader = "X-Kombo-Signature"

// Sign returns the signature of a webhook body: HMAC-SHA256 over the raw bytes
// with the UTF-8 bytes of the secret as key, in base64url without padding.
func Sign(secret string, body []byte) string {
	return base64.RawURLEncoding.EncodeToString(mac(secret, body))
}

func mac(secret string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return h.Sum(nil)
}
