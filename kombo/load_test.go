package kombo_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
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
