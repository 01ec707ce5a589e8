// Package nearmiss finds the word that somebody meant who mistyped it.
package nearmiss

import (
	"fmt"
	"strings"
)

// Hint says which of the known words a mistyped one looks like, to stand behind an
// error: `, did you mean "base"?`. It is empty for a word that looks like none.
func Hint(word string, known []string) string {
	if best := Of(word, known); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}

// Of returns the known word that a mistyped one looks most like, the first of several;
// empty if it looks like none. Known words are in lower case.
func Of(word string, known []string) string {
	best, least := "", 3
	for _, candidate := range known {
		// Up to half of a short word may be wrong, and two characters of any.
		allowed := min(2, len(candidate)/2)
		if d := distance(strings.ToLower(word), candidate); d <= allowed && d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes between two words: how many
// must be inserted, removed or replaced. Of words whose lengths are far apart it
// returns the difference of the lengths, so that the work is bounded by the
// length of the shorter one.
func distance(a, b string) int {
	if difference := max(len(a)-len(b), len(b)-len(a)); difference > 2 {
		return difference
	}
	row := make([]int, len(b)+1) // distances of the read part of a to the prefixes of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
