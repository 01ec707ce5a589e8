//go:build !race

package stackone_test

const raceEnabled = false
