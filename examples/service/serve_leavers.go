package main

import (
	"context"
	"errors"

	"github.com/assessbridge/assessbridge/assessment/sqlstore"
)

// errWhose: an act on a customer without saying on whom.
var errWhose = errors.New("vendor and account are required")

func (v *service) offboard(ctx context.Context, q offboardQuestion) (a offboardAnswer, err error) {
	o := sqlstore.Offboarding{DryRun: q.DryRun, Keep: q.Keep, Most: q.Most}
	if o.Act, err = q.checkedUnless(q.DryRun); err != nil {
		return a, err
	}
	if q.Vendor == "" || q.Account == "" {
		return a, wrong{errWhose}
	}
	done, err := v.durable.Offboard(ctx, q.Vendor, q.Connection, q.Account, o)
	a = offboardAnswer{Offboarded: done.Offboarded, Rows: done.Rows(), Jobs: done.Jobs, Files: done.Files, DryRun: q.DryRun, Done: done.Done}
	v.byHand(ctx, "offboard", o.Act, int(a.Rows), q.DryRun)
	return a, explained(err)
}

func (v *service) readmit(ctx context.Context, q readmitQuestion) (a readmitAnswer, err error) {
	act, err := q.checked()
	if err != nil {
		return a, err
	}
	if q.Vendor == "" || q.Account == "" {
		return a, wrong{errWhose}
	}
	err = v.durable.Readmit(ctx, q.Vendor, q.Connection, q.Account, act)
	v.byHand(ctx, "readmit", act, 1, err != nil)
	return readmitAnswer{Account: q.Account}, explained(err)
}
