package ashbytest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// requestIDAlphabet is that of the ULIDs in Ashby's examples of request ids.
const requestIDAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID returns a UUID that no earlier call returned, for the records of a test.
// The sequence depends on [Config.Seed] alone.
func (s *Server) NewID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextID("new")
}

// nextID returns the next UUID of a kind. Kinds count apart, so that one more
// event does not change the ids of later records. The caller holds s.mu.
func (s *Server) nextID(kind string) string {
	s.counters[kind]++
	return makeUUID(s.cfg.Seed, kind, s.counters[kind])
}

func (s *Server) newRequestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters["request"]++
	sum := hash(s.cfg.Seed, "request", s.counters["request"])
	id := []byte("01JSJ8FDK5")
	for _, b := range sum[:16] {
		id = append(id, requestIDAlphabet[int(b)%len(requestIDAlphabet)])
	}
	return string(id)
}

// makeUUID is shaped as a random UUID (version 4), which its text claims to be.
func makeUUID(seed uint64, kind string, n int) string {
	sum := hash(seed, kind, n)
	sum[6] = sum[6]&0x0f | 0x40
	sum[8] = sum[8]&0x3f | 0x80
	text := hex.EncodeToString(sum[:16])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// fraction is a number in [0, 1) that depends on nothing but its arguments, so
// that random faults do not depend on the order of concurrent calls.
func fraction(seed uint64, what string, n int) float64 {
	sum := hash(seed, what, n)
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

func hash(seed uint64, what string, n int) [sha256.Size]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%d/%s/%d", seed, what, n))
}
