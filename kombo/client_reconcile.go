package kombo

import (
	"context"
	"errors"
	"fmt"
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
	// the provider went live. Zero: none.
	CreatedAfter time.Time
	// MinAge leaves younger orders to their webhook, because an inline candidate
	// may be waiting for its answer; [DefaultMinAge] if zero, no limit if
	// negative.
	MinAge time.Duration
	// Limit is how many orders are started at most, or rejected or failed; those
	// that run already do not count. Zero: all.
	Limit int
	// DryRun only lists: orders that would be given to the Intake are reported as
	// Skipped.
	DryRun bool
}

// ReconcileReport says what [Client.Reconcile] found. Seen counts the open
// orders; every one is in exactly one of the lists.
type ReconcileReport struct {
	Seen int
	// Started: the provider took it now; its webhook had been lost or had failed.
	Started []assessment.OrderRef
	// Running: the provider took it before, or is taking it. Nothing was done.
	Running []assessment.OrderRef
	// Skipped: younger than MinAge, beyond Limit, no longer open, or a dry run.
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
// (https://docs.kombo.dev/assessment/introduction). Run it every few minutes for
// every integration; any number of replicas may run it at once if they share
// the intake's store.
//
// A rejected order is written back as cancelled with the reason, for which
// [Config.ResultURL] must be set. An error says that the list could not be read
// to the end or that the intake takes no orders now; the report holds what was
// done until then.
func (c *Client) Reconcile(ctx context.Context, integration string, rc ReconcileConfig) (ReconcileReport, error) {
	var report ReconcileReport
	switch {
	case rc.DryRun:
	case rc.Intake == nil:
		return report, errors.New("kombo: reconcile needs an Intake")
	case c.resultURL == "":
		return report, errors.New("kombo: reconcile needs a client with a ResultURL, to write a rejection back")
	}
	orders, young, err := c.openOrders(ctx, integration, rc)
	report.Seen = len(orders)
	if err != nil {
		return report, err
	}
	for i, o := range orders {
		changed := len(report.Started) + len(report.Rejected) + len(report.Failed)
		switch {
		case young[o.Ref.ID], o.Ref.ID == "", o.Status.Final(), rc.DryRun, rc.Limit > 0 && changed >= rc.Limit:
			report.Skipped = append(report.Skipped, o.Ref)
			continue
		}
		if err := c.settle(ctx, rc.Intake, o, &report); err != nil {
			for _, rest := range orders[i+1:] {
				report.Skipped = append(report.Skipped, rest.Ref)
			}
			return report, err
		}
	}
	return report, nil
}

// openOrders lists the open orders and says which are young. An order does not
// carry the time of its creation, so the young ones are those that a second
// list, of what was created lately, holds. It comes second: an order created
// between the two is then in neither the one nor, by mistake, among the old.
func (c *Client) openOrders(ctx context.Context, integration string, rc ReconcileConfig) ([]assessment.Order, map[string]bool, error) {
	minAge := rc.MinAge
	if minAge == 0 {
		minAge = DefaultMinAge
	}
	lately := time.Now().Add(-minAge)
	open := OrderFilter{
		Statuses:     []assessment.Status{assessment.StatusOpen},
		CreatedAfter: rc.CreatedAfter,
		PageSize:     MaxPageSize,
	}
	var orders []assessment.Order
	for o, err := range c.Orders(ctx, integration, open) {
		if err != nil {
			return orders, nil, err
		}
		orders = append(orders, o)
	}
	young := make(map[string]bool)
	if minAge < 0 || len(orders) == 0 {
		return orders, young, nil
	}
	open.CreatedAfter = lately
	for o, err := range c.Orders(ctx, integration, open) {
		if err != nil {
			return orders, nil, err
		}
		young[o.Ref.ID] = true
	}
	return orders, young, nil
}

// settle gives one order to the intake. An error means that the intake takes no
// orders now, so that there is no point in going on.
func (c *Client) settle(ctx context.Context, intake *assessment.Intake, o assessment.Order, report *ReconcileReport) error {
	o.ReceivedAt = time.Now().UTC()
	accepted, err := intake.Start(ctx, o)
	var no *assessment.Rejection
	switch {
	case errors.As(err, &no):
		if _, err := c.PublishResult(ctx, o.Ref, no.Result()); err != nil {
			report.fail(o.Ref, fmt.Errorf("write rejection: %w", err))
			return nil
		}
		report.Rejected = append(report.Rejected, o.Ref)
	case errors.Is(err, assessment.ErrInProgress) && ctx.Err() == nil:
		report.Running = append(report.Running, o.Ref)
	case err != nil:
		report.fail(o.Ref, err)
		if errors.Is(err, assessment.ErrDraining) || errors.Is(err, assessment.ErrStore) || ctx.Err() != nil {
			return fmt.Errorf("kombo: reconcile: %w", err)
		}
	case accepted.Replayed:
		report.Running = append(report.Running, o.Ref)
	default:
		report.Started = append(report.Started, o.Ref)
	}
	return nil
}

func (r *ReconcileReport) fail(ref assessment.OrderRef, err error) {
	r.Failed = append(r.Failed, ReconcileFailure{Ref: ref, Err: err})
}
