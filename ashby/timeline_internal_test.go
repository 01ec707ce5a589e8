package ashby

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is remembered of one assessment is bounded.
func TestTimelineIsBounded(t *testing.T) {
	var line timeline
	line.note(100)
	for i := range 100 {
		line.stamp(update{at: time.UnixMilli(int64(i)), sum: uint64(i)})
	}
	require.Len(t, line.sent, maxSent)
	require.Equal(t, int64(200), line.last)
	line.note(7)
	require.Equal(t, int64(200), line.last, "time does not go back")
}

// A final result that is repeated after a correction comes after the correction.
func TestStampOfARepeatedFinal(t *testing.T) {
	var line timeline
	noon := time.UnixMilli(1000)
	first, second := update{at: noon, sum: 1, final: true}, update{at: noon, sum: 2, final: true}
	var got []int64
	for _, u := range []update{first, first, second, second, first} {
		got = append(got, line.stamp(u))
	}
	require.Equal(t, []int64{1000, 1000, 1001, 1001, 1002}, got)
}
