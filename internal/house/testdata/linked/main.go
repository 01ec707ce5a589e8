// Command linked is the least program that uses package kombo: a client, a
// webhook handler in a server, and a logger.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

type provider struct{}

func (provider) Packages(context.Context, assessment.PackageQuery) ([]assessment.Package, error) {
	return nil, nil
}

func (provider) StartOrder(context.Context, assessment.Order) (assessment.Started, error) {
	return assessment.Started{}, nil
}

func (provider) CancelOrder(context.Context, assessment.OrderRef) error { return nil }

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	client, err := kombo.New(kombo.Config{APIKey: os.Getenv("KEY"), Logger: logger})
	if err != nil {
		logger.Error("client", "error", err)
		return
	}
	_, err = client.PublishResult(context.Background(), assessment.OrderRef{}, assessment.Result{})
	logger.Info("published", "error", err)
	intake, err := assessment.NewIntake(assessment.IntakeConfig{
		Provider: provider{}, Store: assessment.NewMemoryStore(0), Logger: logger,
	})
	if err != nil {
		logger.Error("intake", "error", err)
		return
	}
	verifier, err := kombo.NewVerifier(webhook.Secret{Key: os.Getenv("SECRET")})
	if err != nil {
		logger.Error("verifier", "error", err)
		return
	}
	handler, err := kombo.NewWebhookHandler(kombo.WebhookConfig{Intake: intake, Verifier: verifier, Logger: logger})
	if err != nil {
		logger.Error("handler", "error", err)
		return
	}
	http.Handle("POST /kombo", handler)
	logger.Error("server", "error", http.ListenAndServe(":8080", nil))
}
