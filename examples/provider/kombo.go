package main

import (
	"context"
	"net/http"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// mountKombo takes Kombo's webhooks at /kombo.
func (v *service) mountKombo(mux *http.ServeMux, s settings) (assessment.Publisher, error) {
	var err error
	s.Kombo.ResultURL = s.PublicURL + "/status" // for results that have no report
	if v.kombo, err = kombo.New(s.Kombo); err != nil {
		return nil, err
	}
	verifier, err := kombo.NewVerifier(webhook.Secret{ID: "current", Key: s.KomboSecret})
	if err != nil {
		return nil, err
	}
	handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{
		Intake:   v.intake,
		Verifier: verifier,
		OnEvent:  v.onKomboEvent,
		Logger:   s.Logger,
	})
	mux.Handle("/kombo", handler)
	return v.kombo, err
}

// onKomboEvent gives every new customer the catalogue. An error makes Kombo's
// delivery fail, so that it can come again.
func (v *service) onKomboEvent(ctx context.Context, e kombo.Event) error {
	switch data := e.Data.(type) {
	case kombo.IntegrationCreated:
		if data.Category != "ASSESSMENT" {
			return nil // one endpoint gets the events of all of Kombo's categories
		}
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second) // Kombo is waiting
		defer cancel()
		_, err := v.kombo.SetPackages(ctx, data.ID, v.provider.packages)
		return err
	case kombo.IntegrationStateChanged:
		v.logger.Info("integration changed", "integration", data.ID, "state", data.State)
	}
	return nil
}
