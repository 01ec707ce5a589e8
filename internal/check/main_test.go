package check_test

import (
	"flag"
	"os"
	"testing"
)

// The broken providers wait most of the time, for what they never do: many of them at
// once take no more of the processor than a few.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
