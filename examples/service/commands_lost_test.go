package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// lose has orders placed of which no webhook arrives.
func (w *world) lose(t *testing.T, p *process, n int) {
	w.leave(p)
	for range n {
		_, delivery, err := w.kombo.PlaceOrder(t.Context(), kombotest.OrderSpec{})
		require.NoError(t, err)
		require.Equal(t, http.StatusBadGateway, delivery.Status)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.processes = append(w.processes, p)
}

// Orders whose webhook was lost are counted, and found soon, or from before the
// customer was known.
func TestCommandsForLostOrders(t *testing.T) {
	bothDatabases(t, func(t *testing.T, w *world) {
		t.Parallel()
		w.set("KOMBO_RECONCILE_EVERY", "1h") // nothing is found without being asked for
		p := w.start(t, oldRelease)
		p.ready(t)
		w.known(t)
		o := p.operator(t)
		const whose = " --vendor kombo --account " + kombotest.DefaultIntegration + " --since 2h "
		started := func() int { return w.number(t, `SELECT COUNT(*) FROM tests`) }
		w.lose(t, p, 2)

		var lost lostAnswer
		o.does(exitDone, &lost, "hot --vendor kombo --since 1h --dry-run")
		require.Equal(t, lostAnswer{Integrations: 1, Since: lost.Since, DryRun: true}, lost)
		o.does(exitRefused, &lost, "hot --vendor kombo --account other --since 1h", by...)
		require.Zero(t, lost.Integrations)
		o.does(exitRefused, nil, "hot --vendor ashby --since 1h --dry-run")
		var count backfillAnswer
		o.does(exitDone, &count, "backfill --dry-run"+whose)
		require.Equal(t, backfillAnswer{Open: 2, Lost: 2, DryRun: true}, count)
		o.does(exitRefused, nil, "backfill --vendor kombo --account other --since 1h", by...)

		o.does(exitDone, &lost, "since --dry-run"+whose)
		require.Zero(t, w.number(t, `SELECT COUNT(*) FROM {journal} WHERE what = 'reconcile.since'`))
		code, stdout, stderr := o.run(because("since", "--vendor", "kombo", "--account", kombotest.DefaultIntegration, "--since", "2h")...)
		require.Zero(t, code, stderr)
		require.Equal(t, "2 open orders were created since then; nobody has taken 2 of them\n", stderr)
		require.Regexp(t, `^INTEGRATIONS +SINCE +DRYRUN\n1 +20\S+Z +no\n$`, stdout)
		since := time.UnixMilli(int64(w.number(t, `SELECT since FROM {integrations} WHERE account <> ''`)))
		require.WithinDuration(t, time.Now().Add(-2*time.Hour), since, 10*time.Minute)
		o.does(exitRefused, nil, "since --vendor kombo --account other --since 1h", by...)
		require.Zero(t, started())

		o.does(exitDone, &lost, "hot --since 1h --vendor kombo", by...)
		require.Equal(t, 1, lost.Integrations)
		eventually(t, "both are started", func() bool { return started() == 2 })

		w.lose(t, p, 1)
		eventually(t, "it is old enough", func() bool {
			count = backfillAnswer{}
			o.does(exitDone, &count, "backfill"+whose, by...)
			return count.Queued == 1
		})
		eventually(t, "it is started", func() bool { return started() == 3 })
		count = backfillAnswer{}
		o.does(exitRefused, &count, "backfill"+whose, by...)
		require.Equal(t, backfillAnswer{Open: 3}, count)
		var notes []note
		o.does(exitDone, &notes, "timeline kombo///"+kombotest.DefaultIntegration+"/")
		for _, what := range []string{"reconcile.since", "reconcile.backfill"} {
			require.Contains(t, said(notes), what+" by kim: the template was mended")
		}
		o.does(exitDone, &notes, "timeline kombo////")
		require.Contains(t, said(notes), "reconcile.hot by kim: the template was mended")
	})
}
