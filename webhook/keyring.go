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

// find returns the ID of the key that made one of the MACs. It tries every key on
// every MAC and decides without branching, so that the time it takes tells neither
// whether a key matched nor which.
func (ring keyring) find(want *presented, m *message) (id string, ok bool) {
	found := -1
	for i := range ring {
		equal := ring[i].check(want, m)
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	if found < 0 {
		return "", false
	}
	return ring[found].id, true
}

// message is what is signed: what stands before the body, and the body, which may
// be in pieces.
type message struct {
	token                 bool // nothing is signed: the key itself is presented
	lead, time, separator string
	body                  []byte
	rest                  [][]byte
}

// signingKey is one secret with its spare HMAC states. Keying a new state hashes
// two blocks, where a whole body of 1 KiB has 17, and allocates; a state that
// was reset is keyed already.
type signingKey struct {
	id     string
	key    string
	states *sync.Pool // of *state
}

// state has its sum beside it, on the heap as the hash is: an array on the
// stack would escape through the interface and cost an allocation.
type state struct {
	hash hash.Hash
	sum  [macLen]byte
	lead []byte
}

func newSigningKey(s Secret) signingKey {
	key := []byte(s.Key)
	return signingKey{
		id:  s.ID,
		key: s.Key,
		states: &sync.Pool{New: func() any {
			return &state{hash: hmac.New(sha256.New, key)}
		}},
	}
}

// check returns 1 if one of the MACs is that of the message and 0 if not.
func (k signingKey) check(want *presented, m *message) int {
	st := k.sum(m)
	defer k.release(st)
	equal := 0
	for i := range want.n {
		equal |= subtle.ConstantTimeCompare(st.sum[:], want.macs[i][:])
	}
	return equal
}

// sum returns a state that holds the MAC of the message, to be released.
func (k signingKey) sum(m *message) *state {
	st := k.states.Get().(*state)
	if m.token {
		st.sum, _ = hashToken(k.key)
		return st
	}
	if m.time != "" {
		st.lead = append(append(append(st.lead[:0], m.lead...), m.time...), m.separator...)
		st.hash.Write(st.lead) // a hash never returns an error
	}
	st.hash.Write(m.body)
	for _, piece := range m.rest {
		st.hash.Write(piece)
	}
	st.hash.Sum(st.sum[:0])
	return st
}

func (k signingKey) release(st *state) {
	st.hash.Reset()
	clear(st.sum[:]) // a good signature is not left lying about
	k.states.Put(st)
}
