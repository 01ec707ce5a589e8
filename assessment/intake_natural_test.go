package assessment_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// What makes two orders of a vendor without order ids the same: the parts that its
// adapter names, and whose order it is.
func TestIntakeNaturalKeys(t *testing.T) {
	tests := map[string]struct {
		edit func(*assessment.Order)
		same bool
	}{
		"repeated":                 {func(*assessment.Order) {}, true},
		"everything else differs":  {func(o *assessment.Order) { o.Candidate.RemoteID, o.Job.ID, o.Inline = "c2", "j2", true }, true},
		"another part":             {func(o *assessment.Order) { o.Dedupe[1] = "a2" }, false},
		"another case":             {func(o *assessment.Order) { o.Dedupe[1] = "A1" }, false},
		"a further part":           {func(o *assessment.Order) { o.Dedupe = append(o.Dedupe, "") }, false},
		"another customer":         {func(o *assessment.Order) { o.Ref.Account = "other" }, false},
		"another connection":       {func(o *assessment.Order) { o.Ref.Connection = "sandbox" }, false},
		"another vendor":           {func(o *assessment.Order) { o.Ref.Vendor = "own" }, false},
		"another kind":             {func(o *assessment.Order) { o.Ref.Kind = assessment.KindAssessment }, false},
		"another border of parts":  {func(o *assessment.Order) { o.Dedupe = []string{"application", "a1p1", ""} }, false},
		"another border of fields": {func(o *assessment.Order) { o.Ref.Account, o.Dedupe = "acmeapplication", []string{"", "a1", "p1"} }, false},
		"lengths in the parts": {func(o *assessment.Order) {
			o.Dedupe = []string{"application\x00\x00\x00\x00\x00\x00\x00\x02a1", "p1"}
		}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &intakeProvider{}
				in := intakeOf(t, p, assessment.NewMemoryStore(0))
				first := intakeAccepts(t, in, intakeMinted("a1"))
				o := intakeMinted("a1")
				test.edit(&o)
				second := intakeAccepts(t, in, o)
				require.Equal(t, test.same, second.Replayed)
				require.Equal(t, test.same, first.Ref == second.Ref)
				require.Equal(t, test.same, p.calls() == 1)
			})
		})
	}
}

// A store must not give away who ordered what: neither to a reader, nor, with a
// secret, to somebody who tries the people that he knows.
func TestNaturalKeysShowNothing(t *testing.T) {
	o := intakeMinted("a1")
	o.Dedupe = []string{"email", "jane@example.com", "p1"}
	keys := make(map[string]bool)
	for _, secret := range []string{"", "one", "another"} {
		key, err := assessment.OrderKey(o, secret)
		require.NoError(t, err)
		require.Regexp(t, `^natural-1:[0-9a-f]{64}$`, key)
		keys[key] = true
	}
	require.Len(t, keys, 3)

	p := &intakeProvider{}
	spy := &intakeSpy{Store: assessment.NewMemoryStore(0)}
	in := intakeOf(t, p, spy, func(c *assessment.IntakeConfig) { c.KeySecret = "one" })
	intakeAccepts(t, in, o)
	want, err := assessment.OrderKey(o, "one")
	require.NoError(t, err)
	require.Equal(t, want, spy.got[0].Key)
}

// An order must not be taken for another because nothing is known of either.
func TestIntakeOrderWithEmptyParts(t *testing.T) {
	p := &intakeProvider{}
	in := intakeOf(t, p, assessment.NewMemoryStore(0))
	o := intakeMinted("")
	o.Dedupe = []string{"", ""}
	_, err := in.Start(t.Context(), o)
	var invalid *assessment.ValidationError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "dedupe", invalid.Problems[0].Path)
	require.Zero(t, p.calls())
}

// The recruiter mends the data and presses Start again: a new order.
func TestIntakeRejectionFreesAMintedOrder(t *testing.T) {
	for name, says := range map[string]error{
		"reject": assessment.Reject("No e-mail address."), "already running": assessment.AlreadyRunning("No e-mail address."),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &intakeProvider{}
				p.start = func(_ context.Context, o assessment.Order) (assessment.Started, error) {
					if o.Candidate.Email == "" {
						return assessment.Started{}, says
					}
					return intakeStarted(o), nil
				}
				store := assessment.NewMemoryStore(0)
				in := intakeOf(t, p, store)
				bad := intakeMinted("a1")
				bad.Candidate.Email = ""
				_, err := in.Start(t.Context(), bad)
				intakeRejected(t, err, assessment.Rejection{Message: "No e-mail address.", AlreadyRunning: name == "already running"})
				require.Zero(t, store.Len())

				got := intakeAccepts(t, in, intakeMinted("a1"))
				require.False(t, got.Replayed)
				require.Len(t, p.refs(), 2)
				require.NotEqual(t, p.refs()[0], p.refs()[1])
				require.Equal(t, p.refs()[1], got.Ref)
			})
		})
	}
}

// Whichever way a rejection travels, it has a message: the vendor requires one.
func TestIntakeRejectionOfAMintedOrderHasAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, &assessment.Rejection{AlreadyRunning: true}
		}
		_, err := intakeOf(t, p, assessment.NewMemoryStore(0)).Start(t.Context(), intakeMinted("a1"))
		intakeRejected(t, err, assessment.Rejection{Message: "The candidate is being assessed already.", AlreadyRunning: true})
	})
}

// The order cannot be freed for now, but the recruiter gets the reason.
func TestIntakeRejectionWhileTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, assessment.Reject("No.")
		}
		var log intakeLog
		in := intakeOf(t, p, intakeFailing(assessment.NewMemoryStore(0), nil, "Forget"), intakeLogTo(&log))
		_, err := in.Start(t.Context(), intakeMinted("a1"))
		intakeRejected(t, err, assessment.Rejection{Message: "No."})
		require.Contains(t, log.String(), "not freed")
		intakePass(assessment.DefaultLease)
		p.start = nil
		got := intakeAccepts(t, in, intakeMinted("a1"))
		require.Equal(t, []assessment.OrderRef{got.Ref, got.Ref}, p.refs())
	})
}

func TestIntakeFinalResultFreesAMintedOrder(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		store := assessment.NewMemoryStore(0)
		in := intakeOf(t, p, store)
		router, err := assessment.NewRouter(assessment.RouterConfig{Store: store, Publishers: []assessment.Publisher{
			&intakePublisher{vendor: assessment.Ashby}, &intakePublisher{vendor: assessment.Kombo},
		}})
		require.NoError(t, err)
		first := intakeAccepts(t, in, o)
		for _, status := range []assessment.Status{assessment.StatusOpen, assessment.StatusInProgress} {
			_, err = router.PublishResult(t.Context(), first.Ref, assessment.Result{Status: status})
			require.NoError(t, err)
			require.True(t, intakeAccepts(t, in, o).Replayed)
		}
		_, err = router.PublishResult(t.Context(), first.Ref, assessment.Result{Status: assessment.StatusCompleted})
		require.NoError(t, err)
		intakePass(time.Hour)
		second := intakeAccepts(t, in, o)
		minted := o.Ref.ID == ""
		require.Equal(t, minted, second.Ref != first.Ref)
		require.Equal(t, minted, !second.Replayed)
	})
}

// The host may bring an id of its own, such as one that a queue kept.
func TestIntakeMintedOrderWithAnID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &intakeProvider{}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		o := intakeMinted("a1")
		o.Ref.ID = "kept by the queue"
		require.Equal(t, o.Ref, intakeAccepts(t, in, o).Ref)
		require.Equal(t, o.Ref, intakeAccepts(t, in, intakeMinted("a1")).Ref)
		require.Equal(t, 1, p.calls())
	})
}
