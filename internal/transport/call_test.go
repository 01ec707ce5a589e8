package transport

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is not declared is a write that must not be applied twice, unless HTTP
// itself says that it is a read.
func TestRepeatInForce(t *testing.T) {
	for _, c := range []struct {
		call Call
		want Repeat
	}{
		{Call{Method: "POST"}, Never},
		{Call{Method: "PUT"}, Never},
		{Call{Method: "GET"}, Read},
		{Call{Method: "HEAD"}, Read},
		{Call{Method: "GET", Repeat: Same}, Read},
		{Call{Method: "POST", Repeat: Read}, Read},
		{Call{Method: "POST", Repeat: Same}, Same},
		{Call{Method: "PATCH", Repeat: Again}, Again},
	} {
		require.Equal(t, c.want, c.call.repeat(), c.call.Method)
	}
}
