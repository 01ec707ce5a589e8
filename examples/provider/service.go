package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

type settings struct {
	Packages      []assessment.Package
	PublicURL     string
	WebhookSecret string
	ResultsToken  string // whoever marks the tests; empty: nobody may
	Kombo         kombo.Config
	Logger        *slog.Logger
}

// service ties the provider to the vendors.
type service struct {
	provider *provider
	intake   *assessment.Intake // the way in
	router   *assessment.Router // the way out
	kombo    *kombo.Client
	handler  http.Handler
	logger   *slog.Logger
}

func newService(s settings) (*service, error) {
	store := assessment.NewMemoryStore(0) // several replicas share a database instead
	p := newProvider(s.Packages, s.PublicURL, s.Logger)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{Provider: p, Store: store, Logger: s.Logger})
	if err != nil {
		return nil, err
	}
	s.Kombo.ResultURL = s.PublicURL + "/status" // for results that have no report
	client, err := kombo.New(s.Kombo)
	if err != nil {
		return nil, err
	}
	router, err := assessment.NewRouter(assessment.RouterConfig{
		Publishers: []assessment.Publisher{client},
		Store:      store,
	})
	if err != nil {
		return nil, err
	}
	v := &service{provider: p, intake: intake, router: router, kombo: client, logger: s.Logger}

	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "current", Key: s.WebhookSecret})
	if err != nil {
		return nil, err
	}
	webhooks, err := kombo.NewWebhookHandler(kombo.WebhookConfig{
		Intake:   intake,
		Verifier: verifier,
		OnEvent:  v.onEvent,
		Logger:   s.Logger,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/kombo", webhooks)
	mux.Handle("PUT /results", v.results(s.ResultsToken))
	v.handler = mux
	return v, nil
}

// onEvent gives every new customer the catalogue. An error makes Kombo's
// delivery fail, so that it can come again.
func (v *service) onEvent(ctx context.Context, e kombo.Event) error {
	switch data := e.Data.(type) {
	case kombo.IntegrationCreated:
		_, err := v.kombo.SetPackages(ctx, data.ID, v.provider.packages)
		return err
	case kombo.IntegrationStateChanged:
		v.logger.Info("integration changed", "integration", data.ID, "state", data.State)
	}
	return nil
}

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
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return err
	}
	return v.intake.Drain(ctx)
}
