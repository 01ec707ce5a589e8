package assessment_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

func TestIntakeAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		o := intakeOrder("o1")
		require.NoError(t, in.Adopt(t.Context(), o.Ref, intakeStarted(o)))
		adopted := time.Now().UTC()
		intakePass(time.Hour)
		want := assessment.Accepted{Ref: o.Ref, Started: intakeStarted(o), At: adopted, Replayed: true}
		require.Equal(t, want, intakeAccepts(t, in, o))

		require.NoError(t, in.Adopt(t.Context(), o.Ref, assessment.Started{CandidateURL: "https://tests.example.com/other"}))
		require.Equal(t, want, intakeAccepts(t, in, o), "the first answer stays")
		require.Zero(t, p.calls())
	})
}

func TestIntakeAdoptAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		first := intakeAccepts(t, in, intakeOrder("o1"))
		require.NoError(t, in.Adopt(t.Context(), first.Ref, assessment.Started{}))
		require.Equal(t, intakeBytes(t, first), intakeBytes(t, intakeAccepts(t, in, intakeOrder("o1"))))
	})
}

func TestIntakeAdoptWhileTheOrderStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{start: intakeSlow(time.Second)}
		store := assessment.NewMemoryStore(0)
		in := intakeOf(t, p, store)
		o := intakeOrder("o1")
		first := intakeDeliver(t.Context(), in, o)
		synctest.Wait()
		intakeBusy(t, in.Adopt(t.Context(), o.Ref, assessment.Started{}), assessment.ErrInProgress)
		intakeBusy(t, intakeOf(t, p, store).Adopt(t.Context(), o.Ref, assessment.Started{}), assessment.ErrInProgress)
		reply := <-first
		require.NoError(t, reply.err)
		require.Equal(t, intakeStarted(o), reply.accepted.Started)
	})
}

func TestIntakeAdoptRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := assessment.NewMemoryStore(0)
		in := intakeOf(t, &intakeProvider{}, store)
		var invalid *assessment.ValidationError
		require.ErrorAs(t, in.Adopt(t.Context(), intakeOrder("").Ref, assessment.Started{}), &invalid)
		require.ErrorAs(t, in.AdoptOrder(t.Context(), intakeMinted("a1"), assessment.Started{}), &invalid)
		for _, bad := range []assessment.Started{{CandidateURL: "/t/1"}, {ReportURL: "javascript:alert(1)"}} {
			require.Error(t, in.Adopt(t.Context(), intakeOrder("o1").Ref, bad), "it would be repeated for good")
		}
		require.Zero(t, store.Len())
	})
}

// What can never be stored must not be called a passing trouble of the store,
// and must not keep the order from being taken.
func TestIntakeAdoptOfAnAnswerThatIsNoJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := intakeOf(t, &intakeProvider{}, assessment.NewMemoryStore(0))
		bad := assessment.Started{Update: &assessment.Result{
			Passthrough: map[assessment.Vendor]json.RawMessage{assessment.Kombo: json.RawMessage("{")},
		}}
		err := in.Adopt(t.Context(), intakeOrder("o1").Ref, bad)
		require.Error(t, err)
		_, again := assessment.Retryable(err)
		require.False(t, again)
		began := time.Now()
		require.NoError(t, in.Adopt(t.Context(), intakeOrder("o1").Ref, assessment.Started{}))
		require.Zero(t, time.Since(began))
	})
}

func TestIntakeAdoptWhileTheStoreIsDown(t *testing.T) {
	for _, method := range []string{"Claim", "Answer"} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := make(chan struct{})
				in := intakeOf(t, &intakeProvider{}, intakeFailing(assessment.NewMemoryStore(0), up, method))
				ref := intakeOrder("o1").Ref
				intakeBusy(t, in.Adopt(t.Context(), ref, assessment.Started{}), assessment.ErrStore)
				close(up)
				intakePass(assessment.DefaultLease)
				require.NoError(t, in.Adopt(t.Context(), ref, assessment.Started{}))
			})
		})
	}
}

// A reference does not tell what a repetition of such an order looks like, but the
// order does.
func TestIntakeAdoptOfAMintedOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		o := intakeMinted("a1")
		o.Ref.ID = intakeMintedID
		require.NoError(t, in.AdoptOrder(t.Context(), o, intakeStarted(o)))
		got := intakeAccepts(t, in, intakeMinted("a1"))
		require.Equal(t, o.Ref, got.Ref)
		require.True(t, got.Replayed)
		require.Zero(t, p.calls())
	})
}
