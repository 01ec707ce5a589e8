package assessment_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// switched is a store with a switch for starts.
type switched struct {
	*assessment.MemoryStore
	err error
}

func (s *switched) Admit(context.Context, assessment.OrderRef) error { return s.err }

// An order that meets a pause is not started and not rejected; one that was
// answered before gets its answer. Afterwards the same order starts at once.
func TestIntakePaused(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{}
		store := &switched{MemoryStore: assessment.NewMemoryStore(0)}
		in := intakeOf(t, p, store)
		before := o
		before.Dedupe = append([]string{"before"}, o.Dedupe...)
		if o.Ref.ID != "" {
			before.Ref.ID = "before"
		}
		first := intakeAccepts(t, in, before)

		store.err = assessment.ErrPaused
		_, err := in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrPaused)
		require.Equal(t, first.Ref, intakeAccepts(t, in, before).Ref)
		require.Equal(t, 1, p.calls())

		store.err = errors.New("gone")
		_, err = in.Start(t.Context(), o)
		intakeBusy(t, err, assessment.ErrStore)
		require.Equal(t, 1, p.calls())

		store.err = nil
		intakeAccepts(t, in, o)
		require.Equal(t, 2, p.calls())
	})
}
