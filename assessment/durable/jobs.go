package durable

import (
	"time"

	"github.com/riverqueue/river"
)

// The queues, and how many jobs of each a process runs at once.
const (
	queueOrders  = "assessbridge_orders"
	queueLookups = "assessbridge_lookups"
	queueResults = "assessbridge_results"
	queueUpkeep  = "assessbridge_upkeep"
	queueAsk     = "assessbridge_reconcile"
)

var queues = map[string]river.QueueConfig{
	queueOrders:  {MaxWorkers: 16},
	queueLookups: {MaxWorkers: 8},
	queueResults: {MaxWorkers: 16},
	queueUpkeep:  {MaxWorkers: 2},
	queueAsk:     {MaxWorkers: 1},
}

// How long a job of each queue may run.
const (
	orderTimeout  = 60 * time.Second
	lookupTimeout = 90 * time.Second
	resultTimeout = 90 * time.Second
	upkeepTimeout = 60 * time.Second
)

// maxAttempts is high because the end of a result's life is decided in its row.
const maxAttempts = 1000

// The jobs. Their kinds and arguments are in a database that releases share, so
// they do not change: another form gets another kind, which ships one release
// before it is inserted. They hold references and no person's data: they are
// shown on River's page, and no erasure reaches them.
type (
	orderArgs struct {
		Ref string `json:"ref"`
	}
	flushArgs struct {
		Ref     string `json:"ref"`
		Route   string `json:"route"`
		Account string `json:"account"`
	}
	wakeArgs struct {
		Route   string `json:"route"`
		Account string `json:"account"`
	}
	startsArgs struct {
		Route   string `json:"route"`
		Account string `json:"account"`
	}
	sweepArgs  struct{}
	retainArgs struct{}

	reconcileArgs struct{}
)

// Kind implements river.JobArgs.
func (orderArgs) Kind() string { return "assessbridge_order.v1" }

// Kind implements river.JobArgs.
func (flushArgs) Kind() string { return "assessbridge_flush.v1" }

// Kind implements river.JobArgs.
func (wakeArgs) Kind() string { return "assessbridge_wake.v1" }

// Kind implements river.JobArgs.
func (startsArgs) Kind() string { return "assessbridge_starts.v1" }

// Kind implements river.JobArgs.
func (sweepArgs) Kind() string { return "assessbridge_sweep.v1" }

// Kind implements river.JobArgs.
func (retainArgs) Kind() string { return "assessbridge_retain.v1" }

// Kind implements river.JobArgs.
func (reconcileArgs) Kind() string { return "assessbridge_reconcile.v1" }

func inQueue(queue string) *river.InsertOpts {
	return &river.InsertOpts{Queue: queue, MaxAttempts: maxAttempts}
}

// periodic are the jobs that a leader inserts. They are not unique: one that a
// dead process was running would keep the next away.
func periodic() []*river.PeriodicJob {
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(30*time.Second), func() (river.JobArgs, *river.InsertOpts) {
			return sweepArgs{}, inQueue(queueUpkeep)
		}, nil),
		river.NewPeriodicJob(river.PeriodicInterval(30*time.Second), func() (river.JobArgs, *river.InsertOpts) {
			return reconcileArgs{}, inQueue(queueAsk)
		}, nil),
		river.NewPeriodicJob(river.PeriodicInterval(24*time.Hour), func() (river.JobArgs, *river.InsertOpts) {
			return retainArgs{}, inQueue(queueUpkeep)
		}, nil),
	}
}
