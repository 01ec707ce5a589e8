package durable_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// While starts are switched off, orders are taken and none is started, on every
// path; what was answered before is answered again. Afterwards they are dealt out.
func TestPauseStarts(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		for _, account := range []string{"", "acme"} {
			b := newIntakeBench(t, d)
			before, queued, direct := ofAccount("acme", "before"+account), ofAccount("acme", "queued"+account), ofAccount("acme", "direct"+account)
			first, err := b.intake.Start(t.Context(), order(before))
			require.NoError(t, err)
			require.NoError(t, b.store.Pause(t.Context(), "kombo", account, sqlstore.SwitchStarts, operator))
			require.NoError(t, b.spool.Queue(t.Context(), order(queued)))
			require.Empty(t, b.dueOrders(t))
			require.False(t, b.work(t, queued).Done)
			_, err = b.intake.Start(t.Context(), order(direct))
			require.ErrorIs(t, err, assessment.ErrPaused)
			_, again := assessment.Retryable(err)
			require.True(t, again)
			var no *assessment.Rejection
			require.NotErrorAs(t, err, &no)
			got, err := b.intake.Start(t.Context(), order(before))
			require.NoError(t, err)
			require.Equal(t, first.Started, got.Started)
			require.Equal(t, 1, b.provider.count())
			gates, err := b.store.Gates(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, gates[0].Pending)
			require.Equal(t, sqlstore.SwitchStarts, gates[0].What)

			require.NoError(t, b.store.Resume(t.Context(), "kombo", account, sqlstore.SwitchStarts, operator))
			require.True(t, b.work(t, queued).Done)
			_, err = b.intake.Start(t.Context(), order(direct))
			require.NoError(t, err)
			acts, err := b.store.Acts(t.Context(), "kombo", account)
			require.NoError(t, err)
			require.Len(t, acts, 2)
			require.Equal(t, sqlstore.NotePaused, acts[0].What)
			require.Equal(t, sqlstore.Detail{Code: "starts", Actor: "kim", Reason: "mended the template"}, acts[1].Detail)
			timeline, err := b.store.Timeline(t.Context(), assessment.OrderRef{Vendor: assessment.Kombo, Account: account})
			require.NoError(t, err)
			require.Equal(t, acts, timeline)
		}
	})
}

// A switch concerns its route, its account and what it names.
func TestSwitchesAreApart(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newIntakeBench(t, d)
		for _, refused := range []struct {
			route string
			what  sqlstore.Switch
		}{{"", sqlstore.SwitchStarts}, {"kombo", "everything"}, {"kombo/eu/more", sqlstore.SwitchStarts}, {"kombo/", sqlstore.SwitchStarts}} {
			require.Error(t, b.store.Pause(t.Context(), refused.route, "", refused.what, operator))
		}
		require.Error(t, b.store.Pause(t.Context(), "kombo", "", sqlstore.SwitchStarts, sqlstore.Act{Actor: " ", Reason: "\t"}))
		require.NoError(t, b.store.Pause(t.Context(), "kombo/eu", "", sqlstore.SwitchStarts, operator))
		require.NoError(t, b.store.Pause(t.Context(), "kombo", "other", sqlstore.SwitchStarts, operator))
		require.NoError(t, b.store.Pause(t.Context(), "kombo", "acme", sqlstore.SwitchResults, operator))
		require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", "1"))))
		require.True(t, b.work(t, ofAccount("acme", "1")).Done)
		b.publish(t, ofAccount("acme", "1"), final("end"))
		require.Zero(t, b.flush(t, ofAccount("acme", "1")).Settled)
		require.NoError(t, b.store.Resume(t.Context(), "kombo", "acme", sqlstore.SwitchStarts, operator))
		require.Zero(t, b.flush(t, ofAccount("acme", "1")).Settled, "another switch")
	})
}

// Many orders that waited are dealt out a few at a time, the accounts in turn, and
// every one is started.
func TestServiceResumesStarts(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newServiceBench(t, d, func(c *durable.Config) { c.Sweep = time.Hour })
		require.NoError(t, b.service.DB().Pause(t.Context(), "kombo", "", sqlstore.SwitchStarts, operator))
		b.run(t)
		for i := range 24 {
			require.NoError(t, b.service.Queue(t.Context(), order(ofAccount(fmt.Sprint("a", i%3), fmt.Sprint(i)))))
		}
		eventually(t, "their jobs have ended", func() bool {
			return b.count(t, b.jobTable()+" WHERE kind = 'assessbridge_order.v1' AND state = 'completed'") == 24
		})
		require.Zero(t, b.provider.count())
		require.NoError(t, b.service.DB().Resume(t.Context(), "kombo", "", sqlstore.SwitchStarts, operator))
		eventually(t, "all are started", func() bool {
			return b.count(t, b.table("orders")+" WHERE state = 'started'") == 24
		})
		require.Equal(t, 24, b.provider.count())
	})
}

// A recruiter who orders in Ashby while starts are off is told to try again, and
// nothing is rejected.
func TestPausedInline(t *testing.T) {
	d := newSQLite(t)
	b := newIntakeBench(t, d)
	handler, err := ashby.NewHandler(ashby.HandlerConfig{
		Intake:       b.intake,
		Authenticate: func(context.Context, string) (string, error) { return "acme", nil },
	})
	require.NoError(t, err)
	require.NoError(t, b.store.Pause(t.Context(), "ashby", "", sqlstore.SwitchStarts, operator))
	ask := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/assessment.start", strings.NewReader(`{
			"assessment_type_id": "p", "candidate": {"ashby_id": "c", "ashby_profile_url": "https://app.ashbyhq.com/c", "first_name": "A", "last_name": "B", "emails": [{"value": "a@example.com", "type": "Work", "is_primary": true}]},
			"application": {"ashby_id": "a", "ashby_profile_url": "https://app.ashbyhq.com/a"}, "job": {"ashby_id": "j", "ashby_profile_url": "https://app.ashbyhq.com/j", "title": "J"}}`))
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth("key", "")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	w := ask()
	require.Equal(t, http.StatusServiceUnavailable, w.Code, w.Body)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.NoError(t, b.store.Resume(t.Context(), "ashby", "", sqlstore.SwitchStarts, operator))
	w = ask()
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, 1, b.provider.count())
}

// A run of the reconciler that is under way stops at the next page, and is carried on
// there.
func TestPauseReconcileMidway(t *testing.T) {
	bothDatabases(t, func(t *testing.T, d *database) {
		b := newReconcileBench(t, d, nil)
		b.accounts = []sqlstore.Integration{integration("acme")}
		b.tick(t)
		b.shift(t, 3*time.Hour)
		b.place(t, "acme", 251, 2*time.Hour)
		for _, o := range b.lister.open["acme"][:250] {
			require.NoError(t, b.spool.Queue(t.Context(), order(ofAccount("acme", o.id))))
		}
		b.lister.asked()
		b.lister.listed = func() {
			b.lister.listed = nil
			require.NoError(t, b.store.Pause(t.Context(), "kombo", "acme", sqlstore.SwitchReconcile, operator))
		}
		require.Zero(t, b.tick(t).Queued)
		require.Len(t, b.lister.asked(), 1)
		require.Zero(t, b.tick(t).Calls)
		require.NoError(t, b.store.Resume(t.Context(), "kombo", "acme", sqlstore.SwitchReconcile, operator))
		require.Equal(t, 1, b.tick(t).Queued)
		require.Equal(t, "250", b.lister.asked()[0].Cursor)
	})
}
