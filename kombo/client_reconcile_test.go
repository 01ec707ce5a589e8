package kombo_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
)

// Two reconcilers at once, on two replicas with one store, and a third whose
// page was listed before the orders were finished.
func TestReconcilersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		p := &countingProvider{}
		store := assessment.NewMemoryStore(0)
		one, two := newReplica(t, server, p, store), newReplica(t, server, p, store)
		server.Target(one.handler)
		ids := placeOld(t, server, 50, kombotest.Lost())

		reports := make([]kombo.ReconcileReport, 2)
		var wg sync.WaitGroup
		for i, r := range []replica{one, two} {
			wg.Go(func() {
				var err error
				reports[i], err = r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, id := range ids {
			require.Equal(t, 1, p.count(id))
		}
		require.Equal(t, 50, len(reports[0].Started)+len(reports[1].Started), "each order is one reconciler's start")
		for _, r := range reports {
			require.Equal(t, 50, r.Seen)
			require.Equal(t, 50, len(r.Started)+len(r.Running))
		}
	})
}

func TestReconcileOverAnOldPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		p := &countingProvider{}
		store := assessment.NewMemoryStore(0)
		r := newReplica(t, server, p, store)
		server.Target(r.handler)
		ids := placeOld(t, server, 3)
		// The page is on its way while the orders are finished.
		server.Fail(kombotest.OpGetOrders, kombotest.SlowBody(time.Second))
		done := make(chan kombo.ReconcileReport)
		go func() {
			report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake, MinAge: -1})
			if err != nil {
				t.Error(err)
			}
			done <- report
		}()
		synctest.Wait()
		for _, id := range ids {
			_, err := r.client.PublishResult(t.Context(), simulatedRef(id), completed())
			require.NoError(t, err)
		}
		report := <-done
		require.Equal(t, 3, report.Seen, "the page was listed before")
		require.Len(t, report.Running, 3)
		for _, id := range ids {
			require.Equal(t, 1, p.count(id))
		}
	})
}

// placeOld places orders that are an hour old.
func placeOld(t testing.TB, server *kombotest.Server, n int, faults ...kombotest.DeliveryFault) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		var err error
		ids[i], _, err = server.PlaceOrder(t.Context(), kombotest.OrderSpec{CreatedAt: time.Now().Add(-time.Hour)}, faults...)
		require.NoError(t, err)
	}
	return ids
}

func TestReconcile(t *testing.T) {
	intake := func(r replica) kombo.ReconcileConfig { return kombo.ReconcileConfig{Intake: r.intake} }
	for name, tc := range map[string]struct {
		place  func(t *testing.T, server *kombotest.Server) []string
		config func(replica) kombo.ReconcileConfig
		reject bool
		want   string // what became of the orders placed, in order
	}{
		"lost": {
			place:  func(t *testing.T, s *kombotest.Server) []string { return placeOld(t, s, 2, kombotest.Lost()) },
			config: intake, want: "started started",
		},
		"taken before": {
			place:  func(t *testing.T, s *kombotest.Server) []string { return placeOld(t, s, 1) },
			config: intake, want: "running",
		},
		"too young": {
			place: func(t *testing.T, s *kombotest.Server) []string {
				old := placeOld(t, s, 1, kombotest.Lost())
				id, _, err := s.PlaceOrder(t.Context(), kombotest.OrderSpec{CreatedAt: time.Now().Add(-4 * time.Minute)}, kombotest.Lost())
				require.NoError(t, err)
				return append(old, id)
			},
			config: intake, want: "started skipped",
		},
		"no minimal age": {
			place: func(t *testing.T, s *kombotest.Server) []string {
				id, _, err := s.PlaceOrder(t.Context(), kombotest.OrderSpec{}, kombotest.Lost())
				require.NoError(t, err)
				return []string{id}
			},
			config: func(r replica) kombo.ReconcileConfig { return kombo.ReconcileConfig{Intake: r.intake, MinAge: -1} },
			want:   "started",
		},
		"older than the service": {
			place: func(t *testing.T, s *kombotest.Server) []string { return placeOld(t, s, 1, kombotest.Lost()) },
			config: func(r replica) kombo.ReconcileConfig {
				return kombo.ReconcileConfig{Intake: r.intake, CreatedAfter: time.Now().Add(-time.Minute)}
			},
			want: "unseen",
		},
		"limit": {
			place: func(t *testing.T, s *kombotest.Server) []string { return placeOld(t, s, 3, kombotest.Lost()) },
			config: func(r replica) kombo.ReconcileConfig {
				return kombo.ReconcileConfig{Intake: r.intake, Limit: 2}
			},
			want: "started started skipped",
		},
		"dry run": {
			place:  func(t *testing.T, s *kombotest.Server) []string { return placeOld(t, s, 1, kombotest.Lost()) },
			config: func(replica) kombo.ReconcileConfig { return kombo.ReconcileConfig{DryRun: true} },
			want:   "skipped",
		},
		"rejected now": {
			place:  func(t *testing.T, s *kombotest.Server) []string { return placeOld(t, s, 1, kombotest.Lost()) },
			config: intake, reject: true, want: "rejected",
		},
		"rejected before, answer lost": {
			place:  func(t *testing.T, s *kombotest.Server) []string { return placeOld(t, s, 1, kombotest.AnswerLost()) },
			config: intake, reject: true, want: "rejected",
		},
		"rejection not written": {
			place: func(t *testing.T, s *kombotest.Server) []string {
				s.Fail(kombotest.OpUpdateResult, kombotest.Status(0, "INTEGRATION.PERMISSION_MISSING"))
				return placeOld(t, s, 1, kombotest.Lost())
			},
			config: intake, reject: true, want: "failed",
		},
		"finished": {
			place: func(t *testing.T, s *kombotest.Server) []string {
				id, d, err := s.PlaceOrder(t.Context(), kombotest.OrderSpec{})
				require.NoError(t, err)
				require.Equal(t, kombotest.Rejected, d.Outcome)
				return []string{id}
			},
			config: intake, reject: true, want: "unseen",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := kombotest.Start(t)
				p := &countingProvider{reject: func(assessment.Order) bool { return tc.reject }}
				r := newReplica(t, server, p, assessment.NewMemoryStore(0))
				server.Target(r.handler)
				ids := tc.place(t, server)
				report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, tc.config(r))
				require.NoError(t, err)
				require.Equal(t, tc.want, became(report, ids))
				if tc.want != "rejected" {
					return
				}
				order, _ := server.Order(ids[0])
				require.Equal(t, kombotest.StatusCancelled, order.Status)
				require.Equal(t, "not offered", order.Results[0].Attributes[0].Value)
				require.Equal(t, 1, p.count(ids[0]))
			})
		})
	}
}

// became says what a report tells of each order.
func became(r kombo.ReconcileReport, ids []string) string {
	lists := map[string][]assessment.OrderRef{
		"started": r.Started, "running": r.Running, "skipped": r.Skipped, "rejected": r.Rejected,
	}
	for _, f := range r.Failed {
		lists["failed"] = append(lists["failed"], f.Ref)
	}
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = "unseen"
		for word, refs := range lists {
			for _, ref := range refs {
				if ref == simulatedRef(id) {
					words[i] = word
				}
			}
		}
	}
	return strings.Join(words, " ")
}

func TestReconcileStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		r := newReplica(t, server, &countingProvider{}, assessment.NewMemoryStore(0))
		placeOld(t, server, 3, kombotest.Lost())

		_, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{})
		require.ErrorContains(t, err, "Intake")

		server.Fail(kombotest.OpGetOrders, kombotest.Status(0, "INTEGRATION.INACTIVE"))
		_, err = r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.ErrorIs(t, err, assessment.ErrAccountUnusable)

		require.NoError(t, r.intake.Drain(t.Context()))
		report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.ErrorIs(t, err, assessment.ErrDraining)
		require.Len(t, report.Failed, 1)
		require.Len(t, report.Skipped, 2, "there is no point in trying the others")
	})
}

// A fault of one order is no reason to leave the others.
func TestReconcileGoesOnAfterAFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		ids := placeOld(t, server, 3, kombotest.Lost())
		p := &faultyProvider{bad: ids[1]}
		r := newReplica(t, server, p, assessment.NewMemoryStore(0))
		report, err := r.client.Reconcile(t.Context(), kombotest.DefaultIntegration, kombo.ReconcileConfig{Intake: r.intake})
		require.NoError(t, err)
		require.Equal(t, "started failed started", became(report, ids))
		require.ErrorIs(t, report.Failed[0].Err, assessment.ErrFault)
	})
}

type faultyProvider struct {
	countingProvider
	bad string
}

func (p *faultyProvider) StartOrder(ctx context.Context, o assessment.Order) (assessment.Started, error) {
	if o.Ref.ID == p.bad {
		return assessment.Started{}, errors.New("database down")
	}
	return p.countingProvider.StartOrder(ctx, o)
}
