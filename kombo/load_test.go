package kombo_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/kombo/kombotest"
	"github.com/assessbridge/assessbridge/webhook"
)

// countingProvider counts how often each order is started.
type countingProvider struct {
	reject func(assessment.Order) bool // nil: none

	mu     sync.Mutex
	starts map[assessment.OrderRef]int
}

func (p *countingProvider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

func (p *countingProvider) StartOrder(_ context.Context, o assessment.Order) (assessment.Started, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.starts == nil {
		p.starts = make(map[assessment.OrderRef]int)
	}
	p.starts[o.Ref]++
	if p.reject != nil && p.reject(o) {
		return assessment.Started{}, assessment.Reject("not offered")
	}
	return assessment.Started{CandidateURL: "https://tests.example.com/" + o.Ref.ID}, nil
}

func (p *countingProvider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func (p *countingProvider) count(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts[simulatedRef(id)]
}

func simulatedRef(id string) assessment.OrderRef {
	return assessment.OrderRef{Vendor: assessment.Kombo, Account: kombotest.DefaultIntegration, ID: id}
}

// replica is one process of a provider.
type replica struct {
	intake  *assessment.Intake
	handler http.Handler
	client  *kombo.Client
}

func newReplica(t testing.TB, server *kombotest.Server, p assessment.Provider, s assessment.Store) replica {
	t.Helper()
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: s})
	require.NoError(t, err)
	verifier, err := kombo.NewVerifier(webhook.Secret{Key: kombotest.DefaultWebhookSecret})
	require.NoError(t, err)
	handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: verifier})
	require.NoError(t, err)
	client, err := kombo.New(kombo.Config{
		APIKey: kombotest.DefaultAPIKey, HTTPClient: server.Client(), ResultURL: "https://tests.example.com/status",
	})
	require.NoError(t, err)
	return replica{intake, handler, client}
}

// TestLoad has 8 senders deliver 1,000 orders one to three times each, to two
// replicas in turn, with one answer in ten lost, while one API call in ten meets
// a fault. Whatever happens, an order is started once and has one final result.
func TestLoad(t *testing.T) {
	const orders, senders = 1000, 8
	synctest.Test(t, func(t *testing.T) {
		server := kombotest.Start(t)
		p := &countingProvider{}
		store := assessment.NewMemoryStore(orders)
		replicas := []replica{newReplica(t, server, p, store), newReplica(t, server, p, store)}
		var turn sync.Mutex
		delivered := 0
		server.Target(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			turn.Lock()
			delivered++
			to := replicas[delivered%2]
			turn.Unlock()
			to.handler.ServeHTTP(w, r)
		}))
		server.Chaos(server.RandomFaults(0.1,
			kombotest.RateLimited(), kombotest.Concurrency429(), kombotest.LoadBalancer503(),
			kombotest.Status(500, ""), kombotest.AppliedThen(kombotest.Status(500, "")),
			kombotest.Reset(), kombotest.AppliedThenReset(), kombotest.TaskTimedOut(),
		))

		ids := make([]string, orders)
		var wg sync.WaitGroup
		for sender := range senders {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(1, uint64(sender)))
				for i := sender; i < orders; i += senders {
					ids[i] = deliverAndFinish(t, server, replicas[i%2].client, random, i)
				}
			})
		}
		wg.Wait()

		for i, id := range ids {
			require.Equal(t, 1, p.count(id), "order %d", i)
			order, ok := server.Order(id)
			require.True(t, ok)
			require.Equal(t, kombotest.StatusCompleted, order.Status, "order %d", i)
			require.Len(t, order.Results, 1, "order %d", i)
			require.Equal(t, fmt.Sprint(i), order.Results[0].Score.String())
		}
		require.Greater(t, delivered, orders, "some must have come twice")
		require.Greater(t, len(server.Calls(kombotest.OpUpdateResult)), orders, "some must have failed first")
	})
}

// deliverAndFinish plays one order from the ATS to its result, as a queue would
// drive it.
func deliverAndFinish(t *testing.T, server *kombotest.Server, client *kombo.Client, random *rand.Rand, i int) string {
	var faults []kombotest.DeliveryFault
	if random.IntN(10) == 0 {
		faults = append(faults, kombotest.AnswerLost())
	}
	if n := random.IntN(3); random.IntN(2) == 0 {
		faults = append(faults, kombotest.Duplicate(n))
	} else {
		faults = append(faults, kombotest.DuplicateAtOnce(n))
	}
	id, _, err := server.PlaceOrder(t.Context(), kombotest.OrderSpec{}, faults...)
	if err != nil {
		t.Errorf("order %d: %v", i, err)
		return id
	}
	result := assessment.Result{
		Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(float64(i), 1000),
		ReportURL: "https://tests.example.com/" + id, At: time.Now(),
	}
	for {
		_, err := client.PublishResult(t.Context(), simulatedRef(id), result)
		if err == nil {
			return id
		}
		after, again := assessment.Retryable(err)
		if !again {
			t.Errorf("order %d: %v", i, err)
			return id
		}
		<-time.After(after + time.Second)
	}
}

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
