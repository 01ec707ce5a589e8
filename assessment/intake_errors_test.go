package assessment_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// Who delivers an order without an id cannot say afterwards which one failed.
func TestRefOf(t *testing.T) {
	var started assessment.OrderRef
	answer := assessment.Reject("no")
	store := assessment.NewMemoryStore(0)
	in, err := assessment.NewIntake(assessment.IntakeConfig{Store: store, Provider: starter(func(_ context.Context, o assessment.Order) (assessment.Started, error) {
		started = o.Ref
		return assessment.Started{}, answer
	})})
	require.NoError(t, err)
	natural := assessment.Order{Ref: assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme"}, Dedupe: []string{"a"}}

	for _, answer = range []error{errors.New("down"), assessment.Reject("no")} { // the second frees the order
		_, err = in.Start(t.Context(), natural)
		require.ErrorContains(t, err, answer.Error())
		ref, ok := assessment.RefOf(err)
		require.True(t, ok)
		require.NotEmpty(t, ref.ID)
		require.Equal(t, started, ref)
	}
	var no *assessment.Rejection
	require.ErrorAs(t, err, &no)

	_, err = in.Start(t.Context(), assessment.Order{Ref: assessment.OrderRef{Vendor: assessment.Kombo, Account: "a", ID: "o"}})
	_, ok := assessment.RefOf(err)
	require.False(t, ok, "the sender knows it")
	_, ok = assessment.RefOf(nil)
	require.False(t, ok)
}

// starter is a provider that only starts.
type starter func(context.Context, assessment.Order) (assessment.Started, error)

func (s starter) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	return s(ctx, o)
}
func (starter) CancelOrder(context.Context, assessment.OrderRef) error { return nil }
func (starter) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}
