package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
)

var (
	// ErrNoSignature: the signature header is absent or empty.
	ErrNoSignature = errors.New("webhook: no signature")
	// ErrBadSignature: the signature header is repeated or malformed, or no
	// secret in force signs this body so.
	ErrBadSignature = errors.New("webhook: bad signature")
)

// What a bad signature is bad at. They are made once: a refusal allocates
// nothing.
var (
	errRepeated  = fmt.Errorf("%w: more than one value", ErrBadSignature)
	errMalformed = fmt.Errorf("%w: malformed", ErrBadSignature)
	errMismatch  = fmt.Errorf("%w: no secret matches", ErrBadSignature)
)

// Verifier checks and makes signatures under the secrets in force. Its methods
// can be called at the same time. Make one with [NewVerifier].
type Verifier struct {
	scheme Scheme
	keys   atomic.Pointer[keyring]
}

// NewVerifier returns a verifier for deliveries signed with any of the secrets.
//
// It refuses an incomplete scheme, no secrets at all, an empty or blank key,
// several secrets of which one has no ID, and two secrets with the same ID or
// key.
func NewVerifier(scheme Scheme, secrets ...Secret) (*Verifier, error) {
	scheme, err := scheme.normalized()
	if err != nil {
		return nil, err
	}
	v := &Verifier{scheme: scheme}
	if err := v.Rotate(secrets...); err != nil {
		return nil, err
	}
	return v, nil
}

// Rotate replaces all the secrets at once, also while deliveries are being
// verified: each of them sees either the old set or the new one. Secrets that
// [NewVerifier] would refuse are refused, and the old ones stay in force.
func (v *Verifier) Rotate(secrets ...Secret) error {
	ring, err := newKeyring(secrets)
	if err != nil {
		return err
	}
	v.keys.Store(ring)
	return nil
}

// Verify checks the signature over the raw body, exactly as received, and
// returns the ID of the secret that it was made with.
//
// The error is [ErrNoSignature] or wraps [ErrBadSignature]; its text holds
// neither the presented nor the expected signature. Every secret in force is
// tried, in a time that does not depend on whether one matches; it grows with
// their number and allocates nothing.
func (v *Verifier) Verify(header http.Header, body []byte) (secretID string, err error) {
	values := header[v.scheme.Header]
	switch {
	case len(values) == 0:
		return "", ErrNoSignature
	case len(values) > 1:
		// Which of them a proxy in between has looked at cannot be known.
		return "", errRepeated
	case values[0] == "":
		return "", ErrNoSignature
	}
	mac, ok := v.scheme.decode(values[0])
	if !ok {
		return "", errMalformed
	}
	secretID, ok = v.keys.Load().find(&mac, body)
	if !ok {
		return "", errMismatch
	}
	return secretID, nil
}

// Sign returns the header value, prefix included, that signs the body with the
// first secret in force.
func (v *Verifier) Sign(body []byte) string {
	key := (*v.keys.Load())[0]
	st := key.sum(body)
	defer key.release(st)
	return v.scheme.encode(&st.sum)
}
