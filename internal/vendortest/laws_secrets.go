package vendortest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A secret or key that cannot work is refused when it is set, and not delivery by
// delivery: mostly it is a line break that a file or a shell has added. The error
// does not show it.
func uselessSecrets(t *testing.T, v Vendor) {
	for name, set := range v.Secrets {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, set("a-good-secret-0123456789"))
			for _, useless := range []string{
				"", " ", "\t", "\n", canary + "\n", canary + "\r\n", " " + canary, canary + " ", canary + "\t", canary + "\x00", canary + "\x7f", canary + "\u0085",
			} {
				err := set(useless)
				require.Error(t, err, "%q", useless)
				require.Empty(t, Leak(err.Error()))
			}
		})
	}
}
