package stackonetest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// StackOne's own ids start with one of these in the documented examples. Nothing
// may be read into them.
var idPrefixes = [...]string{"c28xIQ", "cxIQ"}

// nextID returns the next id of a kind ("order", "package", …). Kinds count apart,
// so that one more package does not change the ids of later orders. The ids are
// standard Base64: some hold characters that a path has to escape. The caller
// holds s.mu.
func (s *Server) nextID(kind string) string {
	s.counters[kind]++
	n := s.counters[kind]
	sum := digest(s.cfg.Seed, kind, n)
	// Lengths differ, and so does the padding.
	id := idPrefixes[n%len(idPrefixes)] + base64.StdEncoding.EncodeToString(sum[:14+n%3])
	if n%2 == 1 {
		return id
	}
	// Every other id is sure to need escaping.
	return id[:8] + "/" + id[8:10] + "+" + id[10:]
}

// nextNumber returns the next id in the form of the documented account ids:
// digits, and more of them than a float can hold. The caller holds s.mu.
func (s *Server) nextNumber(kind string) string {
	s.counters[kind]++
	sum := digest(s.cfg.Seed, kind, s.counters[kind])
	const nineteenDigits = 1_000_000_000_000_000_000
	return fmt.Sprint(3*nineteenDigits + binary.BigEndian.Uint64(sum[:8])%nineteenDigits)
}

// nextUUID returns the next id in the form of an ATS's own. The caller holds s.mu.
func (s *Server) nextUUID(kind string) string {
	s.counters[kind]++
	b := digest(s.cfg.Seed, kind, s.counters[kind])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4, variant 1
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func digest(seed uint64, what string, n int) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%d/%s/%d", seed, what, n))
}

// fraction is a number in [0, 1) that depends on nothing but its arguments, so
// that random faults do not depend on the order of concurrent calls.
func fraction(seed uint64, what string, n int) float64 {
	sum := digest(seed, what, n)
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}
