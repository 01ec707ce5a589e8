package transport

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecision(t *testing.T) {
	require.True(t, Undecided.or(true))
	require.False(t, Undecided.or(false))
	require.True(t, Yes.or(false))
	require.False(t, No.or(true))
}

func TestEveryStatusIsDecided(t *testing.T) {
	repeatable := map[int]bool{408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true}
	for status := range 600 {
		require.Equal(t, repeatable[status], (&Failure{}).retryable(status), status)
		require.False(t, (&Failure{Code: "NEW"}).retryable(status), status)
		refused := status < 500 && status != 408 || status == 501 || status == 503
		require.Equal(t, !refused, (&Failure{}).applied(status), status)
	}
}
