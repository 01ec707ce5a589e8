package assessment_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

var intakeAnswers = map[string]struct {
	started assessment.Started
	err     error
}{
	"answer_started.json": {started: assessment.Started{
		CandidateURL: "https://tests.example.com/take/1?a=b&c=<d>",
		ReportURL:    "https://tests.example.com/report/1",
		Update: &assessment.Result{
			Status: assessment.StatusInProgress, StatusText: "Wartet auf Rückmeldung", Score: assessment.ScoreBetween(0, -1, 87.4),
			At:          time.Date(2026, 1, 2, 4, 4, 5, 678900000, time.FixedZone("CET", 3600)),
			Attributes:  []assessment.Attribute{{ID: "rank", Label: "Rank", Value: assessment.Number(0)}},
			Passthrough: map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage(`{"b":1,"a":2}`)},
		},
	}},
	"answer_empty.json":           {},
	"answer_rejected.json":        {err: assessment.Reject("Package \"p1\" is not in <your> plan.")},
	"answer_already_running.json": {err: assessment.AlreadyRunning("Jane takes it now.")},
}

// TestIntakeAnswersAreStable pins the answers that stores hold, both ways: what
// is written, and that it reads back as what the provider said.
func TestIntakeAnswersAreStable(t *testing.T) {
	for file, said := range intakeAnswers {
		t.Run(file, func(t *testing.T) {
			want, err := os.ReadFile("testdata/" + file)
			require.NoError(t, err)
			synctest.Test(t, func(t *testing.T) {
				intakePass(1234567890 * time.Nanosecond)
				o := intakeOrder("o1")
				p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
					return said.started, said.err
				}}
				store := assessment.NewMemoryStore(0)
				first, firstErr := intakeOf(t, p, store).Start(t.Context(), o)
				held, err := store.Claim(t.Context(), assessment.Claim{Key: o.Ref.String(), Ref: o.Ref, Token: "another"}, time.Minute)
				require.NoError(t, err)
				require.Empty(t, cmp.Diff(string(want), string(held.Answer)+"\n"))

				// A record that an earlier release left.
				old := assessment.NewMemoryStore(0)
				c := assessment.Claim{Key: o.Ref.String(), Ref: o.Ref, Token: "of an earlier release", Answer: want}
				_, err = old.Claim(t.Context(), c, time.Minute)
				require.NoError(t, err)
				require.NoError(t, old.Answer(t.Context(), c))
				again, err := intakeOf(t, &intakeProvider{}, old).Start(t.Context(), o)
				require.Equal(t, firstErr, err)
				if said.err != nil {
					no := *said.err.(*assessment.Rejection)
					no.At = time.Date(2000, 1, 1, 0, 0, 1, 234e6, time.UTC)
					require.Equal(t, &no, err)
					return
				}
				require.True(t, again.Replayed)
				require.Equal(t, intakeBytes(t, first), intakeBytes(t, again))
				require.Equal(t, time.Date(2000, 1, 1, 0, 0, 1, 234000000, time.UTC), again.At)
				require.Empty(t, cmp.Diff(said.started, again.Started))
			})
		})
	}
}

// What this release writes into an answer, a later one may add to.
func TestIntakeAnswerOfALaterRelease(t *testing.T) {
	want, err := os.ReadFile("testdata/answer_later.json")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		o := intakeOrder("o1")
		store := assessment.NewMemoryStore(0)
		c := intakeDied(t, store, o)
		c.Answer = want
		require.NoError(t, store.Answer(t.Context(), c))
		p := &intakeProvider{}
		require.Equal(t, assessment.Accepted{
			Ref:      o.Ref,
			Started:  assessment.Started{CandidateURL: "https://tests.example.com/take/1"},
			At:       time.Date(2026, 1, 2, 3, 4, 5, 678000000, time.UTC),
			Replayed: true,
		}, intakeAccepts(t, intakeOf(t, p, store), o))
		require.Zero(t, p.calls())
	})
}
