package webhook_test

import (
	"errors"
	"strings"
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

// FuzzTimestamps checks that whatever stands in the headers of a time-stamped
// scheme is taken only if the MAC over its own time is there.
func FuzzTimestamps(f *testing.F) {
	v, err := webhook.NewVerifier(listScheme, webhook.Secret{Key: "key"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v.Sign([]byte("body")), []byte("body"))
	f.Add("t=1,v1="+by("key", "1.body"), []byte("body"))
	f.Add("v1=,t=", []byte(nil))
	f.Fuzz(func(t *testing.T, value string, body []byte) {
		_, err := v.Verify(signed(listScheme, value), body)
		if err != nil && !errors.Is(err, webhook.ErrStale) {
			return
		}
		for element := range strings.SplitSeq(value, ",") {
			if at, ok := strings.CutPrefix(strings.Trim(element, " "), "t="); ok {
				if !strings.Contains(value, by("key", at+"."+string(body))) {
					t.Fatalf("%q was taken for the MAC of %q", value, body)
				}
			}
		}
	})
}
