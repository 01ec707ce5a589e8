package stackone

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestATSCacheIsBounded(t *testing.T) {
	cache := atsCache{lookUp: func(context.Context, string) (string, error) { return "ashby", nil }}
	for i := range atsLimit + 10 {
		ats, err := cache.of(t.Context(), strconv.Itoa(i))
		require.NoError(t, err)
		require.Equal(t, "ashby", ats)
		require.Equal(t, ats, cache.cached(strconv.Itoa(i)), "the newest stays")
	}
	require.Len(t, cache.entries, atsLimit)
	require.Empty(t, cache.asking)
}

// A failed lookup is remembered in the place of the account, not in one more.
func TestATSCacheKeepsFailuresInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errLookup := errors.New("no")
		asked := 0
		cache := atsCache{lookUp: func(context.Context, string) (string, error) { asked++; return "", errLookup }}
		for range 3 {
			_, err := cache.of(t.Context(), "a")
			require.ErrorIs(t, err, errLookup)
		}
		require.Equal(t, 1, asked)
		require.Len(t, cache.entries, 1)
	})
}

// A panic of the host's inside a lookup leaves nobody waiting.
func TestATSCacheAfterAPanic(t *testing.T) {
	panics := true
	cache := atsCache{lookUp: func(context.Context, string) (string, error) {
		if panics {
			panic("host")
		}
		return "ashby", nil
	}}
	require.Panics(t, func() { _, _ = cache.of(t.Context(), "a") })
	panics = false
	ats, err := cache.of(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "ashby", ats)
}
