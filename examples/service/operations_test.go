package main

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

// rest ends a service as SIGTERM does.
func (r *running) rest(t *testing.T) {
	t.Helper()
	r.stop()
	require.NoError(t, <-r.ended)
	r.ended <- nil // for the clean-up
}

// After a restore, somebody is erased again before anything is started or written: a
// service on hold answers commands and does nothing else.
func TestHold(t *testing.T) {
	first := begin(t, nil)
	first.ready(t)
	database := first.settings.DB
	again := func(hold bool) *running {
		return begin(t, func(s *settings) {
			s.DB, s.KomboURL, s.Hold = database, first.kombo.URL(), hold
		})
	}
	order := func(r *running) string {
		first.kombo.TargetURL("http://" + r.public + "/kombo")
		id, delivery, err := first.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
		require.NoError(t, err)
		require.Equal(t, 200, delivery.Status)
		return komboRef(id).String()
	}
	results := func(ref string) int {
		at, err := assessment.ParseOrderRef(ref)
		require.NoError(t, err)
		found, _ := first.kombo.Order(at.ID)
		return len(found.Results)
	}
	o := func(r *running) operator {
		return operator{t, good(prefix+"OPS_TOKEN="+secret, prefix+"OPS_LISTEN="+r.ops)}
	}
	o(first).does(exitDone, nil, "pause results --vendor kombo", by...)
	erased := order(first)
	require.Equal(t, 202, first.putResult(t, secret, erased, finalResult))
	first.rest(t)

	held := again(true)
	eventually(t, "held", func() bool {
		status, text := held.get(t, "GET", "/readyz", "")
		return status == 503 && strings.Contains(text, "held")
	})
	first.kombo.TargetURL("http://" + held.public + "/kombo")
	_, delivery, err := first.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
	require.NoError(t, err)
	require.Equal(t, 503, delivery.Status)
	require.Equal(t, 503, held.putResult(t, secret, erased, finalResult))
	o(held).does(exitDone, nil, "resume results --vendor kombo", by...)
	o(held).does(exitDone, nil, "erase "+erased, by...)
	require.Zero(t, results(erased))
	held.rest(t)
	require.Contains(t, held.log.String(), "held: nothing is taken")

	last := again(false)
	last.ready(t)
	other := order(last)
	require.Equal(t, 202, last.putResult(t, secret, other, finalResult))
	eventually(t, "the other order's result", func() bool { return results(other) == 1 })
	require.Zero(t, results(erased))
}

// A vendor's secret is replaced without a delivery refused: both are taken meanwhile.
func TestTwoSecrets(t *testing.T) {
	other := stackonetest.Start(t)
	const next = "the-next-secret"
	r := begin(t, func(s *settings) {
		s.KomboOld, s.StackOneOld = next, next
		s.StackOneKey, s.StackOneSecret, s.StackOneURL = stackonetest.DefaultAPIKey, stackonetest.DefaultWebhookSecret, other.URL()
	})
	r.ready(t)
	other.TargetURL("http://" + r.public + "/stackone")
	for _, id := range []string{"current", "old", ""} {
		_, ofKombo, err := r.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
		require.NoError(t, err)
		_, ofStackOne, err := other.PlaceOrder(t.Context(), stackonetest.OrderSpec{PackageID: "typescript_test"})
		require.NoError(t, err)
		if id == "" {
			require.Equal(t, []int{401, 401}, []int{ofKombo.Status, ofStackOne.Status}, "neither of the two")
			break
		}
		require.Equal(t, []int{200, 200}, []int{ofKombo.Status, ofStackOne.Status}, id)
		for _, vendor := range []string{"kombo", "stackone"} {
			require.Regexp(t, `vendor=`+vendor+` .*secret_id=`+id, r.log.String())
		}
		secret := map[string]string{"current": next, "old": "a-third-secret"}[id]
		r.kombo.RotateSecret(secret)
		other.RotateSecret(secret)
	}
}

// Behind PgBouncer in transaction mode no session can listen.
func TestPollOnly(t *testing.T) {
	listens := func(pollOnly bool) int {
		name := postgres(t)
		r := begin(t, func(s *settings) { s.DB, s.PollOnly = postgresURL(postgresFolder, name), pollOnly })
		r.ready(t)
		eventually(t, "this process leads", func() bool {
			_, text := r.get(t, "GET", "/metrics", "")
			return strings.Contains(text, "assessbridge_leader 1")
		})
		db, err := sql.Open("pgx", postgresURL(postgresFolder, "postgres"))
		require.NoError(t, err)
		defer func() { _ = db.Close() }()
		var n int
		count := func() int {
			require.NoError(t, db.QueryRow(`SELECT COUNT(*) FROM pg_stat_activity WHERE datname = $1 AND query ILIKE 'listen%'`, name).Scan(&n))
			return n
		}
		if !pollOnly {
			eventually(t, "somebody listens", func() bool { return count() > 0 })
		}
		id, _, err := r.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
		require.NoError(t, err)
		eventually(t, "started", func() bool {
			var starts int
			return r.db.QueryRow(`SELECT starts FROM tests WHERE ref = $1`, komboRef(id).String()).Scan(&starts) == nil
		})
		return count()
	}
	require.Positive(t, listens(false))
	require.Zero(t, listens(true))
}
