package outbound

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// The table forgets the oldest orders, but none that is being written.
func TestTableIsBounded(t *testing.T) {
	table := NewTable[int]()
	table.limit = 3
	busy, err := table.enter(t.Context(), Key{ID: "busy"}, time.Hour)
	require.NoError(t, err)
	done := assessment.Result{Status: assessment.StatusCompleted}
	table.note(busy, done, 0, true)
	for i := range 100 {
		e, err := table.enter(t.Context(), Key{ID: fmt.Sprint(i)}, time.Hour)
		require.NoError(t, err)
		table.note(e, done, 0, true)
		table.leave(e)
		require.LessOrEqual(t, len(table.young)+len(table.older), 7)
	}
	again := table.find(Key{ID: "busy"})
	require.Same(t, busy, again)
	require.NotEmpty(t, table.past(Key{ID: "99"}).stale(assessment.Result{Status: assessment.StatusOpen}))
	require.Empty(t, table.past(Key{ID: "90"}).stale(assessment.Result{Status: assessment.StatusOpen}))
	size := len(table.young) + len(table.older)
	_ = table.past(Key{ID: "never seen"})
	require.Len(t, table.young, size-len(table.older), "a question leaves no trace")

	table.leave(busy)
	for i := range 10 {
		table.Do(assessment.OrderRef{ID: fmt.Sprint("own ", i)}, func(own *int) { *own = i })
	}
	require.NotSame(t, busy, table.find(Key{ID: "busy"}))
	table.Do(assessment.OrderRef{ID: "own 9"}, func(own *int) { require.Equal(t, 9, *own) })
}
