package webhook_test

import (
	"testing"

	"github.com/assessbridge/assessbridge/webhook"
)

// FuzzVerify checks that a header value is accepted exactly if it is what Sign
// makes, or that with one padding character where the scheme allows it.
func FuzzVerify(f *testing.F) {
	schemes := []webhook.Scheme{
		komboScheme, stackOneScheme, ashbyScheme,
		{Header: "S", Encoding: webhook.Base64, Prefix: "sha256="},
		{Header: "S", Encoding: webhook.RawBase64, AllowPadding: true},
		{Header: "S", Encoding: webhook.Token, Prefix: "Bearer "},
	}
	for _, v := range vectors(f) {
		for i := range schemes {
			f.Add(v.signature, v.body, v.secret, uint8(i))
			for _, text := range append(v.accepted, v.refused...) {
				f.Add(text, v.body, v.secret, uint8(i))
			}
		}
	}
	f.Fuzz(func(t *testing.T, value string, body []byte, key string, pick uint8) {
		scheme := schemes[int(pick)%len(schemes)]
		v, err := webhook.NewVerifier(scheme, webhook.Secret{ID: "fuzz", Key: key})
		if err != nil {
			return // a key that cannot work
		}
		signature := v.Sign(body)
		if len(signature) > 1<<10 {
			return // a token that no header of a sensible size holds
		}
		want := value == signature || scheme.AllowPadding && value == signature+"="

		id, err := v.Verify(signed(scheme, value), body)
		if got := err == nil; got != want {
			t.Fatalf("Verify(%q) = %v, Sign gives %q", value, err, signature)
		}
		if (err == nil) != (id == "fuzz") {
			t.Fatalf("ID %q with error %v", id, err)
		}
		if _, err := v.Verify(signed(scheme, signature), body); err != nil {
			t.Fatalf("own signature %q: %v", signature, err)
		}
	})
}
