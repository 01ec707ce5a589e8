package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/stackone"
	"github.com/assessbridge/assessbridge/webhook"
)

// mountStackOne takes StackOne's webhooks at /stackone, and answers an ATS that
// asks for packages at /stackone/assessments and /stackone/background-checks.
func (v *service) mountStackOne(mux *http.ServeMux, s settings) (assessment.Publisher, error) {
	var err error
	if v.stackone, err = stackone.New(s.StackOne); err != nil {
		return nil, err
	}
	verifier, err := stackone.NewVerifier(webhook.Secret{ID: "current", Key: s.StackOneSecret})
	if err != nil {
		return nil, err
	}
	webhooks, err := stackone.NewWebhookHandler(stackone.WebhookConfig{
		Intake:   v.intake,
		Verifier: verifier,
		Queue:    v.queue.put,
		Logger:   s.Logger,
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/stackone", webhooks)
	for path, kind := range map[string]assessment.Kind{
		"/stackone/assessments":       assessment.KindAssessment,
		"/stackone/background-checks": assessment.KindBackgroundCheck,
	} {
		packages, err := stackone.NewPackagesHandler(stackone.PackagesConfig{
			Intake: v.intake, Verifier: verifier, Kind: kind, Logger: s.Logger,
		})
		if err != nil {
			return nil, err
		}
		mux.Handle(path, packages)
	}
	return v.stackone, nil
}

// orderQueue holds what StackOne sent until a worker gets to it: StackOne may
// never send it again. A real one is a table or a job queue that survives a
// restart; an order can be stored as JSON.
type orderQueue struct {
	orders chan assessment.Order
	open   sync.WaitGroup // orders not done yet
}

func newOrderQueue() *orderQueue { return &orderQueue{orders: make(chan assessment.Order, 1000)} }

var errQueueFull = errors.New("the queue is full")

func (q *orderQueue) put(_ context.Context, o assessment.Order) error {
	q.open.Add(1)
	select {
	case q.orders <- o:
		return nil
	default:
		q.open.Done()
		return errQueueFull
	}
}

// workers is how many orders are worked on at a time, so that none has to wait for
// one whose lookups are slow.
const workers = 8

// work takes orders from the queue until ctx ends.
func (v *service) work(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for range workers {
		all.Go(func() { v.workAlone(ctx) })
	}
}

func (v *service) workAlone(ctx context.Context) {
	for {
		select {
		case o := <-v.queue.orders:
			if err := v.takeOrder(ctx, o); err != nil {
				v.logger.ErrorContext(ctx, "order not taken", "order", o, "error", err)
			}
			v.queue.open.Done()
		case <-ctx.Done():
			return
		}
	}
}

// takeOrder fills in what StackOne left out and starts the order, again and
// again as long as that can help.
func (v *service) takeOrder(ctx context.Context, o assessment.Order) error {
	for {
		err := v.stackone.Complete(ctx, &o)
		if err == nil {
			// Which of its two ids is ours is not documented.
			if p, found := stackone.MatchPackage(o.Package, v.provider.packages); found {
				o.Package = p
			}
			err = v.intake.Work(ctx, o, v.router)
		}
		after, again := assessment.Retryable(err)
		if !again {
			return err
		}
		select {
		case <-time.After(max(after, time.Second)):
		case <-ctx.Done():
			return err
		}
	}
}
