// Package webhook checks that a delivery over HTTP comes from who claims to
// have sent it: the sender puts an HMAC-SHA256 of the raw body into a header,
// under a secret that both sides know.
//
// The package knows no vendor. A [Scheme] says how a vendor writes the
// signature, a [Verifier] holds the secrets that are in force:
//
//	verifier, err := webhook.NewVerifier(scheme, webhook.Secret{ID: "2026-01", Key: key})
//
//	func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
//		body, secretID, err := h.verifier.Receive(w, r, webhook.DefaultMaxBody)
//		if err != nil {
//			code, text := webhook.Status(err)
//			http.Error(w, text, code)
//			return
//		}
//		// parse exactly these bytes
//	}
//
// # Order of work
//
// [Verifier.Receive] does what comes before any parsing, cheapest refusal
// first: the method, the encoding, whether there is a signature at all, the size,
// the signature itself. The parts are also there on their own: [CheckMethod],
// [CheckEncoding], [Verifier.Check], [Budget.Read] and [Verifier.Verify].
//
// # Memory
//
// Anybody can send to a public endpoint. A body takes memory as it arrives, not as
// it is announced, and the bodies of all senders who have not proved themselves
// share one [Budget] of 64 MiB; see [SharedBudget]. Small bodies always get in.
// How long a sender may take is up to the server: without ReadHeaderTimeout and
// ReadTimeout of [http.Server] a slow one holds its connection for ever.
//
// # Other senders
//
// A [Scheme] also describes senders that sign a time with the body ([Timestamp]),
// write standard base64, or present a [Token].
//
// # Rotation
//
// Several secrets can be in force at once, and [Verifier.Verify] says which one
// matched. To change a secret without losing a delivery, [Verifier.Rotate] to
// the new and the old one, switch the sender over, and rotate to the new one
// alone as soon as the old ID is no longer seen.
//
// # What a signature does not prove
//
// Without a [Timestamp] it covers the body, not the time: whoever has recorded a
// delivery can send it again. What a delivery starts must therefore be idempotent.
package webhook
