package check

import "slices"

// sets are the releases of the catalogue, oldest first. A check belongs to the set in
// which it came and to all later ones, so that a run with a fixed set never meets a
// check that it did not know.
var sets = []string{"2026.1"}

// Sets are the names that [Options.Set] takes, oldest first.
func Sets() []string { return slices.Clone(sets) }

func newestSet() string { return sets[len(sets)-1] }

func inSet(c Check, set string) bool { return slices.Index(sets, c.Since) <= slices.Index(sets, set) }
