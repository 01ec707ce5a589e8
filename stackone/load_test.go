package stackone_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/stackone/stackonetest"
)

const (
	loadOrders  = 1000
	loadSenders = 8
	checkAcct   = "45355976281015164505"
)

// namesOf are the event names under which orders of a kind may come.
var namesOf = map[stackonetest.Kind][]string{
	stackonetest.Assessment: {stackonetest.EventAssessmentCreated, stackonetest.EventAssessmentAlias},
	stackonetest.BackgroundCheck: {
		stackonetest.EventBackgroundOrderCreated, stackonetest.EventBackgroundAlias,
		stackonetest.EventBackgroundByPattern, stackonetest.EventBackgroundsByPattern,
	},
}

// Orders come one to three times under differing names, one answer in ten is
// lost, and one call in ten fails, some of them after they were carried out.
func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := stackonetest.Start(t, func(c *stackonetest.Config) {
			c.Seed = 7
			c.Accounts = []stackonetest.AccountSpec{
				{ID: account, Provider: stackonetest.Greenhouse}, // takes one update per test
				{ID: checkAcct, Provider: stackonetest.Workday},
			}
		})
		client, err := stackone.New(stackone.Config{APIKey: stackonetest.DefaultAPIKey, HTTPClient: server.Client()})
		require.NoError(t, err)

		var mu sync.Mutex
		starts := make(map[assessment.OrderRef]int)
		p := &provider{start: func(_ context.Context, o assessment.Order) (assessment.Started, error) {
			mu.Lock()
			defer mu.Unlock()
			starts[o.Ref]++
			return assessment.Started{}, nil
		}}
		h := newHost(t, p, func(c *stackone.WebhookConfig) { c.Logger = nil })
		server.Target(h.handler)

		inParallel(loadOrders, func(i int) {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			spec := stackonetest.OrderSpec{Account: account, Kind: stackonetest.Assessment, NumericRecordID: i%5 == 0}
			if i%2 == 1 {
				spec.Account, spec.Kind = checkAcct, stackonetest.BackgroundCheck
			}
			names := namesOf[spec.Kind]
			name := func() string { return names[random.IntN(len(names))] }
			faults := []stackonetest.DeliveryFault{stackonetest.NewSentAt()}
			for range random.IntN(3) {
				faults = append(faults, stackonetest.AlsoAs(name()))
			}
			if random.IntN(10) == 0 {
				faults = append(faults, stackonetest.AnswerLost())
			}
			spec.Event = name()
			_, _, err := server.PlaceOrder(t.Context(), spec, faults...)
			require.NoError(t, err)
		})
		require.Len(t, starts, loadOrders)
		for ref, n := range starts {
			require.Equal(t, 1, n, ref)
		}

		server.Chaos(server.RandomFaults(0.1,
			stackonetest.TimedOut(), stackonetest.AppliedThen(stackonetest.TimedOut()),
			stackonetest.RateLimited(), stackonetest.Status(500, ""), stackonetest.BadGateway(),
			stackonetest.AppliedThen(stackonetest.BadGateway()), stackonetest.Reset(), stackonetest.AppliedThenReset(),
		))
		var refs []assessment.OrderRef
		for ref := range starts {
			refs = append(refs, ref)
		}
		inDoubt := make(map[assessment.OrderRef]bool)
		inParallel(len(refs), func(i int) {
			if !publishUntilKnown(t, client, refs[i]) {
				mu.Lock()
				defer mu.Unlock()
				inDoubt[refs[i]] = true
			}
		})
		server.Chaos(nil)

		for _, ref := range refs {
			order, found := server.Order(ref.Account, ref.ID)
			require.True(t, found)
			if inDoubt[ref] { // the host was told: it has to look
				if len(order.Results) == 0 {
					_, err := client.PublishResult(t.Context(), ref, finalResult(ref))
					require.NoError(t, err)
					order, _ = server.Order(ref.Account, ref.ID)
				}
			}
			require.Equal(t, "passed", order.State.Result.Value, "%s", ref)
			require.Equal(t, summaryOf(ref), order.State.Summary)
			if ref.Account == account {
				require.Len(t, order.Results, 1)
			}
		}
		require.NotEmpty(t, inDoubt, "the faults have hit")
		require.Less(t, len(inDoubt), loadOrders/10, "most repetitions settle it")
	})
}

func inParallel(n int, work func(i int)) {
	var senders sync.WaitGroup
	for s := range loadSenders {
		senders.Go(func() {
			for i := s; i < n; i += loadSenders {
				work(i)
			}
		})
	}
	senders.Wait()
}

func summaryOf(ref assessment.OrderRef) string { return "order " + ref.ID }

func finalResult(ref assessment.OrderRef) assessment.Result {
	return assessment.Result{Status: assessment.StatusCompleted, Outcome: assessment.OutcomePassed, Summary: summaryOf(ref)}
}

// publishUntilKnown is a job queue's worker: it says false if the result is in
// doubt.
func publishUntilKnown(t *testing.T, client *stackone.Client, ref assessment.OrderRef) bool {
	for {
		_, err := client.PublishResult(t.Context(), ref, finalResult(ref))
		if err == nil {
			return true
		}
		require.NotErrorIs(t, err, assessment.ErrInvalid, "nothing is wrong with the result")
		after, again := assessment.Retryable(err)
		var failure *assessment.APIError
		require.True(t, errors.As(err, &failure))
		require.Equal(t, again, !failure.Uncertain)
		if !again {
			return false
		}
		wait(after + time.Second)
	}
}

// With a queue and the provider down, every verified order is in the queue once
// the 200 went out.
func TestQueueUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := stackonetest.Start(t)
		var mu sync.Mutex
		queue := make(map[assessment.OrderRef]bool)
		calls := 0
		h := newHost(t, rejecting(errors.New("down")), func(c *stackone.WebhookConfig) {
			c.Logger = nil
			c.Queue = func(_ context.Context, o assessment.Order) error {
				mu.Lock()
				defer mu.Unlock()
				if calls++; calls%10 == 0 {
					return errors.New("the queue is busy")
				}
				queue[o.Ref] = true
				return nil
			}
		})
		server.Target(h.handler)
		inParallel(200, func(i int) {
			spec := stackonetest.OrderSpec{ID: fmt.Sprint("order ", i)}
			_, delivery, err := server.PlaceOrder(t.Context(), spec)
			require.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			ref := assessment.OrderRef{Vendor: assessment.StackOne, Kind: assessment.KindAssessment, Account: stackonetest.DefaultAccount, ID: spec.ID}
			require.Equal(t, delivery.Status == 200, queue[ref])
		})
		require.Len(t, queue, 180)
		require.Zero(t, h.provider.calls())
	})
}
