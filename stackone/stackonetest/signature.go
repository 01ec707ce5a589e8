package stackonetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// SignatureHeader carries the signature of a webhook and of a call to the
// packages endpoint: https://docs.stackone.com/guides/webhooks
const SignatureHeader = "X-Stackone-Signature"

// Sign returns the signature of a body: HMAC-SHA256 over the raw bytes with the
// UTF-8 bytes of the secret as key, in base64url without padding, as documented
// on https://docs.stackone.com/guides/webhooks.
func Sign(secret string, body []byte) string {
	return base64.RawURLEncoding.EncodeToString(mac(secret, body))
}

func mac(secret string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return h.Sum(nil)
}
