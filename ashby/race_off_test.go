//go:build !race

package ashby_test

const raceEnabled = false
