package durable

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/assessbridge/assessbridge/assessment"
)

// sweepAge is how old work is that a sweep takes for forgotten, and sweepMost
// how much of it at once.
const (
	sweepAge  = time.Minute
	sweepMost = 500
)

// sweptPriority lets what was just published go before what a sweep finds: many
// re-driven results may become due at once.
const sweptPriority = river.PriorityDefault + 2

type sweepWorker struct {
	river.WorkerDefaults[sweepArgs]
	s *Service
}

// Timeout implements river.Worker.
func (w *sweepWorker) Timeout(*river.Job[sweepArgs]) time.Duration { return upkeepTimeout }

// Work inserts jobs for orders and results that have none.
func (w *sweepWorker) Work(ctx context.Context, _ *river.Job[sweepArgs]) error {
	results, orders, err := w.s.forgotten(ctx)
	if err != nil {
		return err
	}
	if err := w.s.insertFlushes(ctx, results, sweptPriority); err != nil {
		return err
	}
	return w.s.insertOrders(ctx, orders)
}

// forgotten returns results and orders that are due, old enough, and without a
// job that will see to them.
func (s *Service) forgotten(ctx context.Context) (results, orders []assessment.OrderRef, err error) {
	if results, err = s.outbox.Due(ctx, sweepMost, sweepAge); err != nil {
		return nil, nil, err
	}
	if orders, err = s.spool.Due(ctx, sweepMost, sweepAge); err != nil {
		return nil, nil, err
	}
	if results, err = s.withoutJob(ctx, flushArgs{}.Kind(), results); err != nil {
		return nil, nil, err
	}
	orders, err = s.withoutJob(ctx, orderArgs{}.Kind(), orders)
	return results, orders, err
}

// hasJob finds the references that a job will see to. One that is running does
// not count: a dead process's job says that it runs.
const (
	hasJobPostgres = `SELECT args->>'ref' FROM %sriver_job WHERE kind = $1 AND state IN ('available', 'retryable', 'scheduled')
		AND args->>'ref' IN (SELECT json_array_elements_text(CAST($2 AS json)))`
	hasJobSQLite = `SELECT json_extract(args, '$.ref') FROM %sriver_job WHERE kind = ?1 AND state IN ('available', 'retryable', 'scheduled')
		AND json_extract(args, '$.ref') IN (SELECT value FROM json_each(?2))`
)

func (s *Service) withoutJob(ctx context.Context, kind string, refs []assessment.OrderRef) ([]assessment.OrderRef, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(refs)
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	query := fmt.Sprintf(hasJobSQLite, "")
	if s.config.PostgreSQL != nil {
		query = fmt.Sprintf(hasJobPostgres, `"`+s.config.Schema+`".`)
	}
	rows, err := s.db.QueryContext(ctx, query, kind, string(list))
	if err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	defer func() { _ = rows.Close() }()
	seen := make(map[string]bool)
	for rows.Next() {
		var ref string
		if err := rows.Scan(&ref); err != nil {
			return nil, fmt.Errorf("durable: %w", err)
		}
		seen[ref] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("durable: %w", err)
	}
	return slices.DeleteFunc(refs, func(ref assessment.OrderRef) bool { return seen[ref.String()] }), nil
}

// sweepWidth is how much forgotten work a process does itself at once.
const sweepWidth = 4

// sweepLoop does what no job told of, in every process. With it River's leader,
// its rescue and its tables matter to how soon things are done, and to nothing
// else.
// The first look is at once: a process that starts again finds what it left.
func (s *Service) sweepLoop(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.config.Logger.WarnContext(ctx, "sweep failed", "error", err)
		}
		every := s.config.Sweep
		select {
		case <-time.After(every*3/4 + rand.N(every/2)): // processes that started together come apart
		case <-ctx.Done():
		}
	}
}

func (s *Service) sweep(ctx context.Context) error {
	results, err := s.outbox.Due(ctx, sweepMost, s.config.Sweep)
	if err != nil {
		return err
	}
	orders, err := s.spool.Due(ctx, sweepMost, s.config.Sweep)
	if err != nil {
		return err
	}
	rand.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	todo := make(chan func(), sweepWidth)
	var all sync.WaitGroup
	for range sweepWidth {
		all.Go(func() {
			for do := range todo {
				do()
			}
		})
	}
	for _, ref := range results {
		todo <- func() { _, _ = s.outbox.Flush(ctx, ref) }
	}
	for _, ref := range orders {
		todo <- func() { _, _ = s.spool.Work(ctx, ref) }
	}
	close(todo)
	all.Wait()
	return nil
}
