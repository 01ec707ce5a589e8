package assessment

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// OrderRef is all that is needed, weeks later, to write the result of an order
// back: store it with the test that the candidate takes. Two refs are the same
// order exactly if they are equal.
//
// Its text form ([OrderRef.String], [ParseOrderRef]) is stable across versions
// of this module and round-trips every value. It is printable ASCII without
// spaces and quotes, so that it fits logs and database columns. In a URL it has
// to be escaped like any text, because it contains slashes and percent signs.
type OrderRef struct {
	// Vendor is the partner API that the order came through.
	Vendor Vendor
	// Connection names one of several configurations of a vendor, such as Kombo
	// EU and Kombo US. It is empty for the only one.
	Connection string
	// Kind is the kind of the order where the vendor tells kinds apart.
	Kind Kind
	// Account is the customer: the Kombo integration id, the StackOne account
	// id, or the name that the host's authenticator gave the Ashby customer.
	Account string
	// ID is the vendor's id of the order; for Ashby, which has none, the id that
	// [Intake] minted and Ashby stores as assessment_id.
	ID string
}

// errRefSyntax is what every malformed order reference gets. The text itself is
// not repeated: it may come from a peer.
var errRefSyntax = errors.New("assessment: malformed order reference")

// refFields is the number of elements in the text form of an OrderRef.
const refFields = 5

// IsZero reports whether r is the zero OrderRef.
func (r OrderRef) IsZero() bool { return r == OrderRef{} }

// String returns the text form: vendor, connection, kind, account and id,
// joined by slashes, each with every byte outside A-Z a-z 0-9 - . _ ~ :
// percent-encoded, as in
//
//	kombo///workday:CBNMt7dSNCzBdnRTx87dev4E/B5KQKhAgTv6ZwzrfAbqbhipd
func (r OrderRef) String() string {
	var short [128]byte // on the stack: most references fit
	b := short[:0]
	for i, f := range [refFields]string{string(r.Vendor), r.Connection, string(r.Kind), r.Account, r.ID} {
		if i > 0 {
			b = append(b, '/')
		}
		b = appendEscaped(b, f)
	}
	return string(b)
}

// ParseOrderRef is the inverse of [OrderRef.String]. It accepts exactly the
// texts that String produces, so that equal refs have equal texts; anything
// else is an error that does not repeat the input.
func ParseOrderRef(text string) (OrderRef, error) {
	var fields [refFields]string
	rest := text
	for i := range fields {
		field, tail, found := strings.Cut(rest, "/")
		if found != (i < refFields-1) {
			return OrderRef{}, fmt.Errorf("%w: want %d elements", errRefSyntax, refFields)
		}
		plain, ok := unescape(field)
		if !ok {
			return OrderRef{}, fmt.Errorf("%w: element %d", errRefSyntax, i+1)
		}
		fields[i], rest = plain, tail
	}
	return OrderRef{
		Vendor:     Vendor(fields[0]),
		Connection: fields[1],
		Kind:       Kind(fields[2]),
		Account:    fields[3],
		ID:         fields[4],
	}, nil
}

// MarshalText implements [encoding.TextMarshaler] with the text of
// [OrderRef.String].
func (r OrderRef) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]; see [ParseOrderRef].
func (r *OrderRef) UnmarshalText(text []byte) error {
	ref, err := ParseOrderRef(string(text))
	if err != nil {
		return err
	}
	*r = ref
	return nil
}

// LogValue implements [slog.LogValuer]. A reference holds ids only, no
// candidate's data, so it is logged whole.
func (r OrderRef) LogValue() slog.Value { return slog.StringValue(r.String()) }

// unreserved are the bytes that stand for themselves: RFC 3986 plus the colon,
// which every Kombo integration id contains.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~' || c == ':'
}

const upperHex = "0123456789ABCDEF"

func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// unescape refuses everything that appendEscaped does not write: a byte that
// should be escaped, an escape of a byte that should not be, lower-case hex.
func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		for i := range len(s) {
			if !unreserved(s[i]) {
				return "", false
			}
		}
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '%' {
			if !unreserved(c) {
				return "", false
			}
			b = append(b, c)
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi := strings.IndexByte(upperHex, s[i+1])
		lo := strings.IndexByte(upperHex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		c = byte(hi<<4 | lo)
		if unreserved(c) {
			return "", false
		}
		b = append(b, c)
		i += 2
	}
	return string(b), true
}
