package ashbytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// SignatureHeader carries the signature of a webhook:
// https://developers.ashbyhq.com/docs/authenticating-webhooks
const SignatureHeader = "Ashby-Signature"

const signaturePrefix = "sha256="

// Sign returns the signature of a webhook body: "sha256=" and the lower-case hex of
// HMAC-SHA256 over the raw bytes. The characters of the secret are the key, also if
// they look like hex.
func Sign(secret string, body []byte) string {
	return signaturePrefix + hex.EncodeToString(mac([]byte(secret), body))
}

func mac(key, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(body)
	return h.Sum(nil)
}

// RotateSecret replaces the webhook secret of an organization. Webhooks are signed
// with the new one from now on; [OldSecret] still signs with the one before. It
// fails if the organization is unknown.
func (s *Server) RotateSecret(organization, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.organization(organization)
	if err != nil {
		return err
	}
	o.oldSecret, o.WebhookSecret = o.WebhookSecret, secret
	return nil
}
