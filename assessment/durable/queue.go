package durable

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// Queue makes an order durable and has it started in a moment; it is what every
// handler's Queue field takes. While the database is away it tries for
// Config.QueueWait; then the error makes the handler answer 503, and the vendor
// comes again. StackOne does not: see Config.Emergency.
func (s *Service) Queue(ctx context.Context, o assessment.Order) error {
	if s.draining.Load() {
		return assessment.ErrDraining
	}
	bounded, cancel := context.WithTimeout(ctx, s.config.QueueWait)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := s.spool.Queue(bounded, o)
		var invalid *assessment.ValidationError
		if err == nil {
			s.missed.deliver(integrationOf(o.Ref), time.Now())
		}
		if err == nil || errors.As(err, &invalid) || errors.Is(err, sqlstore.ErrOffboarded) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-bounded.Done():
			return s.unreachable(context.WithoutCancel(ctx), o, err)
		}
	}
}

func integrationOf(ref assessment.OrderRef) sqlstore.Integration {
	return sqlstore.Integration{Vendor: ref.Vendor, Connection: ref.Connection, Account: ref.Account}
}

// unreachable is what happens to an order that cannot be stored.
func (s *Service) unreachable(ctx context.Context, o assessment.Order, err error) error {
	err = fmt.Errorf("%w: %w", assessment.ErrStore, err)
	s.missed.add(integrationOf(o.Ref))
	if o.Ref.Vendor != assessment.StackOne {
		return err
	}
	if s.config.Emergency != "" {
		saved := s.save(o)
		if saved == nil {
			return nil
		}
		err = errors.Join(err, saved)
	}
	s.config.Logger.ErrorContext(ctx, "order_lost_risk", "account", o.Ref.Account, "order", o.Ref)
	return err
}
