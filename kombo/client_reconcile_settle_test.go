package kombo_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// claimStore lets a test answer claims in the store's place: nil and no error
// hand them on.
type claimStore struct {
	assessment.Store
	claim func(assessment.Claim) (*assessment.Claim, error)
}

func (s *claimStore) Claim(ctx context.Context, c assessment.Claim, lease time.Duration) (assessment.Claim, error) {
	got, err := s.claim(c)
	if err != nil {
		return assessment.Claim{}, err
	}
	if got != nil {
		return *got, nil
	}
	return s.Store.Claim(ctx, c, lease)
}

// Orders stay open at Kombo for days while the candidates take their time. If
// they counted, a lost order behind them would never be reached.
func TestReconcileLimitPassesRunningOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		r := newReplica(t, server, &countingProvider{}, assessment.NewMemoryStore(0))
		server.Target(r.handler)
		ids := placeOld(t, server, 3)
		ids = append(ids, placeOld(t, server, 3, kombotest.Lost())...)
		limited := kombo.ReconcileConfig{Intake: r.intake, Limit: 2}
		report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, limited)
		require.NoError(t, err)
		require.Equal(t, "running running running started started skipped", became(report, ids))
		report, err = r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, limited)
		require.NoError(t, err)
		require.Equal(t, "running running running running running started", became(report, ids))
	})
}

// What changes an order or fails counts, so that a run has an end.
func TestReconcileLimitCounts(t *testing.T) {
	for name, tc := range map[string]struct {
		provider assessment.Provider
		want     string
	}{
		"rejected": {&countingProvider{reject: func(assessment.Order) bool { return true }}, "rejected skipped"},
		"failed": {&provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			return assessment.Started{}, errors.New("database down")
		}}, "failed skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := kombotest.Start(t)
				r := newReplica(t, server, tc.provider, assessment.NewMemoryStore(0))
				ids := placeOld(t, server, 2, kombotest.Lost())
				report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake, Limit: 1})
				require.NoError(t, err)
				require.Equal(t, tc.want, became(report, ids))
			})
		})
	}
}

func TestReconcileOrderBeingStartedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		store := assessment.NewMemoryStore(0)
		slow := &provider{start: func(context.Context, assessment.Order) (assessment.Started, error) {
			<-time.After(30 * time.Second)
			return assessment.Started{}, nil
		}}
		elsewhere := newReplica(t, server, slow, store)
		p := &countingProvider{}
		here := newReplica(t, server, p, store)
		ids := placeOld(t, server, 3, kombotest.Lost())
		go func() { _, _ = elsewhere.intake.Start(t.Context(), assessment.Order{Ref: simulatedRef(ids[1])}) }()
		synctest.Wait()

		report, err := here.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: here.intake})
		require.NoError(t, err)
		require.Equal(t, "started running started", became(report, ids))
		require.Zero(t, p.count(ids[1]))
		require.Equal(t, 1, slow.calls())
		require.NoError(t, elsewhere.intake.Drain(t.Context()))
	})
}

// A newer release may have answered an order; that is no reason to leave the
// others, and none to start it again.
func TestReconcileGoesOnAfterAnUnreadableAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		ids := placeOld(t, server, 3, kombotest.Lost())
		store := &claimStore{assessment.NewMemoryStore(0), func(c assessment.Claim) (*assessment.Claim, error) {
			if c.Ref != simulatedRef(ids[1]) {
				return nil, nil
			}
			return &assessment.Claim{Key: c.Key, Ref: c.Ref, Token: "elsewhere", Answer: []byte(`{"v":2}`)}, nil
		}}
		p := &countingProvider{}
		r := newReplica(t, server, p, store)
		report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.NoError(t, err)
		require.Equal(t, "started failed started", became(report, ids))
		require.ErrorIs(t, report.Failed[0].Err, assessment.ErrUnreadable)
		require.Zero(t, p.count(ids[1]))
	})
}

// A store that is down fails every order alike.
func TestReconcileStopsWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		ids := placeOld(t, server, 4, kombotest.Lost())
		down := errors.New("connection refused")
		store := &claimStore{assessment.NewMemoryStore(0), func(c assessment.Claim) (*assessment.Claim, error) {
			if c.Ref == simulatedRef(ids[0]) {
				return nil, nil
			}
			return nil, down
		}}
		r := newReplica(t, server, &countingProvider{}, store)
		report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.ErrorIs(t, err, assessment.ErrStore)
		require.ErrorIs(t, err, down)
		require.Equal(t, 4, report.Seen)
		require.Equal(t, "started failed skipped skipped", became(report, ids))
	})
}

// Kombo is asked for open orders only, but a filter may be ignored, and a status
// can change while the pages are read.
func TestReconcileLeavesFinalOrders(t *testing.T) {
	order := func(id, status string) string {
		return fmt.Sprintf(`{"id":%q,"status":%q,"package_id":"p"}`, id, status)
	}
	list := `{"data":{"next":null,"results":[` + order("a", "COMPLETED") + `,` + order("b", "OPEN") + `,` +
		order("c", "CANCELLED") + `,` + order("d", "REJECTED") + `]}}`
	for name, minAge := range map[string]time.Duration{"any age": -1, "old enough": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := play(answers(200, list), answers(200, `{"data":{"next":null,"results":[]}}`))
				p := &provider{}
				intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: assessment.NewMemoryStore(0)})
				require.NoError(t, err)
				report, err := newClient(t, server, withStandIn).Reconcile(t.Context(), kombotest.DefaultIntegration,
					kombo.ReconcileConfig{Intake: intake, MinAge: minAge})
				require.NoError(t, err)
				require.Equal(t, "skipped started skipped skipped", became(report, []string{"a", "b", "c", "d"}))
				require.Equal(t, 1, p.calls())
			})
		})
	}
}

// The provider is told when an order came, whichever way it came.
func TestReconciledOrdersHaveATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		p := &provider{}
		r := newReplica(t, server, p, assessment.NewMemoryStore(0))
		placeOld(t, server, 2, kombotest.Lost())
		_, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.NoError(t, err)
		require.Len(t, p.orders, 2)
		for _, o := range p.orders {
			requireEqual(t, time.Now().UTC(), o.ReceivedAt)
		}
	})
}

// Without the URL the first rejection could not be written back, and nobody
// would notice before there is one.
func TestReconcileNeedsAResultURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		ids := placeOld(t, server, 1, kombotest.Lost())
		p := &countingProvider{}
		r := newReplica(t, server, p, assessment.NewMemoryStore(0))
		bare, err := kombo.New(kombo.Config{APIKey: kombotest.DefaultAPIKey, HTTPClient: server.Client()})
		require.NoError(t, err)
		report, err := bare.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.ErrorContains(t, err, "ResultURL")
		require.Zero(t, report)
		require.Empty(t, server.Calls(kombotest.OpGetOrders))
		require.Zero(t, p.count(ids[0]))

		report, err = bare.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{DryRun: true})
		require.NoError(t, err, "a dry run writes nothing")
		require.Equal(t, "skipped", became(report, ids))
	})
}
