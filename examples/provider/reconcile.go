package main

import (
	"context"
	"time"

	"github.com/assessbridge/assessbridge/kombo"
)

// reconcileEvery is how often lost orders are looked for.
const reconcileEvery = 10 * time.Minute

// reconcile finds orders whose webhook was lost, now and then until ctx ends. A
// real provider takes the integrations from its database, and lets replicas do
// it at once without harm.
func (v *service) reconcile(ctx context.Context, integrations []string) {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		for _, integration := range integrations {
			report, err := v.kombo.Reconcile(ctx, integration, kombo.ReconcileConfig{Intake: v.intake})
			if err != nil {
				v.logger.ErrorContext(ctx, "reconcile", "integration", integration, "error", err)
				continue
			}
			v.logger.InfoContext(ctx, "reconciled", "integration", integration, "open", report.Seen,
				"started", len(report.Started), "rejected", len(report.Rejected), "failed", len(report.Failed))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
