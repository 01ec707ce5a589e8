package stackone

import "github.com/assessbridge/assessbridge/webhook"

// SignatureHeader is the header that StackOne signs a delivery in.
const SignatureHeader = "X-Stackone-Signature"

// NewVerifier returns a verifier for StackOne's webhooks: HMAC-SHA256 over the
// raw body, base64url (https://docs.stackone.com/guides/webhooks). The key is the
// signing secret that StackOne's dashboard shows, as it is; while a secret is
// rotated there are two. StackOne writes no padding; it is tolerated. Nothing
// signed changes with time, so there is no protection against a replay but that
// an order is started once.
func NewVerifier(secrets ...webhook.Secret) (*webhook.Verifier, error) {
	return webhook.NewVerifier(webhook.Scheme{
		Header: SignatureHeader, Encoding: webhook.Base64URL, AllowPadding: true,
	}, secrets...)
}
