package ashby

import "github.com/assessbridge/assessbridge/webhook"

// SignatureHeader is the header that Ashby signs a webhook in.
const SignatureHeader = "Ashby-Signature"

// NewVerifier returns a verifier for Ashby's webhooks: HMAC-SHA256 over the raw
// body, in hex, behind "sha256="
// (https://developers.ashbyhq.com/docs/authenticating-webhooks). The key is the
// secret token of the webhook as it is; one that looks like hex is not decoded.
//
// Each customer sets up webhooks of their own, and nothing in a delivery says
// whose it is. Name the secrets after the customers: [Event.SecretID] tells then.
func NewVerifier(secrets ...webhook.Secret) (*webhook.Verifier, error) {
	return webhook.NewVerifier(webhook.Scheme{
		Header: SignatureHeader, Prefix: "sha256=", Encoding: webhook.Hex,
	}, secrets...)
}
