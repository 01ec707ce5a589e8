package transport

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestEveryStatusIsDecided(t *testing.T) {
	repeatable := map[int]bool{
		408: true, 425: true, 429: true, 500: true, 502: true, 503: true, 504: true,
		520: true, 521: true, 522: true, 523: true, 524: true,
	}
	for status := 400; status < 600; status++ {
		require.Equal(t, repeatable[status], Failure{}.settle(status).Retry == Yes, status)
		require.Equal(t, No, Failure{Code: "NEW"}.settle(status).Retry, status)
		refused := status < 500 && status != 408 || status == 501 || status == 503
		require.Equal(t, !refused, Failure{}.settle(status).Applied == Yes, status)
		for _, decided := range []Decision{Yes, No} {
			f := Failure{Retry: decided, Applied: decided}.settle(status)
			require.Equal(t, decided, f.Retry, status)
			require.Equal(t, decided, f.Applied, status)
		}
	}
}

// A failure under a status of success leaves everything open, unless the vendor's
// client knows what it means.
func TestFailureUnderASuccess(t *testing.T) {
	for _, status := range []int{200, 201, 204} {
		f := Failure{}.settle(status)
		require.Equal(t, []any{assessment.ErrUnavailable, Yes, Yes}, []any{f.Class, f.Retry, f.Applied})
		f = Failure{Code: "NEW"}.settle(status)
		require.Equal(t, []any{assessment.ErrUnavailable, No, Yes}, []any{f.Class, f.Retry, f.Applied})
		f = Failure{Code: "BAD", Class: assessment.ErrInvalid}.settle(status)
		require.Equal(t, []any{assessment.ErrInvalid, No, No}, []any{f.Class, f.Retry, f.Applied})
	}
}

// Only a 429 that does not say otherwise is about the window of the key.
func TestWhoseLimit(t *testing.T) {
	require.Equal(t, KeyLimit, Failure{}.settle(429).Limit)
	require.Equal(t, UnknownLimit, Failure{}.settle(503).Limit)
	require.Equal(t, UnknownLimit, Failure{Code: "NEW"}.settle(429).Limit)
	require.Equal(t, RemoteLimit, Failure{Limit: RemoteLimit}.settle(429).Limit)
}

func TestKnownTexts(t *testing.T) {
	fixed := []string{"Bad Request", "Sorry"}
	require.Equal(t, "Bad Request: Sorry", Known(fixed, ": ", "Bad Request", "Sorry"))
	require.Equal(t, "Sorry", Known(fixed, ": ", "Bad Request of Jane", "Sorry"))
	require.Empty(t, Known(fixed, ": ", "", "bad request"))
}
