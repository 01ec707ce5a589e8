package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
)

type settings struct {
	Packages  []assessment.Package
	PublicURL string
	Logger    *slog.Logger

	Kombo       kombo.Config
	KomboSecret string // of its webhooks

	Ashby          ashby.Config
	AshbyCustomers customers

	StackOne       stackone.Config
	StackOneSecret string // of its webhooks
}

// service ties the provider to the vendors.
type service struct {
	provider *provider
	store    assessment.Store
	intake   *assessment.Intake // the way in
	router   *assessment.Router // the way out
	kombo    *kombo.Client
	ashby    *ashby.Client
	stackone *stackone.Client
	queue    *orderQueue // of what StackOne sent
	handler  http.Handler
	logger   *slog.Logger
}

func newService(s settings) (*service, error) {
	v := &service{
		provider: newProvider(s.Packages, s.PublicURL, s.Logger),
		store:    assessment.NewMemoryStore(0), // several replicas share a database instead
		queue:    newOrderQueue(),
		logger:   s.Logger,
	}
	var err error
	v.intake, err = assessment.NewIntake(assessment.IntakeConfig{Provider: v.provider, Store: v.store, Logger: s.Logger})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	v.handler = mux

	var publishers []assessment.Publisher
	for _, mount := range []func(*http.ServeMux, settings) (assessment.Publisher, error){v.mountKombo, v.mountAshby, v.mountStackOne} {
		publisher, err := mount(mux, s)
		if err != nil {
			return nil, err
		}
		publishers = append(publishers, publisher)
	}
	v.router, err = assessment.NewRouter(assessment.RouterConfig{Publishers: publishers, Store: v.store})
	return v, err
}

// write publishes a result, and notes that the test is over if it is final.
func (v *service) write(ctx context.Context, ref assessment.OrderRef, result assessment.Result) (assessment.Receipt, error) {
	receipt, err := v.router.PublishResult(ctx, ref, result)
	if err == nil && result.Status.Final() {
		v.provider.finish(ref)
	}
	return receipt, err
}
