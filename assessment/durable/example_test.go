package durable_test

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/durable"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
	"github.com/assessbridge/assessbridge/kombo"
	"github.com/assessbridge/assessbridge/webhook"
)

// A host that takes Kombo's orders and writes results back, on PostgreSQL.
func ExampleNew() {
	run := func(ctx context.Context, pool *pgxpool.Pool, provider assessment.Provider, key, secret string) error {
		client, err := kombo.New(kombo.Config{APIKey: key})
		if err != nil {
			return err
		}
		service, err := durable.New(durable.Config{
			PostgreSQL: pool, Provider: provider, Publishers: []assessment.Publisher{client},
		})
		if err != nil {
			return err
		}
		if err := service.Migrate(ctx); err != nil {
			return err
		}
		verifier, err := kombo.NewVerifier(webhook.Secret{ID: "2026", Key: secret})
		if err != nil {
			return err
		}
		orders, err := kombo.NewWebhookHandler(kombo.WebhookConfig{
			Intake: service.Intake(), Verifier: verifier, Queue: service.Queue,
		})
		if err != nil {
			return err
		}
		http.Handle("POST /kombo", orders)
		return service.Run(ctx)
	}
	_ = run
}

// The result becomes durable with the host's own rows, or not at all.
func ExampleService_PublishTx() {
	finish := func(ctx context.Context, db *sql.DB, service *durable.Service, ref assessment.OrderRef, score float64) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if _, err := tx.ExecContext(ctx, `UPDATE tests SET score = $2 WHERE ref = $1`, ref.String(), score); err != nil {
			return err
		}
		result := assessment.Result{
			Status: assessment.StatusCompleted, Score: assessment.ScoreOutOf(score, 100),
			ReportURL: "https://provider.example.com/reports/1",
		}
		if _, err := service.PublishTx(ctx, tx, sqlstore.Message{Ref: ref, Result: result}); err != nil {
			return err
		}
		return tx.Commit()
	}
	_ = finish
}
