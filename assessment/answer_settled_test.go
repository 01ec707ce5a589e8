package assessment_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// settledAnswers are what stays of the answers to orders that ended long ago.
// Earlier releases read them as an answer without links, and as a rejection without
// words.
var settledAnswers = map[string]struct{ file, of string }{
	"started":         {"answer_settled.json", "answer_started.json"},
	"without links":   {"answer_settled.json", "answer_empty.json"},
	"rejected":        {"answer_settled_rejected.json", "answer_rejected.json"},
	"already running": {"answer_settled_already_running.json", "answer_already_running.json"},
}

func TestSettledAnswers(t *testing.T) {
	for name, tc := range settledAnswers {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile("testdata/" + tc.file)
			require.NoError(t, err)
			answer, err := os.ReadFile("testdata/" + tc.of)
			require.NoError(t, err)
			c := assessment.Claim{Key: "k", Ref: intakeOrder("o1").Ref, Token: "t", Answer: answer}
			got, able := c.Settled()
			require.True(t, able)
			require.Equal(t, string(want), string(got.Answer)+"\n")
			require.Equal(t, string(answer), string(c.Answer), "the caller's bytes are untouched")
			got.Answer = answer
			require.Equal(t, c, got, "nothing else of the record changes")
		})
	}
	for name, answer := range map[string]string{
		"nobody has answered": "", "erased": assessment.ErasedAnswer, "not JSON": "{", "of a newer release": `{"v":2,"started":{}}`,
		"of nothing": `{"v":1}`, "settled": `{"v":1,"started":{},"settled":true}`,
		"that a rejection was written": `{"v":1,"written":"written","request_id":"r"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := assessment.Claim{Key: "k", Answer: []byte(answer)}
			got, able := c.Settled()
			require.False(t, able)
			require.Equal(t, c, got)
		})
	}
}

// An order that ended long ago is answered as one that was taken or rejected
// before, also one whose candidate waited for a link then. It is not started.
func TestIntakeReplaysASettledAnswer(t *testing.T) {
	for name, tc := range settledAnswers {
		t.Run(name, func(t *testing.T) {
			answer, err := os.ReadFile("testdata/" + tc.file)
			require.NoError(t, err)
			synctest.Test(t, func(t *testing.T) {
				o := intakeOrder("o1")
				store := assessment.NewMemoryStore(0)
				c := intakeDied(t, store, o)
				c.Answer = answer
				require.NoError(t, store.Answer(t.Context(), c))
				p := &intakeProvider{}
				in := intakeOf(t, p, store)
				at := time.Date(2000, 1, 1, 0, 0, 1, 234e6, time.UTC)
				states, err := in.States(t.Context(), []assessment.OrderRef{o.Ref})
				require.NoError(t, err)
				for _, o.Inline = range []bool{false, true} {
					got, err := in.Start(t.Context(), o)
					if said := intakeAnswers[tc.of].err; said != nil {
						no := *said.(*assessment.Rejection)
						no.Message, no.At = map[bool]string{
							false: "The order was rejected.", true: "The candidate is being assessed already.",
						}[no.AlreadyRunning], at
						require.Equal(t, &no, err)
						require.Equal(t, assessment.OrderRejected, states[o.Ref])
						continue
					}
					require.NoError(t, err)
					require.Equal(t, assessment.Accepted{Ref: o.Ref, At: at, Replayed: true, Settled: true}, got)
					require.Equal(t, assessment.OrderStarted, states[o.Ref])
				}
				require.Zero(t, p.calls())
			})
		})
	}
}
