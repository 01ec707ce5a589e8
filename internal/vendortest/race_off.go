//go:build !race

package vendortest

// RaceEnabled says whether the race detector is on, which allocates too.
const RaceEnabled = false
