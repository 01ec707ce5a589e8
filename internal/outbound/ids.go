package outbound

import "strconv"

// IDs sees to it that an identifier occurs once in what is sent. The comparison
// is exact; no vendor documents another one. The zero value is ready to use.
type IDs struct {
	// Reserved reports identifiers that nobody may choose; nil means none.
	Reserved func(id string) bool

	taken map[string]int // to the element that chose it, or -1
}

// Claim takes an identifier that the provider chose for element i of a list. It
// has to be called for all of these before any is made up. The message says what
// is wrong with the choice; it is empty if it is good.
func (ids *IDs) Claim(id string, i int, list string) (message string) {
	first, taken := ids.taken[id]
	switch {
	case ids.Reserved != nil && ids.Reserved(id):
		return "reserved by this package"
	case taken:
		return "already the one of " + list + "[" + strconv.Itoa(first) + "]"
	}
	ids.take(id, i)
	return ""
}

// Mint returns wanted or, if that is taken, wanted with a number.
func (ids *IDs) Mint(wanted string) string {
	id := wanted
	for n := 2; ; n++ {
		if _, taken := ids.taken[id]; !taken && (ids.Reserved == nil || !ids.Reserved(id)) {
			ids.take(id, -1)
			return id
		}
		id = wanted + "-" + strconv.Itoa(n)
	}
}

func (ids *IDs) take(id string, by int) {
	if ids.taken == nil {
		ids.taken = make(map[string]int)
	}
	ids.taken[id] = by
}
