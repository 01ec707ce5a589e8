package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"

	"github.com/assessbridge/assessbridge/webhook"
)

const benchKey = "kombo-test-webhook-secret-0001"

var benchSizes = []int{1 << 10, 8 << 10, 64 << 10}

// BenchmarkFloor is the least that a check can do by hand: key an HMAC, hash,
// compare. BenchmarkVerify shall take at most 1.1 times as long.
func BenchmarkFloor(b *testing.B) {
	for _, size := range benchSizes {
		body := bytes.Repeat([]byte("x"), size)
		mac := hmac.New(sha256.New, []byte(benchKey))
		mac.Write(body)
		want := mac.Sum(nil)
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				mac := hmac.New(sha256.New, []byte(benchKey))
				mac.Write(body)
				if !hmac.Equal(mac.Sum(nil), want) {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	one := webhook.Secret{ID: "one", Key: benchKey}
	two := webhook.Secret{ID: "two", Key: "another key"}
	kombo := newVerifier(b, komboScheme, one)
	ashby := newVerifier(b, ashbyScheme, one)
	rotating := newVerifier(b, komboScheme, two, one)
	for _, size := range benchSizes {
		body := bytes.Repeat([]byte("x"), size)
		benchVerify(b, "good/base64url", kombo, signed(komboScheme, kombo.Sign(body)), body, true)
		benchVerify(b, "good/hex", ashby, signed(ashbyScheme, ashby.Sign(body)), body, true)
		benchVerify(b, "good/two secrets", rotating, signed(komboScheme, kombo.Sign(body)), body, true)
		benchVerify(b, "bad", kombo, signed(komboScheme, kombo.Sign(nil)), body, false)
		benchVerify(b, "malformed", kombo, signed(komboScheme, "bad"), body, false)
	}
}

func benchVerify(b *testing.B, name string, v *webhook.Verifier, header http.Header, body []byte, good bool) {
	b.Run(fmt.Sprintf("%s/%dKiB", name, len(body)>>10), func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(header, body); (err == nil) != good {
				b.Fatal(err)
			}
		}
	})
}
