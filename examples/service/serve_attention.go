package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

func (v *service) listAttention(ctx context.Context, q attentionQuestion) (a attentionAnswer, err error) {
	a.Rows = []row{}
	if q.What == "" { // a command of an older release
		q.What = aboutResults
	}
	if err := checkAll(q.which, q.Max); err != nil {
		return a, wrong{err}
	}
	n := rowsAtOnce
	if q.Max > 0 {
		n = min(n, q.Max)
	}
	if q.What == aboutOrders {
		return v.listOrders(ctx, q, n)
	}
	return v.listResults(ctx, q, n)
}

func (v *service) listResults(ctx context.Context, q attentionQuestion, n int) (a attentionAnswer, err error) {
	a.Rows = []row{}
	f, err := q.filter()
	if err != nil {
		return a, wrong{err}
	}
	f.Uncertain, f.Late = true, true
	found, err := v.durable.Outbox().Matching(ctx, f, q.After, n)
	for _, one := range found {
		state := one.State
		if state == "pending" {
			state = "late"
		}
		a.Rows = append(a.Rows, row{
			What: "result", Row: one.Seq, Order: one.Ref.String(), State: state, Reason: one.Reason,
			HTTPStatus: one.Answer.HTTPStatus, Code: one.Answer.Code, Operation: one.Answer.Operation, RequestID: one.Answer.RequestID,
			Made: one.Made, Settled: one.Settled, HasBody: one.HasBody,
		})
	}
	if len(found) == n {
		a.Next = found[n-1].Seq
	}
	return a, err
}

func (v *service) listOrders(ctx context.Context, q attentionQuestion, n int) (a attentionAnswer, err error) {
	a.Rows = []row{}
	f, err := q.orderFilter()
	if err != nil {
		return a, wrong{err}
	}
	var after sqlstore.WaitingOrder
	if q.AfterOrder != "" {
		last, err := references([]string{q.AfterOrder})
		if err != nil {
			return a, wrong{err}
		}
		after = sqlstore.WaitingOrder{Ref: last[0], Made: q.AfterMade}
	}
	found, err := v.durable.Spool().Matching(ctx, f, after, n)
	for _, o := range found {
		a.Rows = append(a.Rows, row{
			What: "order", Order: o.Ref.String(), State: "attention", Reason: o.Reason, Tries: o.Tries, Made: o.Made, HasBody: true,
		})
	}
	a.More = len(found) == n
	return a, err
}

func (v *service) redrive(ctx context.Context, q manyQuestion) (manyAnswer, error) {
	if q.What == aboutOrders {
		return v.manyOrders(ctx, "redrive", q, v.durable.Spool().StartMany)
	}
	return v.manyResults(ctx, "redrive", q, v.durable.Outbox().RedriveMany)
}

func (v *service) discard(ctx context.Context, q manyQuestion) (manyAnswer, error) {
	if q.What == aboutOrders {
		return v.manyOrders(ctx, "discard", q, v.durable.Spool().DiscardMany)
	}
	return v.manyResults(ctx, "discard", q, v.durable.Outbox().DiscardMany)
}

// checkedUnless is checked, except in a dry run: that does nothing, so anybody may.
func (p person) checkedUnless(dryRun bool) (sqlstore.Act, error) {
	if dryRun {
		return sqlstore.Act{Actor: "dry run", Reason: "dry run"}, nil
	}
	return p.checked()
}

func (p person) checked() (sqlstore.Act, error) {
	if strings.TrimSpace(p.Actor) == "" || strings.TrimSpace(p.Reason) == "" {
		return sqlstore.Act{}, wrong{errors.New("actor and reason are required")}
	}
	return p.act(), nil
}

// many is what is to be done with many, and the moment after which nothing is meant.
func (v *service) many(ctx context.Context, q manyQuestion) (m sqlstore.Many, asOf time.Time, err error) {
	m = sqlstore.Many{DryRun: q.DryRun, Max: q.Max, PerMinute: q.PerMinute}
	if m.Act, err = q.checkedUnless(q.DryRun); err != nil {
		return m, asOf, err
	}
	if err := checkAll(q.which, q.Max); err != nil {
		return m, asOf, wrong{err}
	}
	if q.PerMinute < 0 {
		return m, asOf, wrong{errors.New("per_minute is negative")}
	}
	asOf, err = v.durable.DB().Now(ctx)
	return m, asOf.Add(time.Millisecond), err // it is exclusive
}

func (v *service) manyResults(ctx context.Context, name string, q manyQuestion,
	do func(context.Context, sqlstore.Filter, sqlstore.Many) (sqlstore.Dealt, error)) (manyAnswer, error) {
	m, asOf, err := v.many(ctx, q)
	if err != nil {
		return manyAnswer{}, err
	}
	f, err := q.filter()
	if err != nil {
		return manyAnswer{}, wrong{err}
	}
	f.Uncertain, f.Late = q.Uncertain, q.Late
	done, err := do(ctx, f, m)
	v.byHand(ctx, name, m.Act, done.Changed, q.DryRun)
	return manyAnswer{
		What: aboutResults, DryRun: q.DryRun, Matched: done.Matched, Newer: done.Newer, Gone: done.Gone,
		Changed: done.Changed, Due: done.Until, AsOf: asOf,
	}, err
}

func (v *service) manyOrders(ctx context.Context, name string, q manyQuestion,
	do func(context.Context, sqlstore.OrderFilter, sqlstore.Many) (sqlstore.DealtOrders, error)) (manyAnswer, error) {
	m, asOf, err := v.many(ctx, q)
	if err != nil {
		return manyAnswer{}, err
	}
	f, err := q.orderFilter()
	if err != nil {
		return manyAnswer{}, wrong{err}
	}
	done, err := do(ctx, f, m)
	v.byHand(ctx, name, m.Act, done.Changed, q.DryRun)
	return manyAnswer{
		What: aboutOrders, DryRun: q.DryRun, Matched: done.Matched, Held: done.Held, Running: done.Running,
		Changed: done.Changed, Due: done.Until, AsOf: asOf,
	}, err
}

// reject says no to the recruiters of orders that wait. Their words are in the result
// that the vendor gets, and nowhere else.
func (v *service) reject(ctx context.Context, q rejectQuestion) (a rejectAnswer, err error) {
	if err := q.check(); err != nil {
		return a, wrong{err}
	}
	refs, err := references(q.Orders)
	if err != nil {
		return a, wrong{err}
	}
	a.Rejected = []string{}
	defer func() { v.byHand(ctx, "reject", q.act(), len(a.Rejected), false) }()
	for _, ref := range refs {
		err := v.durable.Spool().RejectOrder(ctx, ref, q.Text, q.act())
		switch {
		case errors.Is(err, sqlstore.ErrNoOrder):
			a.Unknown = append(a.Unknown, ref.String())
		case err != nil:
			return a, err
		default:
			a.Rejected = append(a.Rejected, ref.String())
		}
	}
	return a, nil
}
