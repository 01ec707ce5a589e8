package durable

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// addWorkers registers what runs the jobs. A job is a hint: it may come twice or
// never, and finding nothing to do is its normal end.
func (s *Service) addWorkers(w *river.Workers) error {
	return errors.Join(
		river.AddWorkerSafely(w, &orderWorker{s: s}),
		river.AddWorkerSafely(w, &flushWorker{s: s}),
		river.AddWorkerSafely(w, &wakeWorker{s: s}),
		river.AddWorkerSafely(w, &startsWorker{s: s}),
		river.AddWorkerSafely(w, &sweepWorker{s: s}),
		river.AddWorkerSafely(w, &retainWorker{s: s}),
		river.AddWorkerSafely(w, &reconcileWorker{s: s}),
	)
}

type orderWorker struct {
	river.WorkerDefaults[orderArgs]
	s *Service
}

// Timeout implements river.Worker.
func (w *orderWorker) Timeout(job *river.Job[orderArgs]) time.Duration {
	if job.Queue == queueLookups {
		return lookupTimeout
	}
	return orderTimeout
}

// Work starts an order. If its account has as many running as it may, the job
// ends, and whichever of them ends first goes on with the account's next.
func (w *orderWorker) Work(ctx context.Context, job *river.Job[orderArgs]) error {
	ref, err := assessment.ParseOrderRef(job.Args.Ref)
	if err != nil {
		return river.JobCancel(err)
	}
	queue := w.s.queueOf(ref)
	account := sqlstore.Route(ref.Vendor, ref.Connection) + " " + sqlstore.Account(ref.Account)
	if !w.s.width.enter(account, widthOf[queue]) {
		return nil
	}
	done, err := w.s.spool.Work(ctx, ref)
	if w.s.width.leave(account) {
		w.s.next(context.WithoutCancel(ctx), ref, queue, account)
	}
	switch {
	case err != nil:
		return err
	case done.Again > 0:
		return river.JobSnooze(done.Again + slack)
	case !done.Done && w.s.draining.Load():
		return river.JobSnooze(0) // for the next process
	}
	return nil
}

// next inserts jobs for orders of an account whose own jobs ended because it
// was busy. As many as it may have at once are perhaps not all, so the next that
// ends looks again.
func (s *Service) next(ctx context.Context, ref assessment.OrderRef, queue, account string) {
	most := widthOf[queue]
	if s.draining.Load() {
		most = sweepMost // the next process does not know that the account was busy
	}
	refs, err := s.spool.DueOf(ctx, sqlstore.Route(ref.Vendor, ref.Connection), sqlstore.Account(ref.Account), most)
	if len(refs) == most {
		s.width.drop(account)
	}
	for _, ref := range refs {
		if err == nil {
			_, err = s.jobs.Insert(ctx, orderArgs{Ref: ref.String()}, inQueue(queue))
		}
	}
	if err != nil {
		s.config.Logger.WarnContext(ctx, "orders wait for the next sweep", "error", err)
	}
}

// widthOf is how many orders of one account a process starts at once, so that
// one whose lookups hang does not hold all workers.
var widthOf = map[string]int{queueOrders: 4, queueLookups: 2}

// widths counts the running orders by account.
type widths struct {
	mu      sync.Mutex
	busy    map[string]int
	dropped map[string]bool // a job ended because its account was busy
}

func (w *widths) enter(account string, most int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[account] >= most {
		w.dropped[account] = true
		return false
	}
	w.busy[account]++
	return true
}

// drop notes that the account has more to start.
func (w *widths) drop(account string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dropped[account] = true
}

// leave says whether a job of the account was dropped meanwhile.
func (w *widths) leave(account string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[account]--; w.busy[account] == 0 {
		delete(w.busy, account)
	}
	dropped := w.dropped[account]
	delete(w.dropped, account)
	return dropped
}

// slack keeps a job from coming a moment before its row is due.
const slack = 50 * time.Millisecond

type flushWorker struct {
	river.WorkerDefaults[flushArgs]
	s *Service
}

// Timeout implements river.Worker.
func (w *flushWorker) Timeout(*river.Job[flushArgs]) time.Duration { return resultTimeout }

// NextRetry implements river.Worker: a job comes again when its row is due.
func (w *flushWorker) NextRetry(job *river.Job[flushArgs]) time.Time {
	if at, ok := w.s.retries.LoadAndDelete(job.ID); ok {
		return at.(time.Time)
	}
	return time.Time{}
}

// errWaiting is what a job ends with whose result waits. It says nothing of why:
// that is in the order's timeline.
var errWaiting = errors.New("the result waits for its next try")

// Work writes what is pending for an order. A job that ended with a refusal and
// is retried on River's page sets the refused rows back first.
func (w *flushWorker) Work(ctx context.Context, job *river.Job[flushArgs]) error {
	ref, err := assessment.ParseOrderRef(job.Args.Ref)
	if err != nil {
		return river.JobCancel(err)
	}
	if err := w.redrive(ctx, job.Metadata); err != nil {
		return err
	}
	done, err := w.s.outbox.Flush(ctx, ref)
	switch {
	case ctx.Err() != nil:
		return river.JobSnooze(0) // the process is ending; the next one goes on
	case err != nil:
		return err
	case len(done.Refused) > 0:
		return w.refused(ctx, done.Refused)
	case done.Again > 0:
		w.s.retries.Store(job.ID, time.Now().Add(done.Again+slack))
		return errWaiting
	}
	return nil
}

// mark is what a cancelled job's metadata says of the rows that were refused.
type mark struct {
	Refused []int64 `json:"refused"`
}

func (w *flushWorker) refused(ctx context.Context, rows []int64) error {
	if err := river.RecordOutput(ctx, mark{rows}); err != nil {
		return err
	}
	return river.JobCancel(fmt.Errorf("needs attention: result %s", strings.Trim(fmt.Sprint(rows), "[]")))
}

// redrive sets back the rows that this very job was cancelled for. Other jobs of
// the order have no mark, so they re-drive nothing.
func (w *flushWorker) redrive(ctx context.Context, metadata []byte) error {
	var m struct {
		Output mark `json:"output"`
	}
	if err := json.Unmarshal(metadata, &m); err != nil || len(m.Output.Refused) == 0 {
		return nil
	}
	for _, seq := range m.Output.Refused {
		err := w.s.outbox.Redrive(ctx, seq, sqlstore.Act{Actor: "jobs page", Reason: "retried"})
		if err != nil && !errors.Is(err, sqlstore.ErrNoAttention) {
			return err
		}
	}
	return river.RecordOutput(ctx, mark{})
}

type wakeWorker struct {
	river.WorkerDefaults[wakeArgs]
	s *Service
}

// Timeout implements river.Worker.
func (w *wakeWorker) Timeout(*river.Job[wakeArgs]) time.Duration { return upkeepTimeout }

// atOnce is how many orders a waker deals out in a second.
const atOnce = 10

// Work waits until a gate opens and then deals out the orders behind it, as
// many in a second as a vendor's limit lets through.
func (w *wakeWorker) Work(ctx context.Context, job *river.Job[wakeArgs]) error {
	refs, again, err := w.s.outbox.Wake(ctx, job.Args.Route, job.Args.Account, atOnce)
	if err != nil {
		return err
	}
	if err := w.s.insertFlushes(ctx, refs, river.PriorityDefault); err != nil {
		return err
	}
	if again > 0 {
		return river.JobSnooze(again + slack)
	}
	return nil
}

type startsWorker struct {
	river.WorkerDefaults[startsArgs]
	s *Service
}

// Timeout implements river.Worker.
func (w *startsWorker) Timeout(*river.Job[startsArgs]) time.Duration { return upkeepTimeout }

// Work deals out the orders that waited while starts were switched off.
func (w *startsWorker) Work(ctx context.Context, job *river.Job[startsArgs]) error {
	refs, again, err := w.s.spool.Wake(ctx, job.Args.Route, job.Args.Account, atOnce)
	if err != nil {
		return err
	}
	if refs, err = w.s.withoutJob(ctx, orderArgs{}.Kind(), refs); err != nil {
		return err
	}
	if err := w.s.insertOrders(ctx, refs); err != nil {
		return err
	}
	if again > 0 {
		return river.JobSnooze(again)
	}
	return nil
}

func (s *Service) insertOrders(ctx context.Context, refs []assessment.OrderRef) error {
	for _, ref := range refs {
		if _, err := s.jobs.Insert(ctx, orderArgs{Ref: ref.String()}, inQueue(s.queueOf(ref))); err != nil {
			return fmt.Errorf("durable: %w", err)
		}
	}
	return nil
}

func (s *Service) insertFlushes(ctx context.Context, refs []assessment.OrderRef, priority int) error {
	if len(refs) == 0 {
		return nil
	}
	all := make([]river.InsertManyParams, 0, len(refs))
	for _, ref := range refs {
		args, opts := s.jobOf(resultHint(ref))
		opts.Priority = priority
		all = append(all, river.InsertManyParams{Args: args, InsertOpts: opts})
	}
	if _, err := s.jobs.InsertMany(ctx, all); err != nil {
		return fmt.Errorf("durable: %w", err)
	}
	return nil
}

type retainWorker struct {
	river.WorkerDefaults[retainArgs]
	s *Service
}

// Timeout implements river.Worker: removing a year takes its time.
func (w *retainWorker) Timeout(*river.Job[retainArgs]) time.Duration { return 2 * time.Minute }

// Work removes what is old, and says what goes soon although somebody should have
// dealt with it.
func (w *retainWorker) Work(ctx context.Context, _ *river.Job[retainArgs]) error {
	e, err := w.s.store.Expiring(ctx, w.s.config.Retention)
	if err != nil {
		return err
	}
	if e.Results > 0 {
		w.s.config.Logger.ErrorContext(ctx, "results_expiring", "results", e.Results, "next", e.Next)
	}
	_, err = w.s.store.Retain(ctx, w.s.config.Retention, false)
	return err
}
