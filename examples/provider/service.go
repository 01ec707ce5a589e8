package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/ashby"
	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/stackone"
)

type settings struct {
	Packages     []assessment.Package
	PublicURL    string
	ResultsToken string // whoever marks the tests; empty: nobody may
	Logger       *slog.Logger

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
	mux.Handle("PUT /results", v.results(s.ResultsToken))
	v.handler = mux

	var publishers []assessment.Publisher
	for _, vendor := range []struct {
		wanted bool
		mount  func(*http.ServeMux, settings) (assessment.Publisher, error)
	}{
		{s.Kombo.APIKey != "", v.mountKombo},
		{len(s.AshbyCustomers) > 0, v.mountAshby},
		{s.StackOne.APIKey != "", v.mountStackOne},
	} {
		if !vendor.wanted {
			continue
		}
		publisher, err := vendor.mount(mux, s)
		if err != nil {
			return nil, err
		}
		publishers = append(publishers, publisher)
	}
	if len(publishers) == 0 {
		return nil, errNoVendor
	}
	v.router, err = assessment.NewRouter(assessment.RouterConfig{Publishers: publishers, Store: v.store})
	return v, err
}

var errNoVendor = errors.New("no vendor is configured: see the environment variables in the documentation of the command")

// serve answers until ctx ends, and then lets what is running come to its end.
func (v *service) serve(ctx context.Context, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           v.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second, // longer than the intake's deadlines
		IdleTimeout:       2 * time.Minute,
	}
	v.logger.Info("listening", "address", listener.Addr().String())
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	go v.work(working)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(working, 30*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(ctx), v.queue.drain(ctx), v.intake.Drain(ctx))
}
