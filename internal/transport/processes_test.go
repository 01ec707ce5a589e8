package transport

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Documented limits and an account's width are for all processes together; bounds
// by hand are this one's.
func TestProcessesShareLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&Config{PerMinute: 1000, InFlightPerAccount: 30, MaxWait: time.Minute})
		for processes, want := range map[int][2]int{0: {950, 30}, 1: {950, 30}, 4: {237, 7}, 100: {9, 1}, 5000: {1, 1}} {
			g.set(assessment.Pacing{Processes: processes}, time.Now())
			require.Equal(t, want, [2]int{g.minutes.calls, g.estimated()}, "%d processes", processes)
		}
		g.set(assessment.Pacing{Mode: assessment.PacingFixed, PerMinute: 60, Processes: 4}, time.Now())
		require.Equal(t, 60, g.minutes.calls)
		require.Equal(t, assessment.Pacing{Mode: assessment.PacingFixed, PerMinute: 60, Processes: 4}, g.paced())
	})
	require.Error(t, assessment.Pacing{Processes: -1}.Check())
}

// What was sent in the minute counts on when the number of processes changes.
func TestProcessesChangeIsNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(&Config{PerMinute: 1000, MaxWait: time.Minute})
		for range 200 {
			g.minutes.opens(time.Now(), 0)
			g.minutes.take(Final, time.Now())
		}
		for _, processes := range []int{8, 4, 8, 1} {
			g.set(assessment.Pacing{Processes: processes}, time.Now())
			require.Equal(t, 200, g.minutes.sum)
			require.LessOrEqual(t, g.minutes.tokens, 37.5)
		}
	})
}
