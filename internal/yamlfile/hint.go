package yamlfile

import (
	"fmt"
	"strings"
)

// didYouMean returns a hint for a word that looks like a known one, and nothing
// for one that does not.
func didYouMean(word string, known []string) string {
	best, least := "", 3
	for _, candidate := range known {
		// Up to half of a short word may be wrong, and two characters of any.
		allowed := min(2, len(candidate)/2)
		if d := distance(strings.ToLower(word), candidate); d <= allowed && d < least {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
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
