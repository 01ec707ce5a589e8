package outbound

import "strconv"

// Decimal returns the shortest decimal text that reads back as v, never with an
// exponent: 87.4 is "87.4", and the negative zero is "0".
func Decimal(v float64) string { return strconv.FormatFloat(Plain(v), 'f', -1, 64) }

// Plain returns v, or 0 for the negative zero, which is the same number and would
// be shown to a recruiter as "-0".
func Plain(v float64) float64 {
	if v == 0 {
		return 0
	}
	return v
}

// PlainPointer is [Plain] for a number that may be missing.
func PlainPointer(v *float64) *float64 {
	if v == nil || *v != 0 {
		return v
	}
	zero := 0.0
	return &zero
}
