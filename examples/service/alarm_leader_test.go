package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Of two processes one tells of what both share, so that a sum over them counts
// nothing twice. When it is gone the other one does.
func TestOneProcessLeads(t *testing.T) {
	i := install(t, 2*time.Second)
	far, folder := newCable(t)
	variables := append(i.variables, prefix+"DB="+postgresURL(folder, i.database(t)))
	second, stop := i.serve(t, variables)
	t.Cleanup(stop)
	processes, cables := []*service{i.service, second}, []*cable{i.cable, far}

	// leads are those who tell, and what they tell in sum.
	leads := func() (who []int, pending int) {
		for n, v := range processes {
			s := scrape(t, v)
			value, tells := s["assessbridge_results_pending"]
			require.Equal(t, tells, s["assessbridge_leader"] == "1", "process %d: %v", n, s)
			if tells {
				who = append(who, n)
			}
			if value == "1" {
				pending++
			}
		}
		return who, pending
	}
	eventually(t, "both are alive", func() bool { return i.number(t, `SELECT COUNT(*) FROM {processes}`) == 2 })
	i.result(t, elsewhere("1")) // something to count
	eventually(t, "one leads", func() bool { who, _ := leads(); return len(who) == 1 })
	before, pending := leads()
	require.Equal(t, 1, pending)
	for range 20 {
		who, pending := leads()
		require.Equal(t, before, who)
		require.Equal(t, 1, pending)
	}

	cables[before[0]].pull(true, false) // for the database it is dead
	i.shift(t, 30*time.Second)
	for range 20 {
		who, _ := leads()
		require.Empty(t, who, "it may be slow")
	}
	i.shift(t, 10*time.Second)
	eventually(t, "the other one leads", func() bool {
		who, pending := leads()
		require.LessOrEqual(t, len(who), 1)
		return len(who) == 1 && who[0] != before[0] && pending == 1
	})
	cables[before[0]].pull(false, false)
	eventually(t, "both answer, and one leads", func() bool {
		who, pending := leads()
		return scrape(t, processes[before[0]])["assessbridge_database_up"] == "1" && len(who) == 1 && pending == 1
	})
}
