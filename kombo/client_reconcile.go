package kombo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

// DefaultMinAge is how old an order is before [Client.Reconcile] takes it out
// of its webhook's hands.
const DefaultMinAge = 5 * time.Minute

// ReconcileConfig configures [Client.Reconcile].
type ReconcileConfig struct {
	// Intake starts the orders; required unless DryRun. It must share its store
	// with the webhook handler's.
	Intake *assessment.Intake
	// CreatedAfter leaves out orders created before it, such as those from before
	// the provider went live, or all but the latest in a frequent run. Zero: none.
	CreatedAfter time.Time
	// MinAge leaves younger orders to their webhook, because an inline candidate
	// may be waiting for its answer; [DefaultMinAge] if zero, no limit if
	// negative.
	MinAge time.Duration
	// Limit is how many orders are started at most, or rejected or failed; those
	// that run already do not count. Zero: all.
	Limit int
	// DryRun only lists: all open orders are reported as Skipped.
	DryRun bool
}

func (rc *ReconcileConfig) minAge() time.Duration {
	if rc.MinAge == 0 {
		return DefaultMinAge
	}
	return rc.MinAge
}

// ReconcileReport says what [Client.Reconcile] found. Seen counts the open
// orders; every one is in exactly one of the lists.
type ReconcileReport struct {
	Seen int
	// Started: the provider took it now; its webhook had been lost or had failed.
	Started []assessment.OrderRef
	// Running: the provider took it before, or is taking it. Nothing was done.
	Running []assessment.OrderRef
	// Skipped: younger than MinAge, beyond Limit, no longer open, erased, not
	// reached, or a dry run.
	Skipped []assessment.OrderRef
	// Rejected: the provider said no, now or before, and Kombo knows it as
	// cancelled with the reason.
	Rejected []assessment.OrderRef
	// Failed: could not be started, or the rejection could not be written.
	Failed []ReconcileFailure
}

// ReconcileFailure is one order that [Client.Reconcile] could not settle.
type ReconcileFailure struct {
	Ref assessment.OrderRef
	Err error
}

// Reconcile finds open orders whose webhook was lost, failed or was answered
// too late, and starts them. Kombo does not document that it delivers a webhook
// again; it names polling as the way to find missed orders
// (https://docs.kombo.dev/assessment/introduction). Any number of replicas may run
// it at once if they share the intake's store.
//
// A rejected order is written back as cancelled with the reason, for which
// [Config.ResultURL] must be set. An error says that the list could not be read
// to the end or that the intake takes no orders now; the report holds what was
// done until then.
//
// A run costs one call for every 250 open orders and one statement of the store
// beside it, if the store is an [assessment.Lookup]; orders that nobody took cost
// one more call for the youngest orders and their starts. Orders stay open until
// the candidates are done, so an integration with 2,000 of them that is looked at
// every five minutes costs 2,300 calls a day. Give frequent runs a CreatedAfter of
// an hour or a day ago, so that each is one call, and look at everything once or
// twice a day.
//
// Orders are started one after the other. One that takes long does not hold up the
// others: up to 16 run at once.
func (c *Client) Reconcile(ctx context.Context, integration string, rc ReconcileConfig) (ReconcileReport, error) {
	switch {
	case rc.DryRun:
	case rc.Intake == nil:
		return ReconcileReport{}, errors.New("kombo: reconcile needs an Intake")
	case c.resultURL == "":
		return ReconcileReport{}, errors.New("kombo: reconcile needs a client with a ResultURL, to write a rejection back")
	}
	r := reconciler{client: c, integration: integration, config: rc, lately: time.Now().Add(-rc.minAge())}
	err := r.run(ctx)
	return r.report, err
}

// maxPending is how many orders that nobody took are held in memory before they
// are started.
const maxPending = 1_000

// reconciler is one run of [Client.Reconcile].
type reconciler struct {
	client      *Client
	integration string
	config      ReconcileConfig
	lately      time.Time // younger orders are left alone

	blind   bool               // the store cannot look up many orders at once
	page    []assessment.Order // listed and not looked up
	pending []assessment.Order // nobody took them
	report  ReconcileReport
}

func (r *reconciler) run(ctx context.Context) error {
	defer r.giveUp() // what an error has left
	for o, err := range r.client.Orders(ctx, r.integration, r.open(r.config.CreatedAfter)) {
		if err != nil {
			return err
		}
		r.report.Seen++
		o.Ref.ID = strings.Clone(o.Ref.ID) // the report must not hold the page
		if o.Ref.ID == "" || o.Status.Final() || r.config.DryRun {
			r.skip(o)
			continue
		}
		if r.page = append(r.page, o); len(r.page) < MaxPageSize {
			continue
		}
		if err := r.lookUp(ctx); err != nil {
			return err
		}
		if len(r.pending) < maxPending {
			continue
		}
		if err := r.settle(ctx); err != nil {
			return err
		}
	}
	if err := r.lookUp(ctx); err != nil {
		return err
	}
	return r.settle(ctx)
}

func (r *reconciler) open(createdAfter time.Time) OrderFilter {
	return OrderFilter{
		Statuses:     []assessment.Status{assessment.StatusOpen},
		CreatedAfter: createdAfter,
		PageSize:     MaxPageSize,
	}
}

func (r *reconciler) skip(o assessment.Order) { r.report.Skipped = append(r.report.Skipped, o.Ref) }

func (r *reconciler) fail(ref assessment.OrderRef, err error) {
	r.report.Failed = append(r.report.Failed, ReconcileFailure{Ref: ref, Err: err})
}

func (r *reconciler) giveUp() {
	for _, o := range r.pending {
		r.skip(o)
	}
	for _, o := range r.page {
		r.skip(o)
	}
}

// lookUp asks the store for the listed orders and keeps those that need work.
func (r *reconciler) lookUp(ctx context.Context) error {
	if len(r.page) == 0 {
		return nil
	}
	states, err := r.states(ctx)
	if err != nil {
		return fmt.Errorf("kombo: reconcile: %w", err)
	}
	for _, o := range r.page {
		switch states[o.Ref] {
		case assessment.OrderStarted:
			r.report.Running = append(r.report.Running, o.Ref)
		case assessment.OrderRejectionWritten:
			r.report.Rejected = append(r.report.Rejected, o.Ref)
		case assessment.OrderErased:
			r.skip(o)
		case assessment.OrderUnreadable:
			r.fail(o.Ref, assessment.ErrUnreadable)
		default: // unknown, begun and not answered, or rejected and not written
			r.pending = append(r.pending, o)
		}
	}
	clear(r.page) // for the collector
	r.page = r.page[:0]
	return nil
}

// states are empty if the store cannot tell: the intake finds out then, one order
// at a time.
func (r *reconciler) states(ctx context.Context) (map[assessment.OrderRef]assessment.OrderState, error) {
	if r.blind {
		return nil, nil
	}
	refs := make([]assessment.OrderRef, len(r.page))
	for i, o := range r.page {
		refs[i] = o.Ref
	}
	states, err := r.config.Intake.States(ctx, refs)
	if errors.Is(err, assessment.ErrNotSupported) {
		r.blind = true
		return nil, nil
	}
	return states, err
}

// young lists what was created lately, because an order does not carry the time of
// its creation. It has to be asked after the pending orders were listed: an order
// created in between is then in neither list, and never by mistake among the old.
func (r *reconciler) young(ctx context.Context) (map[string]bool, error) {
	young := make(map[string]bool)
	if r.config.minAge() < 0 {
		return young, nil
	}
	for o, err := range r.client.Orders(ctx, r.integration, r.open(r.lately)) {
		if err != nil {
			return nil, err
		}
		young[strings.Clone(o.Ref.ID)] = true
	}
	return young, nil
}

// settle starts the pending orders that are old enough.
func (r *reconciler) settle(ctx context.Context) error {
	if len(r.pending) == 0 {
		return nil
	}
	young, err := r.young(ctx)
	if err != nil {
		return err
	}
	var old []assessment.Order
	for _, o := range r.pending {
		if young[o.Ref.ID] {
			r.skip(o)
			continue
		}
		old = append(old, o)
	}
	r.pending = nil
	return r.start(ctx, old)
}
