package assessment

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// identify returns the order's store key and its reference. An order with a
// vendor's id is its reference. For the others an id is minted, and what
// repeats in a repeated order makes the key; keyed says whether there was
// anything.
func identify(o Order) (key string, ref OrderRef, keyed bool, err error) {
	ref = o.Ref
	if !ref.natural() {
		if ref.ID == "" {
			var p ValidationError
			p.Add("ref.id", "required: "+string(ref.Vendor)+" gives every order an id")
			return "", ref, false, p.Err()
		}
		return ref.String(), ref, true, nil
	}
	if ref.ID == "" {
		ref.ID = newUUID()
	}
	subject, id := "application", o.Application.RemoteID
	if id == "" {
		subject, id = "candidate", o.Candidate.RemoteID
	}
	if id == "" {
		return naturalKey(ref, "order", ref.ID), ref, false, nil
	}
	return naturalKey(ref, subject, id, o.Package.ID), ref, true, nil
}

// naturalKey joins the customer and what was ordered. It has more elements than
// the text of an [OrderRef], so that no key is both.
func naturalKey(ref OrderRef, parts ...string) string {
	fields := append([]string{"natural", string(ref.Vendor), ref.Connection, string(ref.Kind), ref.Account}, parts...)
	for i, f := range fields {
		fields[i] = string(appendEscaped(nil, f))
	}
	return strings.Join(fields, "/")
}

// newUUID returns a random UUID (RFC 9562, version 4). Ashby's schema types
// assessment ids as UUIDs.
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails since Go 1.24
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	text := hex.EncodeToString(u[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
