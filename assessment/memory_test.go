package assessment_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/storetest"
)

func TestMemoryStore(t *testing.T) {
	storetest.Run(t, storetest.Config{
		New:    func(testing.TB) assessment.Store { return assessment.NewMemoryStore(0) },
		Around: synctest.Test,
	})
}

// A full store refuses new orders. It drops none, however old: that order would
// be started again.
func TestMemoryStoreLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10
		s := assessment.NewMemoryStore(limit)
		claims := make([]assessment.Claim, 0, limit)
		for i := range limit {
			ref := assessment.OrderRef{Vendor: assessment.Ashby, Account: "acme", ID: fmt.Sprint(i)}
			c := assessment.Claim{Key: fmt.Sprint("natural/", i), Ref: ref, Token: "token"}
			_, err := s.Claim(t.Context(), c, time.Minute)
			require.NoError(t, err)
			c.Answer = []byte("answer")
			if i%2 == 0 {
				require.NoError(t, s.Answer(t.Context(), c))
			} else {
				c.Answer = nil
			}
			claims = append(claims, c)
		}
		intakePass(1000 * time.Hour)
		one := assessment.Claim{Key: "one more", Ref: assessment.OrderRef{Vendor: assessment.Ashby, ID: "x"}, Token: "token"}
		for range 3 {
			_, err := s.Claim(t.Context(), one, time.Minute)
			require.ErrorIs(t, err, assessment.ErrStoreFull)
		}
		require.Equal(t, limit, s.Len())
		for _, c := range claims {
			got, err := s.Claim(t.Context(), c, time.Minute)
			require.NoError(t, err, "what is recorded can be claimed all the same")
			require.Equal(t, c, got)
		}

		require.NoError(t, s.Forget(t.Context(), claims[0].Ref))
		_, err := s.Claim(t.Context(), one, time.Minute)
		require.NoError(t, err, "a forgotten order makes room")
	})
}

func TestMemoryStoreNeedsKeyAndToken(t *testing.T) {
	s := assessment.NewMemoryStore(-1)
	ref := assessment.OrderRef{Vendor: assessment.Kombo, ID: "1"}
	for _, c := range []assessment.Claim{{Ref: ref, Token: "t"}, {Ref: ref, Key: ref.String()}} {
		_, err := s.Claim(t.Context(), c, time.Minute)
		require.Error(t, err)
	}
	require.Zero(t, s.Len())
}

// At four fifths of its limit the store says what to do, once.
func TestMemoryStoreWarns(t *testing.T) {
	var log intakeLog
	store := assessment.NewMemoryStore(10)
	wrapped := struct{ *assessment.MemoryStore }{store} // hosts wrap it, to count
	in := intakeOf(t, &intakeProvider{}, wrapped, intakeLogTo(&log))
	for i := range 10 {
		intakeAccepts(t, in, intakeOrder(fmt.Sprint(i)))
		require.Equal(t, i >= 7, strings.Contains(log.String(), "four fifths full"), "%d", i)
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	require.Contains(t, log.String(), `"level":"WARN"`)
	require.Contains(t, log.String(), "database")
	require.Contains(t, log.String(), `"limit":10`)
	_, err := in.Start(t.Context(), intakeOrder("one more"))
	require.ErrorIs(t, err, assessment.ErrStoreFull)
}

func TestMemoryStorePrintsNothingStored(t *testing.T) {
	s := assessment.NewMemoryStore(7)
	o := intakeOrder("o1")
	intakeAccepts(t, intakeOf(t, &intakeProvider{}, s), o)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		require.Equal(t, "memory store (1 of 7 orders)", fmt.Sprintf(verb, s))
	}
	require.Equal(t, `"memory store (1 of 7 orders)"`, fmt.Sprintf("%q", s))
	var log intakeLog
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "store", s)
	require.Contains(t, log.String(), `"store":"memory store (1 of 7 orders)"`)
}
