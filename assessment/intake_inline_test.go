package assessment_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
)

// intakeNoURL is a provider that has no page for the candidate.
func intakeNoURL(context.Context, assessment.Order) (assessment.Started, error) {
	return assessment.Started{ReportURL: "https://tests.example.com/report"}, nil
}

// An inline candidate waits for a page. An answer without one is a fault and is
// not kept, so that the next delivery asks the provider again.
func TestIntakeInlineWithoutURL(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		o.Inline = true
		p := &intakeProvider{start: intakeNoURL}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		got, err := in.Start(t.Context(), o)
		require.Error(t, err)
		require.Zero(t, got)
		p.start = nil
		accepted := intakeAccepts(t, in, o)
		require.NotEmpty(t, accepted.Started.CandidateURL)
		require.Equal(t, []assessment.OrderRef{accepted.Ref, accepted.Ref}, p.refs())
	})
}

// The order was taken without a page before; an inline delivery cannot use that
// answer, but must not undo it either.
func TestIntakeInlineReplayWithoutURL(t *testing.T) {
	intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
		p := &intakeProvider{start: intakeNoURL}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		first := intakeAccepts(t, in, o)
		inline := o
		inline.Inline = true
		for range 2 {
			got, err := in.Start(t.Context(), inline)
			require.Error(t, err)
			require.Zero(t, got)
			require.Equal(t, intakeBytes(t, first), intakeBytes(t, intakeAccepts(t, in, o)))
		}
		require.Equal(t, 1, p.calls())
	})
}

// The same order comes as an inline event and as an ordinary one.
func TestIntakeInlineAndOrdinaryAreOneOrder(t *testing.T) {
	for name, inlineFirst := range map[string]bool{"inline first": true, "inline second": false} {
		t.Run(name, func(t *testing.T) {
			intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
				p := &intakeProvider{}
				in := intakeOf(t, p, assessment.NewMemoryStore(0))
				one, two := o, o
				one.Inline, two.Inline = inlineFirst, !inlineFirst
				first, second := intakeAccepts(t, in, one), intakeAccepts(t, in, two)
				require.Equal(t, intakeBytes(t, first), intakeBytes(t, second))
				require.True(t, second.Replayed)
				require.Len(t, p.started, 1)
				require.Equal(t, inlineFirst, p.started[0].Inline)
			})
		})
	}
}

// The inline delivery joins a running start that was not inline.
func TestIntakeInlineJoinsWithoutURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := &intakeProvider{}
		p.start = func(context.Context, assessment.Order) (assessment.Started, error) {
			<-release
			return assessment.Started{}, nil
		}
		in := intakeOf(t, p, assessment.NewMemoryStore(0))
		first := intakeDeliver(t.Context(), in, intakeOrder("o1"))
		synctest.Wait()
		inline := intakeOrder("o1")
		inline.Inline = true
		second := intakeDeliver(t.Context(), in, inline)
		synctest.Wait()
		close(release)
		require.NoError(t, (<-first).err)
		require.Error(t, (<-second).err)
		require.True(t, intakeAccepts(t, in, intakeOrder("o1")).Replayed)
	})
}

// A link that a candidate or a recruiter cannot follow, or that runs a script in
// the ATS, is a fault; it is not kept, or every further delivery would get it.
func TestIntakeLinksOfTheProvider(t *testing.T) {
	for _, link := range []string{
		"/t/1", "t/1", "javascript:alert(1)", "JavaScript:alert(1)", "http:///t/1", "https:t", "https://", "//tests.example.com/t",
		"data:text/html,x", "file:///etc/passwd", "mailto:jane@example.com", "ftp://tests.example.com/t", "https://:443/t",
		"https://tests.example.com/%zz", "\nhttps://tests.example.com/t", "https://tests.example.com/caf\xc3", "https://tests.example.com:65536/t",
	} {
		for _, started := range []assessment.Started{
			{CandidateURL: link}, {CandidateURL: "https://tests.example.com/t", ReportURL: link},
		} {
			for _, inline := range []bool{true, false} {
				intakeBothKinds(t, func(t *testing.T, o assessment.Order) {
					o.Inline = inline
					p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) { return started, nil }}
					in := intakeOf(t, p, assessment.NewMemoryStore(0))
					_, err := in.Start(t.Context(), o)
					require.ErrorIs(t, err, assessment.ErrFault, link)
					require.NotContains(t, err.Error(), link)
					p.start = nil
					require.False(t, intakeAccepts(t, in, o).Replayed)
				})
			}
		}
	}
	for _, link := range []string{"https://tests.example.com", "HTTP://tests.example.com:8080/t?a=<b>&c=Zoë#d", "https://[::1]/t"} {
		p := &intakeProvider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{CandidateURL: link, ReportURL: link}, nil
		}}
		require.Equal(t, link, intakeAccepts(t, intakeOf(t, p, assessment.NewMemoryStore(0)), intakeOrder("o1")).Started.CandidateURL)
	}
}
