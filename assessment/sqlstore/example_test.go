package sqlstore_test

import (
	"context"
	"database/sql"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// A host with an engine of its own (a workflow engine, cron, its own workers)
// drives the outbox with a loop. Any number of processes may run it.
func ExampleOutbox_Flush() {
	run := func(ctx context.Context, db *sql.DB, router *assessment.Router) error {
		store, err := sqlstore.Open(db, sqlstore.PostgreSQL, sqlstore.Options{Schema: "assessbridge"})
		if err != nil {
			return err
		}
		if err := store.Migrate(ctx); err != nil {
			return err
		}
		outbox, err := store.Outbox(sqlstore.OutboxConfig{Publisher: router})
		if err != nil {
			return err
		}
		for ctx.Err() == nil {
			refs, err := outbox.Due(ctx, 100, 0)
			if err != nil {
				return err
			}
			for _, ref := range refs {
				if _, err := outbox.Flush(ctx, ref); err != nil {
					return err
				}
			}
			if len(refs) == 0 {
				select {
				case <-time.After(time.Second):
				case <-ctx.Done():
				}
			}
		}
		return nil
	}
	_ = run
}

// The result becomes durable together with the host's own rows, or not at all.
func ExampleOutbox_PublishTx() {
	finish := func(ctx context.Context, db *sql.DB, outbox *sqlstore.Outbox, ref assessment.OrderRef, score float64) error {
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
		if _, err := outbox.PublishTx(ctx, tx, sqlstore.Message{Ref: ref, Result: result}); err != nil {
			return err
		}
		return tx.Commit()
	}
	_ = finish
}
