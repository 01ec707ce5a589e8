package simkit

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
)

// IDs makes the raw material of ids from a seed: two simulators with one seed and
// the same calls get the same. Each vendor gives it the shape of its own ids.
type IDs struct {
	seed uint64

	mu       sync.Mutex
	counters map[string]int
}

// NewIDs returns the source of ids for a seed.
func NewIDs(seed uint64) *IDs { return &IDs{seed: seed, counters: map[string]int{}} }

// Next returns the next digest of a kind ("order", "event", …) and its number, from
// 1. Kinds count apart, so that one more event does not change the ids of later
// orders.
func (i *IDs) Next(kind string) (digest [sha256.Size]byte, n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.counters[kind]++
	n = i.counters[kind]
	return i.Digest(kind, n), n
}

// Digest depends on the seed and its arguments alone.
func (i *IDs) Digest(what string, n int) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%d/%s/%d", i.seed, what, n))
}

// Fraction is a number in [0, 1) that depends on the seed and its arguments alone,
// so that random faults do not depend on the order of concurrent calls.
func (i *IDs) Fraction(what string, n int) float64 {
	digest := i.Digest(what, n)
	return float64(binary.BigEndian.Uint64(digest[:8])>>11) / (1 << 53)
}

// Pick maps the bytes of the next digest of a kind to letters of an alphabet.
func (i *IDs) Pick(kind, alphabet string, length int) string {
	digest, _ := i.Next(kind)
	id := make([]byte, length)
	for at := range id {
		id[at] = alphabet[int(digest[at])%len(alphabet)]
	}
	return string(id)
}

// UUID returns the next id of a kind in the form of a random UUID (version 4).
func (i *IDs) UUID(kind string) string {
	b, _ := i.Next(kind)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, variant 1
	text := hex.EncodeToString(b[:16])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// Shuffled returns a list in an order that the seed determines and that differs from
// the given one if there are two or more.
func Shuffled[E any](ids *IDs, list []E, id func(E) string) []E {
	shuffled := slices.Clone(list)
	slices.SortStableFunc(shuffled, func(a, b E) int { return cmp.Compare(ids.Fraction(id(a), 0), ids.Fraction(id(b), 0)) })
	if slices.EqualFunc(shuffled, list, func(a, b E) bool { return id(a) == id(b) }) {
		slices.Reverse(shuffled)
	}
	return shuffled
}
