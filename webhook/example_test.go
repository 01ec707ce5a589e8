package webhook_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/webhook"
)

var scheme = webhook.Scheme{
	Header:   "X-Kombo-Signature", // https://docs.kombo.dev/webhooks
	Encoding: webhook.Base64URL,
}

func ExampleNewVerifier() {
	verifier, err := webhook.NewVerifier(scheme,
		webhook.Secret{ID: "2026-01", Key: "kombo-test-webhook-secret-0001"})
	if err != nil {
		log.Fatal(err)
	}

	header := http.Header{}
	header.Set("X-Kombo-Signature", "cXMM5gknLEVrp0w4dNV1RiF32CzBoog-r-rrlACvdI4")
	body := []byte(`{"id":"evt_1","type":"integration-deleted","data":{}}`)

	fmt.Println(verifier.Verify(header, body))
	fmt.Println(verifier.Verify(header, append(body, '\n')))
	// Output:
	// 2026-01 <nil>
	//  webhook: bad signature: no secret matches
}

// The old secret stays in force beside the new one until no delivery is signed
// with it any more.
func ExampleVerifier_Rotate() {
	older := webhook.Secret{ID: "2026-01", Key: "old key"}
	newer := webhook.Secret{ID: "2026-02", Key: "new key"}
	verifier, err := webhook.NewVerifier(scheme, older)
	if err != nil {
		log.Fatal(err)
	}

	body := []byte(`{"id":"evt_1"}`)
	header := http.Header{}
	header.Set("X-Kombo-Signature", verifier.Sign(body))
	check := func() {
		id, err := verifier.Verify(header, body)
		fmt.Printf("%q %v\n", id, err)
	}

	check()
	if err := verifier.Rotate(newer, older); err != nil {
		log.Fatal(err)
	}
	check()
	if err := verifier.Rotate(newer); err != nil {
		log.Fatal(err)
	}
	check()
	// Output:
	// "2026-01" <nil>
	// "2026-01" <nil>
	// "" webhook: bad signature: no secret matches
}

func ExampleVerifier_Receive() {
	verifier, err := webhook.NewVerifier(scheme, webhook.Secret{Key: "key"})
	if err != nil {
		log.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _, err := verifier.Receive(w, r, webhook.DefaultMaxBody)
		if err != nil {
			code, text := webhook.Status(err)
			http.Error(w, text, code)
			return
		}
		fmt.Printf("received %s\n", body)
	})

	body := `{"id":"evt_1"}`
	for _, signature := range []string{verifier.Sign([]byte(body)), "", "forged"} {
		r := httptest.NewRequest(http.MethodPost, "/kombo", strings.NewReader(body))
		r.Header.Set("X-Kombo-Signature", signature)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Printf("%d %q\n", w.Code, w.Body)
	}
	// Output:
	// received {"id":"evt_1"}
	// 200 ""
	// 401 "signature missing\n"
	// 401 "signature not accepted\n"
}

// A sender that signs the time, too, and writes both into one header.
func ExampleTimestamp() {
	verifier, err := webhook.NewVerifier(webhook.Scheme{
		Header: "Acme-Signature", Prefix: "v1=", Encoding: webhook.Hex,
		Timestamp: webhook.Timestamp{Element: "t=", Separator: ".", Tolerance: time.Minute},
	}, webhook.Secret{Key: "key"})
	if err != nil {
		log.Fatal(err)
	}
	body := []byte(`{"id":"evt_1"}`)
	header := http.Header{}
	header.Set("Acme-Signature", // of the first second of 2026
		"t=1767225600,v1=1453ddff01e19f7d7248a2bf974fcfd9b8977ed31341c45e0323501470e1a8d5")
	_, err = verifier.Verify(header, body)
	fmt.Println(err)

	if err := verifier.SignHeader(header, body); err != nil {
		log.Fatal(err)
	}
	_, err = verifier.Verify(header, body)
	fmt.Println(err)
	// Output:
	// webhook: signed too long ago, or in the future
	// <nil>
}

// Ashby never sends a delivery again that was answered 401, so that a wrong
// secret in the configuration would lose it for good. Any code but the one that
// Status proposes can be answered.
func ExampleStatus() {
	code, text := webhook.Status(fmt.Errorf("ashby: %w", webhook.ErrBadSignature))
	if code == http.StatusUnauthorized {
		code = http.StatusBadRequest
	}
	fmt.Println(code, text)
	// Output: 400 signature not accepted
}
