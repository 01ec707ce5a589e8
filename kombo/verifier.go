package kombo

import "github.com/assessbridge/assessbridge/webhook"

// SignatureHeader is the header that Kombo signs a delivery in.
const SignatureHeader = "X-Kombo-Signature"

// NewVerifier returns a verifier for Kombo's webhooks: HMAC-SHA256 over the raw
// body, base64url without padding (https://docs.kombo.dev/webhooks). The key is
// the webhook secret that Kombo's dashboard shows. Nothing signed changes with
// time, so there is no protection against a replay but that an order is started
// once.
func NewVerifier(secrets ...webhook.Secret) (*webhook.Verifier, error) {
	return webhook.NewVerifier(webhook.Scheme{Header: SignatureHeader, Encoding: webhook.Base64URL}, secrets...)
}
