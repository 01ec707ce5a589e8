package durable_test

// roleVariable names, in the environment of a process that a test started, what
// that process plays.
const roleVariable = "ASSESSBRIDGE_TEST_ROLE"

func play(string) int { return 2 }
