package assessment

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
)

// OrderKey returns the [Claim.Key] under which an [Intake] with this
// [IntakeConfig.KeySecret] records the order; it is for those who write records
// themselves, such as an import.
//
// The key of an order with a vendor's id is the text of its reference. With
// [Order.Dedupe] it is a hash of vendor, connection, kind, account and those
// parts, keyed with the secret if there is one, so that no part can be read from
// it; it is never the text of a reference. An order with neither is a
// [*ValidationError].
func OrderKey(o Order, secret string) (string, error) {
	switch {
	case len(o.Dedupe) == 0 && strings.TrimSpace(o.Ref.ID) == "":
		var p ValidationError
		p.Add("ref.id", "required, unless dedupe says what a repetition has in common")
		return "", p.Err()
	case len(o.Dedupe) == 0:
		return o.Ref.String(), nil
	case !slices.ContainsFunc(o.Dedupe, func(part string) bool { return strings.TrimSpace(part) != "" }):
		var p ValidationError
		p.Add("dedupe", "has only empty parts, which any other order may have too")
		return "", p.Err()
	}
	return naturalKey(o.Ref, o.Dedupe, secret), nil
}

// naturalKeyPrefix starts the key of an order without a vendor's id. A reference
// has slashes in its text and such a key has none, so no key is both. The digit is
// the version of what is hashed: another one starts every order anew.
const naturalKeyPrefix = "natural-1:"

// naturalKey hashes each field with its length before it, so that no two lists of
// fields are the same bytes.
func naturalKey(ref OrderRef, parts []string, secret string) string {
	h := sha256.New()
	if secret != "" {
		h = hmac.New(sha256.New, []byte(secret))
	}
	for _, field := range []string{string(ref.Vendor), ref.Connection, string(ref.Kind), ref.Account} {
		hashField(h, field)
	}
	for _, part := range parts {
		hashField(h, part)
	}
	return naturalKeyPrefix + hex.EncodeToString(h.Sum(nil))
}

func hashField(h hash.Hash, field string) {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(field)))
	_, _ = h.Write(size[:])
	_, _ = h.Write([]byte(field))
}

// ErasedKey returns the random key that [Store.Erase] gives the record of an order
// whose id the intake minted. No order has it.
func ErasedKey() string { return "erased:" + newUUID() }

// natural reports whether the intake minted the id of the record's order, because
// the vendor gives none.
func (c Claim) natural() bool { return c.Key != c.Ref.String() }

// newUUID returns a random UUID (RFC 9562, version 4). Ashby's schema types
// assessment ids as UUIDs.
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails since Go 1.24
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:8], u[0:4])
	hex.Encode(text[9:13], u[4:6])
	hex.Encode(text[14:18], u[6:8])
	hex.Encode(text[19:23], u[8:10])
	hex.Encode(text[24:36], u[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}
