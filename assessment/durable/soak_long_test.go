package durable_test

import (
	"os"
	"time"
)

// soakVariable, if set, is how long the soak test runs.
const soakVariable = "ASSESSBRIDGE_SOAK"

func soakFor() time.Duration {
	d, err := time.ParseDuration(os.Getenv(soakVariable))
	if err != nil {
		return 0
	}
	return d
}
