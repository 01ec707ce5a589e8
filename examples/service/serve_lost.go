package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/assessbridge/assessbridge/assessment"
	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// reconciler is what finds lost orders, for those customers that a question is about
// and how many they are.
func (v *service) reconciler(ctx context.Context, q lostQuestion) (*sqlstore.Reconciler, int, error) {
	switch {
	case q.Vendor == "" || q.Since.IsZero():
		return nil, 0, wrong{errors.New("vendor and since are required")}
	case !v.serves(q.route()):
		return nil, 0, wrong{errors.New("no such vendor and connection here")}
	case v.durable.Reconciler() == nil:
		return nil, 0, no{errors.New("no vendor here can be asked for lost orders")}
	}
	r := v.durable.Reconciler()
	n, err := r.Known(ctx, q.route(), sqlstore.Account(q.Account))
	return r, n, err
}

// reconcilerOfOne is the reconciler for a question about one customer who is known.
func (v *service) reconcilerOfOne(ctx context.Context, q lostQuestion) (*sqlstore.Reconciler, error) {
	r, n, err := v.reconciler(ctx, q)
	switch {
	case err != nil:
		return nil, err
	case q.Account == "":
		return nil, wrong{errWhose}
	case n == 0:
		return nil, errNotAsked
	}
	return r, nil
}

// errNotAsked: lost orders are looked for at customers that are known.
var errNotAsked = no{errors.New("orders of this account are not asked for")}

func (v *service) since(ctx context.Context, q lostQuestion) (a lostAnswer, err error) {
	act, err := q.checked()
	if err != nil {
		return a, err
	}
	r, err := v.reconcilerOfOne(ctx, q)
	if err != nil {
		return a, err
	}
	err = r.SetSince(ctx, q.integration(), q.Since, act)
	v.byHand(ctx, "since", act, 1, err != nil)
	return lostAnswer{Integrations: 1, Since: q.Since}, err
}

func (v *service) backfill(ctx context.Context, q lostQuestion) (a backfillAnswer, err error) {
	act, err := q.checkedUnless(q.DryRun)
	if err != nil {
		return a, err
	}
	r, err := v.reconcilerOfOne(ctx, q)
	if err != nil {
		return a, err
	}
	done, err := r.Backfill(ctx, q.integration(), q.Since, q.DryRun, act)
	v.byHand(ctx, "backfill", act, done.Queued, q.DryRun)
	var api *assessment.APIError
	if errors.As(err, &api) {
		err = no{fmt.Errorf("the vendor does not tell: status %d %s", api.StatusCode, api.Code)}
	}
	return backfillAnswer{Open: done.Open, Lost: done.Lost, Young: done.Young, Queued: done.Queued, DryRun: q.DryRun}, err
}

func (v *service) hot(ctx context.Context, q lostQuestion) (a lostAnswer, err error) {
	act, err := q.checkedUnless(q.DryRun)
	if err != nil {
		return a, err
	}
	r, n, err := v.reconciler(ctx, q)
	if err != nil {
		return a, err
	}
	a = lostAnswer{Integrations: n, Since: q.Since, DryRun: q.DryRun}
	if q.DryRun || n == 0 {
		return a, nil
	}
	err = r.MarkHot(ctx, q.route(), sqlstore.Account(q.Account), q.Since, act)
	v.byHand(ctx, "hot", act, n, err != nil)
	return a, err
}
