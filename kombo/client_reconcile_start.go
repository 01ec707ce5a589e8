package kombo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
)

const (
	// maxStarts is how many orders are being started at once.
	maxStarts = 16
	// startPatience is how long one start holds up the next one.
	startPatience = 50 * time.Millisecond
)

// settled is what became of the order with this index.
type settled struct {
	index int
	list  list
	err   error // why it failed
	stop  error // why there is no point in going on
}

// list is one of [ReconcileReport].
type list int8

const (
	unreached list = iota
	started
	running
	rejected
	failed
	erased
)

// starts are orders that are being started.
type starts struct {
	orders   []assessment.Order
	become   []settled // by index
	done     chan settled
	inFlight int // begun and not done
	changed  int // started, rejected or failed
	stop     error
}

// start gives orders to the intake, each as soon as the one before is done or has
// taken long. An error means that the intake takes no orders now.
func (r *reconciler) start(ctx context.Context, orders []assessment.Order) error {
	s := starts{orders: orders, become: make([]settled, len(orders)), done: make(chan settled, maxStarts)}
	limit, before := r.config.Limit, len(r.report.Started)+len(r.report.Rejected)+len(r.report.Failed)
	for i := range orders {
		for s.inFlight > 0 && (s.inFlight == maxStarts || limit > 0 && before+s.changed+s.inFlight >= limit) {
			s.receive()
		}
		if s.stop != nil || limit > 0 && before+s.changed >= limit {
			break
		}
		s.inFlight++
		go func() { s.done <- r.client.settle(ctx, r.config.Intake, i, orders[i]) }()
		s.await(i)
	}
	for s.inFlight > 0 {
		s.receive()
	}
	for i, o := range orders {
		r.note(o, s.become[i])
	}
	return s.stop
}

// await waits until the order with this index is done or has taken long.
func (s *starts) await(index int) {
	patience := time.NewTimer(startPatience)
	defer patience.Stop()
	for s.become[index].list == unreached {
		select {
		case done := <-s.done:
			s.take(done)
		case <-patience.C:
			return
		}
	}
}

func (s *starts) receive() { s.take(<-s.done) }

func (s *starts) take(done settled) {
	s.inFlight--
	s.become[done.index] = done
	switch done.list {
	case started, rejected, failed:
		s.changed++
	}
	if s.stop == nil {
		s.stop = done.stop
	}
}

// note adds an order to the list that it belongs to.
func (r *reconciler) note(o assessment.Order, became settled) {
	switch became.list {
	case started:
		r.report.Started = append(r.report.Started, o.Ref)
	case running:
		r.report.Running = append(r.report.Running, o.Ref)
	case rejected:
		r.report.Rejected = append(r.report.Rejected, o.Ref)
	case failed:
		r.fail(o.Ref, became.err)
	default:
		r.skip(o)
	}
}

// settle gives one order to the intake and writes a rejection back.
func (c *Client) settle(ctx context.Context, intake *assessment.Intake, index int, o assessment.Order) settled {
	o.ReceivedAt = time.Now().UTC()
	accepted, err := intake.Start(ctx, o)
	var no *assessment.Rejection
	if errors.As(err, &no) {
		return c.writeRejection(ctx, intake, index, o.Ref, no)
	}
	switch {
	case errors.Is(err, assessment.ErrInProgress) && ctx.Err() == nil:
		return settled{index: index, list: running}
	case errors.Is(err, assessment.ErrErased):
		return settled{index: index, list: erased}
	case err != nil:
		return settled{index: index, list: failed, err: err, stop: hopeless(ctx, err)}
	case accepted.Replayed:
		return settled{index: index, list: running}
	}
	return settled{index: index, list: started}
}

// writeRejection writes a rejection, once for all replicas.
func (c *Client) writeRejection(ctx context.Context, intake *assessment.Intake, index int, ref assessment.OrderRef, no *assessment.Rejection) settled {
	_, err := intake.PublishRejection(ctx, ref, no, c)
	switch {
	case errors.Is(err, assessment.ErrInProgress) && ctx.Err() == nil:
		return settled{index: index, list: running}
	case err != nil:
		return settled{index: index, list: failed, err: fmt.Errorf("write rejection: %w", err)}
	}
	return settled{index: index, list: rejected}
}

// hopeless returns an error if the next order would fare no better.
func hopeless(ctx context.Context, err error) error {
	if errors.Is(err, assessment.ErrDraining) || errors.Is(err, assessment.ErrStore) || ctx.Err() != nil {
		return fmt.Errorf("kombo: reconcile: %w", err)
	}
	return nil
}
