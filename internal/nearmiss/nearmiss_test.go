package nearmiss_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/nearmiss"
)

func TestHint(t *testing.T) {
	known := []string{"base", "candidate.email", "candidate.phone", "ready"}
	for word, want := range map[string]string{
		"bse":             `, did you mean "base"?`,
		"BASE":            `, did you mean "base"?`,
		"candidate.emial": `, did you mean "candidate.email"?`,
		"candidate.mail":  `, did you mean "candidate.email"?`,
		"":                "",
		"xy":              "",
		"webhook":         "",
	} {
		require.Equal(t, want, nearmiss.Hint(word, known), word)
	}
}
