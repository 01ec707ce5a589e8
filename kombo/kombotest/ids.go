package kombotest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Ids in Kombo's examples are 24 alphanumerics without look-alikes.
const (
	idAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	idLength   = 24
)

// nextID returns the next id of a kind ("order", "event", …). Kinds count apart,
// so that one more event does not change the ids of later orders. The caller
// holds s.mu.
func (s *Server) nextID(kind string) string {
	s.counters[kind]++
	return makeID(s.cfg.Seed, kind, s.counters[kind])
}

func makeID(seed uint64, kind string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%d", seed, kind, n))
	id := make([]byte, idLength)
	for i := range id {
		id[i] = idAlphabet[int(sum[i])%len(idAlphabet)]
	}
	return string(id)
}

// fraction is a number in [0, 1) that depends on nothing but its arguments, so
// that random faults do not depend on the order of concurrent calls.
func fraction(seed uint64, what string, n int) float64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%d", seed, what, n))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}
