package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"sync"
)

// keyring is a set of secrets, never changed once it is made.
type keyring []signingKey

func newKeyring(secrets []Secret) (*keyring, error) {
	if err := checkSecrets(secrets); err != nil {
		return nil, err
	}
	ring := make(keyring, len(secrets))
	for i, s := range secrets {
		ring[i] = newSigningKey(s)
	}
	return &ring, nil
}

// find returns the ID of the key that made the MAC. It tries every key and
// decides without branching, so that the time it takes tells neither whether a
// key matched nor which.
func (ring keyring) find(want *[macLen]byte, body []byte) (id string, ok bool) {
	found := -1
	for i := range ring {
		equal := ring[i].check(want, body)
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return "", false
	}
	return ring[found].id, true
}

// signingKey is one secret with its spare HMAC states. Keying a new state hashes
// two blocks, where a whole body of 1 KiB has 17, and allocates; a state that
// was reset is keyed already.
type signingKey struct {
	id     string
	states *sync.Pool // of *state
}

// state has its sum beside it, on the heap as the hash is: an array on the
// stack would escape through the interface and cost an allocation.
type state struct {
	hash hash.Hash
	sum  [macLen]byte
}

func newSigningKey(s Secret) signingKey {
	key := []byte(s.Key)
	return signingKey{
		id: s.ID,
		states: &sync.Pool{New: func() any {
			return &state{hash: hmac.New(sha256.New, key)}
		}},
	}
}

// check returns 1 if want is the MAC of the body and 0 if not.
func (k signingKey) check(want *[macLen]byte, body []byte) int {
	st := k.sum(body)
	defer k.release(st)
	return subtle.ConstantTimeCompare(st.sum[:], want[:])
}

// sum returns a state that holds the MAC of the body, to be released.
func (k signingKey) sum(body []byte) *state {
	st := k.states.Get().(*state)
	st.hash.Write(body) // a hash never returns an error
	st.hash.Sum(st.sum[:0])
	return st
}

func (k signingKey) release(st *state) {
	st.hash.Reset()
	clear(st.sum[:]) // a good signature is not left lying about
	k.states.Put(st)
}
