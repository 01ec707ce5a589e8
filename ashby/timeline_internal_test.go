package ashby

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is remembered is bounded, by the assessments that nobody writes.
func TestTimelineIsBounded(t *testing.T) {
	line := newTimeline()
	line.limit = 3
	busy, err := line.enter(t.Context(), subject{"a", "busy"})
	require.NoError(t, err)
	line.stamp(busy, time.UnixMilli(100), nil)
	for i := range 100 {
		line.note(subject{"a", fmt.Sprint(i)}, int64(i))
	}
	require.Len(t, line.histories, 4)
	require.Equal(t, 3, line.idle.Len())
	line.leave(busy)
	require.Len(t, line.histories, 3)
	require.Contains(t, line.histories, subject{"a", "busy"}, "the oldest goes, and this is the latest")
	require.NotContains(t, line.histories, subject{"a", "97"})

	again, err := line.enter(t.Context(), subject{"a", "busy"})
	require.NoError(t, err)
	require.Same(t, busy, again)
	for i := range 100 {
		line.stamp(again, time.UnixMilli(int64(i)), []byte{byte(i)})
	}
	require.Len(t, again.sent, maxSent)
	require.Equal(t, int64(200), again.last)
	line.leave(again)
}
