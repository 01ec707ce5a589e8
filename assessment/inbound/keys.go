package inbound

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/assessbridge/assessbridge/webhook"
)

// maxCredentials bounds the work for a hostile header, in bytes.
const maxCredentials = 4 << 10

// What may be wrong with the key of a request.
var (
	// ErrNoKey: there are no credentials, or none that can be read.
	ErrNoKey = errors.New("inbound: no key")
	// ErrWrongKey: the key is none of those in force.
	ErrWrongKey = errors.New("inbound: the key is not in force")
)

// Basic returns the decoded Basic credentials of a request: the user name, a colon
// and the password, of which senders of a single key leave out one or the other.
// Base64 without padding is tolerated. The error is [ErrNoKey].
func Basic(r *http.Request) (string, error) {
	encoded, err := authorization(r, "basic")
	if err != nil {
		return "", err
	}
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || len(text) == 0 {
		return "", ErrNoKey
	}
	return string(text), nil
}

// BasicKeys returns what may be the key in Basic credentials of which it is not
// known which half holds it: the user name, then the password, without empty and
// equal ones. The error is [ErrNoKey].
//
// A colon ends the user name (https://www.rfc-editor.org/rfc/rfc7617#section-2), so
// issue keys without one.
func BasicKeys(r *http.Request) ([]string, error) {
	text, err := Basic(r)
	if err != nil {
		return nil, err
	}
	user, password, _ := strings.Cut(text, ":")
	var keys []string
	if user != "" {
		keys = append(keys, user)
	}
	if password != "" && password != user {
		keys = append(keys, password)
	}
	if len(keys) == 0 {
		return nil, ErrNoKey
	}
	return keys, nil
}

// Bearer returns the Bearer token of a request. The error is [ErrNoKey].
func Bearer(r *http.Request) (string, error) { return authorization(r, "bearer") }

// authorization returns what stands behind the scheme in the header.
func authorization(r *http.Request, scheme string) (string, error) {
	value, err := webhook.HeaderValue(r.Header, "Authorization")
	if err != nil || len(value) > maxCredentials {
		return "", ErrNoKey
	}
	name, rest, _ := strings.Cut(strings.ReplaceAll(value, "\t", " "), " ")
	rest = strings.Trim(rest, " ")
	if rest == "" || !strings.EqualFold(name, scheme) {
		return "", ErrNoKey
	}
	return rest, nil
}

// Keys are the API keys that a sender may present. They are safe for concurrent
// use. Make them with [NewKeys].
type Keys struct {
	ring atomic.Pointer[keyring]
}

// keyring holds hashes: of keys of any length they compare in constant time, and a
// dump of the memory shows no key. The salt is new in every process, so that nobody
// can work towards a hash that begins alike.
type keyring struct {
	salt [sha256.Size]byte
	ids  []string
	sums [][sha256.Size]byte
}

// NewKeys returns the keys in force. It refuses what [webhook.NewVerifier] refuses
// of secrets: none, one that [webhook.CheckKey] refuses, and what would leave open
// which of them was presented.
func NewKeys(keys ...webhook.Secret) (*Keys, error) {
	k := &Keys{}
	if err := k.Rotate(keys...); err != nil {
		return nil, err
	}
	return k, nil
}

// Rotate replaces all the keys at once. Keys that [NewKeys] would refuse are
// refused, and the old ones stay in force.
func (k *Keys) Rotate(keys ...webhook.Secret) error {
	if k == nil {
		return errNoKeys
	}
	if err := webhook.CheckSecrets(keys...); err != nil {
		return err
	}
	ring := &keyring{}
	_, _ = rand.Read(ring.salt[:]) // never fails since Go 1.24
	for i, key := range keys {
		if len(key.Key) > maxCredentials/2 {
			return fmt.Errorf("inbound: key %d (ID %q) is too long for a header", i+1, key.ID)
		}
		ring.ids = append(ring.ids, key.ID)
		ring.sums = append(ring.sums, ring.hash(key.Key))
	}
	k.ring.Store(ring)
	return nil
}

var errNoKeys = errors.New("inbound: the Keys were not made with NewKeys")

// Check returns the ID of the key that a request presents, as the user name or the
// password of Basic credentials or as a Bearer token. The error is [ErrNoKey] or
// [ErrWrongKey]; it shows no key.
func (k *Keys) Check(r *http.Request) (id string, err error) {
	presented, err := BasicKeys(r)
	if token, bearer := Bearer(r); bearer == nil {
		presented, err = []string{token}, nil
	}
	if err != nil {
		return "", err
	}
	for _, key := range presented {
		if id, err = k.Match(key); err == nil {
			return id, nil
		}
	}
	return "", err
}

// Match returns the ID of a key that was presented. The error is [ErrWrongKey]; it
// shows no key.
func (k *Keys) Match(key string) (id string, err error) {
	if k == nil || k.ring.Load() == nil {
		return "", errNoKeys
	}
	ring := k.ring.Load()
	found := ring.find(key)
	if found < 0 {
		return "", ErrWrongKey
	}
	return ring.ids[found], nil
}

// find returns the index of a key, -1 if it is not in force. It compares with every
// key and decides without branching, so that the time it takes tells neither
// whether one matched nor which.
func (ring *keyring) find(key string) int {
	sum := ring.hash(key)
	found := -1
	for i := range ring.sums {
		equal := subtle.ConstantTimeCompare(ring.sums[i][:], sum[:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	return found
}

func (ring *keyring) hash(key string) [sha256.Size]byte {
	return sha256.Sum256(append(ring.salt[:], key...))
}
