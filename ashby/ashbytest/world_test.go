package ashbytest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/internal/simkit"
)

// worldOf is a world without a server around it.
func worldOf(t *testing.T, quirks Quirks) *world {
	t.Helper()
	cfg := Config{Quirks: quirks, Clock: func() time.Time { return time.Unix(0, 0) }}.withDefaults()
	w := newWorld(cfg, simkit.NewIDs(1))
	for _, spec := range cfg.Organizations {
		require.NoError(t, w.addOrganization(spec))
	}
	return w
}

// updateAt is an update with a time in seconds: a status, an end or both.
func updateAt(id string, second int64, end State) Update {
	u := Update{AssessmentID: id, Timestamp: time.Unix(second, 0), Status: &DataValue{Value: fmt.Sprint(end)}}
	u.Body = json.RawMessage(fmt.Sprintf(`{"at":%d,"end":%q}`, second, end))
	switch end {
	case StateCompleted:
		u.Result = &DataValue{Value: true}
	case StateCancelled:
		u.CancelledReason = &DataValue{Value: "no"}
	}
	return u
}

func TestWhatBecomesOfAnAssessment(t *testing.T) {
	for name, c := range map[string]struct {
		quirks  Quirks
		updates []Update
		refused []bool
		state   State
	}{
		"nothing":                  {state: StateLive},
		"progress, then completed": {updates: []Update{updateAt("a", 1, StateLive), updateAt("a", 2, StateCompleted)}, refused: []bool{false, false}, state: StateCompleted},
		"an older one":             {updates: []Update{updateAt("a", 2, StateLive), updateAt("a", 1, StateCompleted)}, refused: []bool{false, true}, state: StateLive},
		"an older one, if allowed": {quirks: Quirks{AcceptOlderTimestamps: true}, updates: []Update{updateAt("a", 2, StateLive), updateAt("a", 1, StateCompleted)}, refused: []bool{false, false}, state: StateCompleted},
		"the same once more":       {updates: []Update{updateAt("a", 1, StateCompleted), updateAt("a", 1, StateCompleted)}, refused: []bool{false, false}, state: StateCompleted},
		"the same, if refused":     {quirks: Quirks{Repeat: RepeatRefused}, updates: []Update{updateAt("a", 1, StateCompleted), updateAt("a", 1, StateCompleted)}, refused: []bool{false, true}, state: StateCompleted},
		"after the end":            {updates: []Update{updateAt("a", 1, StateCancelled), updateAt("a", 2, StateCompleted)}, refused: []bool{false, true}, state: StateCancelled},
		"of somebody else":         {updates: []Update{updateAt("b", 1, StateCompleted)}, refused: []bool{true}, state: StateLive},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOf(t, c.quirks)
			_, err := w.AddAssessment(Assessment{ID: "a"})
			require.NoError(t, err)
			for i, u := range c.updates {
				require.Equal(t, c.refused[i], w.update(w.first, u) != nil, i)
			}
			a, found := w.Assessment("a")
			require.True(t, found)
			require.Equal(t, c.state, a.State)
			require.Equal(t, c.state == StateLive, len(w.first.liveIn) == 1)
		})
	}
}

func TestOneSlotHoldsOneLiveAssessment(t *testing.T) {
	w := worldOf(t, Quirks{})
	o, ids := w.first, StartSpec{}.withDefaults().ids()
	started := func(id string, unread bool) []string {
		a := &Answer{AssessmentID: id}
		w.settleStart(o, ids, w.cancellations, unread, a)
		return a.Violations
	}
	require.Empty(t, started("lost", true))
	require.NotEmpty(t, started("another", false), "an answer that got lost had another id")
	w.settleCancel(o, "another")
	require.NotEmpty(t, started("another", false), "it is cancelled")
	require.Empty(t, started("new", false))
	require.Empty(t, started("new", false))
	require.NotEmpty(t, started("newer", false))
	require.Equal(t, "new", o.live(ids.slot()).ID)
	w.settleCancel(o, "new")
	require.Equal(t, "newer", o.live(ids.slot()).ID)
	require.Empty(t, o.lost)
	require.Empty(t, o.lostIn)
}

func TestPeopleAreFoundByEveryKey(t *testing.T) {
	w := worldOf(t, Quirks{})
	for _, c := range []Candidate{{ID: "2", ExternalMappingID: "x"}, {ID: "1", ExternalMappingID: "x"}, {ID: "3"}} {
		_, err := w.AddCandidate("", c)
		require.NoError(t, err)
	}
	found := func(id, external string) string {
		results, _ := w.candidate(w.first, id, external)
		return simkit.TextAt(results, "id")
	}
	require.Equal(t, []string{"3", "1", ""}, []string{found("3", ""), found("", "x"), found("", "")})
	_, err := w.AddCandidate("", Candidate{ID: "1", ExternalMappingID: "y"})
	require.NoError(t, err)
	require.Equal(t, []string{"", "1"}, []string{found("", "x"), found("", "y")})

	for _, a := range []Application{{ID: "b", CandidateID: "3"}, {ID: "a", CandidateID: "3"}, {ID: "b", CandidateID: "1"}} {
		_, err := w.AddApplication("", a)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"a"}, w.first.applicationsOf("3"))
	require.Equal(t, []string{"b"}, w.first.applicationsOf("1"))
	require.NoError(t, w.AddKey("", "k"))
	require.Error(t, w.AddKey("", "k"))
	w.RevokeKey("k")
	_, _, known := w.keyOwner("k")
	require.False(t, known)
}

// The cost of an assessment must not grow with the number of assessments. A walk over
// all of them would meet the one that is nil.
func TestTheLastAssessmentCostsWhatTheFirstDid(t *testing.T) {
	w := worldOf(t, Quirks{})
	add := func(id string) {
		a := &Answer{AssessmentID: id}
		w.settleStart(w.first, startIDs{typeID: "t", applicationID: id, candidateID: id}, 0, false, a)
		require.Empty(t, a.Violations)
	}
	cost := func(name string) float64 {
		n := 0
		return testing.AllocsPerRun(50, func() {
			n++
			id := fmt.Sprint(name, n)
			add(id)
			require.Nil(t, w.update(w.first, updateAt(id, 1, StateCompleted)))
			w.settleCancel(w.first, id)
		})
	}
	first := cost("first")
	for i := range 20_000 {
		add(fmt.Sprint(i))
	}
	w.first.assessments.Add(nil, "nil")
	require.InDelta(t, first, cost("last"), first/5)
}

func TestForgottenApplicationsAreGone(t *testing.T) {
	w := worldOf(t, Quirks{})
	o := w.first
	for _, id := range []string{"1", "2", "3"} {
		_, err := w.AddAssessment(Assessment{ID: "of " + id, ApplicationID: "application " + id, CandidateID: "candidate", TypeID: "t"})
		require.NoError(t, err)
		_, err = w.AddCandidate("", Candidate{ID: "candidate", ExternalMappingID: "x"})
		require.NoError(t, err)
		_, err = w.AddApplication("", Application{ID: "application " + id, CandidateID: "candidate"})
		require.NoError(t, err)
	}
	o.lose(slot{"application 1", "other"}, "lost")
	w.ForgetApplication("", "application 1")
	w.ForgetApplication("", "unknown")
	w.ForgetApplication("unknown", "application 2")
	require.Len(t, w.Assessments(""), 2)
	require.Len(t, o.liveIn, 2)
	require.Empty(t, o.lost)
	require.Empty(t, o.lostIn)
	require.Contains(t, o.candidates, "candidate", "he has another")
	w.ForgetApplication("", "application 2")
	w.ForgetApplication("", "application 3")
	require.Empty(t, o.assessments.Values())
	require.NotContains(t, o.candidates, "candidate")
	require.NotContains(t, o.applications, "application 3")
	require.NotContains(t, o.applied, "candidate")
	require.NotContains(t, o.byExternalID, "x")
}
