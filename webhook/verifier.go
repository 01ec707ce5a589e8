package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

var (
	// ErrNoSignature: the signature header is absent or empty.
	ErrNoSignature = errors.New("webhook: no signature")
	// ErrBadSignature: the signature header is malformed or has different values, or
	// no secret in force signs this body so.
	ErrBadSignature = errors.New("webhook: bad signature")
	// ErrStale: the signature is good, but the time that it covers is too far from
	// now; somebody may have recorded the delivery.
	ErrStale = errors.New("webhook: signed too long ago, or in the future")
	// ErrNoVerifier: the [Verifier] was not made with [NewVerifier] and holds no
	// secret.
	ErrNoVerifier = errors.New("webhook: the Verifier was not made with NewVerifier")
)

// What a bad signature is bad at. They are made once: a refusal allocates
// nothing.
var (
	errRepeated  = fmt.Errorf("%w: different values", ErrBadSignature)
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
// It refuses an incomplete scheme, no secrets at all, a key that [CheckKey]
// refuses, several secrets of which one has no ID, and two secrets with the same
// ID or key.
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
	if v == nil || v.scheme.Header == "" {
		return ErrNoVerifier
	}
	if v.scheme.Encoding == Token {
		if err := checkTokens(v.scheme.Prefix, secrets); err != nil {
			return err
		}
	}
	ring, err := newKeyring(secrets)
	if err != nil {
		return err
	}
	v.keys.Store(ring)
	return nil
}

// Usable returns [ErrNoVerifier] for a nil or zero Verifier, which has no secret
// and accepts nothing.
func (v *Verifier) Usable() error {
	if v == nil || v.keys.Load() == nil {
		return ErrNoVerifier
	}
	return nil
}

// Check looks at the header alone, before the body is read: whether there is
// something that can be a signature. The error is [ErrNoSignature],
// [ErrNoVerifier] or wraps [ErrBadSignature].
func (v *Verifier) Check(header http.Header) error {
	if err := v.Usable(); err != nil {
		return err
	}
	var p presented
	return v.scheme.read(header, &p)
}

// Verify checks the signature over the raw body, exactly as received, and
// returns the ID of the secret that it was made with.
//
// The error is [ErrNoSignature], [ErrStale], [ErrNoVerifier] or wraps
// [ErrBadSignature]; its text holds neither the presented nor the expected
// signature. Every secret in force is tried, in a time that does not depend on
// whether one matches; it grows with their number and allocates nothing.
func (v *Verifier) Verify(header http.Header, body []byte) (secretID string, err error) {
	return v.verify(header, body, nil)
}

func (v *Verifier) verify(header http.Header, body []byte, rest [][]byte) (secretID string, err error) {
	if err := v.Usable(); err != nil {
		return "", err
	}
	var p presented
	if err := v.scheme.read(header, &p); err != nil {
		return "", err
	}
	m := v.message(p.time)
	m.body, m.rest = body, rest
	secretID, ok := v.keys.Load().find(&p, &m)
	switch {
	case !ok:
		return "", errMismatch
	case p.time != "" && !v.scheme.Timestamp.fresh(p.time, time.Now()):
		return "", ErrStale
	}
	return secretID, nil
}

func (v *Verifier) message(time string) message {
	t := &v.scheme.Timestamp
	return message{token: v.scheme.Encoding == Token, lead: t.Lead, time: time, separator: t.Separator}
}

// Sign returns the value of the scheme's header, prefix included, that proves the
// body with the first secret in force, now. A scheme with a header for the time
// needs [Verifier.SignHeader] instead. Of a zero Verifier it is empty.
func (v *Verifier) Sign(body []byte) string {
	if v.Usable() != nil {
		return ""
	}
	return v.sign(body, v.now())
}

// SignHeader sets all headers that prove the body with the first secret in force,
// now.
func (v *Verifier) SignHeader(header http.Header, body []byte) error {
	if err := v.Usable(); err != nil {
		return err
	}
	now := v.now()
	header[v.scheme.Header] = []string{v.sign(body, now)}
	if v.scheme.Timestamp.Header != "" {
		header[v.scheme.Timestamp.Header] = []string{now}
	}
	return nil
}

// now is empty where no time is signed.
func (v *Verifier) now() string {
	if !v.scheme.Timestamp.used() {
		return ""
	}
	return strconv.FormatInt(time.Now().Unix(), 10)
}

func (v *Verifier) sign(body []byte, now string) string {
	key := (*v.keys.Load())[0]
	if v.scheme.Encoding == Token {
		return v.scheme.Prefix + key.key
	}
	m := v.message(now)
	m.body = body
	st := key.sum(&m)
	defer key.release(st)
	text := v.scheme.encode(&st.sum)
	if element := v.scheme.Timestamp.Element; element != "" {
		return element + now + "," + text
	}
	return text
}
